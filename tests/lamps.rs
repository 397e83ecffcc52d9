//! Ways in which a lamp could come to lie, or a turn never to end, and does not.

mod common;

use std::time::Duration;

use common::Office;
use common::documents::{call, calls};
use common::samples::{dialog, dialog_info, states};
use fanal::base::limits;
use fanal::policy::Verdict;
use fanal::shard::config::Authentication;
use fanal::shard::{Change, Input, Record};

const LINE: &str = "sip:101@example.com";

fn nameless(id: &str, state: &str) -> String {
    format!("<dialog id=\"{id}\"><state>{state}</state></dialog>")
}

/// Turns without time passing: how many until the shard no longer wants one at once.
fn turns_at_once(office: &mut Office) -> usize {
    let mut turns = 0;
    while office.shard.deadline().is_some_and(|at| at <= office.now.instant) && turns < 100 {
        office.turn();
        turns += 1;
    }
    turns
}

#[test]
fn a_pending_watcher_that_is_silent_costs_nothing() {
    let mut office = Office::with(|config| {
        config.server.auth = Authentication::Off;
        config.policy.default = Verdict::Confirm;
    });
    let mut lamp = office.phone("102");
    let request = lamp.subscribe(LINE, "dialog");
    office.subscribed(&mut lamp, &request);
    office.pass_secs(40);
    office.pass_secs(40);
    assert!(turns_at_once(&mut office) < 10, "busy loop");
}

#[test]
fn a_probe_by_name_costs_nothing_while_the_name_is_looked_up() {
    let mut office = Office::new();
    let mut lamp = office.phone("102");
    lamp.contact = "sip:102@phone.example.com".to_owned();
    let request = lamp.subscribe(LINE, "dialog");
    office.exchange(&lamp, &request);
    let question = office.questions.remove(0);
    office.happen(Input::Resolved {
        question,
        targets: vec![(fanal::base::flow::Transport::Udp, lamp.address())],
        fresh_for: Duration::from_secs(10),
    });
    office.pass_secs(80);
    assert!(turns_at_once(&mut office) < 10, "busy loop");
}

#[test]
fn a_name_server_that_is_away_for_a_moment_blinds_no_lamp() {
    let mut office = Office::new();
    let (mut lamp, mut pbx) = (office.phone("102"), office.pbx());
    lamp.contact = "sip:102@phone.example.com".to_owned();
    let request = lamp.subscribe(LINE, "dialog");
    office.exchange(&lamp, &request);
    let targets = vec![(fanal::base::flow::Transport::Udp, lamp.address())];
    let question = office.questions.remove(0);
    office.happen(Input::Resolved {
        question,
        targets: targets.clone(),
        fresh_for: Duration::from_secs(10),
    });
    office.notified(&lamp);
    office.pass_secs(20);
    office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));
    let question = office.questions.remove(0);
    office.happen(Input::Resolved { question, targets: vec![], fresh_for: Duration::ZERO });
    for _ in 0..30 {
        office.pass_secs(10);
        for question in std::mem::take(&mut office.questions) {
            office.happen(Input::Resolved {
                question,
                targets: targets.clone(),
                fresh_for: Duration::from_secs(10),
            });
        }
    }
    assert!(!office.notifies(&lamp).is_empty(), "told within five minutes");
}

#[test]
fn a_call_that_rang_too_long_does_not_ring_again() {
    for inside in [nameless("101", "early"), dialog("c1", "early")] {
        let mut office = Office::new();
        let (mut lamp, mut pbx) = (office.phone("102"), office.pbx());
        office.subscribe(&mut lamp, LINE, "dialog");
        office.publish(&mut pbx, LINE, "dialog", &dialog_info(LINE, "full", &inside));
        office.notified(&lamp);
        office.pass_secs(181);
        assert_eq!(states(&office.told(&lamp).body), ["terminated"]);
        office.pass_secs(100);
        office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c2", "confirmed"));
        let body = office.notified(&lamp).body;
        assert_eq!(states(&body), ["confirmed"], "{body}");
    }
}

#[test]
fn a_call_that_rang_too_long_does_not_ring_again_after_a_restart() {
    let mut office = Office::new();
    let (mut lamp, mut pbx) = (office.phone("102"), office.pbx());
    office.subscribe(&mut lamp, LINE, "dialog");
    office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));
    office.notified(&lamp);
    office.pass_secs(181);
    office.told(&lamp);
    office.restart(2);
    let body = office.notified(&lamp).body;
    assert_eq!(states(&body), ["terminated"], "{body}");
}

