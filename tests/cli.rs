//! The real binary, as a person uses it: served, watched and published from a shell.
#![allow(clippy::disallowed_methods, reason = "a real program takes real time")]

use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

mod common;

use common::home::{Home, LOOPBACK, code, free_address, has_ipv6, stderr};

#[test]
fn a_call_published_from_the_shell_moves_the_lamp_step_by_step() {
    let home = Home::new("lamp");
    let served = home.serve(LOOPBACK, "");
    let mut doors = vec!["udp4", "tcp4"];
    match has_ipv6() {
        true => doors.extend(["udp6", "tcp6"]),
        false => println!("skipped over IPv6: this machine has none"),
    }
    for (extension, door) in (101..).zip(doors) {
        let (extension, server) = (extension.to_string(), served.server(door));
        let ask = ["--server", &server, "--json"];
        let watch = ["watch", &extension, "--package", "dialog", "--count", "4"];
        let mut watch = home.start(&[&watch[..], &ask].concat());
        let mut seen = vec![watch.json()];
        for state in ["early", "confirmed", "terminated"] {
            let publish = ["publish", &extension, "--dialog", state, "--remote", "200"];
            home.done(&[&publish[..], &ask].concat());
            seen.push(watch.json());
        }
        let states: Vec<(&Value, &Value)> =
            seen.iter().map(|line| (&line["version"], &line["state"])).collect();
        let wanted = [(0, "idle"), (1, "ringing"), (2, "busy"), (3, "idle")]
            .map(|(v, s)| (v.into(), s.into()));
        let wanted: Vec<(&Value, &Value)> = wanted.iter().map(|(v, s)| (v, s)).collect();
        assert_eq!(states, wanted, "{door}");
        assert_eq!(watch.ended(), 0, "{door}");
        let call_ids: Vec<&Value> = seen[1..].iter().map(|l| &l["dialogs"][0]["call_id"]).collect();
        assert!(call_ids.iter().all(|id| id.is_string() && *id == call_ids[0]), "{call_ids:?}");
        assert_eq!(seen[1]["dialogs"][0]["id"], seen[3]["dialogs"][0]["id"]);
    }
}

#[test]
fn after_a_call_has_ended_the_next_one_rings() {
    let home = Home::new("next");
    let served = home.serve(LOOPBACK, "");
    let server = served.server("udp4");
    let publish =
        |state: &str| home.done(&["publish", "101", "--dialog", state, "--server", &server]);
    let expect = |state: &str| {
        let watch = ["watch", "101", "--package", "dialog", "--timeout", "10s"];
        home.done(&[&watch[..], &["--expect", state, "--server", &server]].concat())
    };
    for _ in 0..2 {
        publish("early");
        expect("ringing");
        publish("confirmed");
        publish("held");
        expect("held");
        publish("terminated");
        expect("idle");
    }
}

#[test]
fn an_expected_state_ends_the_watch_and_a_missing_one_does_too() {
    let home = Home::new("expect");
    let served = home.serve(LOOPBACK, "");
    let server = served.server("udp4");
    let watch = ["watch", "101", "--server", &server];
    let mut waiting =
        home.start(&[&watch[..], &["--expect", "meeting", "--timeout", "20s"]].concat());
    assert!(waiting.line().ends_with("101 closed"));
    let publish = ["publish", "101", "--server", &server];
    let note = ["--activity", "meeting", "--note", "Back at 3"];
    home.done(&[&publish[..], &note].concat());
    assert!(waiting.line().ends_with("101 open busy meeting \"Back at 3\""));
    assert_eq!(waiting.ended(), 0);

    let late = home.run(&[&watch[..], &["--expect", "away", "--timeout", "300ms"]].concat());
    assert_eq!(code(&late), 1);
    assert!(stderr(&late).contains("101 was not away in time; last seen: open"), "{late:?}");
    let few = home.run(&[&watch[..], &["--count", "2", "--timeout", "300ms"]].concat());
    assert_eq!(code(&few), 1);
    let content = home.run(&[&watch[..], &["--timeout", "300ms"]].concat());
    assert_eq!(code(&content), 0);
    let fetched = home.done(&[&watch[..], &["--expires", "0"]].concat());
    assert_eq!(fetched.lines().count(), 1, "{fetched}");
}

