//! RFC 6665 §4.1.2.3, §4.2.1.4, §4.4: how subscriptions end, and the fetch that is over at once.

use std::time::Duration;

use crate::common::documents::{call, calls, presence};
use crate::common::samples::noted;
use crate::common::{Got, Office, Phone};
use crate::{ALICE, LINE};

/// RFC 6665 §4.1.3.
const REASONS: [&str; 7] =
    ["deactivated", "probation", "rejected", "timeout", "giveup", "noresource", "invariant"];

#[track_caller]
fn assert_over(notify: &Got, reason: &str) {
    assert_eq!(notify.method(), "NOTIFY");
    assert_eq!(notify.substate(), "terminated", "{notify:?}");
    assert_eq!(notify.state_parameter("reason"), Some(reason), "{notify:?}");
    assert!(REASONS.contains(&reason));
    assert_eq!(notify.state_parameter("expires"), None, "{notify:?}");
}

/// Whatever is published now, the phone is not told, and its dialog is unknown.
#[track_caller]
fn assert_forgotten(office: &mut Office, phone: &mut Phone) {
    let mut pbx = office.pbx();
    assert!(office.inbox(phone).is_empty());
    office.publish(&mut pbx, LINE, "dialog", &call(LINE, "late", "confirmed"));
    office.publish(&mut pbx, LINE, "presence", &presence(LINE, "open"));
    office.publish(&mut pbx, ALICE, "presence", &presence(ALICE, "open"));
    office.assert_quiet(phone, 33);
    let refresh = phone.refresh();
    let (response, notifies) = office.exchange(phone, &refresh);
    assert_eq!(response.status(), 481, "{response:?}");
    assert!(notifies.is_empty());
    office.assert_quiet(phone, 33);
    assert_eq!(office.shard.subscriptions(), 0);
}

#[test]
fn evt_15_a_notify_follows_every_2xx_at_once() {
    for package in ["presence", "dialog", "message-summary"] {
        let mut office = Office::new();
        let mut phone = office.phone("102");
        let first = office.subscribe(&mut phone, LINE, package);
        assert_eq!(first.parcel.at, office.now);

        // Three refreshes within a second, nothing has changed, every pace is used up.
        for nth in 1..=3 {
            office.pass_millis(300);
            let refresh = phone.refresh();
            let (_, notify) = office.subscribed(&mut phone, &refresh);
            assert_eq!(notify.parcel.at, office.now, "{package}, refresh {nth}");
            assert_eq!(notify.cseq(), first.cseq() + nth, "{package}, refresh {nth}");
            assert_eq!(notify.substate(), "active");
            assert!(!notify.body.is_empty());
            office.answer(&phone, &notify, 200);
        }

        let last = office.unsubscribe(&mut phone);
        assert_eq!((last.parcel.at, last.cseq()), (office.now, first.cseq() + 4), "{package}");
        office.assert_quiet(&phone, 33);
    }
}

#[test]
fn evt_15_a_refresh_is_notified_though_the_pace_is_used_up() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let mut alice = office.phone("alice");
    office.subscribe(&mut phone, ALICE, "presence");
    let mut tag = office.publish(&mut alice, ALICE, "presence", &noted(ALICE, "0"));
    for nth in 1..=4 {
        tag = office.modify(&mut alice, ALICE, "presence", &tag, &noted(ALICE, &nth.to_string()));
        office.notified_all(&phone);
    }

    let refreshed = office.refreshed(&mut phone);

    assert!(refreshed.body.contains("<note>4</note>"), "the newest state: {refreshed:?}");
    // The change that waited for its pace has been told; it is not told again.
    office.assert_quiet(&phone, 33);
}

#[test]
fn evt_15_a_refresh_while_a_notify_is_in_flight_is_notified_at_once() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let mut pbx = office.pbx();
    office.subscribe(&mut phone, LINE, "dialog");
    office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));
    let ringing = office.notifies(&phone).remove(0);

    let refresh = phone.refresh();
    let (_, notify) = office.subscribed(&mut phone, &refresh);

    assert_eq!(notify.cseq(), ringing.cseq() + 1);
    assert_eq!(calls(&notify.body), [("c1".to_owned(), "early".to_owned())]);
    office.answer(&phone, &notify, 200);
    // The one in flight is not repeated either: an older state must not come later.
    office.assert_quiet(&phone, 40);
    assert_eq!(office.shard.subscriptions(), 1);
}

#[test]
fn evt_17_an_unsubscribe_is_200_and_a_last_notify() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let first = office.subscribe(&mut phone, LINE, "dialog");

    let request = phone.refresh().with("Expires", "0");
    let (response, notify) = office.subscribed(&mut phone, &request);
    office.answer(&phone, &notify, 200);

    assert_eq!(response.header("Expires"), "0");
    assert_over(&notify, "timeout");
    assert_eq!(notify.cseq(), first.cseq() + 1);
    assert_eq!(notify.sender_tag(), first.sender_tag());
    assert_forgotten(&mut office, &mut phone);
}

