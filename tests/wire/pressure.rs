//! What happens when there is too much, and when there is a defect.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use fanal::base::flow::Transport;
use fanal::base::limits::{INBOX_MESSAGES_NEW, TURN_INPUTS};
use fanal::server::{Running, run};
use fanal::sip::{Message, Status};

use crate::agent::{address, agent};
use crate::child;
use crate::phone::{Phone, Sketch, dialog_info, fresh, options};

/// One shard of two that does nothing until it is let go.
struct Held {
    gate: Arc<(Mutex<bool>, Condvar)>,
}

impl Held {
    fn one_of(agent: &Arc<Running>) -> Held {
        let gate: Arc<(Mutex<bool>, Condvar)> = Arc::default();
        let is_taken = Arc::new(AtomicBool::new(false));
        let (inner, agent) = (Arc::clone(&gate), Arc::clone(agent));
        std::thread::spawn(move || {
            agent.look(move |_| {
                if !is_taken.swap(true, Ordering::SeqCst) {
                    let (is_open, opened) = &*inner;
                    let mut is_open = is_open.lock().expect("not poisoned");
                    while !*is_open {
                        is_open = opened.wait(is_open).expect("not poisoned");
                    }
                }
            });
        });
        std::thread::sleep(Duration::from_millis(50));
        Held { gate }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        *self.gate.0.lock().expect("not poisoned") = true;
        self.gate.1.notify_all();
    }
}

/// Whether the shard that reads a phone's datagrams does so: what is at home nowhere is answered
/// where it was read.
fn is_answered(phone: &Phone) -> bool {
    let text = options("UDP", phone.local(), &format!("o{}", fresh()));
    phone.send(text.replace("sip:101@example.com", "sip:101@elsewhere.example.net"));
    phone.hear_within(Duration::from_millis(100)).is_some()
}

fn publish(phone: &Phone, user: &str) -> String {
    Sketch {
        method: "PUBLISH",
        uri: &format!("sip:{user}@example.com"),
        transport: "UDP",
        sent_by: phone.local(),
        from: user,
        to_tag: None,
        call_id: &format!("p{}", fresh()),
        cseq: 1,
        lines: crate::phone::PUBLISH_LINES,
        body: &dialog_info(user, "confirmed", 0),
    }
    .text()
}

#[test]
fn a_request_whose_home_has_no_room_is_told_when_to_come_back() {
    let agent = Arc::new(agent(&["udp:127.0.0.1:0"], 2));
    let held = Held::one_of(&agent);
    let address = address(&agent, Transport::Udp, true);
    // A phone whose datagrams the other shard reads, and a user who is at home in the held one.
    let phone = std::iter::repeat_with(|| Phone::new(address)).take(30).find(is_answered);
    let phone = phone.expect("one of two sockets is read");
    let user = (0..30).map(|n| format!("u{n}")).find(|user| {
        phone.send(publish(&phone, user));
        phone.hear_within(Duration::from_millis(100)).is_none()
    });
    let user = user.expect("one of two homes is held");
    let already = agent.counters().steered;
    let until = Instant::now() + Duration::from_secs(30);
    for sent in 1..=INBOX_MESSAGES_NEW as u64 + 256 {
        phone.send(publish(&phone, &user));
        // Not faster than the other shard steers, so that nothing is lost on the way.
        while sent % 64 == 0 && agent.counters().steered < already + sent {
            assert!(Instant::now() < until, "a datagram was lost");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    let Message::Response(answer) = phone.hear() else { panic!("an answer") };
    assert_eq!(answer.status(), Status(503));
    assert!(String::from_utf8_lossy(answer.raw()).contains("\r\nRetry-After: "));
    assert!(agent.counters().busy_answered > 0);
    drop(held);
    // Everything that was taken is answered, over many turns.
    const { assert!(INBOX_MESSAGES_NEW > 4 * TURN_INPUTS) };
    let mut answered = 0;
    while phone.hear_within(Duration::from_millis(500)).is_some() {
        answered += 1;
    }
    assert!(answered > TURN_INPUTS, "{answered}");
    assert_eq!(agent.gauges().waiting, 0);
}

/// Not a test of its own: the agent that [`a_defect_ends_the_process_so_that_it_is_started_anew`]
/// starts.
#[test]
#[ignore = "started by another test, whose process it ends"]
fn agent_with_a_defect() {
    if !child::is_one() {
        return;
    }
    let agent = agent(&["udp:127.0.0.1:0"], 2);
    agent.look(|_| panic!("a defect"));
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn a_defect_ends_the_process_so_that_it_is_started_anew() {
    let mut child = child::command("pressure::agent_with_a_defect").spawn().expect("started");
    let status = child.wait().expect("gone");
    assert_eq!(status.code(), Some(run::EXIT_DEFECT));
}
