//! Subscriptions that died, leaked or piled up elsewhere; storms, broken transports, restarts.

use std::time::Duration;

use fanal::base::limits::PUBLICATIONS_MAX;
use fanal::shard::Input;

use crate::LINE;
use crate::common::documents::{call, calls, mailbox, presence};
use crate::common::phone::Line;
use crate::common::samples::states;
use crate::common::scenes::lamp_of;
use crate::common::{Office, Phone};

#[test]
fn pain_14_one_lost_notify_does_not_end_the_lamp() {
    let mut office = Office::new();
    let (lamp, mut pbx) = lamp_of(&mut office, LINE);
    let tag = office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));
    // The phone is away for a minute; every copy of the NOTIFY is lost.
    office.pass_secs(40);
    office.inbox(&lamp);
    office.modify(&mut pbx, LINE, "dialog", &tag, &call(LINE, "c1", "terminated"));

    let told = office.live(&lamp, Duration::from_secs(60));

    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(!states(&told[0].body).contains(&"early".to_owned()), "{told:#?}");
    office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c2", "early"));
    assert_eq!(states(&office.notified(&lamp).body), ["early"]);
}

#[test]
fn pain_15_nothing_is_left_of_what_is_over() {
    let mut office = Office::new();
    let mut phones: Vec<Phone> = (0..20).map(|_| office.phone("102")).collect();
    let mut pbx = office.pbx();
    for (nth, phone) in phones.iter_mut().enumerate() {
        let uri = format!("sip:2{nth:02}@example.com");
        for package in ["dialog", "presence", "message-summary"] {
            office.subscribe(phone, &uri, package);
        }
        office.publish(&mut pbx, &uri, "dialog", &call(&uri, "c1", "confirmed"));
        office.publish(&mut pbx, &uri, "presence", &presence(&uri, "open"));
        office.publish(&mut pbx, &uri, "message-summary", &mailbox(1, 0));
    }
    // Nobody refreshes anything, half of the phones do not even answer.
    for phone in phones.iter().skip(10) {
        office.notified_all(phone);
    }
    office.pass_secs(800);

    assert_eq!(office.shard.subscriptions(), 0);
    assert_eq!(office.shard.publications(), 0);
    assert_eq!(office.shard.presentities(), 0);
    assert_eq!(office.shard.transactions(), 0);
    assert_eq!(office.shard.deadline(), None);
    // The store forgets too.
    assert!(crate::common::office::replay(&office.kept).is_empty());
}

#[test]
fn pain_16_a_phone_that_restarts_again_and_again_leaves_no_zombies() {
    let mut office = Office::new();
    let (mut phone, mut pbx) = (office.phone("102"), office.pbx());
    for _ in 0..50 {
        office.subscribe(&mut phone, LINE, "dialog");
    }
    let current = phone.dialog.clone().expect("a dialog").call_id;
    office.pass_secs(30);

    office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));
    for notify in office.notifies(&phone) {
        // The phone knows its last dialog only.
        let status = if notify.header("Call-ID") == current { 200 } else { 481 };
        office.answer(&phone, &notify, status);
    }

    assert_eq!(office.shard.subscriptions(), 1);
    office.refreshed(&mut phone);
}

#[test]
fn pain_17_a_watcher_that_is_gone_stops_nobody_else() {
    let mut office = Office::new();
    let mut pbx = office.pbx();
    let mut gone = office.tcp_phone("103");
    office.subscribe(&mut gone, LINE, "dialog");
    let mut lamps: Vec<Phone> = (0..3).map(|_| office.phone("102")).collect();
    for lamp in &mut lamps {
        office.subscribe(lamp, LINE, "dialog");
    }
    let tag = office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));
    let lost = office.notifies(&gone).remove(0);
    office.happen(Input::Undeliverable(lost.parcel.request.expect("a request of ours")));
    for lamp in &lamps {
        assert_eq!(states(&office.notified(lamp).body), ["early"]);
    }

    office.modify(&mut pbx, LINE, "dialog", &tag, &call(LINE, "c1", "confirmed"));

    for lamp in &lamps {
        assert_eq!(states(&office.notified(lamp).body), ["confirmed"]);
    }
}

