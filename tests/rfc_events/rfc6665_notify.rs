//! RFC 6665 §4.2.2: what a NOTIFY says, and when the next one may leave.

use std::time::Duration;

use fanal::policy::Verdict;
use fanal::shard::config::Authentication;

use crate::common::documents::{call, calls, mailbox, presence};
use crate::common::samples::{noted, states};
use crate::common::{Got, Office};
use crate::{ALICE, LINE};

#[test]
fn evt_30_a_notify_belongs_to_the_dialog_of_the_2xx() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let request = phone.subscribe(LINE, "dialog;id=3");

    let (response, notify) = office.subscribed(&mut phone, &request);

    assert_eq!(notify.start, format!("NOTIFY {} SIP/2.0", phone.contact));
    assert_eq!(notify.header("From"), response.header("To"));
    assert_eq!(notify.header("To"), request.from);
    assert_eq!(notify.header("Call-ID"), request.call_id);
    assert!(notify.header("CSeq").ends_with(" NOTIFY"));
    assert_eq!(notify.header("Max-Forwards"), "70");
    assert_eq!(notify.header("Event"), "dialog;id=3");
    assert_eq!(notify.header("Contact"), response.header("Contact"));
    assert_eq!(notify.substate(), "active");
    assert!(notify.via("branch").expect("a branch").starts_with("z9hG4bK"));
    for once in ["Via", "From", "To", "Call-ID", "CSeq", "Event", "Subscription-State", "Contact"] {
        assert_eq!(notify.all(once).count(), 1, "{once}");
    }
}

#[test]
fn evt_30_numbers_grow_by_one() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let mut pbx = office.pbx();
    let first = office.subscribe(&mut phone, LINE, "dialog");
    let tag = office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));
    let second = office.notified(&phone);
    office.modify(&mut pbx, LINE, "dialog", &tag, &call(LINE, "c1", "confirmed"));
    let third = office.notified(&phone);

    assert_eq!([second.cseq(), third.cseq()], [first.cseq() + 1, first.cseq() + 2]);
    assert_eq!(first.sender_tag(), third.sender_tag());
    assert_ne!(second.via("branch"), third.via("branch"));
}

#[test]
fn evt_31_the_seconds_left_count_down() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let mut alice = office.phone("alice");
    let first = office.subscribe(&mut phone, ALICE, "presence");
    assert_eq!(first.seconds_left(), 600);

    office.pass_secs(100);
    let tag = office.publish(&mut alice, ALICE, "presence", &noted(ALICE, "one"));
    let left = office.notified(&phone).seconds_left();
    assert!((499..=500).contains(&left), "{left}");

    office.pass_secs(498);
    office.modify(&mut alice, ALICE, "presence", &tag, &noted(ALICE, "two"));
    let left = office.notified(&phone).seconds_left();
    assert!((1..=2).contains(&left), "{left}");
}

#[test]
fn evt_31_a_pending_subscription_counts_down_too() {
    let mut office = Office::with(|config| {
        config.server.auth = Authentication::Off;
        config.policy.default = Verdict::Confirm;
    });
    let mut phone = office.phone("102");
    let first = office.subscribe(&mut phone, ALICE, "presence");
    assert_eq!((first.substate(), first.seconds_left()), ("pending", 600));
    office.pass_secs(100);

    let refresh = phone.refresh().with("Expires", "60");
    let (_, again) = office.subscribed(&mut phone, &refresh);

    assert_eq!((again.substate(), again.seconds_left()), ("pending", 60));
}

#[test]
fn evt_34_a_change_is_told_at_once() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let mut pbx = office.pbx();
    for (package, body) in [
        ("presence", presence(LINE, "open")),
        ("dialog", call(LINE, "c1", "early")),
        ("message-summary", mailbox(3, 1)),
    ] {
        office.subscribe(&mut phone, LINE, package);
        office.pass_secs(60);

        office.publish(&mut pbx, LINE, package, &body);

        let told = office.notified(&phone);
        assert_eq!(told.parcel.at, office.now, "{package}");
        assert_eq!(told.header("Event"), package);
    }
}

#[test]
fn evt_34_who_watches_something_else_is_told_nothing() {
    let mut office = Office::new();
    let mut pbx = office.pbx();
    let (mut other_line, mut other_package) = (office.phone("102"), office.phone("103"));
    office.subscribe(&mut other_line, "sip:105@example.com", "dialog");
    office.subscribe(&mut other_package, LINE, "message-summary");

    office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));

    office.assert_quiet(&other_line, 33);
    office.assert_quiet(&other_package, 0);
}

#[test]
fn evt_40_one_notify_is_in_flight_and_the_newest_state_comes_next() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let mut pbx = office.pbx();
    office.subscribe(&mut phone, LINE, "dialog");
    let mut tag = office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "trying"));
    let held = office.notifies(&phone).remove(0);

    for state in ["proceeding", "early", "confirmed"] {
        office.pass_millis(50);
        tag = office.modify(&mut pbx, LINE, "dialog", &tag, &call(LINE, "c1", state));
    }
    assert!(office.inbox(&phone).is_empty(), "none before the answer");
    office.answer(&phone, &held, 200);
    let next = office.notified(&phone);

    assert_eq!(next.cseq(), held.cseq() + 1);
    assert_eq!(next.version(), held.version() + 1);
    assert_eq!(states(&next.body), ["confirmed"]);
    office.assert_quiet(&phone, 33);
}

