//! RFC 3903 §4, §10: what publications make of the state that watchers see.

use std::time::Duration;

use crate::ALICE;
use crate::common::documents::presence;
use crate::common::samples::{noted, presence_of, tuple, tuples};
use crate::common::{Got, Office, Phone};

/// A watcher of alice, with a first NOTIFY behind it, and the pace full again.
fn watcher(office: &mut Office) -> Phone {
    let mut watcher = office.phone("102");
    office.subscribe(&mut watcher, ALICE, "presence");
    office.pass_secs(30);
    watcher
}

fn basics(notify: &Got) -> Vec<String> {
    tuples(&notify.body).into_iter().map(|(_, basic)| basic).collect()
}

fn ids(notify: &Got) -> Vec<String> {
    tuples(&notify.body).into_iter().map(|(id, _)| id).collect()
}

fn services(inside: &[(&str, &str)]) -> String {
    let all: String = inside.iter().map(|(id, basic)| tuple(id, basic)).collect();
    presence_of(ALICE, &all)
}

#[test]
fn pub_11_a_refresh_keeps_the_body_and_changes_the_tag() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    let mut watcher = watcher(&mut office);
    let first = office.publish(&mut phone, ALICE, "presence", &presence(ALICE, "open"));
    office.notified(&watcher);
    office.pass_secs(500);

    let refresh = phone.publish(ALICE, "presence", "").with("SIP-If-Match", &first);
    let (response, _) = office.exchange(&phone, &refresh);
    assert_eq!((response.status(), response.expires()), (200, 600));
    let second = response.header("SIP-ETag").to_owned();
    assert_ne!(second, first);
    assert!(!second.is_empty());

    let stale = phone.publish(ALICE, "presence", "").with("SIP-If-Match", &first);
    assert_eq!(office.ask(&phone, &stale).status(), 412);
    // 550 s later the first lifetime is long over.
    office.refreshed(&mut watcher);
    office.pass_secs(550);
    assert_eq!(basics(&office.refreshed(&mut watcher)), ["open"]);
    let refresh = phone.publish(ALICE, "presence", "").with("SIP-If-Match", &second);
    assert_eq!(office.ask(&phone, &refresh).status(), 200);
}

#[test]
fn pub_12_a_modify_replaces_the_whole_document_of_one_publication() {
    let mut office = Office::new();
    let (mut desk, mut mobile) = (office.phone("alice"), office.phone("alice"));
    let watcher = watcher(&mut office);
    let tag =
        office.publish(&mut desk, ALICE, "presence", &services(&[("a", "open"), ("b", "closed")]));
    office.publish(&mut mobile, ALICE, "presence", &services(&[("m", "closed")]));
    office.notified_all(&watcher);
    office.pass_secs(30);
    office.notified_all(&watcher);

    let next = office.modify(&mut desk, ALICE, "presence", &tag, &services(&[("a", "open")]));

    let told = office.notified(&watcher);
    assert_ne!(next, tag);
    let seen = tuples(&told.body);
    assert!(seen.iter().all(|(id, _)| id != "b"), "{seen:?}");
    let mut basics = basics(&told);
    basics.sort_unstable();
    assert_eq!(basics, ["closed", "open"]);
    let stale =
        desk.publish(ALICE, "presence", &services(&[("a", "open")])).with("SIP-If-Match", &tag);
    assert_eq!(office.ask(&desk, &stale).status(), 412);
}

#[test]
fn pub_13_a_removed_publication_is_gone_at_once() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    let watcher = watcher(&mut office);
    let tag = office.publish(&mut phone, ALICE, "presence", &presence(ALICE, "open"));
    office.notified(&watcher);
    office.pass_secs(30);

    let response = office.withdraw(&mut phone, ALICE, "presence", &tag);

    assert_eq!(response.header("Expires"), "0");
    let last = response.header("SIP-ETag").to_owned();
    assert!(!last.is_empty() && last != tag);
    let told = office.notified(&watcher);
    assert_eq!(told.parcel.at, office.now);
    assert_eq!(basics(&told), ["closed"]);
    assert_eq!(office.shard.publications(), 0);
    for dead in [&tag, &last] {
        let request =
            phone.publish(ALICE, "presence", &presence(ALICE, "open")).with("SIP-If-Match", dead);
        assert_eq!(office.ask(&phone, &request).status(), 412);
    }
    office.assert_quiet(&watcher, 33);
}

