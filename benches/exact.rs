//! Exact instruction counts of what the agent does most, read by callgrind: `make exact`.
//!
//! `cargo bench --bench exact -- <scene>` sets a scene up and then runs the counted part inside
//! [`counted`], which is where callgrind is told to look.

mod office;

use std::hint::black_box;
use std::time::Duration;

use office::{Office, phone, publish, subscribe};

/// How many times the counted thing is done: enough for the rare (a table that grows, numbers
/// reserved ahead) to weigh as much as it does in the long run.
const TIMES: u32 = 1_000;

fn main() {
    let scene = std::env::args().nth(1).unwrap_or_default();
    let mut office = Office::new();
    match scene.as_str() {
        // One NOTIFY to one of many watchers, and its 200.
        "notify" => {
            office.subscribe(1, 0..TIMES);
            office.publish(1, None, "early");
            office.answer_all();
            office.pass(Duration::from_secs(40));
            office.end_turn();
            let octets = publish(1, 9, None, "confirmed");
            office.hand_in(octets, "192.0.2.9:5060".parse().expect("an address"));
            counted(|| office.end_turn());
            let answers = office.answers();
            assert_eq!(answers.len(), TIMES as usize);
            counted(|| {
                for (octets, peer) in answers {
                    office.hand_in(octets, peer);
                }
                office.end_turn();
            });
        }
        // A refresh: SUBSCRIBE in the dialog, its 200, the NOTIFY and its 200.
        "refresh" => {
            let lamps = office.subscribe(1, 0..TIMES);
            office.publish(1, None, "confirmed");
            office.answer_all();
            office.pass(Duration::from_secs(40));
            let requests: Vec<_> = lamps
                .iter()
                .map(|lamp| {
                    (subscribe(1, lamp.watcher, 2, Some(&lamp.to), 3600), phone(lamp.watcher))
                })
                .collect();
            office.end_turn();
            counted(|| {
                for (octets, peer) in requests {
                    office.hand_in(octets, peer);
                }
                office.end_turn();
            });
            let answers = office.answers();
            assert_eq!(answers.len(), TIMES as usize);
            counted(|| {
                for (octets, peer) in answers {
                    office.hand_in(octets, peer);
                }
                office.end_turn();
            });
        }
        // A first SUBSCRIBE, its 200, the NOTIFY and its 200.
        "subscribe" => {
            let requests: Vec<_> = (0..TIMES)
                .map(|watcher| (subscribe(watcher % 100, watcher, 1, None, 3600), phone(watcher)))
                .collect();
            counted(|| {
                for (octets, peer) in requests {
                    office.hand_in(octets, peer);
                }
                office.end_turn();
            });
            let answers = office.answers();
            assert_eq!(answers.len(), TIMES as usize);
            counted(|| {
                for (octets, peer) in answers {
                    office.hand_in(octets, peer);
                }
                office.end_turn();
            });
        }
        // A PUBLISH that changes the state of somebody whom nobody watches.
        "publish" => {
            let tags: Vec<_> = (0..TIMES).map(|who| office.publish(who, None, "early")).collect();
            office.wire.clear();
            office.pass(Duration::from_secs(40));
            office.end_turn();
            let requests: Vec<_> = tags
                .iter()
                .enumerate()
                .map(|(who, tag)| publish(who as u32, 1, Some(tag), "confirmed"))
                .collect();
            counted(|| {
                for octets in requests {
                    office.hand_in(octets, "192.0.2.9:5060".parse().expect("an address"));
                }
                office.end_turn();
            });
            assert!(office.wire.iter().all(|sent| sent.head.starts_with(b"SIP/2.0 200")));
        }
        // Octets held for each idle subscription, and for each presentity with one publication.
        "memory" => {
            let mut before = resident();
            for presentity in 0..50_000 {
                office.subscribe(1 + presentity % 20, presentity * 4..presentity * 4 + 4);
                office.rest(presentity);
            }
            println!("{} octets a subscription", (office.idle() - before) / 200_000);
            before = resident();
            for presentity in 100..50_100 {
                office.publish(presentity, None, "confirmed");
                office.rest(presentity);
            }
            println!("{} octets a presentity", (office.idle() - before) / 50_000);
        }
        _ => eprintln!("scenes: notify refresh subscribe publish memory"),
    }
}

/// The part whose instructions count.
#[inline(never)]
fn counted<R>(part: impl FnOnce() -> R) -> R {
    black_box(part())
}

impl Office {
    /// Now and then lets pass what is remembered for half a minute.
    fn rest(&mut self, count: u32) {
        if count.is_multiple_of(10_000) {
            self.pass(Duration::from_secs(40));
            self.end_turn();
        }
    }

    /// Octets of memory once nothing goes on.
    fn idle(&mut self) -> usize {
        for _ in 0..40 {
            self.pass(Duration::from_secs(1));
            self.end_turn();
        }
        self.wire = Vec::new();
        resident()
    }
}

fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").expect("linux");
    let pages: usize = pages.split(' ').nth(1).and_then(|n| n.parse().ok()).expect("a number");
    pages * 4096
}