#[test]
fn an_older_publication_does_not_light_a_call_that_has_ended() {
    let mut office = Office::new();
    let (mut lamp, mut pbx) = (office.phone("102"), office.pbx());
    office.subscribe(&mut lamp, LINE, "dialog");
    office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "confirmed"));
    office.notified(&lamp);
    office.pass_secs(1);
    // The tag is lost; the PBX publishes anew, ends the call and withdraws.
    let tag = office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "confirmed"));
    office.pass_secs(1);
    let tag = office.modify(&mut pbx, LINE, "dialog", &tag, &call(LINE, "c1", "terminated"));
    assert_eq!(states(&office.notified(&lamp).body), ["terminated"]);
    office.withdraw(&mut pbx, LINE, "dialog", &tag);
    office.pass_secs(70);
    assert!(office.notifies(&lamp).is_empty());
    office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c2", "early"));
    let body = office.notified(&lamp).body;
    assert_eq!(states(&body), ["early"], "{body}");
}

#[test]
fn an_id_used_again_stands_once_in_a_document() {
    let mut office = Office::new();
    let (mut lamp, mut pbx) = (office.phone("102"), office.pbx());
    office.subscribe(&mut lamp, LINE, "dialog");
    let doc = |state: &str| dialog_info(LINE, "full", &nameless("101", state));
    let tag = office.publish(&mut pbx, LINE, "dialog", &doc("confirmed"));
    let first = office.notifies(&lamp).remove(0);
    // Before the lamp answers.
    let tag = office.modify(&mut pbx, LINE, "dialog", &tag, &doc("terminated"));
    office.modify(&mut pbx, LINE, "dialog", &tag, &doc("early"));
    office.answer(&lamp, &first, 200);
    let body = office.notified(&lamp).body;
    assert_eq!(states(&body), ["early"], "{body}");
}

#[test]
fn a_farewell_that_was_lost_is_said_again() {
    let mut office = Office::new();
    let (mut lamp, mut pbx) = (office.phone("102"), office.pbx());
    office.subscribe(&mut lamp, LINE, "dialog");
    let tag = office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "confirmed"));
    office.notified(&lamp);
    office.modify(&mut pbx, LINE, "dialog", &tag, &call(LINE, "c1", "terminated"));
    office.pass_secs(35);
    office.inbox(&lamp); // all lost
    office.pass_secs(30);
    let body = office.told(&lamp).body;
    assert_eq!(calls(&body), [("c1".to_owned(), "terminated".to_owned())], "{body}");
}

#[test]
fn a_farewell_that_was_overtaken_by_a_refresh_is_said_again() {
    let mut office = Office::new();
    let (mut lamp, mut pbx) = (office.phone("102"), office.pbx());
    office.subscribe(&mut lamp, LINE, "dialog");
    let tag = office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "confirmed"));
    office.notified(&lamp);
    office.modify(&mut pbx, LINE, "dialog", &tag, &call(LINE, "c1", "terminated"));
    office.inbox(&lamp); // lost
    let body = office.refreshed(&mut lamp).body;
    assert_eq!(calls(&body), [("c1".to_owned(), "terminated".to_owned())], "{body}");
}

#[test]
fn partial_publications_survive_a_restart() {
    let mut office = Office::new();
    let (mut lamp, mut pbx) = (office.phone("102"), office.pbx());
    office.subscribe(&mut lamp, LINE, "dialog");
    let full = dialog_info(LINE, "full", &dialog("c1", "confirmed"));
    let tag = office.publish(&mut pbx, LINE, "dialog", &full);
    office.notified(&lamp);
    let partial = dialog_info(LINE, "partial", &dialog("c2", "confirmed"));
    office.modify(&mut pbx, LINE, "dialog", &tag, &partial);
    assert_eq!(states(&office.notified(&lamp).body), ["confirmed", "confirmed"]);
    office.restart(2);
    let body = office.notified(&lamp).body;
    assert_eq!(states(&body), ["confirmed", "confirmed"], "{body}");
}

#[test]
fn retry_after_zero_is_no_loop() {
    let mut office = Office::new();
    let (mut lamp, mut pbx) = (office.phone("102"), office.pbx());
    office.subscribe(&mut lamp, LINE, "dialog");
    office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "confirmed"));
    let mut count = 0;
    for _ in 0..600 {
        for notify in office.notifies(&lamp) {
            count += 1;
            let octets = notify.response(503, &["Retry-After: 0"]);
            office.deliver(&lamp.line, octets);
        }
        office.pass_millis(100);
    }
    assert!(count < 20, "{count} in a minute");
}

