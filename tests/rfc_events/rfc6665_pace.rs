//! RFC 6665 §5.4.10, RFC 3856 §6.10, RFC 4235 §3.10, RFC 3842 §3.11: how often a watcher is told.

use std::time::Duration;

use fanal::notifier::config::PaceSetting;
use fanal::shard::config::Authentication;

use crate::common::documents::{call, mailbox};
use crate::common::samples::{noted, states};
use crate::common::{Got, Office};
use crate::{ALICE, LINE};

/// An office where one package is paced as the RFC has it: no burst.
fn strict(package: &str, seconds: u64) -> Office {
    Office::with(|config| {
        config.server.auth = Authentication::Off;
        let pace = PaceSetting { interval: Duration::from_secs(seconds), burst: 1 };
        config.notifier.pace.insert(package.to_owned(), pace);
    })
}

/// Twenty publications in two seconds; what the watcher got in the half minute from the first,
/// with the milliseconds since then.
fn twenty(office: &mut Office) -> Vec<(u64, Got)> {
    let (mut watcher, mut alice) = (office.phone("102"), office.phone("alice"));
    office.subscribe(&mut watcher, ALICE, "presence");
    office.pass_secs(60);
    let began = office.now.instant;
    let mut told = Vec::new();
    let mut tag = office.publish(&mut alice, ALICE, "presence", &noted(ALICE, "1"));
    for nth in 2..=20 {
        told.extend(office.live(&watcher, Duration::from_millis(100)));
        tag = office.modify(&mut alice, ALICE, "presence", &tag, &noted(ALICE, &nth.to_string()));
    }
    told.extend(office.live(&watcher, Duration::from_secs(40)));
    told.into_iter()
        .map(|got| (got.parcel.at.instant.since(began).as_millis() as u64, got))
        .collect()
}

fn note(got: &Got) -> &str {
    got.body.split("<note>").nth(1).and_then(|rest| rest.split('<').next()).expect("a note")
}

#[test]
fn evt_35_changes_beyond_the_pace_are_merged_and_the_last_is_sent() {
    let told = twenty(&mut strict("presence", 5));

    let told: Vec<(u64, &str)> = told.iter().map(|(at, got)| (*at, note(got))).collect();
    assert_eq!(told, [(0, "1"), (5000, "20")]);
}

#[test]
fn evt_35_by_default_two_may_follow_each_other() {
    let told = twenty(&mut Office::new());

    let told: Vec<(u64, &str)> = told.iter().map(|(at, got)| (*at, note(got))).collect();
    assert_eq!(told, [(0, "1"), (100, "2"), (5000, "20")]);
}

#[test]
fn evt_35_the_first_change_after_quiet_is_immediate_again() {
    let mut office = strict("presence", 5);
    let (mut watcher, mut alice) = (office.phone("102"), office.phone("alice"));
    office.subscribe(&mut watcher, ALICE, "presence");
    let mut tag = office.publish(&mut alice, ALICE, "presence", &noted(ALICE, "0"));
    office.live(&watcher, Duration::from_secs(12));
    for nth in 1..=3 {
        tag = office.modify(&mut alice, ALICE, "presence", &tag, &noted(ALICE, &nth.to_string()));

        let told = office.notified(&watcher);

        assert_eq!(told.parcel.at, office.now);
        assert_eq!(note(&told), nth.to_string());
        office.assert_quiet(&watcher, 6);
    }
}

#[test]
fn evt_35_a_change_taken_back_while_it_waited_may_stay_untold_but_never_half() {
    let mut office = strict("presence", 5);
    let (mut watcher, mut alice) = (office.phone("102"), office.phone("alice"));
    office.subscribe(&mut watcher, ALICE, "presence");
    office.pass_secs(60);
    let tag = office.publish(&mut alice, ALICE, "presence", &noted(ALICE, "here"));
    office.notified(&watcher);
    let tag = office.modify(&mut alice, ALICE, "presence", &tag, &noted(ALICE, "gone"));
    office.modify(&mut alice, ALICE, "presence", &tag, &noted(ALICE, "here"));

    let told = office.live(&watcher, Duration::from_secs(33));

    assert!(told.len() <= 1, "{told:#?}");
    assert!(told.iter().all(|got| note(got) == "here"), "{told:#?}");
}

#[test]
fn evt_35_each_watcher_has_a_pace_of_its_own() {
    let mut office = strict("presence", 5);
    let (mut early, mut alice) = (office.phone("102"), office.phone("alice"));
    office.subscribe(&mut early, ALICE, "presence");
    office.pass_secs(60);
    let mut late = office.phone("103");
    office.subscribe(&mut late, ALICE, "presence");
    office.pass_secs(60);

    let tag = office.publish(&mut alice, ALICE, "presence", &noted(ALICE, "one"));
    assert_eq!(note(&office.notified(&early)), "one");
    assert_eq!(note(&office.notified(&late)), "one");
    office.modify(&mut alice, ALICE, "presence", &tag, &noted(ALICE, "two"));

    assert!(office.notifies(&early).is_empty());
    assert!(office.notifies(&late).is_empty());
    office.pass_secs(6);
    assert_eq!(note(&office.told(&early)), "two");
    assert_eq!(note(&office.told(&late)), "two");
}

#[test]
fn evt_35_the_last_notify_of_a_subscription_waits_for_no_pace() {
    let mut office = strict("presence", 5);
    let (mut watcher, mut alice) = (office.phone("102"), office.phone("alice"));
    office.subscribe(&mut watcher, ALICE, "presence");
    office.pass_secs(60);
    office.publish(&mut alice, ALICE, "presence", &noted(ALICE, "one"));
    office.notified(&watcher);

    let last = office.unsubscribe(&mut watcher);

    assert_eq!((last.parcel.at, last.substate()), (office.now, "terminated"));
}

