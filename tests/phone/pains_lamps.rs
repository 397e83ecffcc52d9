//! Lamps that lied elsewhere: ringing for ever, busy without a call, idle in a call.

use std::time::Duration;

use crate::LINE;
use crate::common::documents::{attribute, call, calls};
use crate::common::samples::{dialog, dialog_info, states};
use crate::common::scenes::lamp_of;
use crate::common::{Office, Phone};

const IDLE: &str = "idle";

fn ids(office: &mut Office, lamp: &mut Phone) -> Vec<String> {
    calls(&office.refreshed(lamp).body).into_iter().map(|(id, _)| id).collect()
}

#[test]
fn pain_01_ringing_does_not_survive_the_end_when_words_overtake_each_other() {
    let mut office = Office::new();
    let (mut lamp, mut pbx) = lamp_of(&mut office, LINE);
    // One process of the PBX says "terminated", then the other says "early" of the same call.
    let tag = office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));
    office.notified(&lamp);
    office.modify(&mut pbx, LINE, "dialog", &tag, &call(LINE, "c1", "terminated"));
    assert_eq!(states(&office.notified(&lamp).body), ["terminated"]);

    office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));

    office.assert_quiet(&lamp, 33);
    assert_eq!(ids(&mut office, &mut lamp), [IDLE]);
}

#[test]
fn pain_01_a_confirmed_call_does_not_ring_again() {
    let mut office = Office::new();
    let (mut lamp, mut pbx) = lamp_of(&mut office, LINE);
    let tag = office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "confirmed"));
    office.notified(&lamp);

    office.modify(&mut pbx, LINE, "dialog", &tag, &call(LINE, "c1", "early"));

    office.assert_quiet(&lamp, 33);
    assert_eq!(states(&office.refreshed(&mut lamp).body), ["confirmed"]);
}

#[test]
fn pain_02_a_call_published_anew_without_its_tag_is_still_one_call() {
    let mut office = Office::new();
    let (mut lamp, mut pbx) = lamp_of(&mut office, LINE);
    office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));
    office.notified(&lamp);

    let second = office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "confirmed"));

    let told = office.notified(&lamp);
    assert_eq!(calls(&told.body), [("c1".to_owned(), "confirmed".to_owned())]);
    // And its end under the new tag is the end, whatever the forgotten publication says.
    office.modify(&mut pbx, LINE, "dialog", &second, &call(LINE, "c1", "terminated"));
    assert_eq!(states(&office.notified(&lamp).body), ["terminated"]);
    assert_eq!(ids(&mut office, &mut lamp), [IDLE]);
}

#[test]
fn pain_04_a_call_nobody_answers_or_ends_is_withdrawn_after_three_minutes() {
    for state in ["trying", "proceeding", "early"] {
        let mut office = Office::new();
        let (mut lamp, mut pbx) = lamp_of(&mut office, LINE);
        let mut request = pbx.publish(LINE, "dialog", &call(LINE, "c1", state));
        request = request.with("Expires", "7200");
        assert_eq!(office.ask(&pbx, &request).status(), 200);
        office.notified(&lamp);

        office.pass_secs(178);
        assert!(office.inbox(&lamp).is_empty(), "{state}: not yet");
        office.pass_secs(3);

        assert_eq!(states(&office.told(&lamp).body), ["terminated"], "{state}");
        assert_eq!(ids(&mut office, &mut lamp), [IDLE], "{state}");
    }
}

#[test]
fn pain_04_an_answered_call_may_last_for_hours() {
    let mut office = Office::new();
    let (mut lamp, mut pbx) = (office.phone("102"), office.pbx());
    let request =
        pbx.publish(LINE, "dialog", &call(LINE, "c1", "confirmed")).with("Expires", "7200");
    assert_eq!(office.ask(&pbx, &request).status(), 200);
    let long = lamp.subscribe(LINE, "dialog").with("Expires", "7200");
    let (_, first) = office.subscribed(&mut lamp, &long);
    office.answer(&lamp, &first, 200);

    office.assert_quiet(&lamp, 7100);

    assert_eq!(states(&office.refreshed(&mut lamp).body), ["confirmed"]);
}

#[test]
fn pain_06_forks_of_one_call_end_one_by_one() {
    let mut office = Office::new();
    let (mut lamp, mut pbx) = lamp_of(&mut office, LINE);
    let fork = |id: &str, state: &str| {
        format!(
            "<dialog id=\"{id}\" call-id=\"one@pbx\" local-tag=\"lt\" remote-tag=\"{id}\" \
             direction=\"initiator\"><state>{state}</state></dialog>"
        )
    };
    let both = |a: &str, b: &str| dialog_info(LINE, "full", &(fork("a", a) + &fork("b", b)));
    let tag = office.publish(&mut pbx, LINE, "dialog", &both("early", "early"));
    assert_eq!(states(&office.notified(&lamp).body), ["early", "early"]);

    let tag = office.modify(&mut pbx, LINE, "dialog", &tag, &both("terminated", "confirmed"));
    office.notified(&lamp);
    let left = calls(&office.refreshed(&mut lamp).body);
    assert_eq!(left, [("b".to_owned(), "confirmed".to_owned())]);

    office.modify(&mut pbx, LINE, "dialog", &tag, &both("terminated", "terminated"));
    office.notified(&lamp);
    assert_eq!(ids(&mut office, &mut lamp), [IDLE]);
}

