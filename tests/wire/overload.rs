//! More than a shard can do: who is here already is served, who comes anew is told when to come
//! back or has to ask again, and nothing is remembered of the rest.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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

#[test]
fn in_a_flood_of_new_requests_a_dialog_goes_on_and_the_flood_is_told_when_to_come_back() {
    let agent = agent(&["udp:127.0.0.1:0"], 1);
    let address = address(&agent, Transport::Udp, true);
    let mut watcher = Watcher::new(Phone::new(address));
    let is_over = Arc::new(AtomicBool::new(false));
    let flood = std::thread::spawn({
        let is_over = Arc::clone(&is_over);
        move || {
            let phone = Phone::new(address);
            let text = options("UDP", phone.local(), "flood");
            let mut refused = Vec::new();
            for number in 0_u64.. {
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
                phone.send(
                    text.replace("flood", &format!("f{number}"))
                        .replace("z9hG4bK", &format!("z9hG4bKf{number}")),
                );
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
        }
    });
    let pressed = |agent: &fanal::server::Running| agent.counters().busy_answered > 0;
    for _ in 0..1000 {
        if pressed(&agent) {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(pressed(&agent), "no more came than could be served");
    let answered = (0..50).filter(|_| watcher.refresh()).count();
    is_over.store(true, Ordering::Relaxed);
    let refused = flood.join().expect("the flood ends");
    let counters = agent.counters();
    assert!(counters.busy_dropped > 0 && counters.busy_answered > 0, "{counters:?}");
    assert!(answered >= 40, "{answered} of 50 refreshes were answered at once");
    let range = BUSY_RETRY.as_secs()..=(BUSY_RETRY + BUSY_RETRY_SPREAD).as_secs();
    assert!(refused.iter().all(|seconds| range.contains(seconds)), "{refused:?}");
    // What waited is worked off, and whoever comes now is served.
    while !watcher.refresh() {}
    let late = Phone::new(address);
    let asked = options("UDP", late.local(), "late");
    let mut answer = (0..50).map(|_| {
        late.send(&asked);
        late.hear_within(PATIENCE)
    });
    let Some(Some(Message::Response(answer))) = answer.find(Option::is_some) else {
        panic!("an answer in the end");
    };
    assert_eq!(answer.status(), Status(200));
}
