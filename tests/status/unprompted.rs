//! What changes because time passes goes out without any message arriving.

use std::time::Duration;

use crate::common::documents::call;
use crate::common::samples::between;
use crate::common::{Got, Office, Phone};
use crate::desk::softphone;

const ALICE: &str = "sip:alice@example.com";

/// A watcher of alice, and her softphone, which published these elements of her person. All of
/// it lives for two hours.
fn office(person: &str) -> (Office, Phone, Phone, String) {
    let mut office = Office::new();
    let (mut watcher, mut alice) = (office.phone("102"), office.phone("alice"));
    let publish = alice.publish(ALICE, "presence", &softphone(person)).with("Expires", "7200");
    let tag = office.ask(&alice, &publish).header("SIP-ETag").to_owned();
    let subscribe = watcher.subscribe(ALICE, "presence").with("Expires", "7200");
    let (_, first) = office.subscribed(&mut watcher, &subscribe);
    office.answer(&watcher, &first, 200);
    (office, watcher, alice, tag)
}

/// The availabilities told while time passes and every NOTIFY is answered.
fn told(office: &mut Office, watcher: &Phone, seconds: u64) -> Vec<String> {
    let notifies = office.live(watcher, Duration::from_secs(seconds));
    notifies.iter().map(availability).collect()
}

/// The availability a NOTIFY tells; `plain` where it tells of services only.
fn availability(notify: &Got) -> String {
    match notify.body.contains("<fanal:state") {
        true => between(&notify.body, "availability=\"", "\"").to_owned(),
        false => "plain".to_owned(),
    }
}

#[test]
fn golden_row_18_the_end_of_do_not_disturb_is_one_notify_that_nobody_asked_for() {
    let (mut office, watcher, ..) = office(
        "<fanal:state availability=\"dnd\" manual=\"true\"/>\
         <rpid:user-input>active</rpid:user-input>",
    );

    assert_eq!(told(&mut office, &watcher, 3599), [""; 0]);
    assert_eq!(told(&mut office, &watcher, 1), ["available"]);
    assert_eq!(told(&mut office, &watcher, 3000), [""; 0]);
}

#[test]
fn golden_row_20_who_is_not_right_back_is_away() {
    let until = "2026-03-02T09:51:07Z";
    let (mut office, watcher, ..) =
        office(&format!("<fanal:state availability=\"brb\" manual=\"true\" until=\"{until}\"/>"));

    assert_eq!(told(&mut office, &watcher, 599), [""; 0]);
    assert_eq!(told(&mut office, &watcher, 1), ["away"]);
}

#[test]
fn nobody_touches_the_keys_and_the_lamp_says_so_by_itself() {
    let (mut office, watcher, ..) =
        office("<rpid:user-input last-input=\"2026-03-02T09:41:07Z\">idle</rpid:user-input>");

    assert_eq!(told(&mut office, &watcher, 299), [""; 0]);
    assert_eq!(told(&mut office, &watcher, 1), ["idle"]);
    assert_eq!(told(&mut office, &watcher, 299), [""; 0]);
    assert_eq!(told(&mut office, &watcher, 1), ["away"]);
}

#[test]
fn a_call_makes_busy_and_its_end_makes_what_was_before() {
    let (mut office, watcher, ..) =
        office("<fanal:state availability=\"available\" manual=\"true\"/>");
    let mut pbx = office.pbx();

    let mut tag = office.publish(&mut pbx, ALICE, "dialog", &call(ALICE, "c", "early"));
    assert_eq!(told(&mut office, &watcher, 10), [""; 0], "it rings");
    tag = office.modify(&mut pbx, ALICE, "dialog", &tag, &call(ALICE, "c", "confirmed"));
    assert_eq!(told(&mut office, &watcher, 10), ["busy"]);
    office.modify(&mut pbx, ALICE, "dialog", &tag, &call(ALICE, "c", "terminated"));
    assert_eq!(told(&mut office, &watcher, 10), ["available"]);
}

#[test]
fn golden_row_25_what_an_invisible_person_does_is_told_to_nobody() {
    let (mut office, watcher, mut alice, tag) =
        office("<fanal:state availability=\"invisible\" manual=\"true\"/>");
    let mut pbx = office.pbx();

    office.publish(&mut pbx, ALICE, "dialog", &call(ALICE, "c", "confirmed"));
    assert_eq!(told(&mut office, &watcher, 10), [""; 0]);
    let register = alice.register();
    assert_eq!(office.ask(&alice, &register).status(), 200);
    assert_eq!(told(&mut office, &watcher, 10), [""; 0]);

    let visible = softphone("<fanal:state availability=\"automatic\" manual=\"true\"/>");
    office.modify(&mut alice, ALICE, "presence", &tag, &visible);
    assert_eq!(told(&mut office, &watcher, 10), ["busy"]);
}

#[test]
fn a_restart_in_between_changes_nothing() {
    let (mut office, watcher, ..) =
        office("<fanal:state availability=\"dnd\" manual=\"true\"/><dm:note>Later</dm:note>");
    let mut newcomer = office.phone("103");
    let before = office.subscribe(&mut newcomer, ALICE, "presence");

    office.pass_secs(1800);
    office.restart(9);
    let after = office.notified(&watcher);
    assert_eq!(before.body, after.body);

    assert_eq!(told(&mut office, &watcher, 1799), [""; 0]);
    assert_eq!(told(&mut office, &watcher, 1), ["available"]);
}

#[test]
fn an_end_is_told_in_time_whatever_else_is_waited_for() {
    let until = "2026-03-02T09:42:07Z";
    let (mut office, watcher, ..) =
        office(&format!("<fanal:state availability=\"dnd\" manual=\"true\" until=\"{until}\"/>"));
    let mut pbx = office.pbx();

    // A call that does not ring yet is withdrawn after three minutes.
    office.publish(&mut pbx, ALICE, "dialog", &call(ALICE, "c", "trying"));
    assert_eq!(told(&mut office, &watcher, 59), [""; 0]);
    assert_eq!(told(&mut office, &watcher, 1), ["available"]);
}

#[test]
fn a_person_who_is_invisible_sees_what_others_do_not() {
    let mut office = Office::with_passwords();
    let (mut alice, mut own) = (office.phone("alice"), office.phone("alice"));
    let text = softphone("<fanal:state availability=\"invisible\" manual=\"true\"/>");
    let request = alice.publish(ALICE, "presence", &text);
    let request = office.signed(&alice, &request);
    assert_eq!(office.ask(&alice, &request).status(), 200);
    let mut bob = office.phone("bob");

    let mut shown = Vec::new();
    for watcher in [&mut own, &mut bob] {
        let request = watcher.subscribe(ALICE, "presence");
        let request = office.signed(watcher, &request);
        let (_, notify) = office.subscribed(watcher, &request);
        shown.push(notify.body.contains(">open<"));
    }
    assert_eq!(shown, [true, false]);
}
