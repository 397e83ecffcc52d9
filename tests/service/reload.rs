//! Settings read anew at SIGHUP: all of them or none, and nobody loses a subscription.

use std::time::Duration;

use fanal::sip::Status;
use serde_json::Value;

use crate::common::home::{Home, LOOPBACK, Served, code, stderr};
use crate::phone::{Phone, body, dialog_info};

const SERVER: &str = "[server]\ndomains = [\"example.com\"]\nshards = 2\n";

/// Writes other settings for the same doors.
fn rewrite(home: &Home, served: &Served, trusted: &str, settings: &str) {
    let listen = [format!("udp:{}", served.doors["udp4"]), format!("tcp:{}", served.doors["tcp4"])];
    let text = format!("[transport]\nlisten = {listen:?}\ntrusted = {trusted}\n{settings}");
    home.write("fanal.toml", &text);
}

fn serve(home: &Home, trusted: &str, settings: &str) -> Served {
    // Doors that are named the same way after a reload.
    let address = crate::common::home::free_address();
    let listen = [format!("udp:{address}"), format!("tcp:{address}")];
    home.serve_at(&[&listen[0], &listen[1]], trusted, settings)
}

fn reloaded(served: &mut Served) -> Value {
    served.running.signal("HUP");
    loop {
        let line = served.running.json();
        if ["reloaded", "not_reloaded"].iter().any(|event| line["event"] == *event) {
            return line;
        }
    }
}

#[test]
fn limits_trust_and_level_change_while_a_watcher_watches_on() {
    let home = Home::new("reload");
    let mut served = serve(&home, LOOPBACK, SERVER);
    let (watcher, phone) = (Phone::new(served.doors["udp4"]), Phone::new(served.doors["udp4"]));
    watcher.subscribe("101", &watcher.contact());
    watcher.request();

    let more = "[notifier]\nwatchers_max = 1\n[log]\nlevel = \"debug\"\n";
    rewrite(&home, &served, LOOPBACK, &format!("{SERVER}{more}"));
    let line = reloaded(&mut served);
    assert_eq!((&line["event"], &line["users"]), (&"reloaded".into(), &0.into()));
    assert_eq!(line["changed"], "notifier.watchers_max,log.level");
    let second = Phone::new(served.doors["udp4"]);
    assert_eq!(second.subscribe("101", &second.contact()).status(), Status(403), "one is enough");
    phone.send("SIP/2.0 nonsense\r\n\r\n");
    served.running.event("malformed");

    phone.publish("101", &dialog_info("101", "early", 0));
    assert!(body(&watcher.request()).contains("early"), "it watches on");
    rewrite(&home, &served, "[]", SERVER);
    assert_eq!(reloaded(&mut served)["event"], "reloaded");
    let stranger = phone.publish("101", &dialog_info("101", "confirmed", 0));
    assert_eq!(stranger.status(), Status(401), "trusted no more");
}

#[test]
fn rules_that_change_are_told_to_whom_they_concern_and_nobody_else() {
    let home = Home::new("rules");
    let rules = |rule: &str| format!("{SERVER}[policy]\nrule = [{rule}]\ndefault = \"allow\"\n");
    let mut served = serve(&home, LOOPBACK, &rules(""));
    let address = served.doors["udp4"];
    let (one, other, phone) = (Phone::new(address), Phone::new(address), Phone::new(address));
    for (watcher, user) in [(&one, "101"), (&other, "102")] {
        watcher.subscribe(user, &watcher.contact());
        watcher.request();
    }
    let blocked = "{ presentity = \"101@example.com\", verdict = \"block\" }";
    rewrite(
        &home,
        &served,
        LOOPBACK,
        &format!("{SERVER}[policy]\nrule = [{blocked}]\ndefault = \"block\"\n"),
    );
    assert_eq!(reloaded(&mut served)["changed"], "policy.default,policy.rule");
    let last = one.request();
    let text = String::from_utf8_lossy(last.raw()).into_owned();
    assert!(text.contains("\r\nSubscription-State: terminated;reason=rejected"), "{text}");
    other.request();

    let polite = "{ presentity = \"102@example.com\", verdict = \"polite-block\" }";
    rewrite(&home, &served, LOOPBACK, &rules(polite));
    reloaded(&mut served);
    assert_eq!(other.subscribe("102", &other.contact()).status(), Status(200));
    other.request();
    phone.publish("102", &dialog_info("102", "early", 0));
    assert!(other.hear_within(Duration::from_millis(300)).is_none(), "politely blocked");
    rewrite(&home, &served, LOOPBACK, &rules(""));
    reloaded(&mut served);
    assert!(body(&other.request()).contains("early"), "let in");
}

#[test]
fn what_is_wrong_is_told_with_file_and_line_and_changes_nothing() {
    let home = Home::new("wrong");
    let mut served = serve(&home, LOOPBACK, SERVER);
    let users = home.write("users", "101 realm=example.com md5=12\n");
    for (settings, told) in [
        (
            format!("{SERVER}[notifier]\nwatchers_max = -1\n"),
            "fanal.toml:8: notifier.watchers_max cannot be -1",
        ),
        (format!("{SERVER}[notifer]\n"), "fanal.toml:7: unknown section \"notifer\""),
        (
            format!("{SERVER}[log]\nlevel = \"loud\"\n"),
            "fanal.toml:8: log.level: \"loud\" is no level",
        ),
        (
            format!("{SERVER}[auth]\nusers_file = {users:?}\n"),
            "users:1: the value of md5 is no MD5 hash",
        ),
        (format!("{SERVER}[auth]\nusers_file = \"none\"\n"), "none: there is no such users file"),
    ] {
        // A good change beside a bad one is no change either.
        rewrite(&home, &served, "[]", &settings);
        let line = reloaded(&mut served);
        assert_eq!(line["event"], "not_reloaded", "{line}");
        assert!(line["reason"].as_str().is_some_and(|reason| reason.contains(told)), "{line}");
    }
    let server = served.server("udp4");
    let still = home.run(&["publish", "sip:101@example.com", "--open", "--server", &server]);
    assert_eq!(code(&still), 0, "still trusted: {}", stderr(&still));
}

#[test]
fn what_needs_a_restart_is_said_by_name_until_it_is_restarted() {
    let home = Home::new("later");
    let mut served = serve(&home, LOOPBACK, SERVER);
    for _ in 0..2 {
        rewrite(&home, &served, LOOPBACK, &SERVER.replace("shards = 2", "shards = 1"));
        served.running.signal("HUP");
        let line = served.running.event("restart_needed");
        assert_eq!(line["keys"], "server.shards");
        served.running.event("reloaded");
    }
    rewrite(&home, &served, LOOPBACK, SERVER);
    assert_eq!(reloaded(&mut served)["changed"], "");
}