#[test]
fn pain_07_each_of_several_calls_of_one_document_counts() {
    let mut office = Office::new();
    let (mut lamp, mut pbx) = lamp_of(&mut office, LINE);
    let document = |states: [&str; 3]| {
        let named = ["c1", "c2", "c3"].into_iter().zip(states);
        dialog_info(LINE, "full", &named.map(|(id, state)| dialog(id, state)).collect::<String>())
    };
    let start = document(["terminated", "confirmed", "early"]);
    let tag = office.publish(&mut pbx, LINE, "dialog", &start);
    assert_eq!(states(&office.notified(&lamp).body), ["confirmed", "early"]);

    let next = document(["confirmed", "terminated", "terminated"]);
    office.modify(&mut pbx, LINE, "dialog", &tag, &next);
    let told = calls(&office.notified(&lamp).body);
    assert!(told.contains(&("c2".to_owned(), "terminated".to_owned())), "{told:?}");
    assert!(told.contains(&("c3".to_owned(), "terminated".to_owned())), "{told:?}");
    assert!(!ids(&mut office, &mut lamp).contains(&"c2".to_owned()));
}

#[test]
fn pain_08_watchers_do_not_share_a_counter() {
    let mut office = Office::new();
    let (one, mut pbx) = lamp_of(&mut office, LINE);
    let mut tag = office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));
    assert_eq!(office.notified(&one).version(), 1);
    for nth in 0..5 {
        let mut other = office.phone("103");
        assert_eq!(office.subscribe(&mut other, LINE, "dialog").version(), 0, "{nth}");
    }
    tag = office.modify(&mut pbx, LINE, "dialog", &tag, &call(LINE, "c1", "confirmed"));

    assert_eq!(office.notified(&one).version(), 2);
    office.withdraw(&mut pbx, LINE, "dialog", &tag);
    assert_eq!(office.notified(&one).version(), 3);
}

#[test]
fn pain_09_another_publisher_of_the_pbx_can_end_a_call_it_did_not_begin() {
    // After a switch-over the second node knows neither the tag nor the first node's document.
    let mut office = Office::new();
    let (mut lamp, mut pbx) = lamp_of(&mut office, LINE);
    let request =
        pbx.publish(LINE, "dialog", &call(LINE, "c1", "confirmed")).with("Expires", "7200");
    assert_eq!(office.ask(&pbx, &request).status(), 200);
    office.notified(&lamp);

    office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "terminated"));

    assert_eq!(states(&office.notified(&lamp).body), ["terminated"]);
    assert_eq!(ids(&mut office, &mut lamp), [IDLE]);
}

#[test]
fn pain_11_a_change_a_refresh_a_fetch_and_a_probe_show_the_same() {
    let mut office = Office::new();
    let (mut lamp, mut pbx) = lamp_of(&mut office, LINE);
    let two = dialog_info(LINE, "full", &(dialog("c1", "confirmed") + &dialog("c2", "early")));
    office.publish(&mut pbx, LINE, "dialog", &two);
    let change = office.notified(&lamp);
    let refresh = office.refreshed(&mut lamp);
    let mut other = office.phone("103");
    let fetch = other.subscribe(LINE, "dialog").with("Expires", "0");
    let (_, fetched) = office.subscribed(&mut other, &fetch);
    let mut silent = office.phone("104");
    let request = silent.subscribe(LINE, "dialog");
    let (_, lost) = office.subscribed(&mut silent, &request);
    office.pass_secs(70);
    let probe = office.distinct(&silent).into_iter().find(|got| got.cseq() > lost.cseq());

    for told in [refresh, fetched, lost, probe.expect("a probe")] {
        assert_eq!(calls(&told.body), calls(&change.body), "{told:?}");
    }
}

#[test]
fn pain_22_ten_publishes_that_race_for_one_tag_make_no_second_call() {
    let mut office = Office::new();
    let (mut lamp, mut pbx) = lamp_of(&mut office, LINE);
    let tag = office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));
    office.notified(&lamp);
    let mut refused = 0;
    for nth in 0..10 {
        let state = if nth == 9 { "terminated" } else { "confirmed" };
        let modify =
            pbx.publish(LINE, "dialog", &call(LINE, "c1", state)).with("SIP-If-Match", &tag);
        if office.ask(&pbx, &modify).status() == 412 {
            refused += 1;
            // Told 412, the publisher starts anew.
            office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", state));
        }
    }

    assert_eq!(refused, 9);
    let told = office.live(&lamp, Duration::from_secs(33));
    assert!(told.iter().all(|notify| calls(&notify.body).len() == 1), "{told:#?}");
    assert_eq!(ids(&mut office, &mut lamp), [IDLE]);
}

#[test]
fn pain_42_a_call_without_an_id_is_read_or_refused_and_never_sent_without_one() {
    let mut office = Office::new();
    let (lamp, mut pbx) = lamp_of(&mut office, LINE);
    let inside = "<dialog call-id=\"x@pbx\"><state>early</state></dialog>";
    let request = pbx.publish(LINE, "dialog", &dialog_info(LINE, "full", inside));

    let response = office.ask(&pbx, &request);

    assert!([200, 400].contains(&response.status()), "{response:?}");
    for told in office.live(&lamp, Duration::from_secs(33)) {
        for dialog in told.body.split("<dialog ").skip(1) {
            let start = dialog.split('>').next().expect("a tag");
            assert!(!attribute(start, "id").is_empty(), "{told:?}");
        }
    }
}
