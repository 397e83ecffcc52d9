//! A document of presence rules that is read is written so that it reads back the same, and no
//! rules make a decision or a view fail.
#![no_main]

use fanal::base::identity::{Aor, Identity};
use fanal::base::time::Wall;
use fanal::doc::Presence;
use fanal::doc::rules::PresenceRules;
use fanal::policy::{Asking, Organisation, PersonRules, RuleSet, decide, explain, filter};
use libfuzzer_sys::fuzz_target;

const PRESENCE: &str = "<presence xmlns='urn:ietf:params:xml:ns:pidf' \
    xmlns:dm='urn:ietf:params:xml:ns:pidf:data-model' xmlns:r='urn:ietf:params:xml:ns:pidf:rpid' \
    entity='sip:alice@example.com'><tuple id='a'><status><basic>open</basic></status>\
    <r:class>work</r:class><contact>sip:a@h</contact><note>n</note></tuple>\
    <dm:person id='p'><r:activities><r:busy/></r:activities></dm:person></presence>";

fuzz_target!(|octets: &[u8]| {
    let Ok(document) = PresenceRules::read(octets, None) else { return };
    let written = document.write();
    let again = PresenceRules::read(written.as_bytes(), None)
        .unwrap_or_else(|fault| panic!("what we write is read: {fault}\n{written}"));
    assert_eq!(again.write(), written);
    let rules = PersonRules::Rules(RuleSet::read(octets).expect("read above"));
    let (alice, bob) = ("alice@example.com", Aor::from_canonical("bob@example.com"));
    let (alice, bob) = (Aor::from_canonical(alice), Identity::User(bob));
    let asking = Asking::new(&alice, &bob, Wall::from_unix_millis(1_772_444_467_000));
    let organisation = Organisation::default();
    let decision = decide(&rules, &organisation, &asking);
    assert_eq!(explain(&rules, &organisation, &asking).0, decision);
    let presence = Presence::read(PRESENCE.as_bytes(), None).expect("a document");
    let shown = filter::presence(&presence, &decision.permissions);
    assert_eq!(filter::presence(&shown, &decision.permissions), shown);
});
