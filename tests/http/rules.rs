//! Rules of a person put over HTTP, and what watchers see of it at once.

use serde_json::json;

use crate::client::{ALICE, BOB, Client, Got, ROOT, open, serve, watch};
use crate::home::{Home, code, stderr};
use crate::phone::body;

pub const XML: &str = "Content-Type: application/auth-policy+xml\r\n";

const SETTINGS: &str = "[policy]\ndocuments = \"rules\"\n";

/// Rules that do this with 102, and show these beside persons and services.
pub fn rules(handling: &str, shown: &str) -> String {
    format!(
        "<ruleset xmlns=\"urn:ietf:params:xml:ns:common-policy\"\n \
         xmlns:pr=\"urn:ietf:params:xml:ns:pres-rules\">\n<rule id=\"bob\"><conditions><identity>\
         <one id=\"sip:102@example.com\"/></identity></conditions>\n\
         <actions><pr:sub-handling>{handling}</pr:sub-handling></actions>\n<transformations>\
         <pr:provide-services><pr:all-services/></pr:provide-services>\
         <pr:provide-persons><pr:all-persons/></pr:provide-persons>{shown}\
         </transformations></rule></ruleset>"
    )
}

fn home(name: &str) -> Home {
    let home = Home::new(name);
    std::fs::create_dir(home.path("rules")).expect("made");
    home
}

fn put(client: &Client, token: &str, path: &str, text: &str, more: &str) -> Got {
    client.ask_with("PUT", path, token, text, &format!("{XML}{more}"))
}

fn etag(got: &Got) -> String {
    let line = got.head.lines().find_map(|line| line.strip_prefix("etag: "));
    line.unwrap_or_else(|| panic!("{got:?}")).to_owned()
}

const PATH: &str = "/v1/rules/101";

#[test]
fn what_a_person_decides_is_told_to_watchers_at_once() {
    let home = home("rules-live");
    let (served, client) = serve(&home, SETTINGS);
    let sip = served.doors["udp4"];
    open(sip, "101");
    client.set("101", ALICE, &json!({ "state": "busy", "note": "Plans" }).to_string());

    assert_eq!(put(&client, ALICE, PATH, &rules("confirm", ""), "").status, 201);
    let (bob, first) = watch(sip, "102", "101");
    assert!(body(&first).is_empty(), "pending: {}", body(&first));
    let text = |name: &str| body(&bob.request()).contains(name);

    let shown = "<pr:provide-activities>true</pr:provide-activities>";
    assert_eq!(put(&client, ALICE, PATH, &rules("allow", shown), "").status, 200);
    let approved = body(&bob.request());
    assert!(approved.contains("busy") && !approved.contains("Plans"), "{approved}");

    let shown = format!("{shown}<pr:provide-note>true</pr:provide-note>");
    assert_eq!(put(&client, ALICE, PATH, &rules("allow", &shown), "").status, 200);
    assert!(text("Plans"), "the note is shown");

    assert_eq!(put(&client, ALICE, PATH, &rules("polite-block", &shown), "").status, 200);
    let offline = body(&bob.request());
    assert!(offline.contains("closed") && !offline.contains("busy"), "{offline}");
    assert_eq!(client.get("/v1/presence/101", BOB)["availability"], "offline");

    assert_eq!(put(&client, ALICE, PATH, &rules("block", ""), "").status, 200);
    let ended = bob.request();
    let state = String::from_utf8_lossy(ended.raw()).into_owned();
    assert!(state.contains("terminated;reason=rejected"), "{state}");
    assert_eq!(client.ask("GET", "/v1/presence/101", BOB, "").status, 403);

    assert_eq!(client.ask("DELETE", PATH, ALICE, "").status, 204);
    assert_eq!(client.get("/v1/presence/101", BOB)["availability"], "busy", "no rules, no secret");
}

