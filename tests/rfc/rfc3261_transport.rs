//! RFC 3261 §18: transport, as far as it can be seen without sockets.

use fanal::base::flow::{Hop, Transport};
use fanal::notifier::OnTimeout;
use fanal::shard::Input;
use fanal::shard::config::Authentication;

use crate::common::documents::{call, calls, presence};
use crate::common::office::Parcel;
use crate::common::{Office, Phone};

const URI: &str = "sip:101@example.com";

/// A shared line whose document does not fit a datagram: a dozen calls at once.
fn crowded() -> String {
    let single = call(URI, "c0", "confirmed");
    let (head, rest) = single.split_once("<dialog ").expect("a dialog");
    let dialog = format!("<dialog {}", rest.strip_suffix("</dialog-info>").expect("the end"));
    let dialogs: String = (0..12).map(|n| dialog.replace("c0", &format!("c{n}"))).collect();
    format!("{head}{dialogs}</dialog-info>")
}

/// The requests on the wire, left there.
fn requests(office: &Office) -> Vec<Parcel> {
    office.wire.iter().filter(|parcel| parcel.request.is_some()).cloned().collect()
}

fn removing() -> Office {
    Office::with(|config| {
        config.server.auth = Authentication::Off;
        config.notifier.on_timeout = OnTimeout::Remove;
    })
}

#[test]
fn trn_03_a_large_notify_goes_by_tcp_and_its_via_says_so() {
    let mut office = Office::new();
    let mut lamp = office.phone("102");
    let mut pbx = office.pbx();
    let first = office.subscribe(&mut lamp, URI, "dialog");
    assert!(first.header("Via").starts_with("SIP/2.0/UDP "), "a small one goes by UDP");

    office.publish(&mut pbx, URI, "dialog", &crowded());

    let sent = requests(&office);
    assert_eq!(sent.len(), 1);
    assert!(sent[0].octets.len() > 1300);
    assert_eq!(sent[0].hop.transport(), Transport::Tcp);
    let notify = office.notified(&lamp);
    assert!(notify.header("Via").starts_with("SIP/2.0/TCP "), "{notify:?}");
}

#[test]
fn trn_04_a_large_notify_whose_tcp_is_refused_goes_by_udp() {
    let mut office = Office::new();
    let mut lamp = office.phone("102");
    let mut pbx = office.pbx();
    office.subscribe(&mut lamp, URI, "dialog");
    office.publish(&mut pbx, URI, "dialog", &crowded());
    let refused = requests(&office).remove(0);
    assert_eq!(refused.hop.transport(), Transport::Tcp);
    let by_tcp = office.notifies(&lamp).remove(0);

    office.happen(Input::Undeliverable(refused.request.expect("a request")));
    office.pass_millis(1000);

    let again = office.notifies(&lamp);
    assert!(!again.is_empty(), "the NOTIFY comes again");
    let by_udp = &again[0];
    assert_eq!(by_udp.parcel.hop.transport(), Transport::Udp);
    assert!(by_udp.header("Via").starts_with("SIP/2.0/UDP "));
    assert_eq!(calls(&by_udp.body), calls(&by_tcp.body));
    office.answer(&lamp, by_udp, 200);
    assert_eq!(office.shard.subscriptions(), 1);
}

#[test]
fn trn_05_what_follows_the_body_in_a_datagram_is_ignored() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let request = phone.subscribe(URI, "dialog");
    let hidden = phone.subscribe("sip:103@example.com", "dialog");

    let answers = office.ask_raw(&phone, request.to_text() + &hidden.to_text());

    assert_eq!(answers.len(), 1, "{answers:#?}");
    assert_eq!(answers[0].status(), 200);
    assert_eq!(answers[0].header("Call-ID"), request.call_id);
    assert_eq!(office.shard.subscriptions(), 1);
}

#[test]
fn trn_05_without_content_length_the_body_is_the_rest_of_the_datagram() {
    let mut office = Office::new();
    let mut alice = office.phone("alice");
    let mut buddy = office.phone("bob");
    let uri = "sip:alice@example.com";
    office.subscribe(&mut buddy, uri, "presence");
    let publish = alice.publish(uri, "presence", &presence(uri, "open")).without("Content-Length");

    assert_eq!(office.ask(&alice, &publish).status(), 200);

    assert!(office.notified(&buddy).body.contains("<basic>open</basic>"));
}

