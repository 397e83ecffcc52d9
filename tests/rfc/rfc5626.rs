//! RFC 5626: flows, as far as it can be seen without sockets.

use fanal::base::flow::{Hop, Transport};
use fanal::shard::Input;

use crate::common::documents::call;
use crate::common::phone::Line;
use crate::common::{Got, Office, Phone};

const URI: &str = "sip:101@example.com";

/// A phone behind NAT on a connection of its own.
fn subscribed(office: &mut Office, contact: &str) -> (Phone, Got) {
    let mut phone = Phone::new("102", Line::tcp("203.0.113.9:41000", 7), 60);
    phone.contact = contact.to_owned();
    let first = office.subscribe(&mut phone, URI, "dialog");
    (phone, first)
}

#[test]
fn out_07_ob_keeps_the_notify_on_the_flow() {
    for contact in ["sip:u@10.9.9.9;ob", "sip:u@203.0.113.9:5060;ob", "sip:u@host.test;ob"] {
        let mut office = Office::new();
        let (phone, first) = subscribed(&mut office, contact);
        assert_eq!(first.parcel.hop, Hop::Flow(phone.line.flow()), "{contact}");
        assert_eq!(first.uri(), contact);
        assert!(office.questions.is_empty(), "nothing is looked up for {contact}");
        office.pass_secs(40);
        let mut pbx = office.pbx();
        office.publish(&mut pbx, URI, "dialog", &call(URI, "c1", "early"));
        let next = office.notified(&phone);
        assert_eq!(next.parcel.hop, Hop::Flow(phone.line.flow()), "that very connection");
    }
}

#[test]
fn out_07_ob_holds_for_datagrams_too() {
    let mut office = Office::new();
    let mut phone = Phone::new("102", Line::udp("203.0.113.9:41000"), 61);
    phone.contact = "sip:u@203.0.113.9:5060;ob".to_owned();
    let first = office.subscribe(&mut phone, URI, "dialog");
    assert_eq!(first.parcel.hop, Hop::Flow(phone.line.flow()));
}

#[test]
fn out_06_without_its_flow_a_private_contact_is_left_alone_until_it_is_heard_of() {
    let mut office = Office::new();
    let (phone, _) = subscribed(&mut office, "sip:102@10.0.0.9:5060;transport=tcp");
    let mut pbx = office.pbx();
    office.publish(&mut pbx, URI, "dialog", &call(URI, "c1", "confirmed"));
    let lost = office.notifies(&phone).remove(0);
    // The connection is closed: what was sent on it fails.
    office.happen(Input::Undeliverable(lost.parcel.request.expect("a request")));
    office.pass_secs(300);

    assert!(office.wire.is_empty(), "no attempt to reach 10.0.0.9: {:?}", office.wire);
    assert_eq!(office.shard.subscriptions(), 1, "parked until it expires");

    let mut again = phone.clone();
    again.line = Line::tcp("203.0.113.9:42000", 8);
    let refresh = again.refresh();
    assert_eq!(office.ask(&again, &refresh).status(), 200);
    let resumed = office.notified(&again);
    assert_eq!(resumed.parcel.hop, Hop::Flow(again.line.flow()), "on the new connection");
    assert!(resumed.body.contains("confirmed"));
}

#[test]
fn out_06_a_parked_subscription_expires() {
    let mut office = Office::new();
    let (phone, _) = subscribed(&mut office, "sip:102@10.0.0.9:5060;transport=tcp");
    let mut pbx = office.pbx();
    office.publish(&mut pbx, URI, "dialog", &call(URI, "c1", "confirmed"));
    let lost = office.notifies(&phone).remove(0);
    office.happen(Input::Undeliverable(lost.parcel.request.expect("a request")));
    office.pass_secs(700);
    assert_eq!(office.shard.subscriptions(), 0);
    assert!(office.wire.iter().all(|parcel| parcel.hop.transport() != Transport::Tcp
        || !parcel.hop.address().ip().to_string().starts_with("10.")));
}

#[test]
fn out_11_alias_changes_no_path() {
    let mut office = Office::new();
    let mut thief = Phone::new("103", Line::tcp("203.0.113.66:41000", 9), 62);
    let mut options = thief.request("OPTIONS", "sip:example.com");
    options.via = options.via.replace("203.0.113.66:41000", "192.0.2.101:5060") + ";alias";
    office.deliver(&thief.line, options.to_text());
    office.wire.clear();

    let mut lamp = office.phone("102");
    assert_eq!(lamp.address().to_string(), "192.0.2.101:5060");
    office.subscribe(&mut lamp, URI, "dialog");
    let mut pbx = office.pbx();
    office.publish(&mut pbx, URI, "dialog", &call(URI, "c1", "early"));
    assert!(office.notifies(&thief).is_empty());
    office.notified(&lamp);
}

const INSTANCE: &str = "+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\"";

#[test]
fn out_03_a_device_on_a_new_flow_replaces_its_old_binding() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    let mut register = |uri: &str, parameters: &str| {
        let register = phone
            .register()
            .with("Contact", &format!("<{uri};ob>;{parameters}"))
            .with("Supported", "path, outbound");
        let response = office.ask(&phone, &register);
        assert_eq!(response.status(), 200);
        response.list("Contact").len()
    };
    let (first, second) = (format!("{INSTANCE};reg-id=1"), format!("{INSTANCE};reg-id=2"));
    assert_eq!(register("sip:alice@10.0.0.9:5060", &first), 1);
    assert_eq!(register("sip:alice@10.0.0.9:6060", &first), 1, "the same device and flow number");
    assert_eq!(register("sip:alice@10.0.0.9:7070", &second), 2, "another flow of it");
    let other = first.replace("E128", "E129");
    assert_eq!(register("sip:alice@10.0.0.9:8080", &other), 3, "another device");
}

#[test]
fn out_09_our_contact_is_good_from_any_network() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    office.subscribe(&mut phone, URI, "dialog");
    let mut roaming = phone.clone();
    roaming.line = Line::udp("203.0.113.77:5060");
    roaming.contact = "sip:102@203.0.113.77:5060".to_owned();
    let refresh = roaming.refresh();
    assert_eq!(office.ask(&roaming, &refresh).status(), 200);
    assert_eq!(office.notified(&roaming).uri(), roaming.contact);
    assert_eq!(office.shard.subscriptions(), 1);
}
