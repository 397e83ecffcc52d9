//! Who asks over HTTP sees what a subscription would show, and nothing else.

use serde_json::{Value, json};

use crate::client::{ALICE, BOB, Client, ROOT, open, serve, watch};
use crate::home::Home;
use crate::phone::{Phone, body, dialog_info};

const RULES: &str = "[policy]\nrule = [\n\
    { presentity = \"101@example.com\", watcher = \"102@example.com\", verdict = \"polite-block\" },\n\
    { presentity = \"103@example.com\", watcher = \"102@example.com\", verdict = \"block\" },\n\
    { presentity = \"104@example.com\", watcher = \"102@example.com\", verdict = \"confirm\" },\n\
    { watcher = \"101@example.com\", verdict = \"allow\" },\n\
    { watcher = \"operator@example.com\", verdict = \"allow\" },\n]\n";

/// The very document, as PIDF.
fn document(client: &Client, user: &str, token: &str) -> String {
    let path = format!("/v1/presence/{user}");
    let got = client.ask_with("GET", &path, token, "", "Accept: application/pidf+xml\r\n");
    assert_eq!(got.status, 200, "{got:?}");
    assert!(got.head.contains("content-type: application/pidf+xml"), "{got:?}");
    got.body
}

#[test]
fn a_reader_is_shown_the_octets_of_the_notify() {
    let home = Home::new("http-sight");
    let (served, client) = serve(&home, RULES);
    let sip = served.doors["udp4"];
    open(sip, "101");
    client.set("101", ALICE, &json!({ "state": "invisible", "note": "Secret" }).to_string());
    for (watcher, token) in [("102", BOB), ("101", ALICE), ("operator", ROOT)] {
        let (_, notify) = watch(sip, watcher, "101");
        assert_eq!(document(&client, "101", token), body(&notify), "{watcher}");
    }
    let [bob, alice, root] = [BOB, ALICE, ROOT].map(|token| client.get("/v1/presence/101", token));
    assert_eq!((&bob["availability"], &bob["note"]), (&json!("offline"), &Value::Null));
    assert_eq!(root["availability"], "offline", "invisible to all others: {root}");
    assert_eq!((&alice["availability"], &alice["basic"]), (&json!("available"), &json!("open")));

    let blocked = client.ask("GET", "/v1/presence/103", BOB, "");
    assert_eq!((blocked.status, &blocked.json()["error"]), (403, &json!("forbidden")));
    let pending = client.get("/v1/presence/104", BOB);
    assert_eq!((&pending["substate"], &pending["availability"]), (&json!("pending"), &Value::Null));
}

