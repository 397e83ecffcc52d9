//! RFC 6665 §4.4, §8.2: what holds whoever asks.

use crate::common::documents::{call, mailbox, presence};
use crate::common::{Got, Office};
use crate::{ALICE, LINE};

fn packages(got: &Got) -> Vec<&str> {
    let mut names: Vec<&str> = got.header("Allow-Events").split(',').map(str::trim).collect();
    names.sort_unstable();
    names
}

const SERVED: [&str; 4] = ["as-feature-event", "dialog", "message-summary", "presence"];

#[test]
fn evt_50_options_lists_every_package_and_no_template() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    for uri in [LINE, "sip:example.com"] {
        let request = phone.request("OPTIONS", uri);

        let response = office.ask(&phone, &request);

        assert_eq!(response.status(), 200, "{uri}");
        assert_eq!(packages(&response), SERVED, "{uri}");
    }
}

#[test]
fn evt_50_what_makes_a_dialog_lists_every_package() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let request = phone.subscribe(LINE, "dialog");

    let (response, _) = office.subscribed(&mut phone, &request);

    assert_eq!(packages(&response), SERVED);
}

#[test]
fn evt_51_event_and_subscription_state_stand_in_no_response() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let requests = [
        phone.subscribe(LINE, "dialog"),
        phone.subscribe(LINE, "foo"),
        phone.subscribe(LINE, "dialog").with("Expires", "1"),
        phone.subscribe(LINE, "dialog").with("Accept", "text/plain"),
        phone.publish(LINE, "dialog", &call(LINE, "c1", "early")),
        phone.publish(LINE, "foo", ""),
        phone.publish(LINE, "presence", "").with("SIP-If-Match", "gone"),
        phone.request("OPTIONS", LINE).with("Event", "dialog"),
        phone.request("NOTIFY", LINE).with("Event", "dialog").with("Subscription-State", "active"),
    ];
    for request in requests {
        let response = office.ask(&phone, &request);

        assert!(!response.has("Event"), "{response:?}");
        assert!(!response.has("Subscription-State"), "{response:?}");
    }
}

#[test]
fn evt_52_a_notify_out_of_the_blue_is_481() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let bodies = [
        ("dialog", "application/dialog-info+xml", call(LINE, "c1", "early")),
        ("presence", "application/pidf+xml", presence(LINE, "open")),
        ("message-summary", "application/simple-message-summary", mailbox(1, 0)),
    ];
    for (package, media, body) in bodies {
        let contact = format!("<{}>", phone.contact);
        let request = phone
            .request("NOTIFY", LINE)
            .with("Event", package)
            .with("Subscription-State", "active;expires=600")
            .with("Contact", &contact)
            .with("Content-Type", media)
            .with_body(&body);

        let (response, others) = office.exchange(&phone, &request);

        assert_eq!(response.status(), 481, "{package}");
        assert!(others.is_empty(), "{package}");
    }
    assert_eq!(office.shard.publications(), 0);
    assert_eq!(office.shard.subscriptions(), 0);
    office.assert_quiet(&phone, 33);
}

#[test]
fn evt_52_a_notify_in_a_dialog_where_we_are_the_notifier_is_481_and_changes_nothing() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    office.subscribe(&mut phone, LINE, "dialog");
    let mut notify =
        phone.refresh().with("Subscription-State", "terminated;reason=timeout").without("Expires");
    notify.method = "NOTIFY".to_owned();

    let (response, others) = office.exchange(&phone, &notify);

    assert_eq!(response.status(), 481, "{response:?}");
    assert!(others.is_empty());
    assert_eq!(office.shard.subscriptions(), 1);
    office.refreshed(&mut phone);
}

#[test]
fn evt_53_only_a_subscribe_makes_a_subscription() {
    let mut office = Office::new();
    let (mut phone, mut pbx) = (office.phone("alice"), office.pbx());
    let contact = format!("<{}>", phone.contact);
    let register = phone.request("REGISTER", "sip:example.com");
    let mut register = register.with("Contact", &contact).with("Expires", "3600");
    register.to = format!("<{ALICE}>");
    assert_eq!(office.ask(&phone, &register).status(), 200);

    office.publish(&mut pbx, ALICE, "message-summary", &mailbox(2, 0));
    office.publish(&mut pbx, ALICE, "dialog", &call(ALICE, "c1", "early"));
    office.publish(&mut phone, ALICE, "presence", &presence(ALICE, "open"));

    office.assert_quiet(&phone, 33);
    office.pass_secs(33);
    assert!(office.wire.iter().all(|parcel| !parcel.octets.starts_with(b"NOTIFY")));
    assert_eq!(office.shard.subscriptions(), 0);
}
