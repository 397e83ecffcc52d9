//! Over TCP, and from datagrams to streams where a NOTIFY is large.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use fanal::base::flow::Transport;
use fanal::server::Running;
use fanal::sip::{Message, Status};

use crate::agent::{address, agent, has_ipv6};
use crate::line::Line;
use crate::phone::{Phone, body, dialog_info, version};

const BOTH: [&str; 2] = ["udp:127.0.0.1:0", "tcp:127.0.0.1:0"];

/// A remark that makes a NOTIFY too large for a datagram.
const LARGE: usize = 2000;

fn line(agent: &Running) -> Line {
    Line::connect(address(agent, Transport::Tcp, true))
}

fn phone(agent: &Running) -> Phone {
    Phone::new(address(agent, Transport::Udp, true))
}

#[test]
fn a_request_may_come_one_octet_at_a_time() {
    let agent = agent(&BOTH, 1);
    let mut line = line(&agent);
    for octet in line.options("split").bytes() {
        line.send([octet]);
    }
    let answer = line.response();
    assert_eq!((answer.status(), answer.headers().call_id().ok()), (Status(200), Some("split")));
}

#[test]
fn ten_requests_may_come_in_one_piece_and_are_answered_in_order() {
    let agent = agent(&BOTH, 1);
    let mut line = line(&agent);
    let calls: Vec<String> = (0..10).map(|n| format!("pipelined-{n}")).collect();
    let text: String = calls.iter().map(|call| line.options(call)).collect();
    line.send(text);
    for call in &calls {
        assert_eq!(line.response().headers().call_id().ok(), Some(call.as_str()));
    }
}

#[test]
fn ipv6_is_served_as_well() {
    if !has_ipv6() {
        return;
    }
    let agent = agent(&["tcp:[::1]:0"], 1);
    let mut line = Line::connect(address(&agent, Transport::Tcp, false));
    line.send(line.options("six"));
    assert_eq!(line.response().status(), Status(200));
}

#[test]
fn a_ping_is_answered_with_a_pong() {
    // RFC 5626 §4.4.1.
    let agent = agent(&BOTH, 1);
    let mut line = line(&agent);
    line.send("\r\n\r\n");
    assert_eq!(line.octets(), b"\r\n");
    line.send(line.options("after"));
    assert_eq!(line.response().status(), Status(200));
}

#[test]
fn a_stream_without_a_readable_content_length_is_answered_400_and_closed() {
    let agent = agent(&BOTH, 1);
    for length in ["Content-Length: -1", "Content-Length: x", "Subject: none"] {
        let mut line = line(&agent);
        // What follows must not be taken for a request, nor take the answer back.
        let bad = line.options("bad").replace("Content-Length: 0", length);
        line.send(format!("{bad}{}", line.options("next")));
        assert_eq!(line.response().status(), Status(400), "{length}");
        assert!(line.octets().is_empty(), "closed");
    }
}

#[test]
fn a_watcher_is_told_on_the_connection_it_subscribed_on() {
    let agent = agent(&BOTH, 2);
    let (mut line, phone) = (line(&agent), phone(&agent));
    line.send(line.subscribe("101"));
    assert_eq!(line.response().status(), Status(200));
    assert_eq!(version(&line.request()), 0);
    phone.publish("101", &dialog_info("101", "early", 0));
    let notify = line.request();
    assert!(body(&notify).contains("early") && version(&notify) == 1);
    assert_eq!(agent.gauges().connections, 1);
}

#[test]
fn a_watcher_whose_connection_is_gone_is_suspended_and_told_when_it_is_back() {
    let agent = agent(&BOTH, 1);
    let phone = phone(&agent);
    {
        let mut line = line(&agent);
        line.send(line.subscribe("101"));
        assert_eq!(line.response().status(), Status(200));
        line.request();
    }
    let until = Instant::now() + Duration::from_secs(5);
    while agent.gauges().connections > 0 && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(phone.publish("101", &dialog_info("101", "early", 0)).status(), Status(200));
    while agent.gauges().suspended == 0 && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(agent.gauges().suspended, 1);
}

#[test]
fn a_large_notify_goes_by_stream_to_a_phone_that_listens_on_one() {
    // RFC 3261 §18.1.1.
    let agent = agent(&BOTH, 1);
    let (watcher, phone) = (phone(&agent), phone(&agent));
    let listener = TcpListener::bind(watcher.local()).expect("the same port");
    watcher.subscribe("101", &watcher.contact());
    watcher.request();
    phone.publish("101", &dialog_info("101", "confirmed", LARGE));
    let mut line = Line::accept(&listener, Duration::from_secs(5)).expect("dialled");
    let notify = line.request();
    assert!(body(&notify).contains("confirmed"));
    assert!(notify.raw().windows(11).any(|window| window == b"SIP/2.0/TCP"), "the Via names it");
    // The second finds the connection there.
    phone.publish("101", &dialog_info("101", "terminated", LARGE));
    assert!(body(&line.request()).contains("terminated"));
    assert_eq!(agent.counters().connections_dialled, 1);
}

#[test]
fn a_large_notify_goes_by_datagram_within_a_second_where_no_stream_is_taken() {
    let agent = agent(&BOTH, 1);
    let (watcher, phone) = (phone(&agent), phone(&agent));
    watcher.subscribe("101", &watcher.contact());
    watcher.request();
    let started = Instant::now();
    phone.publish("101", &dialog_info("101", "confirmed", LARGE));
    let notify = watcher.request();
    assert!(body(&notify).contains("confirmed"));
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[test]
fn many_watchers_on_one_connection_are_all_told() {
    let agent = agent(&BOTH, 2);
    let (mut line, phone) = (line(&agent), phone(&agent));
    const WATCHERS: usize = 300;
    for _ in 0..WATCHERS {
        line.send(line.subscribe("101"));
    }
    let (mut accepted, mut told) = (0, 0);
    while accepted < WATCHERS || told < WATCHERS {
        match line.hear() {
            Message::Response(response) => {
                assert_eq!(response.status(), Status(200));
                accepted += 1;
            }
            Message::Request(request) => {
                line.answer(&request);
                told += 1;
            }
        }
    }
    phone.publish("101", &dialog_info("101", "early", 3000));
    let mut told = 0;
    while told < WATCHERS {
        told += usize::from(body(&line.request()).contains("early"));
    }
}
