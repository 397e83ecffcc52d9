//! The binary: rules and policy from their files, SIGHUP, what is written down.

use std::time::Duration;

use serde_json::Value;

use super::ruleset;
use crate::common::home::{Home, LOOPBACK, Served, code, free_address, stderr};
use crate::wire::{Phone, Sketch, body, fresh};

const ALICE: &str = "sip:alice@example.com";

const POLICY: &str = "[policy]\nversion = \"one\"\ndefault_inside = \"allow\"\n\
    [[policy.ceiling]]\nhide = [\"mood\"]\n[policy.audit]\nenabled = true\n";

const FRIENDS: &str = "<rule id='friends'><conditions><identity><one id='sip:bob@example.com'/>\
    </identity></conditions><actions><pr:sub-handling>HANDLING</pr:sub-handling></actions>\
    <transformations><pr:provide-services><pr:all-services/></pr:provide-services>\
    <pr:provide-persons><pr:all-persons/></pr:provide-persons>\
    <pr:provide-activities>true</pr:provide-activities><pr:provide-mood>true</pr:provide-mood>\
    </transformations></rule>";

/// Everything stands in the home: settings, policy, rules.
fn settings() -> &'static str {
    "[server]\ndomains = [\"example.com\"]\nshards = 2\n\
     [policy]\norganisation_file = \"policy.toml\"\ndocuments = \"rules\"\n"
}

fn write_rules(home: &Home, text: &str) {
    std::fs::create_dir_all(home.path("rules/pres-rules/users/sip:alice@example.com"))
        .expect("made");
    home.write("rules/pres-rules/users/sip:alice@example.com/index", text);
}

fn friends(handling: &str) -> String {
    ruleset(&FRIENDS.replace("HANDLING", handling))
}