#[test]
fn pain_18_a_481_during_a_call_ends_it_at_once() {
    let mut office = Office::new();
    let (lamp, mut pbx) = lamp_of(&mut office, LINE);
    let tag = office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));
    let notify = office.notifies(&lamp).remove(0);
    // The next state waits already.
    let tag = office.modify(&mut pbx, LINE, "dialog", &tag, &call(LINE, "c1", "confirmed"));

    office.answer(&lamp, &notify, 481);

    office.modify(&mut pbx, LINE, "dialog", &tag, &call(LINE, "c1", "terminated"));
    office.assert_quiet(&lamp, 120);
}

#[test]
fn pain_19_after_a_restart_every_dialog_goes_on() {
    let mut office = Office::new();
    let (mut pbx, mut alice) = (office.pbx(), office.phone("alice"));
    let uri = "sip:alice@example.com";
    let mut phones: Vec<(Phone, &str)> = ["dialog", "presence", "message-summary"]
        .into_iter()
        .map(|package| (office.phone("102"), package))
        .collect();
    let mut last = Vec::new();
    for (phone, package) in &mut phones {
        last.push(office.subscribe(phone, uri, package));
    }
    let call_tag = office.publish(&mut pbx, uri, "dialog", &call(uri, "c1", "early"));
    let presence_tag = office.publish(&mut alice, uri, "presence", &presence(uri, "open"));
    office.publish(&mut pbx, uri, "message-summary", &mailbox(2, 1));
    for ((phone, _), last) in phones.iter().zip(&mut last) {
        if let Some(notify) = office.notified_all(phone).pop() {
            *last = notify;
        }
    }

    office.pass_secs(3);
    office.restart(9);

    for ((phone, package), last) in phones.iter_mut().zip(&last) {
        let after = office.told(phone);
        assert_eq!(after.header("Call-ID"), last.header("Call-ID"), "{package}");
        assert_eq!(after.sender_tag(), last.sender_tag(), "{package}");
        assert_eq!(after.to_tag(), last.to_tag(), "{package}");
        assert_eq!(after.header("Event"), last.header("Event"), "{package}");
        assert!(after.cseq() > last.cseq(), "{package}");
        assert!((500..600).contains(&after.seconds_left()), "{package}");
        if *package == "dialog" {
            assert!(after.version() > last.version());
            assert_eq!(calls(&after.body), [("c1".to_owned(), "early".to_owned())]);
        } else {
            assert_eq!(after.body, last.body, "{package}");
        }
        let refreshed = office.refreshed(phone);
        assert!(refreshed.cseq() > after.cseq(), "{package}");
    }
    // Publishers go on with the tags they have.
    office.modify(&mut pbx, uri, "dialog", &call_tag, &call(uri, "c1", "terminated"));
    assert_eq!(states(&office.notified(&phones[0].0).body), ["terminated"]);
    office.withdraw(&mut alice, uri, "presence", &presence_tag);
}

#[test]
fn pain_19_what_ended_while_nobody_ran_is_told_after_a_restart() {
    let mut office = Office::new();
    let (mut lamp, mut pbx) = (office.phone("102"), office.pbx());
    office.subscribe(&mut lamp, LINE, "dialog");
    let brief = pbx.publish(LINE, "dialog", &call(LINE, "c1", "confirmed")).with("Expires", "60");
    assert_eq!(office.ask(&pbx, &brief).status(), 200);
    office.notified(&lamp);
    let last_moment = office.now.after(Duration::from_secs(120));
    office.now = last_moment;

    office.restart(9);

    let told = office.live(&lamp, Duration::from_secs(20));
    let last = told.last().expect("a NOTIFY");
    assert!(states(&last.body).iter().all(|state| state == "terminated"), "{told:#?}");
    assert_eq!(office.shard.publications(), 0);
}

