//! The lamp: what a phone makes of dialog-info decides how it is written.

use std::time::Duration;

use crate::LINE;
use crate::common::documents::{attribute, call, calls};
use crate::common::samples::{between, dialog, dialog_info, states};
use crate::common::scenes::lamp_of;
use crate::common::{Got, Office};

fn root(notify: &Got) -> &str {
    between(&notify.body, "<dialog-info", ">")
}

#[test]
fn phone_01_every_notify_is_full_and_has_every_live_call() {
    let mut office = Office::new();
    let (mut lamp, mut pbx) = lamp_of(&mut office, LINE);
    let mut inside = String::new();
    let mut tag = String::new();
    for nth in 1..=4 {
        office.pass_secs(5);
        inside.push_str(&dialog(&format!("c{nth}"), "confirmed"));
        let document = dialog_info(LINE, "full", &inside);
        tag = match nth {
            1 => office.publish(&mut pbx, LINE, "dialog", &document),
            _ => office.modify(&mut pbx, LINE, "dialog", &tag, &document),
        };
        let told = office.notified(&lamp);
        assert_eq!(attribute(root(&told), "state"), "full");
        assert_eq!(calls(&told.body).len(), nth);
    }
    let again = office.refreshed(&mut lamp);
    assert_eq!((attribute(root(&again), "state"), calls(&again.body).len()), ("full", 4));
}

#[test]
fn phone_02_version_and_cseq_only_grow_also_over_restarts() {
    let mut office = Office::new();
    let (lamp, mut pbx) = lamp_of(&mut office, LINE);
    let (mut cseq, mut version) = (1, 0);
    let mut tag = office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c0", "early"));
    for nth in 1..=250_u8 {
        office.pass_secs(2);
        let id = format!("c{nth}");
        tag = office.modify(&mut pbx, LINE, "dialog", &tag, &call(LINE, &id, "early"));
        if nth % 60 == 59 {
            // Without a word, while a NOTIFY is on its way.
            office.restart(nth);
        }
        for told in office.distinct(&lamp) {
            office.answer(&lamp, &told, 200);
            assert!(told.cseq() > cseq && told.version() > version, "after {cseq}: {told:?}");
            (cseq, version) = (told.cseq(), told.version());
        }
        if nth % 50 == 0 {
            let refresh = pbx.publish(LINE, "dialog", "").with("SIP-If-Match", &tag);
            tag = office.ask(&pbx, &refresh).header("SIP-ETag").to_owned();
        }
    }
    assert!(cseq > 200);
}

#[test]
fn phone_02_a_subscription_that_was_lost_is_481_and_the_phone_starts_anew() {
    let mut office = Office::new();
    let (mut lamp, _) = lamp_of(&mut office, LINE);
    office.kept.clear();
    office.restart(9);

    let refresh = lamp.refresh();
    assert_eq!(office.ask(&lamp, &refresh).status(), 481);
    let first = office.subscribe(&mut lamp, LINE, "dialog");

    assert_eq!(first.version(), 0);
}

#[test]
fn phone_03_idle_is_one_terminated_dialog_with_an_id_in_every_notify() {
    let mut office = Office::new();
    let (mut lamp, mut pbx) = lamp_of(&mut office, LINE);
    let mut idle = vec![office.refreshed(&mut lamp), office.refreshed(&mut lamp)];
    let tag = office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "confirmed"));
    office.notified(&lamp);
    office.withdraw(&mut pbx, LINE, "dialog", &tag);
    office.notified(&lamp);
    idle.push(office.refreshed(&mut lamp));
    idle.push(office.unsubscribe(&mut lamp));

    for told in idle {
        assert_eq!(calls(&told.body), [("idle".to_owned(), "terminated".to_owned())], "{told:?}");
        let dialog = between(&told.body, "<dialog ", "</dialog>");
        assert!(!dialog.contains("<local") && !dialog.contains("<remote"), "{told:?}");
    }
}

#[test]
fn phone_03_an_empty_document_of_a_pbx_is_idle() {
    let mut office = Office::new();
    let (mut lamp, mut pbx) = lamp_of(&mut office, LINE);
    let tag = office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "confirmed"));
    office.notified(&lamp);

    office.modify(&mut pbx, LINE, "dialog", &tag, &dialog_info(LINE, "full", ""));

    assert_eq!(states(&office.notified(&lamp).body), ["terminated"]);
    let idle = [("idle".to_owned(), "terminated".to_owned())];
    assert_eq!(calls(&office.refreshed(&mut lamp).body), idle);
}

