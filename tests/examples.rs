//! The programs of `examples/`, run against a real agent on loopback.
#![allow(clippy::disallowed_methods, reason = "programs live by the clock")]

use std::net::SocketAddr;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

#[allow(dead_code, reason = "its main is for people")]
#[path = "../examples/day.rs"]
mod day;
#[allow(dead_code, reason = "its main is for people")]
#[path = "../examples/embed.rs"]
mod embed;
#[allow(dead_code, reason = "its main is for people")]
#[path = "../examples/phone.rs"]
mod phone;
#[allow(dead_code, reason = "its main is for people")]
#[path = "../examples/publish.rs"]
mod publish;
#[allow(dead_code, reason = "its main is for people")]
#[path = "../examples/watch.rs"]
mod watch;

use fanal::base::flow::Transport;
use fanal::server::Running;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(10);

fn agent() -> (Running, SocketAddr) {
    let agent = embed::start("127.0.0.1:0").expect("an agent");
    let udp = agent.listeners().iter().find(|(transport, _)| *transport == Transport::Udp);
    let address = udp.expect("a listener").1;
    (agent, address)
}

/// `cargo run --example day > examples/day/day.txt` writes it anew: read what has changed.
#[test]
fn a_day_in_the_life_is_seen_by_each_as_far_as_each_may() {
    let seen = day::day().expect("a day");
    assert_eq!(seen, include_str!("../examples/day/day.txt"));
}

#[test]
fn embed_counts_what_the_others_do() {
    let (agent, address) = agent();
    let mut publisher = publish::Publisher::new(address, "101").expect("a publisher");
    publisher.publish("busy", "Writing the offer").expect("published");
    let until = Instant::now() + PATIENCE;
    while !embed::report(&agent).starts_with("1 publications accepted") {
        assert!(Instant::now() < until, "{}", embed::report(&agent));
        thread::sleep(Duration::from_millis(50));
    }
    assert!(embed::report(&agent).ends_with("1 presentities, 0 subscriptions live"));
    agent.stop();
}

#[test]
fn publish_changes_what_it_published_and_takes_it_away() {
    let (agent, address) = agent();
    let mut phone = phone::Phone::plug_in(address, "102").expect("a phone");
    phone.watch("101").expect("watched");
    let mut heard = || phone.hear(Instant::now() + PATIENCE).expect("heard").expect("in time");
    let nothing = heard();
    let mut publisher = publish::Publisher::new(address, "101").expect("a publisher");
    let first = publisher.publish("busy", "Writing the offer").expect("published");
    assert_eq!(heard(), "open busy \"Writing the offer\"");
    let second = publisher.publish("away", "Back at three").expect("changed");
    assert_ne!(first, second);
    assert_eq!(heard(), "open away \"Back at three\"");
    publisher.remove().expect("taken away");
    assert_eq!(heard(), nothing);
    agent.stop();
}

#[test]
fn phone_registers_publishes_and_hears_of_another() {
    let (agent, address) = agent();
    let mut ada = phone::Phone::plug_in(address, "101").expect("a phone");
    ada.register().expect("registered");
    ada.publish().expect("published");
    let mut ben = phone::Phone::plug_in(address, "102").expect("a phone");
    ben.watch("101").expect("watched");
    let heard = ben.hear(Instant::now() + PATIENCE).expect("heard");
    assert_eq!(heard.as_deref(), Some("open"));
    agent.stop();
}

#[test]
fn watch_tells_every_change_of_a_lamp() {
    let (agent, address) = agent();
    let (told, lamps) = channel();
    let watcher = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let server = format!("udp:{address}");
        let watching = watch::watch(&server, "101", |lamp| {
            told.send(lamp.to_owned()).expect("the test listens");
            lamp != "busy"
        });
        runtime.expect("a runtime").block_on(watching).map_err(|error| error.to_string())
    });
    let next = || lamps.recv_timeout(PATIENCE).expect("in time");
    assert_eq!(next(), "idle");
    for (state, lamp) in [("early", "ringing"), ("confirmed", "busy")] {
        fanal_publish(address, state);
        assert_eq!(next(), lamp);
    }
    assert_eq!(watcher.join().expect("no panic"), Ok(()));
    agent.stop();
}

/// As its documentation says: the lamp is lit by the command line.
fn fanal_publish(address: SocketAddr, state: &str) {
    let memory = std::env::temp_dir().join(format!("fanal-examples-{}", std::process::id()));
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_fanal"))
        .args(["publish", &format!("sip:101@{address}"), "--dialog", state])
        .env("XDG_CACHE_HOME", &memory)
        .output()
        .expect("the program");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    if state == "confirmed" {
        let _ = std::fs::remove_dir_all(memory);
    }
}
