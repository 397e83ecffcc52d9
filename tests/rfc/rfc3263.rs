//! RFC 3263: where a Contact is found. The shard asks; resolving is the edge's.

use std::time::Duration;

use fanal::base::flow::Transport;
use fanal::shard::{Input, Question};

use crate::common::documents::call;
use crate::common::phone::Line;
use crate::common::{Office, Phone};

const URI: &str = "sip:101@example.com";

/// What is asked for a Contact. `None` if nothing is.
fn question(contact: &str) -> Option<Question> {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let request = phone.subscribe(URI, "dialog").with("Contact", &format!("<{contact}>"));
    assert_eq!(office.ask(&phone, &request).status(), 200);
    assert!(office.questions.len() <= 1);
    office.questions.pop()
}

fn asked(host: &str, port: Option<u16>, transport: Option<Transport>) -> Option<Question> {
    Some(Question { host: host.to_owned(), port, transport })
}

#[test]
fn loc_01_an_address_is_not_looked_up() {
    assert_eq!(question("sip:102@192.0.2.101"), None);
    assert_eq!(question("sip:102@192.0.2.101:5070"), None);
    assert_eq!(question("sip:102@192.0.2.101:5070;transport=tcp"), None);
}

#[test]
fn loc_01_a_port_or_a_transport_is_kept() {
    assert_eq!(question("sip:u@host.test:5071"), asked("host.test", Some(5071), None));
    let tcp = Some(Transport::Tcp);
    assert_eq!(question("sip:u@host.test:5071;transport=tcp"), asked("host.test", Some(5071), tcp));
}

#[test]
fn loc_02_a_bare_name_is_asked_for_its_services() {
    assert_eq!(question("sip:u@host.test"), asked("host.test", None, None));
}

#[test]
fn loc_01_an_address_without_a_port_is_5060_by_udp() {
    let mut office = Office::new();
    let mut phone = Phone::new("102", Line::udp("192.0.2.101:49000"), 9);
    let request = phone.subscribe(URI, "dialog").with("Contact", "<sip:102@192.0.2.101>");
    office.ask(&phone, &request);
    let sent = office.take("192.0.2.101:5060".parse().expect("an address"));
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].parcel.hop.transport(), Transport::Udp);
}

#[test]
fn loc_01_a_transport_in_the_contact_is_taken() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let contact = "<sip:102@192.0.2.101:5066;transport=tcp>";
    let request = phone.subscribe(URI, "dialog").with("Contact", contact);
    office.ask(&phone, &request);
    let sent = office.take("192.0.2.101:5066".parse().expect("an address"));
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].parcel.hop.transport(), Transport::Tcp);
    assert!(sent[0].header("Via").starts_with("SIP/2.0/TCP "));
}

/// A phone whose Contact is a name with two targets.
fn two_targets() -> (Office, Phone, Phone, Phone) {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let request = phone.subscribe(URI, "dialog").with("Contact", "<sip:u@host.test>");
    assert_eq!(office.ask(&phone, &request).status(), 200);
    let question = office.questions.pop().expect("a question");
    let (first, second) = ("198.51.100.1:5077", "198.51.100.2:5077");
    let target = |text: &str| (Transport::Udp, text.parse().expect("an address"));
    office.happen(Input::Resolved {
        question,
        targets: vec![target(first), target(second)],
        fresh_for: Duration::from_secs(3000),
    });
    let at = |place: &str| {
        let mut there = phone.clone();
        there.line = Line::udp(place);
        there
    };
    let (first, second) = (at(first), at(second));
    (office, phone, first, second)
}

#[test]
fn loc_02_the_first_target_is_used() {
    let (mut office, phone, first, second) = two_targets();
    assert_eq!(office.notified(&first).uri(), "sip:u@host.test");
    assert!(office.notifies(&second).is_empty() && office.notifies(&phone).is_empty());
}

#[test]
fn loc_03_a_dead_target_is_followed_by_the_next() {
    let (mut office, _, first, second) = two_targets();
    let lost = office.notifies(&first).remove(0);
    office.happen(Input::Undeliverable(lost.parcel.request.expect("a request")));
    office.pass_millis(1);
    let again = office.notified(&second);
    assert_ne!(again.via("branch"), lost.via("branch"), "a new branch");
    assert_eq!(office.shard.subscriptions(), 1);
}

#[test]
fn loc_01_a_name_that_is_not_found_stops_nothing_else() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let request = phone.subscribe(URI, "dialog").with("Contact", "<sip:u@nowhere.test>");
    office.ask(&phone, &request);
    let mut lamp = office.phone("103");
    office.subscribe(&mut lamp, URI, "dialog");
    let question = office.questions.pop().expect("a question");
    office.happen(Input::Resolved {
        question,
        targets: Vec::new(),
        fresh_for: Duration::from_secs(0),
    });
    office.pass_secs(60);
    let mut pbx = office.pbx();
    office.publish(&mut pbx, URI, "dialog", &call(URI, "c1", "early"));
    office.notified(&lamp);
    assert!(office.notifies(&phone).is_empty());
    assert!(office.questions.len() < 10, "it is not asked without end");
}
