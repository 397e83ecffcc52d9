//! What changes because time passes goes out without any message arriving.

use crate::common::documents::call;
use crate::common::samples::between;
use crate::common::{Got, Office, Phone};
use crate::desk::softphone;

const ALICE: &str = "sip:alice@example.com";

/// A watcher of alice, and her softphone, which published these elements of her person.
fn office(person: &str) -> (Office, Phone, Phone, String) {
    let mut office = Office::new();
    let (mut watcher, mut alice) = (office.phone("102"), office.phone("alice"));
    let tag = office.publish(&mut alice, ALICE, "presence", &softphone(person));
    office.subscribe(&mut watcher, ALICE, "presence");
    (office, watcher, alice, tag)
}

/// The availability a NOTIFY tells.
fn availability(notify: &Got) -> &str {
    between(&notify.body, "availability=\"", "\"")
}

#[test]
fn golden_row_18_the_end_of_do_not_disturb_is_one_notify_that_nobody_asked_for() {
    let (mut office, watcher, ..) = office(
        "<fanal:state availability=\"dnd\" manual=\"true\"/>\
         <rpid:user-input>active</rpid:user-input>",
    );

    let told = office.live(&watcher, std::time::Duration::from_secs(3599));
    assert!(told.is_empty(), "{told:?}");
    office.pass_secs(1);

    let notify = office.notified(&watcher);
    assert_eq!(availability(&notify), "available");
}

#[test]
fn golden_row_20_who_is_not_right_back_is_away() {
    let (mut office, watcher, ..) = office(
        "<fanal:state availability=\"brb\" manual=\"true\" until=\"2026-03-02T09:51:07Z\"/>",
    );

    office.pass_secs(599);
    assert!(office.notifies(&watcher).is_empty());
    office.pass_secs(1);

    assert_eq!(availability(&office.notified(&watcher)), "away");
}

#[test]
fn nobody_touches_the_keys_and_the_lamp_says_so_by_itself() {
    let (mut office, watcher, ..) =
        office("<rpid:user-input last-input=\"2026-03-02T09:41:07Z\">idle</rpid:user-input>");

    office.pass_secs(300);
    assert_eq!(availability(&office.notified(&watcher)), "idle");
    office.pass_secs(300);
    assert_eq!(availability(&office.notified(&watcher)), "away");
}

#[test]
fn a_call_makes_busy_and_its_end_makes_what_was_before() {
    let (mut office, watcher, ..) =
        office("<fanal:state availability=\"available\" manual=\"true\"/>");
    let mut pbx = office.pbx();

    let mut tag = office.publish(&mut pbx, ALICE, "dialog", &call(ALICE, "c", "early"));
    office.pass_secs(10);
    assert!(office.notifies(&watcher).is_empty(), "it rings");
    tag = office.modify(&mut pbx, ALICE, "dialog", &tag, &call(ALICE, "c", "confirmed"));
    office.pass_secs(10);
    let busy = office.notified(&watcher);
    assert_eq!(availability(&busy), "busy");
    assert!(busy.body.contains("<rpid:on-the-phone/>"));
    office.modify(&mut pbx, ALICE, "dialog", &tag, &call(ALICE, "c", "terminated"));
    office.pass_secs(10);
    assert_eq!(availability(&office.notified(&watcher)), "available");
}

#[test]
fn golden_row_25_what_an_invisible_person_does_is_told_to_nobody() {
    let (mut office, watcher, mut alice, tag) =
        office("<fanal:state availability=\"invisible\" manual=\"true\"/>");
    let mut pbx = office.pbx();

    office.publish(&mut pbx, ALICE, "dialog", &call(ALICE, "c", "confirmed"));
    office.pass_secs(10);
    let register = alice.register();
    assert_eq!(office.ask(&alice, &register).status(), 200);
    office.pass_secs(10);
    assert!(office.notifies(&watcher).is_empty());

    let visible = softphone("<fanal:state availability=\"automatic\" manual=\"true\"/>");
    office.modify(&mut alice, ALICE, "presence", &tag, &visible);
    office.pass_secs(10);
    assert_eq!(availability(&office.notified(&watcher)), "busy");
}

#[test]
fn a_restart_in_between_changes_nothing() {
    let (mut office, watcher, ..) =
        office("<fanal:state availability=\"dnd\" manual=\"true\"/><dm:note>Later</dm:note>");
    let before = office.told(&watcher);

    office.pass_secs(1800);
    office.restart(9);
    let after = office.told(&watcher);
    assert_eq!(before.body, after.body);

    office.pass_secs(1800);
    assert!(!office.notified(&watcher).body.contains("dnd"));
}