#[test]
fn evt_40_the_newest_state_waits_for_the_pace_though_the_answer_is_there() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let mut alice = office.phone("alice");
    office.subscribe(&mut phone, ALICE, "presence");
    office.pass_secs(30);
    let mut tag = office.publish(&mut alice, ALICE, "presence", &noted(ALICE, "0"));
    let began = office.now;
    for nth in 1..=5 {
        tag = office.modify(&mut alice, ALICE, "presence", &tag, &noted(ALICE, &nth.to_string()));
    }

    let told = office.live(&phone, Duration::from_secs(33));

    let numbers: Vec<u32> = told.iter().map(Got::cseq).collect();
    assert!(numbers.is_sorted_by(|one, next| one + 1 == *next), "{numbers:?}");
    let last = told.last().expect("some");
    assert!(last.body.contains("<note>5</note>"));
    assert!(last.parcel.at.instant.since(began.instant) <= Duration::from_secs(5));
}

#[test]
fn evt_42_a_pending_watcher_sees_nothing_private() {
    for package in ["presence", "dialog", "message-summary"] {
        let mut office = Office::with(|config| {
            config.server.auth = Authentication::Off;
            config.policy.default = Verdict::Confirm;
        });
        let mut phone = office.phone("102");
        let mut pbx = office.pbx();
        office.publish(&mut pbx, LINE, "presence", &presence(LINE, "open"));
        office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "confirmed"));
        office.publish(&mut pbx, LINE, "message-summary", &mailbox(7, 5));

        let first = office.subscribe(&mut phone, LINE, package);

        assert_eq!(first.substate(), "pending", "{package}");
        for private in ["open", "c1", "confirmed", "555", "7/5", "yes"] {
            assert!(!first.body.contains(private), "{package}: {first:?}");
        }
        office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c2", "early"));
        office.publish(&mut pbx, LINE, "message-summary", &mailbox(8, 5));
        office.assert_quiet(&phone, 33);
    }
}

#[test]
fn evt_42_a_pending_watcher_that_is_granted_gets_the_state_at_once() {
    let mut office = Office::with(|config| {
        config.server.auth = Authentication::Off;
        config.policy.default = Verdict::Confirm;
    });
    let mut phone = office.phone("102");
    let mut pbx = office.pbx();
    office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "confirmed"));
    let pending = office.subscribe(&mut phone, LINE, "dialog");
    // Rules are settings: they change with a restart.
    let mut open = (*office.config).clone();
    open.policy.default = Verdict::Allow;
    office.config = open.into();

    office.restart(9);
    let told = office.live(&phone, Duration::from_secs(40));

    let granted = told.first().expect("a NOTIFY without a SUBSCRIBE");
    assert_eq!(granted.substate(), "active");
    assert!(granted.cseq() > pending.cseq());
    assert_eq!(calls(&granted.body), [("c1".to_owned(), "confirmed".to_owned())]);
}

#[test]
fn evt_42_a_pending_watcher_that_is_denied_is_told_rejected() {
    let mut office = Office::with(|config| {
        config.server.auth = Authentication::Off;
        config.policy.default = Verdict::Confirm;
    });
    let mut phone = office.phone("102");
    office.subscribe(&mut phone, LINE, "dialog");
    let mut closed = (*office.config).clone();
    closed.policy.default = Verdict::Block;
    office.config = closed.into();

    office.restart(9);
    let told = office.live(&phone, Duration::from_secs(40));

    let last = told.last().expect("a NOTIFY without a SUBSCRIBE");
    assert_eq!((last.substate(), last.state_parameter("reason")), ("terminated", Some("rejected")));
    assert_eq!(told.len(), 1);
    assert_eq!(office.shard.subscriptions(), 0);
}

#[test]
fn evt_45_versions_go_on_over_refreshes_and_merged_changes() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let mut pbx = office.pbx();
    let mut told = vec![office.subscribe(&mut phone, LINE, "dialog")];
    let mut tag = office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c0", "early"));
    told.extend(office.notified_all(&phone));
    told.push(office.refreshed(&mut phone));
    // More changes than the pace lets through.
    for nth in 1..=12 {
        let id = format!("c{nth}");
        tag = office.modify(&mut pbx, LINE, "dialog", &tag, &call(LINE, &id, "early"));
        told.extend(office.notified_all(&phone));
    }
    told.extend(office.live(&phone, Duration::from_secs(5)));
    told.push(office.refreshed(&mut phone));

    let versions: Vec<u32> = told.iter().map(Got::version).collect();
    assert!(versions.len() < 15, "some were merged: {versions:?}");
    assert_eq!(versions, (0..versions.len() as u32).collect::<Vec<_>>());
    assert!(told.iter().all(|notify| notify.body.contains("state=\"full\"")));
}

#[test]
fn evt_46_a_polite_block_looks_like_somebody_offline() {
    let mut office = Office::new();
    let mut watcher = office.phone("102");
    let offline = office.subscribe(&mut watcher, ALICE, "presence");
    let offline_again = office.refreshed(&mut watcher);

    let mut polite = Office::with(|config| {
        config.server.auth = Authentication::Off;
        config.policy.default = Verdict::PoliteBlock;
    });
    let mut alice = polite.phone("alice");
    polite.publish(&mut alice, ALICE, "presence", &presence(ALICE, "open"));
    let mut watcher = polite.phone("102");
    let blocked = polite.subscribe(&mut watcher, ALICE, "presence");
    let blocked_again = polite.refreshed(&mut watcher);
    polite.publish(&mut alice, ALICE, "presence", &noted(ALICE, "secret"));
    polite.assert_quiet(&watcher, 33);

    for (one, other) in [(&offline, &blocked), (&offline_again, &blocked_again)] {
        assert_eq!(one.body, other.body);
        assert_eq!(one.header("Subscription-State"), other.header("Subscription-State"));
        let names = |got: &Got| got.headers.iter().map(|(n, _)| n.clone()).collect::<Vec<_>>();
        assert_eq!(names(one), names(other));
        assert_eq!(one.cseq(), other.cseq());
    }
}