#[test]
fn evt_17_an_unsubscribe_ends_every_package() {
    for package in ["presence", "message-summary"] {
        let mut office = Office::new();
        let mut phone = office.phone("102");
        office.subscribe(&mut phone, LINE, package);

        assert_over(&office.unsubscribe(&mut phone), "timeout");

        assert_forgotten(&mut office, &mut phone);
    }
}

#[test]
fn evt_18_a_fetch_is_one_notify_with_the_state_and_nothing_is_kept() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let mut pbx = office.pbx();
    office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "confirmed"));

    let fetch = phone.subscribe(LINE, "dialog").with("Expires", "0");
    let (response, notify) = office.subscribed(&mut phone, &fetch);
    office.answer(&phone, &notify, 200);

    assert_eq!(response.header("Expires"), "0");
    assert_over(&notify, "timeout");
    assert_eq!(calls(&notify.body), [("c1".to_owned(), "confirmed".to_owned())]);
    assert_eq!(notify.sender_tag(), response.to_tag());
    assert_eq!(office.shard.subscriptions(), 0);
    assert_forgotten(&mut office, &mut phone);
}

#[test]
fn evt_18_a_fetch_of_presence_and_mailbox_has_a_body_too() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let mut alice = office.phone("alice");
    office.publish(&mut alice, ALICE, "presence", &presence(ALICE, "open"));

    let fetch = phone.subscribe(ALICE, "presence").with("Expires", "0");
    let (_, notify) = office.subscribed(&mut phone, &fetch);
    assert_over(&notify, "timeout");
    assert!(notify.body.contains("<basic>open</basic>"));
    office.answer(&phone, &notify, 200);

    let fetch = phone.subscribe(ALICE, "message-summary").with("Expires", "0");
    let (_, notify) = office.subscribed(&mut phone, &fetch);
    assert_over(&notify, "timeout");
    assert!(notify.body.starts_with("Messages-Waiting: no\r\n"));
}

#[test]
fn evt_18_a_fetch_that_is_never_answered_is_forgotten_all_the_same() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let fetch = phone.subscribe(LINE, "dialog").with("Expires", "0");
    let (_, notify) = office.subscribed(&mut phone, &fetch);

    office.pass_secs(33);
    let again = office.distinct(&phone);
    assert_eq!(again.len(), 1, "the same NOTIFY repeated: {again:#?}");
    assert_eq!(again[0].cseq(), notify.cseq());
    office.assert_quiet(&phone, 120);
    assert_eq!(office.shard.subscriptions(), 0);
    assert_eq!(office.shard.transactions(), 0);
}

#[test]
fn evt_19_a_to_tag_of_an_unknown_dialog_is_481() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    office.subscribe(&mut phone, LINE, "dialog");
    let mut strange = phone.refresh();
    strange.to = format!("<{LINE}>;tag=0123456789abcdef01234567");

    let (response, notifies) = office.exchange(&phone, &strange);
    assert_eq!(response.status(), 481);
    assert!(notifies.is_empty());

    let mut strange = phone.refresh();
    strange.call_id = "another".to_owned();
    let (response, _) = office.exchange(&phone, &strange);
    assert_eq!(response.status(), 481);
    let mut strange = phone.refresh();
    strange.from = "<sip:102@example.com>;tag=another".to_owned();
    let (response, _) = office.exchange(&phone, &strange);
    assert_eq!(response.status(), 481);
    assert_eq!(office.shard.subscriptions(), 1);
}

#[test]
fn evt_19_a_refresh_after_the_end_is_481_not_a_new_subscription() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    office.subscribe(&mut phone, LINE, "dialog");
    office.pass_secs(600);
    assert_over(&office.notified(&phone), "timeout");
    office.pass_secs(2);

    let refresh = phone.refresh();
    let (response, notifies) = office.exchange(&phone, &refresh);

    assert_eq!(response.status(), 481);
    assert!(notifies.is_empty());
    assert_eq!(office.shard.subscriptions(), 0);
}

#[test]
fn evt_19_a_refresh_after_everything_was_lost_is_481() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    office.subscribe(&mut phone, LINE, "dialog");
    office.kept.clear();
    office.restart(9);

    let refresh = phone.refresh();
    let (response, notifies) = office.exchange(&phone, &refresh);

    assert_eq!(response.status(), 481);
    assert!(notifies.is_empty());
}

#[test]
fn evt_32_every_terminal_notify_has_a_reason_and_no_expires() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let fetch = phone.subscribe(LINE, "dialog").with("Expires", "0");
    let (_, fetched) = office.subscribed(&mut phone, &fetch);
    office.answer(&phone, &fetched, 200);
    office.subscribe(&mut phone, LINE, "dialog");
    let ended = office.unsubscribe(&mut phone);
    office.subscribe(&mut phone, LINE, "dialog");
    office.pass_secs(601);
    let expired = office.told(&phone);

    for notify in [fetched, ended, expired] {
        assert_over(&notify, "timeout");
    }
}

