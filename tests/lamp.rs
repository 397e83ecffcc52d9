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
    let (mut buddy, mut alice, mut pbx) =
        (office.phone("102"), office.phone("alice"), office.pbx());
    let uri = "sip:alice@example.com";
    let pidf = |declarations: &str, inside: &str| {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<presence \
             xmlns=\"urn:ietf:params:xml:ns:pidf\"{declarations} entity=\"{uri}\">\n{inside}</presence>\n"
        )
    };

    let first = office.subscribe(&mut buddy, uri, "presence");
    let closed = "  <tuple id=\"svc-voice\"><status><basic>closed</basic></status></tuple>\n";
    assert_eq!(first.body, pidf("", closed));

    office.publish(&mut alice, uri, "presence", &presence(uri, "open"));
    let open = "  <tuple id=\"t1\"><status><basic>open</basic></status>\
                <contact>sip:alice@example.com</contact></tuple>\n";
    assert_eq!(office.notified(&buddy).body, pidf("", open));

    office.publish(&mut pbx, uri, "dialog", &call(uri, "c1", "confirmed"));
    let declarations = " xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" \
                        xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\" \
                        xmlns:fanal=\"urn:x-fanal:presence:1\"";
    let person = "  <dm:person id=\"p1\"><rpid:activities><rpid:on-the-phone/></rpid:activities>\
                  <fanal:state availability=\"busy\" since=\"2026-03-02T09:41:07Z\"/>\
                  <dm:note>On the phone</dm:note></dm:person>\n";
    assert_eq!(office.notified(&buddy).body, pidf(declarations, &format!("{open}{person}")));

    let mut lamp = office.phone("103");
    let first = office.subscribe(&mut lamp, uri, "message-summary");
    assert_eq!(first.body, "Messages-Waiting: no\r\nVoice-Message: 0/0\r\n");
    office.publish(&mut pbx, uri, "message-summary", &mailbox(2, 8));
    let waiting = office.notified(&lamp);
    assert_eq!(waiting.body, "Messages-Waiting: yes\r\nVoice-Message: 2/8\r\n");
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
