//! Two domains of one agent: the same name in both is two people, and nothing goes across.

use super::*;
use crate::common::documents::{call, calls, presence};

/// The one of the same name next door.
const OTHER: &str = "sip:alice@example.net";

/// Each domain sees itself: without `domains`, inside is the person's own.
const POLICY: &str = "[policy]\ndefault_inside = \"allow\"\ndefault_outside = \"block\"\n";

fn of(office: &mut Office, user: &str, domain: &str) -> Phone {
    let mut phone = office.phone(user);
    phone.domain = domain.to_owned();
    phone
}

/// The status of the answer to a SUBSCRIBE, and the first NOTIFY.
fn meet(office: &mut Office, phone: &mut Phone, uri: &str, package: &str) -> (u16, Option<Got>) {
    let request = phone.subscribe(uri, package);
    let request = asserted(phone, request);
    let (response, notifies) = office.exchange(phone, &request);
    if response.status() == 200 {
        phone.remember(&request, &response);
    }
    let notify = notifies.into_iter().next();
    if let Some(notify) = &notify {
        office.answer(phone, notify, 200);
    }
    (response.status(), notify)
}

#[test]
fn nothing_crosses_from_one_domain_to_another() {
    // Alice has rules, her namesake none.
    let rules = rule("a", "bob@example.com", "allow", &format!("{BARE}{ACTIVITIES}"));
    let mut office = office(&rules, Some(POLICY));
    let mut pbx = office.pbx();
    let mut bobs = ["example.com", "example.net"].map(|domain| of(&mut office, "bob", domain));
    // SUBSCRIBE and rules: exact identities, each in its own domain.
    for (which, uri, package, status) in [
        (0, ALICE, "presence", 200),
        (0, OTHER, "presence", 403),
        (0, OTHER, "dialog", 403),
        (0, OTHER, "message-summary", 403),
        (0, "sip:dnd+alice@example.net", "dialog", 403),
        (1, ALICE, "presence", 403),
        (1, ALICE, "dialog", 403),
        (1, OTHER, "presence", 200),
    ] {
        // One phone for each: what was remembered is of the subscriptions that were let in.
        let (met, _) = meet(&mut office, &mut bobs[which], uri, package);
        assert_eq!(met, status, "bob {which}: {uri} {package}");
    }
    let mut lamp = of(&mut office, "carol", "example.net");
    let (_, first) = meet(&mut office, &mut lamp, OTHER, "dialog");
    assert_eq!(calls(&first.expect("a lamp").body).len(), 1, "an idle line");
    // PUBLISH: what is said of the one is told to nobody who watches the other.
    office.publish(&mut pbx, ALICE, "presence", &presence(ALICE, "open"));
    office.publish(&mut pbx, ALICE, "dialog", &call(ALICE, "c1", "confirmed"));
    assert!(office.told(&bobs[0]).body.contains("open"));
    office.assert_quiet(&bobs[1], 30);
    office.assert_quiet(&lamp, 30);
}

#[test]
fn who_watches_is_told_to_the_one_who_is_watched_and_not_to_the_namesake() {
    let mut office = office("", Some(POLICY));
    let mut bob = of(&mut office, "bob", "example.com");
    assert_eq!(meet(&mut office, &mut bob, ALICE, "presence").0, 200);
    let mut alice = of(&mut office, "alice", "example.com");
    let mut namesake = of(&mut office, "alice", "example.net");
    let (_, told) = meet(&mut office, &mut alice, ALICE, "presence.winfo");
    assert!(told.expect("a list").body.contains("sip:bob@example.com"));
    assert_eq!(meet(&mut office, &mut namesake, ALICE, "presence.winfo").0, 403);
    let (_, told) = meet(&mut office, &mut namesake, OTHER, "presence.winfo");
    assert!(!told.expect("a list").body.contains("bob"));
}
