//! The end in order: what is on the wire from the signal to the exit code.

use std::time::{Duration, Instant};

use fanal::sip::{Message, Status};

use crate::common::home::{Home, LOOPBACK, Served};
use crate::phone::{Phone, body, dialog_info, fresh, options};

/// What the agent may take at most, from the signal to its end, by default.
const ENDED_WITHIN: Duration = Duration::from_secs(10);

fn asked(phone: &Phone) -> (Status, bool) {
    let answer = phone.ask(&options("UDP", phone.local(), &format!("o{}", fresh())));
    let is_dated = String::from_utf8_lossy(answer.raw()).contains("\r\nRetry-After: 5\r\n");
    (answer.status(), is_dated)
}

fn serve(home: &Home, settings: &str) -> Served {
    let settings = format!("[server]\ndomains = [\"example.com\"]\n{settings}");
    let mut command = home.serving(&["udp:127.0.0.1:0", "tcp:127.0.0.1:0"], LOOPBACK, &settings);
    home.served(&mut command)
}

/// Until the agent drains: a signal takes its time.
fn drained(served: &mut Served, signal: &str) -> Instant {
    let since = Instant::now();
    served.running.signal(signal);
    served.running.event("stopping");
    // Shards are told right behind that line.
    std::thread::sleep(Duration::from_millis(100));
    since
}

#[test]
fn what_is_new_is_refused_while_an_unanswered_notify_is_repeated_and_then_it_ends() {
    let home = Home::new("drain");
    let mut served = serve(&home, "");
    let address = served.doors["udp4"];
    let (watcher, phone) = (Phone::new(address), Phone::new(address));
    watcher.subscribe("101", &watcher.contact());
    watcher.request();
    assert_eq!(asked(&phone), (Status(200), false), "ready");
    phone.publish("101", &dialog_info("101", "early", 0));
    let Message::Request(unanswered) = watcher.hear() else { panic!("a NOTIFY") };

    let since = drained(&mut served, "TERM");
    assert_eq!(asked(&phone), (Status(503), true), "draining");
    let publish = phone.publish("102", &dialog_info("102", "early", 0));
    assert_eq!(publish.status(), Status(503));
    assert_eq!(watcher.subscribe("102", &watcher.contact()).status(), Status(503));
    let mut repeated = 0;
    while let Some(Message::Request(request)) = watcher.hear_within(Duration::from_millis(4500)) {
        assert_eq!(request.raw(), unanswered.raw(), "no other word than the one that is owed");
        repeated += 1;
    }
    assert!((2..=4).contains(&repeated), "{repeated} repeats");
    assert_eq!(served.running.event("stopped")["settled"], false);
    assert_eq!(served.running.ended(), 0);
    assert!(since.elapsed() < ENDED_WITHIN, "{:?}", since.elapsed());

    // Nobody was told that it is over, and it is not: the newest state comes after the restart.
    let settings = "[server]\ndomains = [\"example.com\"]\n";
    let mut command = home.serving(&[&format!("udp:{address}")], LOOPBACK, settings);
    let _again = home.served(&mut command);
    let notify = watcher.request();
    assert!(body(&notify).contains("early"));
    let state = String::from_utf8_lossy(notify.raw()).into_owned();
    assert!(state.contains("\r\nSubscription-State: active;"), "{state}");
}

#[test]
fn a_watcher_who_answers_is_waited_for_and_no_longer() {
    let home = Home::new("answer");
    let mut served = serve(&home, "");
    let address = served.doors["udp4"];
    let (watcher, phone) = (Phone::new(address), Phone::new(address));
    watcher.subscribe("101", &watcher.contact());
    watcher.request();
    // The first is under way when the others come, which are one change more.
    for call in 1..=5 {
        let early = dialog_info("101", "early", 0);
        phone.publish("101", &early.replace("c1-", &format!("c{call}-")));
    }
    let since = drained(&mut served, "INT");
    let mut last = String::new();
    while let Some(Message::Request(request)) = watcher.hear_within(Duration::from_millis(1500)) {
        watcher.answer(&request);
        last = body(&request);
    }
    assert!((1..=5).all(|call| last.contains(&format!("c{call}-101"))), "{last}");
    assert_eq!(served.running.event("stopped")["settled"], true);
    assert_eq!(served.running.ended(), 0);
    assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
}

#[test]
fn a_thousand_watchers_are_told_nothing_by_the_end() {
    let home = Home::new("quiet");
    let mut served = serve(&home, "");
    let watcher = Phone::new(served.doors["udp4"]);
    for n in 0..1000 {
        watcher.subscribe(&format!("u{}", n % 100), &watcher.contact());
        watcher.request();
    }
    let since = drained(&mut served, "TERM");
    assert_eq!(served.running.event("stopped")["settled"], true);
    assert_eq!(served.running.ended(), 0);
    assert!(since.elapsed() < Duration::from_secs(3), "{:?}", since.elapsed());
    assert!(watcher.hear_within(Duration::from_millis(200)).is_none(), "no terminated");
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let home = Home::new("twice");
    let mut served = serve(&home, "drain_patience = \"1m\"\n");
    let address = served.doors["udp4"];
    let (watcher, phone) = (Phone::new(address), Phone::new(address));
    watcher.subscribe("101", &watcher.contact());
    watcher.request();
    phone.publish("101", &dialog_info("101", "early", 0));
    watcher.hear();
    let since = drained(&mut served, "TERM");
    assert_eq!(asked(&phone), (Status(503), true), "it waits");
    served.running.signal("INT");
    assert_eq!(served.running.event("stopped_at_once")["signal"], "SIGINT");
    assert_eq!(served.running.ended(), 1);
    assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
}
