//! RFC 3325: who says who asks. The PBX is trusted, nobody else.

use fanal::policy::Verdict;

use crate::common::documents::presence;
use crate::common::{Office, Phone};

const URI: &str = "sip:alice@example.com";
const ASSERTED: &str = "P-Asserted-Identity";

/// An office that asks for passwords, where only bob may see alice.
fn only_bob() -> Office {
    let rule = |watcher: &str, verdict: Verdict| fanal::policy::Rule {
        watcher: watcher.to_owned(),
        presentity: "alice@example.com".to_owned(),
        verdict,
    };
    Office::with(|config| {
        config.policy.rules =
            vec![rule("bob@example.com", Verdict::Allow), rule("*", Verdict::Block)];
    })
}

fn status(office: &mut Office, phone: &mut Phone, asserted: &[&str], from: &str) -> u16 {
    let mut request = phone.subscribe(URI, "presence");
    for identity in asserted {
        request = request.also(ASSERTED, identity);
    }
    request.from = format!("<{from}>;tag={}", request.from.split(";tag=").nth(1).expect("a tag"));
    office.ask(phone, &request).status()
}

/// Who watches, as the agent sees it.
fn watchers(office: &Office) -> Vec<String> {
    let aor = |view: fanal::shard::WatcherView| view.watcher.aor().expect("an AoR").to_string();
    office.shard.watchers().map(aor).collect()
}

#[test]
fn pai_01_a_stranger_asserts_nothing() {
    let mut office = only_bob();
    let mut phone = office.phone("bob");
    let bob = "sip:bob@example.com";
    assert_eq!(status(&mut office, &mut phone, &["<sip:bob@example.com>"], bob), 401);
    let publish = phone.publish(URI, "presence", &presence(URI, "open"));
    let publish = publish.with(ASSERTED, "<sip:alice@example.com>");
    assert_eq!(office.ask(&phone, &publish).status(), 401);
    let mut register = phone.register().with(ASSERTED, "<sip:bob@example.com>");
    assert_eq!(office.ask(&phone, &register).status(), 401);
    // Naming the PBX in Via makes no PBX.
    register.via = register.via.replace("192.0.2.101:5060", "192.0.2.5:5060");
    let register = register.again("spoofed");
    office.deliver(&phone.line, register.to_text());
    assert_eq!(office.shard.presentities(), 0);
}

#[test]
fn pai_01_a_stranger_is_judged_by_its_password() {
    use crate::common::digest::{Challenge, Credentials};
    let mut office = Office::with_passwords();
    let mut phone = office.phone("carol");
    let request = phone.subscribe(URI, "presence").with(ASSERTED, "<sip:bob@example.com>");
    let challenge = Challenge::of(&office.ask(&phone, &request), "SHA-256");
    let again = request.again("second").with_cseq(2);
    let line = Credentials::new("carol", "secret", &challenge, &again).line();
    assert_eq!(office.ask(&phone, &again.with("Authorization", &line)).status(), 200);
    assert_eq!(watchers(&office), ["carol@example.com"]);
}

#[test]
fn pai_02_a_trusted_peer_names_the_watcher() {
    let mut office = only_bob();
    let mut pbx = office.pbx();
    let carol = "sip:carol@example.com";
    assert_eq!(status(&mut office, &mut pbx, &["<sip:bob@example.com>"], carol), 200);
    let bob = "sip:bob@example.com";
    assert_eq!(status(&mut office, &mut pbx, &["\"C\" <sip:carol@example.com>"], bob), 403);
    assert_eq!(watchers(&office), ["bob@example.com"]);
}

#[test]
fn pai_02_a_trusted_peer_names_watchers_of_other_domains() {
    let rule = |watcher: &str, verdict: Verdict| fanal::policy::Rule {
        watcher: watcher.to_owned(),
        presentity: "*".to_owned(),
        verdict,
    };
    let mut office = Office::with(|config| {
        config.policy.rules =
            vec![rule("dave@partner.org", Verdict::Allow), rule("*", Verdict::Block)];
    });
    let mut pbx = office.pbx();
    let from = "sip:anonymous@anonymous.invalid";
    assert_eq!(status(&mut office, &mut pbx, &["<sip:eve@partner.org>"], from), 403);
    assert_eq!(status(&mut office, &mut pbx, &["<sip:dave@partner.org>"], from), 200);
    assert_eq!(watchers(&office), ["dave@partner.org"]);
}

#[test]
fn pai_02_a_trusted_peer_names_the_publisher_without_digest() {
    let mut office = only_bob();
    let mut pbx = office.pbx();
    let publish = pbx.publish(URI, "presence", &presence(URI, "open"));
    let publish = publish.with(ASSERTED, "<sip:alice@example.com>");
    assert_eq!(office.ask(&pbx, &publish).status(), 200);
    assert_eq!(office.shard.publications(), 1);
}

#[test]
fn pai_03_two_identities_are_one_sip_and_one_tel() {
    let mut office = only_bob();
    let mut pbx = office.pbx();
    let pbx_uri = "sip:pbx@example.com";
    let both = ["<sip:bob@example.com>, <tel:+4930123>"];
    assert_eq!(status(&mut office, &mut pbx, &both, pbx_uri), 200);
    let reversed = ["<tel:+4930123>", "<sip:bob@example.com>"];
    assert_eq!(status(&mut office, &mut pbx, &reversed, pbx_uri), 200, "in any order");
    assert_eq!(watchers(&office), ["bob@example.com", "bob@example.com"]);
}

#[test]
fn pai_04_privacy_does_not_change_who_may_see() {
    let mut office = only_bob();
    let mut pbx = office.pbx();
    let request = pbx
        .subscribe(URI, "presence")
        .with(ASSERTED, "<sip:bob@example.com>")
        .with("Privacy", "id");
    assert_eq!(office.ask(&pbx, &request).status(), 200);
    let notify = office.notified(&pbx);
    assert!(!notify.has(ASSERTED));
}

#[test]
fn pai_05_a_preferred_identity_is_not_believed() {
    let mut office = only_bob();
    let mut phone = office.phone("bob");
    let request = phone.subscribe(URI, "presence");
    let request = request.with("P-Preferred-Identity", "<sip:bob@example.com>");
    assert_eq!(office.ask(&phone, &request).status(), 401);
}
