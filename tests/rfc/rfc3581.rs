//! RFC 3581: answers through NAT, and what rport does not do.

use fanal::base::flow::{Hop, ListenerId, Transport};
use fanal::shard::Door;

use crate::common::documents::call;
use crate::common::phone::Line;
use crate::common::{Office, Phone};

const URI: &str = "sip:101@example.com";

fn phone_on(line: Line) -> Phone {
    Phone::new("102", line, 50)
}

#[test]
fn rpt_01_an_empty_rport_is_filled_and_received_added() {
    let mut office = Office::new();
    let mut phone = phone_on(Line::udp("192.0.2.101:33333"));
    // The very address of the source: RFC 3261 alone would add nothing.
    let options = phone.request("OPTIONS", URI);
    assert!(options.via.contains("192.0.2.101:33333;") && options.via.ends_with(";rport"));
    let response = office.ask(&phone, &options);
    assert_eq!(response.via("rport"), Some("33333"));
    assert_eq!(response.via("received"), Some("192.0.2.101"));
    assert_eq!(response.via("branch"), Some(options.branch()));
}

#[test]
fn rpt_01_on_a_stream_too() {
    let mut office = Office::new();
    let mut phone = office.tcp_phone("102");
    let options = phone.request("OPTIONS", URI);
    let response = office.ask(&phone, &options);
    let port = phone.address().port().to_string();
    assert_eq!(response.via("rport"), Some(port.as_str()));
    assert_eq!(response.via("received"), Some("192.0.2.101"));
}

#[test]
fn rpt_01_without_rport_none_is_added() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let mut options = phone.request("OPTIONS", URI);
    options.via = options.via.replace(";rport", "");
    assert_eq!(office.ask(&phone, &options).via("rport"), None);
}

#[test]
fn rpt_01_refusals_obey_it_too() {
    let mut office = Office::with_passwords();
    let mut phone = phone_on(Line::udp("203.0.113.9:41000"));
    let mut subscribe = phone.subscribe(URI, "dialog");
    subscribe.via = subscribe.via.replace("203.0.113.9:41000", "10.0.0.9:5060");
    let unparsable = subscribe.clone().with("Expires", "1").also("Expires", "2");
    for request in [subscribe, unparsable] {
        let response = office.ask(&phone, &request);
        assert!(response.status() >= 400);
        assert_eq!(response.via("rport"), Some("41000"), "{response:?}");
        assert_eq!(response.via("received"), Some("203.0.113.9"), "{response:?}");
    }
}

#[test]
fn rpt_02_the_answer_leaves_from_where_the_request_came_to() {
    let mut office = Office::with(|config| {
        config.server.auth = fanal::shard::config::Authentication::Off;
        let local = "198.51.100.10:5080".parse().expect("an address");
        let second = Door { local, ..config.doors[0].clone() };
        config.doors.push(second);
    });
    let mut phone = phone_on(Line::udp_to(4, "203.0.113.9:41000"));
    let mut options = phone.request("OPTIONS", "sip:example.com");
    options.via = options.via.replace("203.0.113.9:41000", "10.0.0.9:5060");
    let broken = options.clone().again("broken").without("From");
    for (request, status) in [(options, 200), (broken, 400)] {
        office.deliver(&phone.line, request.to_text());
        let parcel = office.wire.pop_front().expect("an answer");
        let Hop::Flow(flow) = parcel.hop else { panic!("not the flow") };
        assert_eq!(flow.listener(), ListenerId(4), "from the address it came to");
        assert_eq!(flow.peer(), phone.address(), "to the port it came from");
        assert_eq!(crate::common::Got::new(parcel).status(), status);
    }
}

#[test]
fn rpt_03_our_requests_carry_rport_and_take_answers_at_their_source() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let request = phone.subscribe(URI, "dialog");
    office.ask(&phone, &request);
    let notify = office.notifies(&phone).remove(0);
    assert_eq!(notify.via("rport"), Some(""));
    assert!(notify.header("Via").contains("192.0.2.1:5060"), "{notify:?}");

    // A phone that obeys RFC 3581 fills it, and its answer is taken all the same.
    let answer = notify.response(200, &[]);
    let answer = answer.replace(";rport", ";rport=5060;received=192.0.2.1");
    office.deliver(&phone.line, answer);
    office.pass_secs(40);
    assert!(office.notifies(&phone).is_empty(), "answered");
}

#[test]
fn rpt_04_a_private_contact_is_reached_by_the_path_of_its_subscribe() {
    let mut office = Office::new();
    let mut phone = phone_on(Line::udp("203.0.113.9:5555"));
    phone.contact = "sip:102@10.0.0.9:5060".to_owned();
    let mut request = phone.subscribe(URI, "dialog");
    request.via = request.via.replace("203.0.113.9:5555", "10.0.0.9:5060");
    let response = office.ask(&phone, &request);
    phone.remember(&request, &response);

    let first = office.notified(&phone);
    assert_eq!(first.uri(), "sip:102@10.0.0.9:5060", "the Request-URI is the Contact still");
    let mut pbx = office.pbx();
    office.publish(&mut pbx, URI, "dialog", &call(URI, "c1", "early"));
    let next = office.notified(&phone);
    assert_eq!(next.parcel.hop.transport(), Transport::Udp);
    assert_eq!(next.uri(), "sip:102@10.0.0.9:5060");

    // The NAT gives it another port: the refresh says so.
    let mut moved = phone.clone();
    moved.line = Line::udp("203.0.113.9:6666");
    let refresh = moved.refresh();
    office.deliver(&moved.line, refresh.to_text());
    assert!(office.notifies(&phone).is_empty(), "nothing to the old hole");
    assert_eq!(office.notified(&moved).uri(), "sip:102@10.0.0.9:5060");
}

#[test]
fn rpt_04_rport_alone_does_not_route_a_notify() {
    // It sends from one port and listens on another: the Contact is good.
    let mut office = Office::new();
    let mut phone = phone_on(Line::udp("192.0.2.101:49152"));
    let request = phone.subscribe(URI, "dialog").with("Contact", "<sip:102@192.0.2.101:5060>");
    assert!(request.via.ends_with(";rport"));
    assert_eq!(office.ask(&phone, &request).status(), 200);
    assert!(office.notifies(&phone).is_empty());
    let listening = phone_on(Line::udp("192.0.2.101:5060"));
    office.notified(&listening);
}