#[test]
fn trn_06_a_request_cut_short_is_400_and_stores_nothing() {
    let mut office = Office::new();
    let mut alice = office.phone("alice");
    let uri = "sip:alice@example.com";
    let publish =
        alice.publish(uri, "presence", &presence(uri, "open")).with("Content-Length", "900");

    assert_eq!(office.ask(&alice, &publish).status(), 400);
    assert_eq!(office.shard.publications(), 0);
}

#[test]
fn trn_06_a_response_cut_short_is_dropped() {
    let mut office = removing();
    let mut lamp = office.phone("102");
    let request = lamp.subscribe(URI, "dialog");
    office.ask(&lamp, &request);
    let notify = office.notifies(&lamp).remove(0);
    let short = notify.response(481, &[]).replace("Content-Length: 0", "Content-Length: 90");

    office.deliver(&lamp.line, short);

    assert_eq!(office.shard.subscriptions(), 1, "the 481 was not heard");
    office.pass_millis(500);
    assert_eq!(office.notifies(&lamp).len(), 1, "the NOTIFY is still unanswered");
}

#[test]
fn trn_09_a_datagram_without_a_message_is_ignored() {
    let mut office = Office::new();
    let phone = office.phone("102");
    for octets in [&b"\r\n\r\n"[..], b"\0\0\0\0", b"  \t ", b"\r\n", b"\0", b""] {
        office.deliver(&phone.line, octets);
        office.pass_secs(33);
        assert!(office.wire.is_empty(), "{octets:?} was answered");
    }
}

#[test]
fn trn_10_received_is_added_where_sent_by_is_not_the_source() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    for sent_by in ["pc.invalid", "pc.invalid:5060", "10.0.0.9:5060", "10.0.0.9"] {
        let request = phone.request("OPTIONS", "sip:example.com");
        let via = format!("SIP/2.0/UDP {sent_by};branch={}", request.branch());
        let request = request.with_via(&via);

        let answer = office.ask(&phone, &request);

        assert_eq!(answer.status(), 200);
        let source = phone.address().ip().to_string();
        assert_eq!(answer.via("received"), Some(source.as_str()), "{sent_by}");
        assert!(answer.header("Via").starts_with(&format!("SIP/2.0/UDP {sent_by};")));
    }
}

/// Where the response to a request from this address with this Via goes.
fn goes_to(source: &str, via_rest: &str) -> String {
    let mut office = Office::new();
    let mut phone = Phone::new("102", crate::common::phone::Line::udp(source), 77);
    let request = phone.request("OPTIONS", "sip:example.com");
    let via = format!("SIP/2.0/UDP {via_rest};branch={}", request.branch());
    office.deliver(&phone.line, request.with_via(&via).to_text());
    assert_eq!(office.wire.len(), 1);
    let Hop::Flow(flow) = office.wire[0].hop else { panic!("a dialled hop for UDP") };
    assert_eq!(flow.transport(), Transport::Udp);
    flow.peer().to_string()
}

#[test]
fn trn_12_a_response_by_udp_goes_to_the_port_of_sent_by() {
    let to = |via: &str| goes_to("192.0.2.101:40000", via);
    assert_eq!(to("192.0.2.101:5090"), "192.0.2.101:5090");
    assert_eq!(to("192.0.2.101"), "192.0.2.101:5060", "5060 where no port is named");
    assert_eq!(to("pc.invalid:5090"), "192.0.2.101:5090", "the source, not the name");
    assert_eq!(to("192.0.2.101:5090;received=192.0.2.99"), "192.0.2.101:5090");
}

#[test]
fn trn_12_maddr_wins_where_the_peer_is_trusted() {
    assert_eq!(goes_to("192.0.2.5:40000", "192.0.2.5:5090;maddr=192.0.2.77"), "192.0.2.77:5090");
}

#[test]
fn trn_12_a_stranger_aims_no_response_at_others() {
    let to = goes_to("192.0.2.101:40000", "192.0.2.101:5090;maddr=192.0.2.77");
    assert!(to.starts_with("192.0.2.101:"), "{to}");
}

#[test]
fn trn_13_a_response_to_somebody_else_is_dropped() {
    let mut office = removing();
    let mut lamp = office.phone("102");
    let request = lamp.subscribe(URI, "dialog");
    office.ask(&lamp, &request);
    let notify = office.notifies(&lamp).remove(0);
    let stray = notify.response(481, &[]).replace("UDP 192.0.2.1:5060", "UDP 192.0.2.200:5060");
    assert_ne!(stray, notify.response(481, &[]));

    office.deliver(&lamp.line, stray);

    assert_eq!(office.shard.subscriptions(), 1);
    office.answer(&lamp, &notify, 481);
    assert_eq!(office.shard.subscriptions(), 0, "the same with our own sent-by ends it");
}