#[test]
fn of_a_group_those_are_told_who_are_there_and_may_be_seen() {
    let home = Home::new("http-group");
    let (served, client) = serve(&home, RULES);
    let sip = served.doors["udp4"];
    ["101", "103", "104"].iter().for_each(|user| open(sip, user));
    let there = |token: &str, channel: &str| {
        let found = client.get(&format!("/v1/available?group=desk&channel={channel}"), token);
        let users = found["available"].as_array().expect("a list").iter();
        users.map(|one| one["aor"].as_str().expect("an AoR")[..3].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(there(ROOT, "voice"), ["101", "103", "104"]);
    assert_eq!(there(BOB, "voice"), [""; 0], "blocked, politely blocked, pending");
    client.set("103", ROOT, &json!({ "state": "away" }).to_string());
    let phone = Phone::new(sip);
    phone.publish("104", &dialog_info("104", "early", 0));
    assert_eq!(there(ROOT, "voice"), ["101"]);
    assert_eq!(there(ROOT, "message"), ["101", "104", "103"], "who is away comes last");
    let unknown = client.ask("GET", "/v1/available?group=none", ROOT, "");
    assert_eq!(unknown.status, 404);
    let wrong = client.ask("GET", "/v1/available?group=desk&channel=fax", ROOT, "");
    assert_eq!(wrong.status, 400, "{wrong:?}");
}

#[test]
fn why_tells_sources_and_watchers_to_who_may_know() {
    let home = Home::new("http-why");
    let (served, client) = serve(&home, RULES);
    let sip = served.doors["udp4"];
    open(sip, "101");
    let (phone, _) = watch(sip, "102", "101");
    let (other, _) = watch(sip, "operator", "101");
    client.set("101", ALICE, &json!({ "state": "dnd", "for": "45m" }).to_string());
    other.request();
    let why = client.get("/v1/why/101", ROOT);
    assert_eq!(why["availability"], "dnd");
    let first = &why["sources"][0];
    assert_eq!((&first["source"], &first["decides"]), (&json!("manual"), &json!(true)), "{why}");
    assert_eq!((&first["layer"], &first["by"]), (&json!(1), &json!("101@example.com")));
    assert!(first["age_seconds"].as_u64().is_some_and(|age| age < 60) && first["end"].is_string());
    assert_eq!(why["sources"][1]["source"], "publication:0");
    let watchers = why["watchers"].as_array().expect("a list");
    assert_eq!(watchers.len(), 2);
    let bob = client.get("/v1/why/101?watcher=102", ROOT);
    assert_eq!(bob["watchers"][0]["verdict"], "polite-block", "{bob}");
    assert_eq!(bob["watchers"].as_array().map(Vec::len), Some(1));
    assert_eq!(bob["sight"]["availability"], "offline");
    assert_eq!(bob["rules"]["matched"], json!(["operator/rule-1"]), "{bob}");
    let told = &bob["watchers"][0];
    assert_eq!(told["rules"], json!(["operator/rule-1"]));
    assert!(told["last_notify"]["sent"].is_string(), "{told}");
    assert_eq!(why["rules"], Value::Null, "nobody was asked about");
    assert_eq!(client.ask("GET", "/v1/why/101", ALICE, "").status, 403);
    drop(phone);
}

/// Rules of 101: 102 may know what 101 does, and no more.
const PERSONAL: &str = "<ruleset xmlns=\"urn:ietf:params:xml:ns:common-policy\" \
    xmlns:pr=\"urn:ietf:params:xml:ns:pres-rules\"><rule id=\"a\"><conditions><identity>\
    <one id=\"sip:102@example.com\"/></identity></conditions>\
    <actions><pr:sub-handling>allow</pr:sub-handling></actions><transformations>\
    <pr:provide-services><pr:all-services/></pr:provide-services>\
    <pr:provide-persons><pr:all-persons/></pr:provide-persons>\
    <pr:provide-activities>true</pr:provide-activities></transformations></rule></ruleset>";

#[test]
fn a_reader_who_may_see_a_part_is_shown_that_part() {
    let home = Home::new("http-part");
    let folder = "rules/pres-rules/users/sip:101@example.com";
    std::fs::create_dir_all(home.path(folder)).expect("made");
    home.write(&format!("{folder}/index"), PERSONAL);
    let (served, client) = serve(&home, "[policy]\ndocuments = \"rules\"\n");
    let sip = served.doors["udp4"];
    open(sip, "101");
    client.set("101", ALICE, &json!({ "state": "busy", "note": "Secret" }).to_string());
    let before = document(&client, "101", BOB);
    let (_, notify) = watch(sip, "102", "101");
    assert_eq!(document(&client, "101", BOB), body(&notify));
    assert!(before.contains("busy") && !before.contains("Secret"), "{before}");
    assert!(document(&client, "101", ALICE).contains("Secret"));
    assert_eq!(client.ask("GET", "/v1/presence/101", ROOT, "").status, 403, "no rule means it");
}

/// Working hours that are never: the organisation hides contacts and all but its own words.
const POLICY: &str = "[policy]\ndefault_inside = \"allow\"\n[[policy.ceiling]]\nname = \"quiet\"\n\
    who = { user = \"102@example.com\" }\nhide = [\"contact\", \"activities\"]\n";

#[test]
fn why_names_the_rule_the_ceiling_and_each_part_that_is_hidden() {
    let home = Home::new("http-why-rules");
    let folder = "rules/pres-rules/users/sip:101@example.com";
    std::fs::create_dir_all(home.path(folder)).expect("made");
    home.write(&format!("{folder}/index"), PERSONAL);
    home.write("policy.toml", POLICY);
    let settings =
        "[policy]\ndocuments = \"rules\"\norganisation_file = \"policy.toml\"\n".to_owned();
    let (served, client) = serve(&home, &settings);
    let sip = served.doors["udp4"];
    open(sip, "101");
    open(sip, "103");
    client.set("101", ALICE, &json!({ "state": "busy", "note": "Secret" }).to_string());
    let (bob, _) = watch(sip, "102", "101");
    let why = client.get("/v1/why/101?watcher=102", ROOT);
    let rules = &why["rules"];
    assert_eq!((&rules["handling"], &rules["lamps"]), (&json!("allow"), &json!("allow")));
    assert_eq!(rules["matched"], json!(["index/a", "organisation/quiet"]), "{rules}");
    let by = |part: &str| {
        let hidden = rules["hidden"].as_array().expect("a list");
        let hidden = hidden.iter().find(|hidden| hidden["part"] == part);
        hidden.map(|hidden| (hidden["permission"].clone(), hidden["by"].clone()))
    };
    assert_eq!(by("note"), Some((json!("provide-note"), json!("rules"))), "{rules}");
    assert_eq!(
        by("availability"),
        Some((json!("provide-activities"), json!("organisation/quiet"))),
        "{rules}"
    );
    assert_eq!(by("service"), None);
    assert_eq!(rules["ceilings"][0]["effect"], json!(["hides contact, activities"]));
    let told = &why["watchers"][0];
    assert_eq!(told["rules"], json!(["index/a", "organisation/quiet"]));
    for _ in 0..100 {
        let why = client.get("/v1/why/101?watcher=102", ROOT);
        if why["watchers"][0]["last_notify"]["outcome"] == "answered" {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let why = client.get("/v1/why/101?watcher=102", ROOT);
    assert_eq!(why["watchers"][0]["last_notify"]["outcome"], "answered", "{why}");
    let stranger = client.get("/v1/why/101?watcher=109", ROOT);
    assert_eq!(
        (&stranger["rules"]["handling"], &stranger["sight"]["refused"]),
        (&json!("block"), &json!(403))
    );
    let plain = client.get("/v1/why/103?watcher=109", ROOT);
    assert_eq!(plain["rules"]["matched"], json!(["organisation/default_inside"]), "{plain}");
    assert_eq!(plain["rules"]["hidden"], json!([]), "{plain}");
    drop(bob);
}

/// Nobody works, so that private numbers are nobody's business.
const OFF: &str = "[policy]\ndefault_inside = \"allow\"\n[[policy.ceiling]]\nname = \"day-off\"\n\
    who = { except_user = \"operator@example.com\" }\nwhen = { off_work = true }\n\
    hide = [\"contact:private\"]\n[[policy.hours]]\nzone = \"Etc/UTC\"\n";

const CONTACTS: &str = "[policy]\norganisation_file = \"policy.toml\"\n[http.contact]\n\
    101 = [{ uri = \"tel:+15550100\", priority = 90, class = \"private\" }, \
    { uri = \"sip:101@example.com\", name = \"Desk\" }, { uri = \"mailto:alice@example.com\" }]\n\
    \"103@example.com\" = [{ uri = \"mailto:carol@example.com\", channel = \"mail\" }]\n";

#[test]
fn contacts_come_best_first_and_private_ones_not_out_of_hours() {
    let home = Home::new("http-contacts");
    home.write("policy.toml", OFF);
    let (served, client) = serve(&home, CONTACTS);
    let sip = served.doors["udp4"];
    ["101", "103"].iter().for_each(|user| open(sip, user));
    let ways = |token: &str, channel: &str| -> Vec<(String, Vec<String>)> {
        let path = format!("/v1/available?group=desk&channel={channel}");
        let found = client.get(&path, token);
        assert_eq!(found["channel"], channel);
        let each = found["available"].as_array().expect("a list").iter().map(|one| {
            let contacts = one["contacts"].as_array().expect("a list").iter();
            let uris = contacts.map(|way| way["uri"].as_str().expect("a URI").to_owned());
            (one["aor"].as_str().expect("an AoR")[..3].to_owned(), uris.collect())
        });
        each.collect()
    };
    let own = |user: &str, uris: &[&str]| {
        (user.to_owned(), uris.iter().map(|&uri| uri.to_owned()).collect::<Vec<_>>())
    };
    let all = [
        own("101", &["tel:+15550100", "sip:101@example.com"]),
        own("103", &["sip:103@example.com"]),
    ];
    assert_eq!(ways(ROOT, "voice"), all);
    let fewer = [own("101", &["sip:101@example.com"]), own("103", &["sip:103@example.com"])];
    assert_eq!(ways(BOB, "voice"), fewer);
    let mail =
        [own("101", &["mailto:alice@example.com"]), own("103", &["mailto:carol@example.com"])];
    assert_eq!(ways(BOB, "mail"), mail);
    client.set("101", ALICE, &json!({ "state": "dnd" }).to_string());
    assert_eq!(ways(BOB, "chat"), [own("103", &["sip:103@example.com"])]);
    let mail = ways(BOB, "mail");
    assert_eq!(mail[0].0, "103", "who is not to be disturbed comes last: {mail:?}");
}

#[test]
fn who_is_free_for_longest_comes_first() {
    let home = Home::new("http-longest");
    let (served, client) = serve(&home, "");
    let sip = served.doors["udp4"];
    ["101", "103", "104"].iter().for_each(|user| open(sip, user));
    // What nobody watches is not looked at.
    let _watching: Vec<_> =
        ["101", "103", "104"].iter().map(|user| watch(sip, "operator", user)).collect();
    let order = || {
        let found = client.get("/v1/available?group=desk", ROOT);
        let users = found["available"].as_array().expect("a list").iter();
        users.map(|one| one["aor"].as_str().expect("an AoR")[..3].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(order(), ["101", "103", "104"], "as the group has them");
    let phone = Phone::new(sip);
    for user in ["103", "101"] {
        phone.publish(user, &dialog_info(user, "confirmed", 0));
        assert!(!order().contains(&user.to_owned()), "{user} is on the phone");
        phone.publish(user, &dialog_info(user, "terminated", 1));
        // Two ends in the same millisecond would be alike.
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert_eq!(order(), ["104", "103", "101"]);
    client.set("104", ROOT, &json!({ "state": "away" }).to_string());
    assert_eq!(order(), ["103", "101"]);
}