#[test]
fn a_document_is_changed_as_it_was_read_and_not_otherwise() {
    let home = home("rules-etag");
    let (_served, client) = serve(&home, SETTINGS);
    let (one, other) = (rules("allow", ""), rules("confirm", ""));
    assert_eq!(put(&client, ALICE, PATH, &one, "If-Match: *\r\n").status, 412, "there is none");
    let first = put(&client, ALICE, PATH, &one, "If-None-Match: *\r\n");
    assert_eq!((first.status, first.json()["aor"].as_str()), (201, Some("101@example.com")));
    assert_eq!(put(&client, ALICE, PATH, &other, "If-None-Match: *\r\n").status, 412);

    let read = client.ask("GET", "/v1/rules/101/index", ALICE, "");
    assert_eq!((read.status, &read.body, etag(&read)), (200, &one, etag(&first)));
    assert!(read.head.contains("content-type: application/auth-policy+xml"), "{read:?}");
    let by_accept = client.ask_with("GET", PATH, ALICE, "", &format!("Accept: {}", &XML[14..]));
    assert_eq!(by_accept.body, one);
    let list = client.get(PATH, ALICE);
    assert_eq!(list["documents"][0]["document"], "index");
    assert_eq!(list["documents"][0]["etag"], etag(&first));

    let matching = |tag: &str| format!("If-Match: {tag}\r\n");
    let second = put(&client, ALICE, PATH, &other, &matching(&etag(&first)));
    assert_eq!(second.status, 200, "{second:?}");
    let late = put(&client, ALICE, PATH, &one, &matching(&etag(&first)));
    assert_eq!((late.status, late.json()["error"].as_str()), (412, Some("changed")));
    let gone = |tag: &str| client.ask_with("DELETE", PATH, ALICE, "", &matching(tag)).status;
    assert_eq!((gone(&etag(&first)), gone(&etag(&second)), gone("*")), (412, 204, 412));
    assert_eq!(client.ask("DELETE", PATH, ALICE, "").status, 404);
    assert_eq!(client.get(PATH, ALICE)["documents"], json!([]));
}

#[test]
fn what_cannot_be_read_changes_nothing_and_is_told_by_its_line() {
    let home = home("rules-wrong");
    let (_served, client) = serve(&home, SETTINGS);
    let good = rules("polite-block", "");
    assert_eq!(put(&client, ALICE, PATH, &good, "").status, 201);
    let bad = [
        (good.replace("polite-block", "perhaps"), 4, "sub-handling"),
        (good.replace("</ruleset>", ""), 5, ""),
        (String::new(), 1, ""),
        ("<!DOCTYPE x [<!ENTITY a \"b\">]>".to_owned() + &good, 1, ""),
    ];
    for (text, line, told) in bad {
        let got = put(&client, ALICE, PATH, &text, "");
        assert_eq!(got.status, 400, "{text}: {got:?}");
        let message = got.json();
        assert_eq!(message["line"], line, "{message}");
        let message = message["message"].as_str().expect("a sentence").to_owned();
        assert!(
            message.starts_with(&format!("line {line}: ")) && message.contains(told),
            "{message}"
        );
    }
    for name in ["..", ".index", "a%2Fb", "a%00b", &"x".repeat(65)] {
        let got = put(&client, ALICE, &format!("{PATH}/{name}"), &good, "");
        assert_eq!(got.status, 400, "{name}: {got:?}");
    }
    for nth in 1..16 {
        assert_eq!(put(&client, ALICE, &format!("{PATH}/d{nth}"), &good, "").status, 201);
    }
    let one_more = put(&client, ALICE, &format!("{PATH}/d16"), &good, "");
    assert!(one_more.body.contains("more than 16 documents"), "{one_more:?}");
    assert_eq!(client.ask("GET", "/v1/rules/101/index", ALICE, "").body, good);
}

#[test]
fn rules_are_their_owners_and_those_of_who_may_write_for_all() {
    let home = home("rules-whose");
    let (_served, client) = serve(&home, SETTINGS);
    let good = rules("allow", "");
    for (token, path, status) in [
        (BOB, PATH, 403),
        (BOB, "/v1/rules/102", 403),
        (ALICE, "/v1/rules/102", 403),
        (ALICE, "/v1/rules/101@elsewhere.test", 404),
        (ROOT, "/v1/rules/102", 201),
        (ALICE, PATH, 201),
    ] {
        assert_eq!(put(&client, token, path, &good, "").status, status, "{path}");
        let got = client.ask("GET", path, token, "");
        assert_eq!(got.status, if status == 201 { 200 } else { status }, "{path}");
    }
    let (_bare, client) = serve(&Home::new("rules-none"), "");
    let got = put(&client, ALICE, PATH, &good, "");
    assert!(got.status == 404 && got.body.contains("policy.documents"), "{got:?}");
}