#[test]
fn prs_08_a_presence_watcher_is_told_once_in_five_seconds() {
    let mut office = strict("presence", 5);
    let (mut watcher, mut alice) = (office.phone("102"), office.phone("alice"));
    office.subscribe(&mut watcher, ALICE, "presence");
    office.pass_secs(60);
    let began = office.now.instant;
    let mut tag = office.publish(&mut alice, ALICE, "presence", &noted(ALICE, "0"));
    let mut told = Vec::new();
    for nth in 1..=60 {
        told.extend(office.live(&watcher, Duration::from_secs(1)));
        tag = office.modify(&mut alice, ALICE, "presence", &tag, &noted(ALICE, &nth.to_string()));
    }
    told.extend(office.live(&watcher, Duration::from_secs(10)));

    let at: Vec<u64> =
        told.iter().map(|got| got.parcel.at.instant.since(began).as_secs()).collect();
    assert!(at.windows(2).all(|two| two[1] - two[0] >= 5), "{at:?}");
    assert!((12..=14).contains(&at.len()), "{at:?}");
    assert_eq!(note(told.last().expect("some")), "60");
}

#[test]
fn prs_08_by_default_the_average_is_kept_over_a_minute() {
    let mut office = Office::new();
    let (mut watcher, mut alice) = (office.phone("102"), office.phone("alice"));
    office.subscribe(&mut watcher, ALICE, "presence");
    office.pass_secs(60);
    let mut tag = office.publish(&mut alice, ALICE, "presence", &noted(ALICE, "0"));
    let mut told = Vec::new();
    for nth in 1..=120 {
        told.extend(office.live(&watcher, Duration::from_millis(500)));
        tag = office.modify(&mut alice, ALICE, "presence", &tag, &noted(ALICE, &nth.to_string()));
    }

    assert!((12..=14).contains(&told.len()), "60 s at 1 in 5 s and a burst: {}", told.len());
}

#[test]
fn dli_11_a_short_call_is_told_at_its_begin_and_at_its_end() {
    let mut office = strict("dialog", 1);
    let (mut lamp, mut pbx) = (office.phone("102"), office.pbx());
    office.subscribe(&mut lamp, LINE, "dialog");
    office.pass_secs(60);
    let began = office.now.instant;
    let mut tag = office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));
    let mut told = office.live(&lamp, Duration::from_millis(150));
    for state in ["confirmed", "terminated"] {
        tag = office.modify(&mut pbx, LINE, "dialog", &tag, &call(LINE, "c1", state));
        told.extend(office.live(&lamp, Duration::from_millis(150)));
    }
    told.extend(office.live(&lamp, Duration::from_secs(33)));

    let told: Vec<(u64, Vec<String>)> = told
        .iter()
        .map(|got| (got.parcel.at.instant.since(began).as_millis() as u64, states(&got.body)))
        .collect();
    let one = |state: &str| vec![state.to_owned()];
    assert_eq!(told, [(0, one("early")), (1000, one("terminated"))]);
}

#[test]
fn dli_11_by_default_ring_answer_and_hang_up_are_never_delayed() {
    let mut office = Office::new();
    let (mut lamp, mut pbx) = (office.phone("102"), office.pbx());
    office.subscribe(&mut lamp, LINE, "dialog");
    office.pass_secs(60);
    let mut tag = office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));
    assert_eq!(states(&office.notified(&lamp).body), ["early"]);
    for state in ["confirmed", "terminated"] {
        office.pass_millis(100);
        tag = office.modify(&mut pbx, LINE, "dialog", &tag, &call(LINE, "c1", state));
        let told = office.notified(&lamp);
        assert_eq!((told.parcel.at, states(&told.body)), (office.now, vec![state.to_owned()]));
    }
}

#[test]
fn dli_11_a_burst_of_calls_is_merged_to_one_a_second() {
    let mut office = Office::new();
    let (mut lamp, mut pbx) = (office.phone("102"), office.pbx());
    office.subscribe(&mut lamp, LINE, "dialog");
    office.pass_secs(60);
    let mut tag = office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c0", "early"));
    let mut told = Vec::new();
    for nth in 1..=100 {
        told.extend(office.live(&lamp, Duration::from_millis(100)));
        let id = format!("c{nth}");
        tag = office.modify(&mut pbx, LINE, "dialog", &tag, &call(LINE, &id, "early"));
    }
    told.extend(office.live(&lamp, Duration::from_secs(10)));

    assert!((10..=16).contains(&told.len()), "10 s at 1 in 1 s and a burst: {}", told.len());
    let last = told.last().expect("some");
    assert!(last.body.contains("id=\"c100\""), "{last:?}");
}

#[test]
fn mwi_07_fifty_changes_in_a_second_are_two_notifies() {
    let mut office = strict("message-summary", 1);
    let (mut lamp, mut pbx) = (office.phone("102"), office.pbx());
    office.subscribe(&mut lamp, LINE, "message-summary");
    office.pass_secs(60);
    let began = office.now.instant;
    let mut tag = office.publish(&mut pbx, LINE, "message-summary", &mailbox(1, 0));
    let mut told = Vec::new();
    for new in 2..=50 {
        told.extend(office.live(&lamp, Duration::from_millis(19)));
        tag = office.modify(&mut pbx, LINE, "message-summary", &tag, &mailbox(new, 0));
    }
    told.extend(office.live(&lamp, Duration::from_secs(33)));

    let at: Vec<u64> =
        told.iter().map(|got| got.parcel.at.instant.since(began).as_millis() as u64).collect();
    assert_eq!(at, [0, 1000]);
    assert!(told[0].body.contains("Voice-Message: 1/0"));
    assert!(told[1].body.contains("Voice-Message: 50/0"));
}
