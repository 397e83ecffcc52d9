//! Over UDP.

use std::time::Duration;

use fanal::base::flow::Transport;
use fanal::sip::{Message, Status};

use crate::agent::{address, agent, has_ipv6};
use crate::phone::{Phone, body, dialog_info, options, version};

#[test]
fn a_request_is_answered_where_it_came_from_in_both_families() {
    let listen: &[&str] = match has_ipv6() {
        true => &["udp:127.0.0.1:0", "udp:[::1]:0"],
        false => &["udp:127.0.0.1:0"],
    };
    let agent = agent(listen, 1);
    for (_, address) in agent.listeners() {
        let phone = Phone::new(*address);
        let answer = phone.ask(&options("UDP", phone.local(), &address.to_string()));
        assert_eq!(answer.status(), Status(200));
        let via = answer.headers().via().expect("a Via");
        assert_eq!(via.rport(), Some(Some(phone.local().port())));
    }
}

#[test]
fn an_asked_for_rport_leads_the_answer_to_the_socket_that_asked() {
    // RFC 3581 §4: whatever port the Via names.
    let agent = agent(&["udp:127.0.0.1:0"], 1);
    let phone = Phone::new(address(&agent, Transport::Udp, true));
    let elsewhere = "127.0.0.1:9".parse().expect("an address");
    let answer = phone.ask(&options("UDP", elsewhere, "c1"));
    let via = answer.headers().via().expect("a Via");
    assert_eq!(via.rport(), Some(Some(phone.local().port())));
}

#[test]
fn without_rport_the_answer_goes_to_the_port_of_sent_by() {
    // RFC 3261 §18.2.2.
    let agent = agent(&["udp:127.0.0.1:0"], 1);
    let address = address(&agent, Transport::Udp, true);
    let (asking, listening) = (Phone::new(address), Phone::new(address));
    let text = options("UDP", listening.local(), "c1").replace(";rport", "");
    asking.send(text);
    assert_eq!(listening.response().status(), Status(200));
}

#[test]
fn a_watcher_sees_a_call_come_and_go() {
    let agent = agent(&["udp:127.0.0.1:0"], 1);
    let address = address(&agent, Transport::Udp, true);
    let (watcher, phone) = (Phone::new(address), Phone::new(address));
    assert_eq!(watcher.subscribe("101", &watcher.contact()).status(), Status(200));
    assert_eq!(version(&watcher.request()), 0);
    for (round, state) in ["early", "confirmed", "terminated"].into_iter().enumerate() {
        assert_eq!(phone.publish("101", &dialog_info("101", state, 0)).status(), Status(200));
        let notify = watcher.request();
        assert!(body(&notify).contains(state), "{state}");
        assert_eq!(version(&notify) as usize, round + 1);
    }
    let gauges = agent.gauges();
    assert_eq!((gauges.subscriptions, gauges.presentities), (1, 1));
}

#[test]
fn a_contact_that_is_a_name_is_looked_up() {
    let agent = agent(&["udp:127.0.0.1:0"], 1);
    let address = address(&agent, Transport::Udp, true);
    let (subscriber, listener) = (Phone::new(address), Phone::new(address));
    let contact = format!("sip:watcher@localhost:{}", listener.local().port());
    assert_eq!(subscriber.subscribe("101", &contact).status(), Status(200));
    assert_eq!(version(&listener.request()), 0);
}

#[test]
fn empty_lines_before_a_request_and_garbage_between_are_no_hindrance() {
    let agent = agent(&["udp:127.0.0.1:0"], 1);
    let phone = Phone::new(address(&agent, Transport::Udp, true));
    for garbage in [&b""[..], b"\r\n\r\n", b"\0", b"hello", b"\xff\xfe\x00\x01", b"SIP/2.0 200"] {
        phone.send(garbage);
    }
    phone.send(format!("\r\n\r\n{}", options("UDP", phone.local(), "c1")));
    assert_eq!(phone.response().headers().call_id().ok(), Some("c1"));
    assert!(phone.hear_within(Duration::from_millis(50)).is_none(), "nothing else is answered");
    assert_eq!(agent.counters().malformed_dropped, 3);
}

#[test]
fn a_request_that_is_not_quite_one_is_told_so() {
    let agent = agent(&["udp:127.0.0.1:0"], 1);
    let phone = Phone::new(address(&agent, Transport::Udp, true));
    let text =
        options("UDP", phone.local(), "c1").replace("Content-Length: 0", "Content-Length: 9");
    assert_eq!(phone.ask(&text).status(), Status(400));
}

#[test]
fn a_datagram_of_60_000_octets_is_read() {
    let agent = agent(&["udp:127.0.0.1:0"], 1);
    let phone = Phone::new(address(&agent, Transport::Udp, true));
    let body = dialog_info("101", "confirmed", 59_000);
    assert_eq!(phone.publish("101", &body).status(), Status(200));
}

#[test]
fn with_two_shards_every_request_finds_its_home_from_either_socket() {
    let agent = agent(&["udp:127.0.0.1:0"], 2);
    let address = address(&agent, Transport::Udp, true);
    let users: Vec<String> = (0..40).map(|n| format!("u{n}")).collect();
    let watcher = Phone::new(address);
    for user in &users {
        assert_eq!(watcher.subscribe(user, &watcher.contact()).status(), Status(200));
        watcher.request();
    }
    for user in &users {
        // A socket each, so that the kernel gives them to both shards.
        let phone = Phone::new(address);
        let answer = phone.publish(user, &dialog_info(user, "confirmed", 0));
        assert_eq!(answer.status(), Status(200));
        let Message::Request(notify) = watcher.hear() else { panic!("a NOTIFY") };
        watcher.answer(&notify);
        assert!(body(&notify).contains(&format!("sip:{user}@example.com")));
    }
    let each = agent.look(|shard| shard.publications());
    assert_eq!(each.iter().sum::<usize>(), users.len());
    assert!(each.iter().all(|count| *count > 5), "{each:?}");
    assert!(agent.counters().steered > 0);
}
