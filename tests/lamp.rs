//! A lamp from dark to ringing to busy and back, in virtual time.

mod common;

use common::Office;
use common::documents::{call, calls, mailbox, presence};

#[test]
fn a_lamp_follows_a_call() {
    let mut office = Office::new();
    let mut lamp = office.phone("102");
    let mut pbx = office.pbx();
    let uri = "sip:101@example.com";

    let first = office.subscribe(&mut lamp, uri, "dialog");
    assert_eq!(first.version(), 0);
    assert_eq!(calls(&first.body), [("idle".to_owned(), "terminated".to_owned())]);

    let tag = office.publish(&mut pbx, uri, "dialog", &call(uri, "c1", "early"));
    let ringing = office.notified(&lamp);
    assert_eq!(calls(&ringing.body), [("c1".to_owned(), "early".to_owned())]);
    assert_eq!(ringing.version(), 1);

    let modify =
        pbx.publish(uri, "dialog", &call(uri, "c1", "confirmed")).with("SIP-If-Match", &tag);
    let tag = office.ask(&pbx, &modify).header("SIP-ETag").to_owned();
    let busy = office.notified(&lamp);
    assert_eq!(calls(&busy.body), [("c1".to_owned(), "confirmed".to_owned())]);

    let modify =
        pbx.publish(uri, "dialog", &call(uri, "c1", "terminated")).with("SIP-If-Match", &tag);
    assert_eq!(office.ask(&pbx, &modify).status(), 200);
    let over = office.notified(&lamp);
    assert_eq!(calls(&over.body), [("c1".to_owned(), "terminated".to_owned())]);
    assert_eq!(over.version(), 3);

    let refresh = lamp.refresh();
    assert_eq!(office.ask(&lamp, &refresh).status(), 200);
    let again = office.notified(&lamp);
    assert_eq!(calls(&again.body), [("idle".to_owned(), "terminated".to_owned())]);
    assert_eq!(again.version(), 4);
}

#[test]
fn presence_and_mailbox_follow_too() {
    let mut office = Office::new();
    let mut buddy = office.phone("102");
    let mut alice = office.phone("alice");
    let uri = "sip:alice@example.com";
    let first = office.subscribe(&mut buddy, uri, "presence");
    office.publish(&mut alice, uri, "presence", &presence(uri, "open"));
    let open = office.notified(&buddy);
    assert!(open.body.contains("<basic>open</basic>"));
    let mut pbx = office.pbx();
    office.publish(&mut pbx, uri, "dialog", &call(uri, "c1", "confirmed"));
    let phone = office.notified(&buddy);
    assert!(phone.body.contains("on-the-phone"));
    let mut lamp = office.phone("103");
    let first = office.subscribe(&mut lamp, uri, "message-summary");
    office.publish(&mut pbx, uri, "message-summary", &mailbox(2, 8));
    let waiting = office.notified(&lamp);
}

#[test]
fn everything_survives_a_restart() {
    let mut office = Office::new();
    let mut lamp = office.phone("102");
    let mut pbx = office.pbx();
    let uri = "sip:101@example.com";
    office.subscribe(&mut lamp, uri, "dialog");
    office.publish(&mut pbx, uri, "dialog", &call(uri, "c1", "early"));
    let ringing = office.notified(&lamp);
    office.restart(9);
    let after = office.notified(&lamp);
    assert!(after.cseq() > ringing.cseq() && after.version() > ringing.version());
    assert_eq!(calls(&after.body), [("c1".to_owned(), "early".to_owned())]);
}