#[test]
fn waiting_messages_are_counted_and_documents_are_saved() {
    let home = Home::new("mwi");
    let served = home.serve(LOOPBACK, "");
    let server = served.server("tcp4");
    home.done(&["publish", "101", "--mwi", "2/8", "--server", &server]);
    let out = home.path("out").display().to_string();
    let watch = ["watch", "101", "--package", "mwi", "--expect", "2/8", "--timeout", "10s"];
    let seen = home.done(&[&watch[..], &["--server", &server, "--out", &out]].concat());
    assert!(seen.trim_end().ends_with("101 2 new, 8 old"), "{seen}");
    let saved = std::fs::read_to_string(Path::new(&out).join("0001-message-summary.txt"));
    assert!(saved.expect("saved").starts_with("Messages-Waiting: yes\r\n"));

    home.done(&["publish", "101", "--remove", "--server", &server]);
    let watch = ["watch", "101", "--package", "mwi", "--expect", "0/0", "--timeout", "10s"];
    home.done(&[&watch[..], &["--server", &server]].concat());
    let again = home.run(&["publish", "101", "--remove", "--server", &server]);
    assert_eq!(code(&again), 1, "{again:?}");
}

#[test]
fn a_publication_that_is_kept_is_taken_back_at_the_end() {
    let home = Home::new("keep");
    let served = home.serve(LOOPBACK, "");
    let server = served.server("udp4");
    let mut watch = home.start(&["watch", "101", "--server", &server, "--json"]);
    assert_eq!(watch.json()["state"], "closed");
    let keep = ["publish", "101", "--open", "--keep", "--json", "--server", &server];
    let mut keep = home.start(&keep);
    assert_eq!(keep.json()["event"], "published");
    assert_eq!(watch.json()["state"], "open");
    keep.signal("INT");
    assert_eq!(keep.ended(), 0);
    assert_eq!(watch.json()["state"], "closed");
    watch.signal("INT");
    assert_eq!(watch.ended(), 0);
}

#[test]
fn a_publication_is_changed_not_added_to_unless_the_agent_forgot_it() {
    let home = Home::new("etag");
    let listen = format!("udp:{}", free_address());
    let mut served = home.serve_at(&[&listen], LOOPBACK, "");
    let publish =
        |more: &[&str]| home.run(&[&["publish", "101", "--server", &listen][..], more].concat());
    assert_eq!(code(&publish(&["--open"])), 0);
    assert_eq!(code(&publish(&["--closed"])), 0);
    let document = home.done(&["watch", "101", "--raw", "--count", "1", "--server", &listen]);
    assert_eq!(document.matches("<tuple").count(), 1, "{document}");
    let stale = publish(&["--open", "--etag", "00"]);
    assert_eq!(code(&stale), 4);
    assert!(stderr(&stale).contains("412"), "{stale:?}");

    served.running.signal("TERM");
    assert_eq!(served.running.ended(), 0);
    let _served = home.serve_at(&[&listen], LOOPBACK, "");
    assert_eq!(code(&publish(&["--open"])), 0);
}

#[test]
fn a_watch_goes_on_when_the_agent_comes_back() {
    let home = Home::new("back");
    let address = free_address();
    let (listen, server) = (format!("tcp:{address}"), format!("tcp:{address}"));
    let mut served = home.serve_at(&[&listen], LOOPBACK, "");
    let watch = ["watch", "101", "--expect", "open", "--timeout", "20s", "--server", &server];
    let mut watch = home.start(&watch);
    assert!(watch.line().ends_with("101 closed"));
    served.running.signal("TERM");
    assert_eq!(served.running.ended(), 0);
    let _served = home.serve_at(&[&listen], LOOPBACK, "");
    assert!(watch.line().ends_with("101 closed"));
    home.done(&["publish", "101", "--open", "--server", &server]);
    assert!(watch.line().ends_with("101 open"));
    assert_eq!(watch.ended(), 0);
}

#[test]
fn a_contact_is_registered_listed_and_taken_away() {
    let home = Home::new("register");
    let served = home.serve(LOOPBACK, "");
    let server = served.server("udp4");
    let register =
        |more: &[&str]| home.done(&[&["register", "101", "--server", &server][..], more].concat());
    assert!(register(&[]).contains("has no contacts"));
    let one = register(&["--contact", "sip:101@127.0.0.1:5070", "--for", "10m"]);
    assert!(one.contains("sip:101@127.0.0.1:5070 for 10m"), "{one}");
    home.done(&["watch", "101", "--expect", "open", "--timeout", "10s", "--server", &server]);
    assert!(register(&["--remove"]).contains("has no contacts"));
}