fn serve(home: &Home) -> Served {
    let address = free_address();
    home.serve_at(&[&format!("udp:{address}")], LOOPBACK, settings())
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

fn send(phone: &Phone, method: &str, who: &str, lines: &str, body: &str) -> u16 {
    let lines = format!("P-Asserted-Identity: <sip:{who}@example.com>\r\nExpires: 600\r\n{lines}");
    let sketch = Sketch {
        method,
        uri: ALICE,
        transport: "UDP",
        sent_by: phone.local(),
        from: who,
        to_tag: None,
        call_id: &format!("r{}", fresh()),
        cseq: 1,
        lines: &lines,
        body,
    };
    phone.ask(&sketch.text()).status().code()
}

fn subscribe(phone: &Phone, who: &str) -> u16 {
    let contact = format!("Contact: <{}>\r\nEvent: presence\r\n", phone.contact());
    send(phone, "SUBSCRIBE", who, &contact, "")
}

fn publish(phone: &Phone, word: &str) {
    let lines = "Event: presence\r\nContent-Type: application/pidf+xml\r\n";
    let mood = format!("<r:activities><r:meeting/></r:activities><r:mood><r:{word}/></r:mood>");
    assert_eq!(send(phone, "PUBLISH", "alice", lines, &super::person(&mood, 1)), 200);
}

fn state(request: &fanal::sip::Request) -> String {
    let text = String::from_utf8_lossy(request.raw()).into_owned();
    let line = text.lines().find(|line| line.starts_with("Subscription-State: "));
    line.expect("a state").split([' ', ';']).nth(1).expect("a word").to_owned()
}

#[test]
fn rules_are_read_from_their_files_and_again_at_sighup_all_of_them_or_none() {
    let home = Home::new("privacy");
    home.write("policy.toml", POLICY);
    write_rules(&home, &friends("confirm"));
    let mut served = serve(&home);
    let door = served.doors["udp4"];
    let (bob, carol, alice) = (Phone::new(door), Phone::new(door), Phone::new(door));
    publish(&alice, "happy");
    assert_eq!(subscribe(&bob, "bob"), 200);
    let first = bob.request();
    assert_eq!((state(&first), body(&first)), ("pending".to_owned(), String::new()));
    assert_eq!(subscribe(&carol, "carol"), 403, "no rule of alice means carol");

    write_rules(&home, &friends("allow"));
    let line = reloaded(&mut served);
    assert_eq!((&line["event"], &line["persons"]), (&"reloaded".into(), &1.into()), "{line}");
    let seen = bob.request();
    assert_eq!(state(&seen), "active");
    assert!(body(&seen).contains("meeting"), "the document comes with the approval");
    assert!(!body(&seen).contains("happy"), "the policy stands above the rules");

    // Nothing of what is wrong takes effect, nor of what is right beside it.
    write_rules(&home, "<ruleset>\n<rule>\n");
    home.write("policy.toml", &POLICY.replace("mood", "activities"));
    let line = reloaded(&mut served);
    let reason = line["reason"].as_str().unwrap_or_default();
    assert_eq!(line["event"], "not_reloaded", "{line}");
    assert!(reason.contains("/rules/pres-rules/users/sip:alice@example.com/index:"), "{line}");
    write_rules(&home, &friends("block"));
    home.write("policy.toml", "[policy]\nversion = \"two\"\ndefault_insid = \"block\"\n");
    let line = reloaded(&mut served);
    let reason = line["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("policy.toml:3: "), "{line}");
    assert!(bob.hear_within(Duration::from_millis(300)).is_none(), "all is as it was");

    home.write("policy.toml", POLICY);
    assert_eq!(reloaded(&mut served)["event"], "reloaded");
    assert_eq!(state(&bob.request()), "terminated");
    assert_eq!(subscribe(&bob, "bob"), 403);
}

#[test]
fn it_is_written_down_who_sees_what_by_which_rule_and_nothing_of_what_is_seen() {
    let home = Home::new("audit");
    home.write("policy.toml", POLICY);
    write_rules(&home, &friends("allow"));
    let mut served = serve(&home);
    let phone = Phone::new(served.doors["udp4"]);
    publish(&phone, "happy");
    assert_eq!(subscribe(&phone, "bob"), 200);
    let line = served.running.event("decided");
    for (key, value) in [
        ("watcher", "bob@example.com"),
        ("presentity", "alice@example.com"),
        ("package", "presence"),
        ("handling", "allow"),
    ] {
        assert_eq!(line[key], value, "{line}");
    }
    assert!(line["rules"].as_str().is_some_and(|rules| rules.contains("index/friends")), "{line}");
    let granted = line["granted"].as_str().unwrap_or_default();
    assert!(granted.contains("activities") && !granted.contains("mood"), "{line}");
    assert!(!line.to_string().contains("meeting"), "{line}");
    phone.request();
    assert_eq!(subscribe(&phone, "eve"), 403);
    let line = served.running.event("decided");
    assert_eq!((&line["watcher"], &line["handling"]), (&"eve@example.com".into(), &"block".into()));
}

#[test]
fn who_begins_with_rules_that_cannot_be_read_shows_nothing_of_that_person() {
    let home = Home::new("unreadable");
    home.write("policy.toml", POLICY);
    write_rules(&home, "<ruleset>\n");
    let mut command = home.serving(&[&format!("udp:{}", free_address())], LOOPBACK, settings());
    let served = home.served(command.arg("--ephemeral"));
    let phone = Phone::new(served.doors["udp4"]);
    publish(&phone, "happy");
    assert_eq!(subscribe(&phone, "bob"), 200);
    let seen = phone.request();
    assert_eq!((state(&seen), body(&seen)), ("pending".to_owned(), String::new()));
    let config = home.path("fanal.toml").display().to_string();
    let checked = home.run(&["check", "--config", &config]);
    let told = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(told.contains("sip:alice@example.com/index:"), "{told}");
}

#[test]
fn a_policy_that_cannot_be_read_is_no_start() {
    let home = Home::new("no-policy");
    home.write("policy.toml", "[policy]\ndefault_inside = \"alow\"\n");
    write_rules(&home, &friends("allow"));
    let address = free_address();
    let mut command = home.serving(&[&format!("udp:{address}")], LOOPBACK, settings());
    let output = command.arg("--ephemeral").output().expect("it runs");
    assert_ne!(code(&output), 0);
    assert!(stderr(&output).contains("policy.toml:2: "), "{}", stderr(&output));
}

#[test]
fn a_desk_phone_that_may_see_a_part_is_shown_it_as_desk_phones_read_it() {
    let home = Home::new("privacy-phone");
    home.write("policy.toml", POLICY);
    write_rules(&home, &friends("allow"));
    let served = serve(&home);
    let door = served.doors["udp4"];
    let (bob, desk, alice) = (Phone::new(door), Phone::new(door), Phone::new(door));
    publish(&alice, "happy");
    assert_eq!(subscribe(&bob, "bob"), 200);
    let lines = format!("Contact: <{}>\r\nEvent: presence\r\nUser-Agent: ", desk.contact());
    let lines = format!("{lines}Yealink SIP-T46S 66.86.0.15\r\n");
    assert_eq!(send(&desk, "SUBSCRIBE", "bob", &lines, ""), 200);
    let [whole, short] = [&bob, &desk].map(|phone| body(&phone.request()));
    for document in [&whole, &short] {
        assert!(document.contains("meeting") && !document.contains("happy"), "{document}");
    }
    assert_ne!(whole, short);
}