#[test]
fn pain_20_the_sequence_number_never_goes_back() {
    let mut office = Office::new();
    let (mut lamp, _) = lamp_of(&mut office, LINE);
    let mut last = office.refreshed(&mut lamp).cseq();
    for seed in 20..30 {
        for _ in 0..30 {
            let next = office.refreshed(&mut lamp).cseq();
            assert!(next > last, "{next} after {last}");
            last = next;
        }
        office.restart(seed);
        for told in office.notified_all(&lamp) {
            assert!(told.cseq() > last, "{} after {last}", told.cseq());
            last = told.cseq();
        }
    }
}

#[test]
fn pain_21_a_restart_with_rows_that_are_over_counts_right() {
    let mut office = Office::new();
    let mut pbx = office.pbx();
    let mut lamps: Vec<Phone> = (0..5).map(|_| office.phone("102")).collect();
    for (nth, lamp) in lamps.iter_mut().enumerate() {
        let expires = if nth < 3 { "60" } else { "600" };
        let request = lamp.subscribe(LINE, "dialog").with("Expires", expires);
        let (_, first) = office.subscribed(lamp, &request);
        office.answer(lamp, &first, 200);
    }
    office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "confirmed"));
    for lamp in &lamps {
        office.notified(lamp);
    }
    office.now = office.now.after(Duration::from_secs(100));
    office.restart(9);

    for (nth, lamp) in lamps.iter().enumerate() {
        let told = office.notified_all(lamp);
        let over = told.iter().any(|notify| notify.substate() == "terminated");
        assert_eq!(over, nth < 3, "{nth}: {told:#?}");
    }
    assert_eq!(office.shard.subscriptions(), 2);
}

#[test]
fn pain_24_a_slow_watcher_costs_one_waiting_state_however_many_changes_come() {
    let mut office = Office::new();
    let (lamp, mut pbx) = lamp_of(&mut office, LINE);
    let mut tag = office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c0", "early"));
    let held = office.notifies(&lamp).remove(0);
    let before = office.shard.transactions();
    for nth in 1..=500 {
        let id = format!("c{nth}");
        tag = office.modify(&mut pbx, LINE, "dialog", &tag, &call(LINE, &id, "confirmed"));
    }
    assert_eq!(office.shard.transactions(), before + 500, "the PUBLISHes, no NOTIFY");
    office.answer(&lamp, &held, 200);

    let told = office.live(&lamp, Duration::from_secs(10));

    assert_eq!(told.len(), 1, "{}", told.len());
    assert!(told[0].body.contains("id=\"c500\""), "{told:#?}");
}

#[test]
fn pain_25_publications_of_one_line_are_bounded_and_the_old_ones_live() {
    let mut office = Office::new();
    let mut pbx = office.pbx();
    let mut tags = Vec::new();
    for nth in 0..PUBLICATIONS_MAX {
        let id = format!("c{nth}");
        tags.push(office.publish(&mut pbx, LINE, "dialog", &call(LINE, &id, "confirmed")));
    }

    let one_more = pbx.publish(LINE, "dialog", &call(LINE, "more", "confirmed"));
    assert_eq!(office.ask(&pbx, &one_more).status(), 403);

    assert_eq!(office.shard.publications(), PUBLICATIONS_MAX);
    office.modify(&mut pbx, LINE, "dialog", &tags[0], &call(LINE, "c0", "terminated"));
    office.withdraw(&mut pbx, LINE, "dialog", &tags[1]);
    office.publish(&mut pbx, LINE, "dialog", &call(LINE, "more", "confirmed"));
}