#[test]
fn evt_33_at_its_end_a_subscription_is_told_so_once() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let request = phone.subscribe(LINE, "dialog").with("Expires", "60");
    let (_, first) = office.subscribed(&mut phone, &request);
    office.answer(&phone, &first, 200);

    office.pass_millis(59_900);
    assert!(office.inbox(&phone).is_empty(), "not before its end");
    office.pass_millis(1_100);
    let last = office.told(&phone);

    assert_over(&last, "timeout");
    assert_eq!(last.cseq(), first.cseq() + 1);
    assert_forgotten(&mut office, &mut phone);
}

#[test]
fn evt_33_a_refresh_in_time_keeps_it() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let request = phone.subscribe(LINE, "dialog").with("Expires", "60");
    let (_, first) = office.subscribed(&mut phone, &request);
    office.answer(&phone, &first, 200);
    office.pass_secs(59);

    office.refreshed(&mut phone);

    office.assert_quiet(&phone, 33);
    assert_eq!(office.shard.subscriptions(), 1);
}

#[test]
fn evt_41_an_unsubscribe_while_a_notify_is_in_flight_ends_with_the_next_number() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let mut pbx = office.pbx();
    office.subscribe(&mut phone, LINE, "dialog");
    office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));
    let held = office.notifies(&phone).remove(0);

    let request = phone.refresh().with("Expires", "0");
    let (response, last) = office.subscribed(&mut phone, &request);

    assert_eq!(response.parcel.at, office.now);
    assert_over(&last, "timeout");
    assert_eq!(last.cseq(), held.cseq() + 1);
    office.answer(&phone, &held, 200);
    office.answer(&phone, &last, 200);
    assert_forgotten(&mut office, &mut phone);
}

#[test]
fn evt_41_an_end_while_a_notify_is_in_flight_is_told_with_the_next_number() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let mut pbx = office.pbx();
    let request = phone.subscribe(LINE, "dialog").with("Expires", "60");
    let (_, first) = office.subscribed(&mut phone, &request);
    office.answer(&phone, &first, 200);
    office.pass_millis(59_500);
    office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));
    let held = office.notifies(&phone).remove(0);

    office.pass_secs(1);
    let heard = office.distinct(&phone);
    let last = heard.last().expect("a last NOTIFY");
    assert_over(last, "timeout");
    assert_eq!(last.cseq(), held.cseq() + 1);
    office.answer(&phone, &held, 200);
    office.answer(&phone, last, 200);
    assert_forgotten(&mut office, &mut phone);
}

#[test]
fn evt_44_nothing_follows_a_terminal_notify() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let mut pbx = office.pbx();
    let tag = office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));
    office.subscribe(&mut phone, LINE, "dialog");
    // A change that waits for its pace when the watcher leaves.
    let mut tag = tag;
    for state in ["confirmed", "terminated"] {
        tag = office.modify(&mut pbx, LINE, "dialog", &tag, &call(LINE, "c1", state));
    }
    office.notified_all(&phone);
    for nth in 0..6 {
        let id = format!("d{nth}");
        tag = office.modify(&mut pbx, LINE, "dialog", &tag, &call(LINE, &id, "early"));
        office.notified_all(&phone);
    }

    assert_over(&office.unsubscribe(&mut phone), "timeout");

    office.assert_quiet(&phone, 33);
    assert_forgotten(&mut office, &mut phone);
}

#[test]
fn evt_44_a_repeated_unsubscribe_is_answered_as_before_and_notified_once() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    office.subscribe(&mut phone, LINE, "dialog");
    let request = phone.refresh().with("Expires", "0");
    let (response, last) = office.subscribed(&mut phone, &request);
    office.answer(&phone, &last, 200);

    office.pass_secs(2);
    let (again, notifies) = office.exchange(&phone, &request);

    assert_eq!(again.parcel.octets, response.parcel.octets);
    assert!(notifies.is_empty());
}

#[test]
fn evt_33_a_machine_that_stood_still_for_long_still_tells_the_end() {
    for something_happens in [true, false] {
        let mut office = Office::new();
        let (mut lamp, mut pbx) = (office.phone("102"), office.pbx());
        office.subscribe(&mut lamp, LINE, "dialog");
        office.pass_secs(500);

        office.now = office.now.after(Duration::from_secs(7200));
        if something_happens {
            office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));
        }
        office.turn();

        let last = office.notified(&lamp);
        assert_eq!(last.header("Subscription-State"), "terminated;reason=timeout");
        assert_eq!(office.shard.subscriptions(), 0);
    }
}

#[test]
fn evt_33_an_end_asked_for_in_haste_does_not_overtake_what_waits_for_the_store() {
    let mut office = Office::new();
    let mut lamp = office.phone("102");
    office.subscribe(&mut lamp, LINE, "dialog");
    let refresh = lamp.refresh();
    let end = lamp.refresh().with("Expires", "0");

    office.deliver(&lamp.line, refresh.to_text());
    office.deliver(&lamp.line, end.to_text());

    let tickets = office.inbox(&lamp).into_iter().map(|got| got.parcel.after);
    let tickets: Vec<_> = tickets.collect();
    assert_eq!(tickets.len(), 4);
    assert!(tickets.is_sorted(), "{tickets:?}");
}
