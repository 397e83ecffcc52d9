//! RFC 6665 §4.2.2, RFC 5057: what becomes of a subscription whose NOTIFY is refused or lost.

use fanal::notifier::config::OnTimeout;
use fanal::shard::config::Authentication;

use crate::LINE;
use crate::common::documents::{call, calls};
use crate::common::samples::{dialog, dialog_info, states};
use crate::common::{Got, Office, Phone};

/// A lamp that has been told a call rings and has not answered yet.
fn ringing(office: &mut Office) -> (Phone, Phone, String, Got) {
    let (mut lamp, mut pbx) = (office.phone("102"), office.pbx());
    office.subscribe(&mut lamp, LINE, "dialog");
    let tag = office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));
    let notify = office.notifies(&lamp).remove(0);
    (lamp, pbx, tag, notify)
}

fn removing() -> Office {
    Office::with(|config| {
        config.server.auth = Authentication::Off;
        config.notifier.on_timeout = OnTimeout::Remove;
    })
}

#[test]
fn evt_36_these_answers_end_a_subscription() {
    let ending = [481, 404, 405, 410, 416, 480, 482, 483, 484, 485, 489, 501, 502, 604];
    for status in ending {
        let mut office = Office::new();
        let (mut lamp, mut pbx, tag, notify) = ringing(&mut office);

        office.answer(&lamp, &notify, status);

        assert!(office.inbox(&lamp).is_empty(), "{status}: no farewell");
        assert_eq!(office.shard.subscriptions(), 0, "{status}");
        office.modify(&mut pbx, LINE, "dialog", &tag, &call(LINE, "c1", "confirmed"));
        office.assert_quiet(&lamp, 33);
        let refresh = lamp.refresh();
        let (response, notifies) = office.exchange(&lamp, &refresh);
        assert_eq!(response.status(), 481, "{status}");
        assert!(notifies.is_empty(), "{status}");
    }
}

#[test]
fn evt_36_a_refused_first_notify_ends_it_too() {
    let mut office = Office::new();
    let mut lamp = office.phone("102");
    let request = lamp.subscribe(LINE, "dialog");
    let (_, notify) = office.subscribed(&mut lamp, &request);

    office.answer(&lamp, &notify, 481);

    assert_eq!(office.shard.subscriptions(), 0);
    office.assert_quiet(&lamp, 700);
}

#[test]
fn evt_36_only_the_subscription_that_was_refused_ends() {
    let mut office = Office::new();
    let (lamp, mut pbx, tag, notify) = ringing(&mut office);
    let mut other = office.phone("103");
    office.subscribe(&mut other, LINE, "dialog");

    office.answer(&lamp, &notify, 481);
    office.modify(&mut pbx, LINE, "dialog", &tag, &call(LINE, "c1", "confirmed"));

    assert_eq!(states(&office.notified(&other).body), ["confirmed"]);
    assert_eq!(office.shard.subscriptions(), 1);
}

#[test]
fn evt_37_a_notify_is_repeated_for_32_seconds() {
    let mut office = removing();
    let (lamp, _, _, first) = ringing(&mut office);
    let began = office.now.instant;

    office.pass_secs(40);

    let repeated = office.notifies(&lamp);
    let at: Vec<u64> = repeated
        .iter()
        .map(|copy| copy.parcel.at.instant.since(began).as_millis() as u64)
        .collect();
    assert_eq!(at, [500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]);
    assert!(repeated.iter().all(|copy| copy.parcel.octets == first.parcel.octets));
}

#[test]
fn evt_37_over_tcp_a_notify_is_not_repeated() {
    let mut office = removing();
    let mut lamp = office.tcp_phone("102");
    let mut pbx = office.pbx();
    office.subscribe(&mut lamp, LINE, "dialog");
    office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));
    assert_eq!(office.notifies(&lamp).len(), 1);

    office.pass_secs(31);
    assert_eq!(office.shard.subscriptions(), 1);
    office.assert_quiet(&lamp, 2);
    assert_eq!(office.shard.subscriptions(), 0);
}