#[test]
fn pain_28_a_watcher_whose_connection_broke_comes_back_by_another() {
    let mut office = Office::new();
    let (mut lamp, mut pbx) = (office.tcp_phone("102"), office.pbx());
    office.subscribe(&mut lamp, LINE, "dialog");
    let tag = office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));
    let lost = office.notifies(&lamp).remove(0);
    office.happen(Input::Undeliverable(lost.parcel.request.expect("a request of ours")));
    assert_eq!(office.shard.subscriptions(), 1);
    office.modify(&mut pbx, LINE, "dialog", &tag, &call(LINE, "c1", "confirmed"));

    lamp.line = Line::tcp(&format!("{}:41000", lamp.address().ip()), 4711);
    let told = office.refreshed(&mut lamp);

    assert_eq!(told.parcel.hop.address(), lamp.address());
    assert_eq!(states(&told.body), ["confirmed"]);
    assert!(told.cseq() > lost.cseq());
}

#[test]
fn pain_29_a_contact_that_is_no_host_is_reached_by_the_connection_it_came_on() {
    let mut office = Office::new();
    let (mut phone, mut pbx) = (office.tcp_phone("102"), office.pbx());
    phone.contact = "sip:q8v2m4@f7k1p0.invalid;transport=ws".to_owned();

    let first = office.subscribe(&mut phone, LINE, "dialog");
    office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));
    let told = office.notified(&phone);

    for notify in [first, told] {
        assert_eq!(notify.parcel.hop.address(), phone.address());
        assert_eq!(notify.uri(), "sip:q8v2m4@f7k1p0.invalid;transport=ws");
    }
    assert!(office.questions.is_empty(), "{:?}", office.questions);
}

#[test]
fn pain_31_the_notify_comes_after_the_200() {
    for tcp in [true, false] {
        let mut office = Office::new();
        let mut phone = if tcp { office.tcp_phone("102") } else { office.phone("102") };
        let request = phone.subscribe(LINE, "dialog");

        office.deliver(&phone.line, request.to_text());

        let starts: Vec<String> = office
            .inbox(&phone)
            .iter()
            .map(|got| got.start.split(' ').next().expect("a word").to_owned())
            .collect();
        assert_eq!(starts, ["SIP/2.0", "NOTIFY"]);
    }
}

#[test]
fn pain_32_a_phone_of_ipv6_is_served_like_any_other() {
    let mut office = Office::new();
    let (mut phone, mut pbx) = (office.phone_v6("102"), office.pbx());

    let first = office.subscribe(&mut phone, LINE, "dialog");
    office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));
    let told = office.notified(&phone);
    let again = office.refreshed(&mut phone);

    for notify in [first, told, again] {
        assert_eq!(notify.parcel.hop.address(), phone.address());
        assert!(notify.header("Contact").contains("@[2001:db8::1]"), "{notify:?}");
        assert!(notify.header("Via").contains(" [2001:db8::1]:5060;"), "{notify:?}");
    }
}

#[test]
fn pain_39_the_same_publication_twice_is_told_once() {
    let mut office = Office::new();
    let (lamp, mut pbx) = lamp_of(&mut office, LINE);

    // Two nodes of a PBX report one call.
    office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "confirmed"));
    office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "confirmed"));

    assert_eq!(calls(&office.notified(&lamp).body), [("c1".to_owned(), "confirmed".to_owned())]);
    office.assert_quiet(&lamp, 33);
}

#[test]
fn pain_43_an_operator_can_see_who_watches_and_in_what_condition() {
    let mut office = Office::new();
    let (mut lamp, mut pbx) = lamp_of(&mut office, LINE);
    let seen = |office: &Office| {
        let watcher = office.shard.watchers().next().expect("a watcher");
        (watcher.package, watcher.condition, watcher.cseq)
    };
    assert_eq!(seen(&office), ("dialog", "active", 1));

    office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));
    office.pass_secs(33);
    assert_eq!(seen(&office), ("dialog", "suspended", 2));
    office.inbox(&lamp);

    office.refreshed(&mut lamp);
    assert_eq!(seen(&office).1, "active");
}