#[test]
fn rules_survive_a_kill_and_stand_where_files_do() {
    let home = home("rules-kept");
    let mut command = home.serving(
        &["udp:127.0.0.1:0"],
        crate::home::LOOPBACK,
        &crate::client::settings(SETTINGS),
    );
    // An editor's document stays where it is.
    let folder = "rules/pres-rules/users/101@Example.COM";
    std::fs::create_dir_all(home.path(folder)).expect("made");
    home.write(&format!("{folder}/index.xml"), &rules("allow", ""));
    let mut served = home.served(&mut command);
    let client = Client::of(&served);
    let other = rules("polite-block", "");
    assert_eq!(put(&client, ALICE, PATH, &other, "").status, 200, "in place of the editor's");
    assert_eq!(put(&client, ROOT, "/v1/rules/103", &other, "").status, 201);
    served.running.child.kill().expect("killed");
    served.running.child.wait().expect("gone");
    let read = |name: &str| std::fs::read_to_string(home.path(name)).expect(name);
    assert_eq!(read(&format!("{folder}/index.xml")), other);
    assert_eq!(read("rules/pres-rules/users/sip:103@example.com/index"), other);
    let names = std::fs::read_dir(home.path(folder)).expect("a folder").count();
    assert_eq!(names, 1, "nothing is left beside it");

    let mut served = home.served(&mut command);
    let client = Client::of(&served);
    open(served.doors["udp4"], "101");
    assert_eq!(client.get("/v1/presence/101", BOB)["availability"], "offline");
    // What is put stays when everything is read anew.
    assert_eq!(put(&client, ALICE, PATH, &rules("allow", ""), "").status, 200);
    served.running.signal("HUP");
    served.running.event("reloaded");
    assert_eq!(client.get("/v1/presence/101", BOB)["availability"], "available");
}

#[test]
fn a_disk_that_takes_nothing_leaves_all_as_it_was() {
    let home = home("rules-disk");
    let (mut served, client) = serve(&home, SETTINGS);
    open(served.doors["udp4"], "101");
    // A file where a folder has to be.
    home.write("rules/pres-rules", "in the way");
    let got = put(&client, ALICE, PATH, &rules("block", ""), "");
    assert_eq!((got.status, got.json()["error"].as_str()), (503, Some("unkept")), "{got:?}");
    assert!(served.running.event("rules_not_kept")["reason"].is_string());
    assert_eq!(client.get("/v1/presence/101", BOB)["availability"], "available");
}

#[test]
fn a_person_types_it() {
    let home = home("rules-typed");
    let (_served, client) = serve(&home, SETTINGS);
    let file = home.write("mine.xml", &rules("allow", ""));
    let run = |args: &[&str]| {
        let mut command = home.command(args);
        command.env("FANAL_API", client.address.to_string()).env("FANAL_TOKEN", ALICE);
        command.output().expect("the binary runs")
    };
    let out = |args: &[&str]| {
        let output = run(args);
        assert_eq!(code(&output), 0, "{output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert_eq!(out(&["rules", "put", "101", &file]), "101@example.com: index is in force\n");
    assert!(out(&["rules", "show", "101"]).starts_with("index "));
    assert_eq!(out(&["rules", "show", "101", "--document", "index"]), rules("allow", ""));
    let file = home.write("bad.xml", &rules("perhaps", ""));
    let output = run(&["rules", "put", "101", &file]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("line 4: "), "{output:?}");
    assert_eq!(out(&["rules", "remove", "101"]), "");
    assert_eq!(code(&run(&["rules", "show", "101", "--document", "index"])), 4);
}