#[test]
fn users_prove_their_password_and_the_file_is_read_again_at_sighup() {
    let home = Home::new("digest");
    let secret = home.write("secret", "open sesame\nsecond line\n");
    let users = home.path("users").display().to_string();
    let settings = format!("[server]\ndomains = [\"a.test\"]\n[auth]\nusers_file = {users:?}\n");
    let add = |name: &str| {
        let add = ["user", "add", name, "--password-file", &secret];
        home.done(&[&add[..], &["--users-file", &users, "--realm", "a.test"]].concat())
    };
    assert!(add("101").contains("101 added"));
    let mode = std::fs::metadata(&users).expect("a users file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let mut served = home.serve("[]", &settings);
    let server = served.server("udp4");
    let publish = |user: &str, more: &[&str]| {
        let uri = format!("sip:{user}@a.test");
        home.run(&[&["publish", &uri, "--open", "--server", &server][..], more].concat())
    };
    let nobody = publish("101", &[]);
    assert_eq!(code(&nobody), 4);
    assert!(stderr(&nobody).contains("401") && stderr(&nobody).contains("--user"), "{nobody:?}");
    let proven = publish("101", &["--user", "101", "--password-file", &secret]);
    assert_eq!(code(&proven), 0, "{proven:?}");
    let wrong = home.write("wrong", "open barley");
    let wrong = publish("101", &["--user", "101", "--password-file", &wrong]);
    assert_eq!(code(&wrong), 4);
    assert!(stderr(&wrong).contains("name or password is wrong"), "{wrong:?}");
    let another = publish("102", &["--user", "101", "--password-file", &secret]);
    assert!(stderr(&another).contains("403"), "{another:?}");

    let watch = ["watch", "sip:101@a.test", "--user", "101", "--password-file", &secret];
    let expect = ["--expect", "open", "--timeout", "10s", "--server", &server];
    home.done(&[&watch[..], &expect].concat());

    assert_eq!(code(&publish("102", &["--user", "102", "--password-file", &secret])), 4);
    add("102");
    served.running.signal("HUP");
    assert_eq!(served.running.event("reloaded")["users"], 2);
    let second = publish("102", &["--user", "102", "--password-file", &secret]);
    assert_eq!(code(&second), 0, "{second:?}");
}

#[test]
fn users_are_added_listed_and_removed() {
    let home = Home::new("users");
    home.write("fanal.toml", "[server]\ndomains = [\"A.test\"]\n[auth]\nusers_file = \"people\"\n");
    let user =
        |args: &[&str]| home.run(&[&["user"][..], args, &["--config", "fanal.toml"]].concat());
    let mut typed = home
        .command(&["user", "add", "boss", "--aor", "sip:200@a.test", "--config", "fanal.toml"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary runs");
    typed.stdin.take().expect("piped").write_all(b"secret\n").expect("written");
    assert!(typed.wait().expect("ends").success());
    let list = user(&["list", "--json"]);
    let line: Value = serde_json::from_slice(&list.stdout).expect("one line of JSON");
    assert_eq!(line["aor"], "200@a.test");
    assert_eq!(line["realm"], "a.test");
    let file = std::fs::read_to_string(home.path("people")).expect("people");
    assert!(file.starts_with("boss ") && !file.contains("secret"), "{file}");

    assert_eq!(code(&user(&["add", "boss"])), 2, "no password came");
    assert_eq!(code(&user(&["remove", "nobody"])), 1);
    assert_eq!(code(&user(&["remove", "boss"])), 0);
    assert!(user(&["list"]).stdout.is_empty());
}

#[test]
fn each_kind_of_failure_has_its_exit_code() {
    let home = Home::new("codes");
    let served = home.serve(LOOPBACK, "");
    let server = served.server("udp4");
    let nobody = format!("tcp:{}", free_address());
    for (args, exit, told) in [
        (vec!["watch", "sip:101@elsewhere.test", "--server", &server], 4, "refused: 404"),
        (vec!["publish", "101", "--open", "--for", "5s", "--server", &server], 4, "at least 1m"),
        (vec!["watch", "101", "--server", &nobody], 3, "nobody listens at tcp:127.0.0.1"),
        (vec!["watch", "101", "--server", "carrier pigeon"], 2, "is no server"),
        (vec!["watch", "not an address"], 2, "is no address"),
        (
            vec!["watch", "101", "--package", "dialog", "--expect", "busi"],
            2,
            "did you mean \"busy\"",
        ),
        (vec!["publish", "101"], 2, "say what to publish"),
        (vec!["publish", "101", "--activity", "meting"], 2, "did you mean \"meeting\""),
        (vec!["publish", "101", "--open", "--mwi", "1/0"], 2, "cannot be used with"),
    ] {
        let output = home.run(&args);
        assert_eq!(code(&output), exit, "{args:?}: {output:?}");
        assert!(stderr(&output).contains(told), "{args:?}: {output:?}");
    }
    let refused = home.run(&["watch", "1@else.test", "--server", &server, "--json"]);
    let object: Value = serde_json::from_slice(&refused.stderr).expect("an object");
    assert_eq!((&object["status"], &object["exit"]), (&404.into(), &4.into()));
}

#[test]
fn what_is_too_large_for_a_datagram_goes_by_a_stream() {
    let home = Home::new("large");
    // One port for both transports, as phones have it.
    let server = free_address().to_string();
    let listen = [format!("udp:{server}"), format!("tcp:{server}")];
    let _served = home.serve_at(&[&listen[0], &listen[1]], LOOPBACK, "");
    let note = "x".repeat(40_000);
    home.done(&["publish", "101", "--open", "--note", &note, "--server", &server]);
}

#[test]
fn the_agent_stops_well_when_it_is_told_to() {
    let home = Home::new("stop");
    for signal in ["TERM", "INT"] {
        let mut served = home.serve(LOOPBACK, "");
        served.running.signal(signal);
        assert_eq!(served.running.event("stopping")["signal"], format!("SIG{signal}"));
        assert_eq!(served.running.ended(), 0);
    }
}

#[test]
fn a_taken_port_keeps_the_agent_from_starting_and_the_check_says_so() {
    let home = Home::new("taken");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address");
    let config = home.write("fanal.toml", &format!("[transport]\nlisten = [\"tcp:{address}\"]\n"));
    let served = home.run(&["serve", "--config", &config, "--ephemeral"]);
    assert_eq!(code(&served), 1);
    let told = format!("port {} is taken", address.port());
    assert!(stderr(&served).contains(&told), "{served:?}");
    let checked = home.run(&["check", "--config", &config, "--json"]);
    assert_eq!(code(&checked), 1);
    let lines = String::from_utf8(checked.stdout).expect("text");
    let failed: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .filter(|line: &Value| line["level"] == "fail")
        .collect();
    assert_eq!(failed.len(), 1, "{lines}");
    assert!(failed[0]["what"].as_str().is_some_and(|what| what.contains(&told)), "{lines}");
}

#[test]
fn wrong_settings_are_told_with_their_place_and_what_to_write() {
    let home = Home::new("settings");
    home.write("fanal.toml", "[server]\ndomains = [\"a.test\"]\n\n[transport]\nlisen = []\n");
    for command in [&["serve"][..], &["config", "show"], &["user", "list"]] {
        let output = home.run(&[command, &["--config", "fanal.toml"]].concat());
        assert_eq!(code(&output), 2, "{output:?}");
        let told = "fanal.toml:5: unknown key \"lisen\" in [transport]; did you mean \"listen\"?";
        assert!(stderr(&output).contains(told), "{output:?}");
    }
    let checked = home.run(&["check", "--config", "fanal.toml"]);
    assert_eq!(code(&checked), 1);
    assert!(String::from_utf8_lossy(&checked.stdout).starts_with("fail  settings: fanal.toml:5"));

    let variable = |name: &str, value: &str| {
        home.command(&["config", "show"]).env(name, value).output().expect("the binary runs")
    };
    let shown = variable("FANAL_TRANSPORT__LISTEN", "udp:0.0.0.0:5070, tcp:[::]:5070");
    let text = String::from_utf8(shown.stdout).expect("text");
    let told = "listen = [\"udp:0.0.0.0:5070\", \"tcp:[::]:5070\"]  # FANAL_TRANSPORT__LISTEN";
    assert!(text.contains(told), "{text}");
    let wrong = variable("FANAL_TRANSPORT__LISTEN", "udp:pbx");
    assert_eq!(code(&wrong), 2);
    assert!(stderr(&wrong).contains("FANAL_TRANSPORT__LISTEN: transport.listen: \"udp:pbx\""));
}

#[test]
fn the_default_file_is_the_default_and_the_example_can_be_used() {
    let home = Home::new("default");
    let page = home.done(&["config", "default"]);
    home.write("default.toml", &page);
    let shown = home.done(&["config", "show"]);
    let of_page = home.done(&["config", "show", "--config", "default.toml"]);
    let bare = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.split("  # ").next().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(bare(&shown), bare(&of_page));
    assert!(!shown.contains('#'), "{shown}");

    let office = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/office.toml");
    let shown = home.done(&["config", "show", "--config", office, "--json"]);
    let shown: Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(shown["transport"]["trusted"]["value"][0], "10.0.0.5/32");
    assert!(
        shown["store"]["path"]["from"].as_str().is_some_and(|from| from.contains("office.toml:"))
    );
}