#[test]
fn phone_04_what_a_pickup_needs_is_there_while_it_rings() {
    let mut office = Office::new();
    let (lamp, mut pbx) = lamp_of(&mut office, LINE);

    office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));

    let told = office.notified(&lamp);
    let start = between(&told.body, "<dialog ", ">");
    let told_of = |name| attribute(start, name);
    assert_eq!(told_of("direction"), "recipient");
    assert_eq!(
        [told_of("call-id"), told_of("local-tag"), told_of("remote-tag")],
        ["c1@pbx", "lt", "rt"]
    );
    for (side, uri) in [("local", LINE), ("remote", "sip:555@example.com")] {
        let party = between(&told.body, &format!("<{side}>"), &format!("</{side}>"));
        assert!(party.contains(&format!("<identity>{uri}</identity>")), "{told:?}");
        assert!(party.contains(&format!("<target uri=\"{uri}\"")), "{told:?}");
    }
}

#[test]
fn phone_04_what_a_pickup_needs_survives_a_refresh_and_a_restart() {
    let mut office = Office::new();
    let (mut lamp, mut pbx) = lamp_of(&mut office, LINE);
    office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));
    let first = office.notified(&lamp);
    let dialogs = |got: &Got| between(&got.body, "<dialog ", "</dialog>").to_owned();

    let refreshed = office.refreshed(&mut lamp);
    office.restart(9);
    let restarted = office.told(&lamp);

    assert_eq!(dialogs(&first), dialogs(&refreshed));
    assert_eq!(dialogs(&first), dialogs(&restarted));
}

#[test]
fn phone_05_the_local_target_is_the_one_of_the_watched_phone() {
    let mut office = Office::new();
    let (lamp, mut pbx) = lamp_of(&mut office, LINE);
    let target = "sip:101@192.0.2.50:5062;line=abc";
    let inside = format!(
        "<dialog id=\"c1\" call-id=\"c1@pbx\" local-tag=\"l\" remote-tag=\"r\" \
         direction=\"recipient\"><state>early</state><local><identity>{LINE}</identity>\
         <target uri=\"{target}\"/></local><remote><identity>sip:555@example.com</identity>\
         <target uri=\"sip:555@192.0.2.60\"/></remote></dialog>"
    );

    office.publish(&mut pbx, LINE, "dialog", &dialog_info(LINE, "full", &inside));

    let told = office.notified(&lamp);
    let local = between(&told.body, "<local>", "</local>");
    assert!(local.contains(&format!("<target uri=\"{target}\"")), "{told:?}");
    assert!(!told.body.contains("sip:102"), "nothing of the watcher: {told:?}");
}

#[test]
fn phone_08_a_call_nobody_saw_begin_is_not_told_to_have_ended() {
    let mut office = Office::new();
    let (lamp, mut pbx) = lamp_of(&mut office, LINE);

    office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "terminated"));

    office.assert_quiet(&lamp, 33);
}

#[test]
fn phone_08_a_call_that_came_and_went_while_the_phone_was_slow_is_not_told() {
    let mut office = Office::new();
    let (lamp, mut pbx) = lamp_of(&mut office, LINE);
    let tag = office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));
    let held = office.notifies(&lamp).remove(0);
    let with =
        |state: &str| dialog_info(LINE, "full", &(dialog("c1", "early") + &dialog("c2", state)));
    let tag = office.modify(&mut pbx, LINE, "dialog", &tag, &with("early"));
    office.modify(&mut pbx, LINE, "dialog", &tag, &with("terminated"));

    office.answer(&lamp, &held, 200);

    let told = office.live(&lamp, Duration::from_secs(33));
    assert!(told.iter().all(|notify| !notify.body.contains("c2")), "{told:#?}");
}

#[test]
fn phone_08_each_watcher_is_told_the_end_of_what_it_saw() {
    let mut office = Office::new();
    let (early, mut pbx) = lamp_of(&mut office, LINE);
    let tag = office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "confirmed"));
    office.notified(&early);
    let mut late = office.phone("103");
    let first = office.subscribe(&mut late, LINE, "dialog");
    assert_eq!(states(&first.body), ["confirmed"]);

    office.modify(&mut pbx, LINE, "dialog", &tag, &call(LINE, "c1", "terminated"));

    for phone in [&early, &late] {
        let told = office.notified(phone);
        assert_eq!(calls(&told.body), [("c1".to_owned(), "terminated".to_owned())]);
    }
}