#[test]
fn two_devices_ring_and_one_answers() {
    let mut office = Office::new();
    let (mut lamp, mut pbx) = (office.phone("102"), office.pbx());
    office.subscribe(&mut lamp, LINE, "dialog");
    let device = |tag: &str, state: &str| {
        let inside = format!(
            "<dialog id=\"1\" call-id=\"x@pbx\" local-tag=\"{tag}\" remote-tag=\"r\" \
             direction=\"recipient\"><state>{state}</state></dialog>"
        );
        dialog_info(LINE, "full", &inside)
    };
    let a = office.publish(&mut pbx, LINE, "dialog", &device("a", "early"));
    let b = office.publish(&mut pbx, LINE, "dialog", &device("b", "early"));
    office.notified_all(&lamp);
    office.pass_secs(5);
    office.notified_all(&lamp);
    office.modify(&mut pbx, LINE, "dialog", &a, &device("a", "confirmed"));
    office.pass_millis(20);
    office.modify(&mut pbx, LINE, "dialog", &b, &device("b", "terminated"));
    office.pass_secs(5);
    let last = office.live(&lamp, Duration::from_secs(5)).pop().expect("told");
    assert!(states(&last.body).contains(&"confirmed".to_owned()), "{}", last.body);
}

#[test]
fn a_long_silence_is_probed_at_least_every_ten_minutes() {
    let mut office = Office::new();
    let (mut lamp, mut pbx) = (office.phone("102"), office.pbx());
    let long = lamp.subscribe(LINE, "dialog").with("Expires", "86400");
    let (_, n) = office.subscribed(&mut lamp, &long);
    office.answer(&lamp, &n, 200);
    let publish =
        pbx.publish(LINE, "dialog", &call(LINE, "c1", "confirmed")).with("Expires", "86400");
    office.ask(&pbx, &publish);
    for _ in 0..80 {
        office.pass_secs(60);
        office.inbox(&lamp); // the branch office is cut off for 80 minutes
    }
    let mut waited = 0;
    while office.notifies(&lamp).is_empty() {
        office.pass_secs(60);
        waited += 1;
        assert!(waited <= 11, "minutes without a word after the way is open again");
    }
}

#[test]
fn an_answer_to_nonsense_is_not_aimed_at_a_third_party() {
    let mut office = Office::new();
    let phone = office.phone("102");
    let text = "OPTIONS sip:101@example.com SIP/2.0\r\n\
        Via: SIP/2.0/UDP 192.0.2.101:5060;branch=z9hG4bK1;maddr=203.0.113.66\r\n\
        From: <sip:a@x>;tag=1\r\nTo: <sip:101@example.com>\r\nCall-ID: 1\r\nCSeq: bad\r\n\r\n";
    office.deliver(&phone.line, text);
    for parcel in &office.wire {
        println!("{} {:?}", parcel.hop.address(), parcel.octets);
        assert_eq!(parcel.hop.address().ip(), phone.address().ip());
    }
}

#[test]
fn what_ended_does_not_stay_in_a_partial_publication() {
    let mut office = Office::new();
    let mut pbx = office.pbx();
    let mut tag = office.publish(&mut pbx, LINE, "dialog", &dialog_info(LINE, "full", ""));
    for round in 0..2 * limits::CALLS_MAX {
        for state in ["early", "terminated"] {
            let partial = dialog_info(LINE, "partial", &dialog(&format!("c{round}"), state));
            tag = office.modify(&mut pbx, LINE, "dialog", &tag, &partial);
        }
    }
    let Some(Change::Put(Record::Publication(record))) = office.kept.last() else {
        panic!("a publication was kept")
    };
    assert!(record.body.len() < 2000, "{} octets", record.body.len());
}

#[test]
fn a_publication_has_so_many_calls_and_no_more() {
    let calls = |count: usize| {
        let inside: String = (0..count)
            .map(|n| format!("<dialog id=\"{n}\"><state>early</state></dialog>"))
            .collect();
        dialog_info(LINE, "full", &inside)
    };
    let mut office = Office::new();
    let mut pbx = office.pbx();
    office.publish(&mut pbx, LINE, "dialog", &calls(limits::CALLS_MAX));
    let refused = pbx.publish(LINE, "dialog", &calls(limits::CALLS_MAX + 1));
    assert_eq!(office.ask(&pbx, &refused).status(), 413);
}

#[test]
fn what_a_person_publishes_is_bounded_in_all() {
    let mut office = Office::new();
    let mut alice = office.phone("alice");
    let note = "n".repeat(50_000);
    let body = format!(
        "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"{LINE}\"><tuple id=\"t\">\
         <status><basic>open</basic></status></tuple><note>{note}</note></presence>"
    );
    let tag = office.publish(&mut alice, LINE, "presence", &body);
    office.publish(&mut alice, LINE, "presence", &body);
    let third = alice.publish(LINE, "presence", &body);
    assert_eq!(office.ask(&alice, &third).status(), 413);
    office.modify(&mut alice, LINE, "presence", &tag, &body); // In its own place it fits.
}