/// Tells the shard that whatever it sends cannot be delivered, until it stops sending; how often
/// that was.
fn nothing_goes_out(office: &mut Office) -> usize {
    for tries in 0..100 {
        let Some(lost) = requests(office).pop() else { return tries };
        office.wire.clear();
        office.happen(Input::Undeliverable(lost.request.expect("a request")));
    }
    panic!("it is tried without end");
}

#[test]
fn trn_14_a_send_failure_ends_the_subscription_at_once() {
    let mut office = removing();
    let mut lamp = office.phone("102");
    office.subscribe(&mut lamp, URI, "dialog");
    let mut pbx = office.pbx();
    office.publish(&mut pbx, URI, "dialog", &call(URI, "c1", "early"));

    let tries = nothing_goes_out(&mut office);

    assert_eq!(tries, 1, "there is no other target to try");
    assert_eq!(office.shard.subscriptions(), 0);
    office.pass_secs(120);
    assert!(office.wire.is_empty(), "nothing is resent, no terminal NOTIFY: RFC 6665 §4.2.2");
}

#[test]
fn trn_14_a_send_failure_suspends_the_subscription_by_default() {
    let mut office = Office::new();
    let mut lamp = office.phone("102");
    office.subscribe(&mut lamp, URI, "dialog");
    let mut pbx = office.pbx();
    office.publish(&mut pbx, URI, "dialog", &call(URI, "c1", "early"));

    nothing_goes_out(&mut office);

    let conditions: Vec<_> = office.shard.watchers().map(|view| view.condition).collect();
    assert_eq!(conditions, ["suspended"]);
    office.pass_secs(29);
    assert!(office.wire.is_empty(), "left alone until the first probe");
    let refresh = lamp.refresh();
    assert_eq!(office.ask(&lamp, &refresh).status(), 200);
    assert!(office.notified(&lamp).body.contains("early"), "it goes on when heard of");
}

#[test]
fn trn_03_a_lost_datagram_does_not_send_later_large_notifies_by_udp() {
    let mut office = Office::new();
    let mut lamp = office.phone("102");
    office.subscribe(&mut lamp, URI, "dialog");
    let mut pbx = office.pbx();
    let tag = office.publish(&mut pbx, URI, "dialog", &call(URI, "c1", "early"));
    nothing_goes_out(&mut office);
    let refresh = lamp.refresh();
    office.ask(&lamp, &refresh);
    office.notified_all(&lamp);
    office.pass_secs(5);

    let modify = pbx.publish(URI, "dialog", &crowded()).with("SIP-If-Match", &tag);
    assert_eq!(office.ask(&pbx, &modify).status(), 200);

    let large = requests(&office);
    assert_eq!(large.len(), 1);
    assert_eq!(large[0].hop.transport(), Transport::Tcp);
}

#[test]
fn trn_15_a_notify_uses_the_connection_of_the_subscriber() {
    let mut office = Office::new();
    let mut lamp = office.tcp_phone("102");
    office.subscribe(&mut lamp, URI, "dialog");
    office.pass_secs(40);
    let mut pbx = office.pbx();

    office.publish(&mut pbx, URI, "dialog", &call(URI, "c1", "early"));

    let notify = office.notified(&lamp);
    let hop = notify.parcel.hop;
    assert_eq!(hop.transport(), Transport::Tcp);
    assert_eq!(hop.address(), lamp.address(), "the address whose connection is open");
    assert!(notify.header("Via").starts_with("SIP/2.0/TCP "));
}

#[test]
fn trn_16_too_many_headers_and_too_long_ones_are_refused() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let mut many = phone.request("OPTIONS", "sip:example.com");
    for number in 0..400 {
        many = many.also(&format!("X-{number}"), "x");
    }
    let long = phone.request("OPTIONS", "sip:example.com").with("Subject", &"x".repeat(40_000));
    for request in [many, long] {
        let status = office.ask(&phone, &request).status();
        assert!([400, 413, 513].contains(&status), "{status}");
    }
    let good = phone.request("OPTIONS", "sip:example.com");
    assert_eq!(office.ask(&phone, &good).status(), 200, "others are served");
}