#[test]
fn pub_14_a_publication_of_no_lifetime_is_never_seen() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    let watcher = watcher(&mut office);
    let request = phone.publish(ALICE, "presence", &noted(ALICE, "ghost")).with("Expires", "0");

    let (response, _) = office.exchange(&phone, &request);

    assert_eq!((response.status(), response.header("Expires")), (200, "0"));
    assert_eq!(office.shard.publications(), 0);
    office.assert_quiet(&watcher, 33);
}

#[test]
fn pub_14_a_removal_with_a_body_removes_and_stores_nothing() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    let watcher = watcher(&mut office);
    let tag = office.publish(&mut phone, ALICE, "presence", &noted(ALICE, "first"));
    office.notified(&watcher);
    let request = phone
        .publish(ALICE, "presence", &noted(ALICE, "ghost"))
        .with("SIP-If-Match", &tag)
        .with("Expires", "0");

    let (response, _) = office.exchange(&phone, &request);

    assert_eq!(response.status(), 200);
    let told = office.live(&watcher, Duration::from_secs(33));
    assert!(told.iter().all(|notify| !notify.body.contains("ghost")), "{told:#?}");
    assert_eq!(basics(told.last().expect("the change")), ["closed"]);
    assert_eq!(office.shard.publications(), 0);
}

#[test]
fn pub_20_publications_of_two_devices_are_composed_and_expire_alone() {
    let mut office = Office::new();
    let (mut desk, mut mobile) = (office.phone("alice"), office.phone("alice"));
    let watcher = watcher(&mut office);
    let brief =
        desk.publish(ALICE, "presence", &services(&[("desk", "open")])).with("Expires", "60");
    assert_eq!(office.ask(&desk, &brief).status(), 200);
    office.publish(&mut mobile, ALICE, "presence", &services(&[("mobile", "closed")]));
    let both = office.notified_all(&watcher).pop().expect("a NOTIFY");
    let mut seen = ids(&both);
    seen.sort_unstable();
    assert_eq!(seen, ["desk", "mobile"]);

    office.pass_secs(61);

    let told = office.told(&watcher);
    assert_eq!(ids(&told), ["mobile"]);
    assert_eq!(basics(&told), ["closed"]);
    assert_eq!(office.shard.publications(), 1);
}

#[test]
fn pub_21_watchers_are_told_within_a_second_that_a_publication_is_over() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    let watcher = watcher(&mut office);
    let brief = phone.publish(ALICE, "presence", &presence(ALICE, "open")).with("Expires", "60");
    let published = office.now.instant;
    assert_eq!(office.ask(&phone, &brief).status(), 200);
    office.notified(&watcher);

    office.pass_millis(59_900);
    assert!(office.inbox(&watcher).is_empty(), "not before its end");
    office.pass_millis(1_100);

    let told = office.told(&watcher);
    let after = told.parcel.at.instant.since(published);
    assert!(after <= Duration::from_secs(61), "{after:?}");
    assert_eq!(basics(&told), ["closed"]);
}

#[test]
fn pub_21_the_tag_of_what_is_over_is_412() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    let brief = phone.publish(ALICE, "presence", &presence(ALICE, "open")).with("Expires", "60");
    let tag = office.ask(&phone, &brief).header("SIP-ETag").to_owned();
    office.pass_secs(61);

    let late = phone.publish(ALICE, "presence", "").with("SIP-If-Match", &tag);

    assert_eq!(office.ask(&phone, &late).status(), 412);
}

