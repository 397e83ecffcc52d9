//! Links that are down: for a while, for a night.

use std::time::Duration;

use crate::LINE;
use crate::common::documents::{call, calls};
use crate::common::samples::states;
use crate::common::{Got, Office, Phone};

const HOUR: u64 = 3600;

/// Time passes while nothing reaches the phone; how many NOTIFYs were lost on the way, repeats not
/// counted.
fn unheard(office: &mut Office, phone: &Phone, seconds: u64) -> usize {
    let mut lost: Vec<Got> = Vec::new();
    for _ in 0..seconds / 60 {
        office.pass_secs(60);
        for notify in office.notifies(phone) {
            if lost.iter().all(|known| known.cseq() != notify.cseq()) {
                lost.push(notify);
            }
        }
    }
    lost.len()
}

#[test]
fn a_link_that_is_down_for_a_night_costs_a_few_probes_and_the_morning_is_right() {
    let mut office = Office::new();
    let (mut lamp, mut near, mut pbx) = (office.phone("102"), office.phone("103"), office.pbx());
    let request = lamp.subscribe(LINE, "dialog").with("Expires", "3600");
    let (_, first) = office.subscribed(&mut lamp, &request);
    office.answer(&lamp, &first, 200);
    office.pass_secs(30);

    // The link of an office breaks; calls go on for ten hours, one every ten minutes.
    let mut lost = 0;
    for nth in 0..60 {
        let id = format!("c{nth}");
        let tag = office.publish(&mut pbx, LINE, "dialog", &call(LINE, &id, "early"));
        lost += unheard(&mut office, &lamp, 300);
        office.modify(&mut pbx, LINE, "dialog", &tag, &call(LINE, &id, "terminated"));
        lost += unheard(&mut office, &lamp, 300);
    }
    assert!(lost <= 12, "{lost} NOTIFYs in ten hours, of which one was subscribed to");
    assert_eq!(office.shard.subscriptions(), 0, "it ended when it was over");
    assert_eq!(office.shard.transactions(), 0);

    // Another subscribes at the end of the night; then the link is up again.
    office.publish(&mut pbx, LINE, "dialog", &call(LINE, "morning", "confirmed"));
    assert_eq!(states(&office.subscribe(&mut near, LINE, "dialog").body), ["confirmed"]);
    let refresh = lamp.refresh();
    assert_eq!(office.ask(&lamp, &refresh).status(), 481, "so that it starts anew");
    let told = office.subscribe(&mut lamp, LINE, "dialog");
    assert_eq!(calls(&told.body), [("morning".to_owned(), "confirmed".to_owned())]);
}

#[test]
fn a_link_that_is_down_for_ten_minutes_is_found_up_without_a_word_of_the_phone() {
    let mut office = Office::new();
    let (mut lamp, mut pbx) = (office.phone("102"), office.pbx());
    let request = lamp.subscribe(LINE, "dialog").with("Expires", "3600");
    let (_, first) = office.subscribed(&mut lamp, &request);
    office.answer(&lamp, &first, 200);
    office.pass_secs(30);
    let long = pbx.publish(LINE, "dialog", &call(LINE, "c1", "confirmed")).with("Expires", "7200");
    let tag = office.ask(&pbx, &long).header("SIP-ETag").to_owned();
    assert!(unheard(&mut office, &lamp, 600) < 10);
    office.modify(&mut pbx, LINE, "dialog", &tag, &call(LINE, "c1", "terminated"));

    let told = office.live(&lamp, Duration::from_secs(HOUR / 4));

    // The probe that was under way may come first.
    assert!((1..=2).contains(&told.len()), "{told:#?}");
    assert_eq!(states(&told[told.len() - 1].body), ["terminated"]);
}
