//! More than a shard can do: who is here already is served, who comes anew is told when to come
//! back or has to ask again, and nothing is remembered of the rest.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use fanal::base::flow::Transport;
use fanal::base::limits::{BUSY_RETRY, BUSY_RETRY_SPREAD};
use fanal::sip::{Message, Response, Status};

use crate::agent::{address, agent};
use crate::phone::{Phone, options};
use crate::watcher::{PATIENCE, Watcher};

/// What refusals say: 503, and when to come back.
fn retry_after(answer: &Response) -> u64 {
    let text = String::from_utf8_lossy(answer.raw()).into_owned();
    assert!(text.starts_with("SIP/2.0 503 Service Unavailable\r\n"), "{text}");
    let (_, after) = text.split_once("\r\nRetry-After: ").expect("when to come back");
    after.split("\r\n").next().and_then(|digits| digits.parse().ok()).expect("seconds")
}

/// A request for something new, of a method that leaves nothing, or always the same, behind.
fn request(method: &str, from: SocketAddr, call_id: &str) -> String {
    let text = options("UDP", from, call_id).replace("OPTIONS", method);
    match method {
        // A registrar is asked by the domain, for an address-of-record.
        "REGISTER" => text
            .replacen("sip:101@example.com", "sip:example.com", 1)
            .replace("Content-Length", &format!("Contact: <sip:101@{from}>\r\nContent-Length")),
        _ => text,
    }
}

/// A phone that asks for something new again and again, and hardly listens.
struct Flood {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<Vec<u64>>,
}

impl Flood {
    fn of(address: SocketAddr, method: &'static str) -> Flood {
        let is_over = Arc::new(AtomicBool::new(false));
        let goes_on = Arc::clone(&is_over);
        let thread = std::thread::spawn(move || {
            let phone = Phone::new(address);
            let text = request(method, phone.local(), "flood");
            let mut refused = Vec::new();
            for number in 0_u64.. {
                if goes_on.load(Ordering::Relaxed) {
                    break;
                }
                let call = text.replace("flood", &format!("f{number}"));
                phone.send(call.replace("z9hG4bK", &format!("z9hG4bKf{number}")));
                // Twice as many as an agent built for tests serves, not more than it can read.
                if number.is_multiple_of(64) {
                    std::thread::sleep(Duration::from_millis(1));
                }
                // Answers are read now and then; most of them are lost.
                if number.is_multiple_of(512)
                    && let Some(Message::Response(answer)) =
                        phone.hear_within(Duration::from_micros(1))
                    && answer.status() != Status(200)
                {
                    refused.push(retry_after(&answer));
                }
            }
            refused
        });
        Flood { is_over, thread }
    }

    /// Ends it; the times it was told to stay away for.
    fn end(self) -> Vec<u64> {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.join().expect("the flood ends")
    }
}

/// Waits until something shows, for ten seconds at the most.
fn wait_for(what: &str, shows: impl Fn() -> bool) {
    for _ in 0..1000 {
        if shows() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{what}");
}

#[test]
fn in_a_flood_of_new_requests_a_dialog_goes_on_and_the_flood_is_told_when_to_come_back() {
    let agent = agent(&["udp:127.0.0.1:0"], 1);
    let address = address(&agent, Transport::Udp, true);
    let mut watcher = Watcher::new(Phone::new(address));
    let flood = Flood::of(address, "OPTIONS");
    wait_for("no more came than could be served", || agent.counters().busy_answered > 0);
    let answered = (0..50).filter(|_| watcher.refresh()).count();
    let refused = flood.end();
    let counters = agent.counters();
    assert!(counters.busy_dropped > 0 && counters.busy_answered > 0, "{counters:?}");
    // Where the kernel has little room, some are lost before anybody can look at them.
    assert!(answered >= 30, "{answered} of 50 refreshes were answered at once");
    let range = BUSY_RETRY.as_secs()..=(BUSY_RETRY + BUSY_RETRY_SPREAD).as_secs();
    assert!(refused.iter().all(|seconds| range.contains(seconds)), "{refused:?}");
    // What waited is worked off, and whoever comes now is served.
    while !watcher.refresh() {}
    let late = Phone::new(address);
    let asked = request("OPTIONS", late.local(), "late");
    let mut answer = (0..50).map(|_| {
        late.send(&asked);
        late.hear_within(PATIENCE)
    });
    let Some(Some(Message::Response(answer))) = answer.find(Option::is_some) else {
        panic!("an answer in the end");
    };
    assert_eq!(answer.status(), Status(200));
}

#[test]
fn while_a_flood_lasts_the_kernel_turns_it_away_and_nobody_else_and_nobody_afterwards() {
    let agent = agent(&["udp:127.0.0.1:0"], 1);
    let address = address(&agent, Transport::Udp, true);
    let mut watcher = Watcher::new(Phone::new(address));
    let flood = Flood::of(address, "REGISTER");
    wait_for("the kernel is told nothing", || agent.counters().sieves_placed > 0);
    let before = agent.counters();
    let answered = (0..50).filter(|_| watcher.refresh()).count();
    std::thread::sleep(Duration::from_secs(2));
    flood.end();
    let after = agent.counters();
    let lost = after.datagrams_lost - before.datagrams_lost;
    let dropped = after.busy_dropped - before.busy_dropped;
    println!("{lost} datagrams lost, {dropped} read and dropped, {answered} of 50 refreshes");
    assert!(lost > dropped, "{lost} lost, {dropped} read and dropped");
    assert!(answered >= 30, "{answered} of 50 refreshes were answered at once");
    // It is opened step by step, and though hardly anything comes that would show it.
    std::thread::sleep(Duration::from_secs(2));
    let before = agent.counters().datagrams_lost;
    let late = Phone::new(address);
    for number in 0..200 {
        late.send(request("REGISTER", late.local(), &format!("late{number}")));
        let Message::Response(answer) = late.hear() else { panic!("an answer") };
        assert_eq!(answer.status(), Status(200));
    }
    assert_eq!(agent.counters().datagrams_lost, before);
}