#[test]
fn evt_37_told_to_remove_a_notify_nobody_answers_ends_the_subscription() {
    let mut office = removing();
    let (mut lamp, mut pbx, tag, _) = ringing(&mut office);

    office.pass_secs(31);
    assert_eq!(office.shard.subscriptions(), 1);
    office.pass_secs(2);
    office.inbox(&lamp);

    assert_eq!(office.shard.subscriptions(), 0);
    office.modify(&mut pbx, LINE, "dialog", &tag, &call(LINE, "c1", "confirmed"));
    office.assert_quiet(&lamp, 120);
    let refresh = lamp.refresh();
    assert_eq!(office.ask(&lamp, &refresh).status(), 481);
}

#[test]
fn evt_37_by_default_a_watcher_that_does_not_answer_is_left_alone_and_kept() {
    let mut office = Office::new();
    let (mut lamp, mut pbx, tag, rung) = ringing(&mut office);
    office.pass_secs(33);
    office.inbox(&lamp);
    assert_eq!(office.shard.subscriptions(), 1);

    // The phone wakes up and refreshes: it learns what is, not what was.
    office.modify(&mut pbx, LINE, "dialog", &tag, &call(LINE, "c1", "confirmed"));
    let woken = office.refreshed(&mut lamp);

    assert_eq!(states(&woken.body), ["confirmed"]);
    assert!(woken.cseq() > rung.cseq() && woken.version() > rung.version());
    let tag = office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c2", "early"));
    let told = office.notified(&lamp);
    assert_eq!(states(&told.body), ["confirmed", "early"]);
    office.withdraw(&mut pbx, LINE, "dialog", &tag);
}

#[test]
fn evt_37_by_default_a_silent_watcher_is_probed_with_the_newest_state() {
    let mut office = Office::new();
    let (lamp, mut pbx, tag, _) = ringing(&mut office);
    office.pass_secs(33);
    office.inbox(&lamp);
    office.modify(&mut pbx, LINE, "dialog", &tag, &call(LINE, "c1", "confirmed"));

    office.pass_secs(40);
    let probes = office.distinct(&lamp);

    assert_eq!(probes.len(), 1, "{probes:#?}");
    assert_eq!(states(&probes[0].body), ["confirmed"]);
    office.answer(&lamp, &probes[0], 200);
    office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c2", "early"));
    assert_eq!(states(&office.notified(&lamp).body), ["confirmed", "early"]);
}

#[test]
fn evt_37_a_suspended_subscription_ends_when_its_time_is_over() {
    let mut office = Office::new();
    let (mut lamp, _, _, _) = ringing(&mut office);

    office.pass_secs(601);
    let heard = office.distinct(&lamp);
    assert!(heard.len() < 8, "the silence was not talked into: {}", heard.len());
    assert_eq!(office.shard.subscriptions(), 0);
    office.pass_secs(40);
    office.inbox(&lamp);
    office.assert_quiet(&lamp, 700);
    let refresh = lamp.refresh();
    assert_eq!(office.ask(&lamp, &refresh).status(), 481);
}

#[test]
fn evt_37_others_are_not_delayed_by_one_that_does_not_answer() {
    let mut office = removing();
    let mut pbx = office.pbx();
    let mut lamps: Vec<Phone> = (0..100).map(|_| office.phone("102")).collect();
    for lamp in &mut lamps {
        office.subscribe(lamp, LINE, "dialog");
    }
    let (silent, answering) = lamps.split_first().expect("a hundred");

    let mut tag = office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));
    for state in ["confirmed", "terminated"] {
        for lamp in answering {
            assert_eq!(office.notified(lamp).parcel.at, office.now);
        }
        office.pass_secs(2);
        tag = office.modify(&mut pbx, LINE, "dialog", &tag, &call(LINE, "c1", state));
    }
    for lamp in answering {
        assert_eq!(office.notified(lamp).parcel.at, office.now);
    }

    assert_eq!(office.distinct(silent).len(), 1, "one in flight");
    office.pass_secs(33);
    assert_eq!(office.shard.subscriptions(), 99);
}

