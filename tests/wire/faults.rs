//! Streams that break in mid message, a NAT that gives another port, a phone that never reads.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use fanal::base::flow::Transport;
use fanal::server::{Running, start};
use fanal::sip::Status;

use crate::agent::{address, agent, launch};
use crate::line::Line;
use crate::phone::{Phone, Sketch, body, dialog_info, fresh, version};
use crate::watcher::Watcher;

const BOTH: [&str; 2] = ["udp:127.0.0.1:0", "tcp:127.0.0.1:0"];

/// Until something is so, or a test has waited for too long.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let over = Instant::now() + Duration::from_secs(10);
    while !is_so() {
        assert!(Instant::now() < over, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn phone(agent: &Running) -> Phone {
    Phone::new(address(agent, Transport::Udp, true))
}

#[test]
fn of_a_stream_that_breaks_in_mid_message_nothing_is_left() {
    let agent = agent(&BOTH, 2);
    let door = address(&agent, Transport::Tcp, true);
    let (watcher, phone) = (phone(&agent), phone(&agent));
    watcher.subscribe("101", &watcher.contact());
    watcher.request();
    let document = dialog_info("101", "early", 0);
    let publish = Sketch {
        method: "PUBLISH",
        uri: "sip:101@example.com",
        transport: "TCP",
        sent_by: door,
        from: "101",
        to_tag: None,
        call_id: "broken",
        cseq: 1,
        lines: crate::phone::PUBLISH_LINES,
        body: &document,
    }
    .text();
    // In the start line, in a header, before the body, within it, before its last octet.
    let body_at = publish.find("\r\n\r\n").expect("a body") + 4;
    for cut in [5, 120, body_at, body_at + 40, publish.len() - 1] {
        let mut stream = TcpStream::connect(door).expect("connected");
        stream.write_all(&publish.as_bytes()[..cut]).expect("sent");
        until("it is taken", || agent.gauges().connections == 1);
        drop(stream);
        until("it is let go", || agent.gauges().connections == 0);
    }
    assert_eq!(agent.gauges().publications, 0);
    assert!(watcher.hear_within(Duration::from_millis(100)).is_none(), "nobody is told of it");
    phone.publish("101", &document);
    assert!(body(&watcher.request()).contains("early"));
    assert_eq!(agent.gauges().publications, 1);
}

#[test]
fn a_watcher_whose_nat_gave_it_another_port_is_told_there_from_its_next_request_on() {
    let agent = agent(&BOTH, 1);
    let phone = phone(&agent);
    let behind = || Phone::new(address(&agent, Transport::Udp, true));
    let mut watcher = Watcher::with_contact(behind(), "sip:watcher@10.0.0.5:5060".to_owned());
    phone.publish("101", &dialog_info("101", "early", 0));
    assert!(body(&watcher.phone.request()).contains("early"));

    let before = std::mem::replace(&mut watcher.phone, behind());
    assert!(watcher.refresh());
    let current = watcher.phone.request();
    assert!(body(&current).contains("early"), "what it may have missed comes with the refresh");
    phone.publish("101", &dialog_info("101", "confirmed", 0));

    let told = watcher.phone.request();
    assert!(body(&told).contains("confirmed"));
    assert!(version(&told) > version(&current));
    assert!(before.hear_within(Duration::from_millis(100)).is_none(), "nothing to the old port");
}

#[test]
fn who_never_reads_is_cut_off_and_nobody_waits_for_it() {
    const LARGE: usize = 50_000;
    // More than fits into the buffers of the kernel, and what may wait beside them.
    const LAMPS: usize = 600;
    let mut settings = launch(&BOTH, 1);
    settings.transport.connection_octets_max = 1 << 20;
    let agent = start(settings).expect("an agent");
    let (watcher, phone) = (phone(&agent), phone(&agent));
    watcher.subscribe("102", &watcher.contact());
    watcher.request();
    phone.publish("101", &dialog_info("101", "early", LARGE));
    let mut deaf = Line::connect(address(&agent, Transport::Tcp, true));
    let mut longest = Duration::ZERO;
    for lamp in 0..LAMPS {
        let subscribe = deaf.subscribe("101");
        // Cut off, it may write no more.
        if deaf.stream.write_all(subscribe.as_bytes()).is_err() {
            break;
        }
        if lamp % 20 == 0 {
            let since = Instant::now();
            let id = format!("d{}", fresh());
            let other = dialog_info("102", "early", 0).replace("\"d1\"", &format!("\"{id}\""));
            phone.publish("102", &other);
            while !body(&watcher.request()).contains(&id) {}
            longest = longest.max(since.elapsed());
        }
    }
    until("it is cut off", || agent.gauges().connections == 0);
    assert!(longest < Duration::from_secs(2), "the other waited for {longest:?}");
    assert_eq!(phone.publish("102", &dialog_info("102", "early", 0)).status(), Status(200));
}