#[test]
fn pub_22_a_refresh_tells_watchers_nothing() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    let watcher = watcher(&mut office);
    let mut tag = office.publish(&mut phone, ALICE, "presence", &presence(ALICE, "open"));
    office.notified(&watcher);

    for _ in 0..3 {
        let refresh = phone.publish(ALICE, "presence", "").with("SIP-If-Match", &tag);
        tag = office.ask(&phone, &refresh).header("SIP-ETag").to_owned();
        office.assert_quiet(&watcher, 33);
    }
}

#[test]
fn pub_22_the_same_document_again_tells_watchers_nothing() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    let watcher = watcher(&mut office);
    let tag = office.publish(&mut phone, ALICE, "presence", &presence(ALICE, "open"));
    office.notified(&watcher);

    office.modify(&mut phone, ALICE, "presence", &tag, &presence(ALICE, "open"));

    office.assert_quiet(&watcher, 33);
}

#[test]
fn pub_23_equal_ids_of_two_devices_do_not_clash_and_stay() {
    let mut office = Office::new();
    let (mut desk, mut mobile) = (office.phone("alice"), office.phone("alice"));
    let watcher = watcher(&mut office);
    let tag = office.publish(&mut desk, ALICE, "presence", &services(&[("t1", "open")]));
    office.publish(&mut mobile, ALICE, "presence", &services(&[("t1", "closed")]));
    let both = office.notified_all(&watcher).pop().expect("a NOTIFY");
    let named: Vec<(String, String)> = tuples(&both.body);
    assert_eq!(named.len(), 2, "{both:?}");
    assert_ne!(named[0].0, named[1].0);
    office.pass_secs(30);

    // One changes, the other keeps its name; then the first one goes.
    let tag = office.modify(
        &mut desk,
        ALICE,
        "presence",
        &tag,
        &services(&[("t1", "closed"), ("t2", "open")]),
    );
    let changed = office.notified(&watcher);
    for (id, _) in &named {
        assert!(ids(&changed).contains(id), "{id}: {changed:?}");
    }
    assert_eq!(ids(&changed).len(), 3);
    office.pass_secs(30);
    office.withdraw(&mut desk, ALICE, "presence", &tag);
    let left = office.notified(&watcher);
    let mobile_id = &named.iter().find(|(_, basic)| basic == "closed").expect("mobile").0;
    assert_eq!(ids(&left), std::slice::from_ref(mobile_id));
}

#[test]
fn pub_25_a_document_of_somebody_else_is_shown_as_the_request_uri_s() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    let watcher = watcher(&mut office);

    office.publish(&mut phone, ALICE, "presence", &noted("sip:bob@example.com", "whose?"));

    let told = office.notified(&watcher);
    assert!(told.body.contains("entity=\"sip:alice@example.com\""), "{told:?}");
    assert!(!told.body.contains("bob"), "{told:?}");
    let mut bobs = office.phone("103");
    let first = office.subscribe(&mut bobs, "sip:bob@example.com", "presence");
    assert!(!first.body.contains("whose?"), "{first:?}");
}

#[test]
fn pub_20_ten_publications_of_one_turn_are_composed_into_one_notify() {
    let mut office = Office::new();
    let watcher = watcher(&mut office);
    let mut phones: Vec<Phone> = (0..10).map(|_| office.phone("alice")).collect();
    let messages: Vec<(crate::common::phone::Line, String)> = phones
        .iter_mut()
        .map(|phone| {
            let request = phone.publish(ALICE, "presence", &services(&[("t", "open")]));
            (phone.line.clone(), request.to_text())
        })
        .collect();
    let borrowed: Vec<_> = messages.iter().map(|(line, text)| (line, text.clone())).collect();

    office.deliver_together(&borrowed);

    for phone in &phones {
        assert_eq!(office.inbox(phone)[0].status(), 200);
    }
    let told = office.notified(&watcher);
    let mut seen = ids(&told);
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 10, "{told:?}");
    office.assert_quiet(&watcher, 33);
}