#[test]
fn evt_38_other_answers_lose_one_state_not_the_subscription() {
    let passing =
        [400, 403, 406, 413, 415, 420, 423, 488, 491, 499, 500, 503, 504, 600, 603, 606, 699];
    for status in passing {
        let mut office = Office::new();
        let (mut lamp, mut pbx, tag, notify) = ringing(&mut office);

        office.answer(&lamp, &notify, status);

        office.assert_quiet(&lamp, 40);
        assert_eq!(office.shard.subscriptions(), 1, "{status}");
        office.modify(&mut pbx, LINE, "dialog", &tag, &call(LINE, "c1", "confirmed"));
        let next = office.notified(&lamp);
        assert_eq!(states(&next.body), ["confirmed"], "{status}");
        assert_eq!(next.cseq(), notify.cseq() + 1, "{status}");
        assert_eq!(next.version(), notify.version() + 1, "{status}");
        office.refreshed(&mut lamp);
    }
}

#[test]
fn evt_38_retry_after_is_honoured_and_then_the_newest_state_is_sent() {
    for status in [503, 500] {
        let mut office = Office::new();
        let (lamp, mut pbx, tag, notify) = ringing(&mut office);

        office.deliver(&lamp.line, notify.response(status, &["Retry-After: 30"]));
        office.pass_secs(5);
        office.modify(&mut pbx, LINE, "dialog", &tag, &call(LINE, "c1", "confirmed"));
        office.assert_quiet(&lamp, 24);
        office.pass_secs(2);

        let next = office.told(&lamp);
        assert_eq!(states(&next.body), ["confirmed"], "{status}");
        assert_eq!(next.cseq(), notify.cseq() + 1, "{status}");
        office.assert_quiet(&lamp, 33);
    }
}

#[test]
fn evt_38_a_state_that_was_refused_for_now_is_sent_again_when_the_watcher_said() {
    let mut office = Office::new();
    let (lamp, _, _, notify) = ringing(&mut office);

    office.deliver(&lamp.line, notify.response(503, &["Retry-After: 10"]));
    office.assert_quiet(&lamp, 9);
    office.pass_secs(2);

    assert_eq!(states(&office.told(&lamp).body), ["early"]);
}

#[test]
fn evt_39_a_challenge_keeps_the_subscription() {
    for (status, header) in [(401, "WWW-Authenticate"), (407, "Proxy-Authenticate")] {
        let mut office = Office::new();
        let (lamp, mut pbx, tag, notify) = ringing(&mut office);
        let challenge = format!("{header}: Digest realm=\"phone\", nonce=\"n\", qop=\"auth\"");

        office.deliver(&lamp.line, notify.response(status, &[&challenge]));

        office.assert_quiet(&lamp, 40);
        office.modify(&mut pbx, LINE, "dialog", &tag, &call(LINE, "c1", "confirmed"));
        assert_eq!(states(&office.notified(&lamp).body), ["confirmed"], "{status}");
    }
}

#[test]
fn evt_38_a_provisional_answer_is_none() {
    let mut office = Office::new();
    let (lamp, mut pbx, tag, notify) = ringing(&mut office);
    office.answer(&lamp, &notify, 100);
    office.modify(&mut pbx, LINE, "dialog", &tag, &call(LINE, "c1", "confirmed"));
    assert!(office.distinct(&lamp).is_empty(), "still in flight");

    office.answer(&lamp, &notify, 200);

    assert_eq!(states(&office.notified(&lamp).body), ["confirmed"]);
}

#[test]
fn evt_38_an_answer_of_a_stranger_ends_nothing() {
    let mut office = Office::new();
    let (lamp, _, _, notify) = ringing(&mut office);
    let stranger = office.phone("104");
    let forged = notify.response(481, &[]).replace("branch=z9hG4bK", "branch=z9hG4bKx");

    office.deliver(&stranger.line, forged);

    assert_eq!(office.shard.subscriptions(), 1);
    office.answer(&lamp, &notify, 200);
}

#[test]
fn evt_38_what_was_lost_is_in_the_next_full_document() {
    let mut office = Office::new();
    let (lamp, mut pbx, tag, notify) = ringing(&mut office);
    office.answer(&lamp, &notify, 500);

    let both = dialog_info(LINE, "full", &(dialog("c1", "early") + &dialog("c2", "early")));
    office.modify(&mut pbx, LINE, "dialog", &tag, &both);

    let next = calls(&office.notified(&lamp).body);
    assert_eq!(next.iter().filter(|(_, state)| state == "early").count(), 2, "{next:?}");
}
