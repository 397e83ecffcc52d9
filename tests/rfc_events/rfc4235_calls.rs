//! RFC 4235 §3.7, §4.1: calls as lamps are told of them, from ringing to their end.

use crate::LINE;
use crate::common::Office;
use crate::common::documents::{attribute, call, calls};
use crate::common::samples::{between, dialog, dialog_info, states};
use crate::common::scenes::lamp_of;

const PHONE: &str = "sip:101@192.0.2.50:5060";

#[test]
fn dli_05_a_call_is_told_in_the_states_it_goes_through() {
    let mut office = Office::new();
    let (lamp, mut pbx) = lamp_of(&mut office, LINE);
    let mut tag = office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "trying"));
    let mut told = states(&office.notified(&lamp).body);
    for state in ["proceeding", "early", "confirmed", "terminated"] {
        office.pass_secs(2);
        tag = office.modify(&mut pbx, LINE, "dialog", &tag, &call(LINE, "c1", state));
        told.extend(states(&office.notified(&lamp).body));
    }

    assert_eq!(told, ["trying", "proceeding", "early", "confirmed", "terminated"]);
}

#[test]
fn dli_05_the_end_says_what_ended_it() {
    let ends = [
        ("cancelled", ""),
        ("rejected", "486"),
        ("replaced", ""),
        ("local-bye", ""),
        ("remote-bye", ""),
        ("error", "503"),
        ("timeout", "408"),
    ];
    for (event, code) in ends {
        let mut office = Office::new();
        let (lamp, mut pbx) = lamp_of(&mut office, LINE);
        let tag = office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));
        office.notified(&lamp);
        let code_attribute =
            if code.is_empty() { String::new() } else { format!(" code=\"{code}\"") };
        let ended = call(LINE, "c1", "terminated")
            .replace("<state>", &format!("<state event=\"{event}\"{code_attribute}>"));

        office.modify(&mut pbx, LINE, "dialog", &tag, &ended);

        let told = office.notified(&lamp);
        let state = between(&told.body, "<state", "</state>");
        assert!(state.ends_with(">terminated"), "{event}: {told:?}");
        assert_eq!((attribute(state, "event"), attribute(state, "code")), (event, code));
    }
}

#[test]
fn dli_06_an_ended_call_is_told_once_and_then_left_out() {
    let mut office = Office::new();
    let (mut lamp, mut pbx) = lamp_of(&mut office, LINE);
    let tag = office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "confirmed"));
    office.notified(&lamp);
    let tag = office.modify(&mut pbx, LINE, "dialog", &tag, &call(LINE, "c1", "terminated"));
    assert_eq!(calls(&office.notified(&lamp).body), [("c1".to_owned(), "terminated".to_owned())]);

    // The publisher repeats itself; the lamp knows already.
    office.modify(&mut pbx, LINE, "dialog", &tag, &call(LINE, "c1", "terminated"));
    office.assert_quiet(&lamp, 33);
    let idle = [("idle".to_owned(), "terminated".to_owned())];
    assert_eq!(calls(&office.refreshed(&mut lamp).body), idle);
    let mut other = office.phone("103");
    assert_eq!(calls(&office.subscribe(&mut other, LINE, "dialog").body), idle);
}

#[test]
fn dli_06_of_two_calls_the_one_that_ended_is_left_out() {
    let mut office = Office::new();
    let (mut lamp, mut pbx) = lamp_of(&mut office, LINE);
    let both = |first: &str| {
        dialog_info(LINE, "full", &(dialog("c1", first) + &dialog("c2", "confirmed")))
    };
    let tag = office.publish(&mut pbx, LINE, "dialog", &both("confirmed"));
    office.notified(&lamp);
    office.modify(&mut pbx, LINE, "dialog", &tag, &both("terminated"));

    let mut told = calls(&office.notified(&lamp).body);
    told.sort_unstable();
    let expected = [("c1", "terminated"), ("c2", "confirmed")];
    assert_eq!(told, expected.map(|(id, state)| (id.to_owned(), state.to_owned())));
    let left = calls(&office.refreshed(&mut lamp).body);
    assert_eq!(left, [("c2".to_owned(), "confirmed".to_owned())]);
}

#[test]
fn dli_06_a_call_that_vanishes_from_a_full_document_has_ended() {
    let mut office = Office::new();
    let (mut lamp, mut pbx) = lamp_of(&mut office, LINE);
    let tag = office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "confirmed"));
    office.notified(&lamp);

    office.modify(&mut pbx, LINE, "dialog", &tag, &dialog_info(LINE, "full", ""));

    let told = office.notified(&lamp);
    assert_eq!(calls(&told.body), [("c1".to_owned(), "terminated".to_owned())]);
    let idle = [("idle".to_owned(), "terminated".to_owned())];
    assert_eq!(calls(&office.refreshed(&mut lamp).body), idle);
}

#[test]
fn dli_07_equal_ids_of_two_phones_do_not_clash_and_stay() {
    let mut office = Office::new();
    let mut lamp = office.phone("102");
    let (mut one, mut other) = (office.phone("101"), office.phone("101"));
    office.subscribe(&mut lamp, LINE, "dialog");
    office.pass_secs(30);
    let with = |call_id: &str, state: &str| {
        call(LINE, "1", state).replace("call-id=\"1@pbx\"", &format!("call-id=\"{call_id}\""))
    };
    let first = office.publish(&mut one, LINE, "dialog", &with("one@a", "early"));
    office.notified(&lamp);
    let second = office.publish(&mut other, LINE, "dialog", &with("other@b", "early"));
    let id_of = |body: &str, call_id: &str| {
        let mine = body.split("<dialog ").find(|d| d.contains(call_id));
        mine.map(|dialog| attribute(dialog, "id").to_owned())
    };
    let both = office.notified(&lamp).body;
    let (a, b) = (id_of(&both, "one@a"), id_of(&both, "other@b"));
    assert!(a.is_some() && b.is_some() && a != b, "{both}");

    office.pass_secs(5);
    office.modify(&mut other, LINE, "dialog", &second, &with("other@b", "confirmed"));
    let answered = office.notified(&lamp).body;
    assert_eq!((id_of(&answered, "one@a"), id_of(&answered, "other@b")), (a.clone(), b.clone()));
    office.pass_secs(5);
    office.modify(&mut one, LINE, "dialog", &first, &with("one@a", "terminated"));
    let ended = office.notified(&lamp).body;
    assert_eq!((id_of(&ended, "one@a"), id_of(&ended, "other@b")), (a, b.clone()));
    assert_eq!(id_of(&office.refreshed(&mut lamp).body, "other@b"), b);
}

#[test]
fn dli_07_a_fork_has_an_id_of_its_own() {
    let mut office = Office::new();
    let (lamp, mut pbx) = lamp_of(&mut office, LINE);
    let fork = |id: &str, tag: &str| {
        format!(
            "<dialog id=\"{id}\" call-id=\"same@pbx\" local-tag=\"lt\" remote-tag=\"{tag}\" \
             direction=\"initiator\"><state>early</state></dialog>"
        )
    };
    let forks = dialog_info(LINE, "full", &(fork("f1", "a") + &fork("f2", "b")));

    office.publish(&mut pbx, LINE, "dialog", &forks);

    let told = office.notified(&lamp);
    let ids: Vec<String> = calls(&told.body).into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, ["f1", "f2"], "{told:?}");
}

#[test]
fn dli_08_a_ringing_phone_is_told_as_its_user_sees_it() {
    let mut office = Office::new();
    let (lamp, mut pbx) = lamp_of(&mut office, LINE);
    let inside = format!(
        "<dialog id=\"c1\" call-id=\"call-1@pbx\" local-tag=\"of-101\" remote-tag=\"of-555\" \
         direction=\"recipient\"><state>early</state>\
         <local><identity>{LINE}</identity><target uri=\"{PHONE}\"/></local>\
         <remote><identity display=\"Bob\">sip:555@example.com</identity>\
         <target uri=\"sip:555@192.0.2.60\"/></remote></dialog>"
    );

    office.publish(&mut pbx, LINE, "dialog", &dialog_info(LINE, "full", &inside));

    let told = office.notified(&lamp);
    let start = between(&told.body, "<dialog ", ">");
    assert_eq!(attribute(start, "direction"), "recipient");
    // What a Replaces needs: the call-id and both tags, not swapped.
    assert_eq!(attribute(start, "call-id"), "call-1@pbx");
    assert_eq!(attribute(start, "local-tag"), "of-101");
    assert_eq!(attribute(start, "remote-tag"), "of-555");
    let local = between(&told.body, "<local>", "</local>");
    assert!(local.contains(&format!(">{LINE}</identity>")), "{told:?}");
    assert!(local.contains(&format!("<target uri=\"{PHONE}\"")), "{told:?}");
    let remote = between(&told.body, "<remote>", "</remote>");
    assert!(remote.contains("display-name=\"Bob\">sip:555@example.com</identity>"), "{told:?}");
    assert!(remote.contains("<target uri=\"sip:555@192.0.2.60\""), "{told:?}");
}

#[test]
fn dli_08_a_calling_phone_is_the_initiator() {
    let mut office = Office::new();
    let (lamp, mut pbx) = lamp_of(&mut office, LINE);
    let calling = call(LINE, "c1", "early").replace("recipient", "initiator");

    office.publish(&mut pbx, LINE, "dialog", &calling);

    let told = office.notified(&lamp);
    assert_eq!(attribute(between(&told.body, "<dialog ", ">"), "direction"), "initiator");
}

#[test]
fn dli_14_calls_of_several_devices_light_one_lamp() {
    let mut office = Office::new();
    let (lamp, mut pbx) = lamp_of(&mut office, LINE);
    let mut phone = office.phone("101");
    office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "confirmed"));
    office.notified(&lamp);

    office.publish(&mut phone, LINE, "dialog", &call(LINE, "c2", "early"));

    let mut told = calls(&office.notified(&lamp).body);
    told.sort_unstable();
    let expected = [("c1", "confirmed"), ("c2", "early")];
    assert_eq!(told, expected.map(|(id, state)| (id.to_owned(), state.to_owned())));
}

#[test]
fn dli_14_a_phone_that_dies_in_a_call_leaves_no_light() {
    let mut office = Office::new();
    let (mut lamp, _) = lamp_of(&mut office, LINE);
    let mut phone = office.phone("101");
    let request =
        phone.publish(LINE, "dialog", &call(LINE, "c1", "confirmed")).with("Expires", "60");
    assert_eq!(office.ask(&phone, &request).status(), 200);
    assert_eq!(states(&office.notified(&lamp).body), ["confirmed"]);

    office.pass_secs(61);

    let told = office.told(&lamp);
    assert_eq!(calls(&told.body), [("c1".to_owned(), "terminated".to_owned())]);
    let idle = [("idle".to_owned(), "terminated".to_owned())];
    assert_eq!(calls(&office.refreshed(&mut lamp).body), idle);
    assert_eq!(office.shard.publications(), 0);
}

#[test]
fn dli_14_a_withdrawn_publication_takes_its_calls_along_and_no_others() {
    let mut office = Office::new();
    let (lamp, mut pbx) = lamp_of(&mut office, LINE);
    let mut phone = office.phone("101");
    office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "confirmed"));
    office.notified(&lamp);
    let tag = office.publish(&mut phone, LINE, "dialog", &call(LINE, "c2", "confirmed"));
    office.notified(&lamp);
    office.pass_secs(5);

    office.withdraw(&mut phone, LINE, "dialog", &tag);

    let told = calls(&office.notified(&lamp).body);
    assert!(told.contains(&("c1".to_owned(), "confirmed".to_owned())), "{told:?}");
    assert!(told.contains(&("c2".to_owned(), "terminated".to_owned())), "{told:?}");
}

#[test]
fn dli_15_a_published_partial_is_merged_by_id_and_a_full_one_replaces() {
    let mut office = Office::new();
    let (mut lamp, mut pbx) = lamp_of(&mut office, LINE);
    let tag = office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));
    office.notified(&lamp);
    let bare = "<dialog id=\"c1\"><state>confirmed</state></dialog>";
    let tag = office.modify(&mut pbx, LINE, "dialog", &tag, &dialog_info(LINE, "partial", bare));
    let told = office.notified(&lamp);
    assert_eq!(states(&told.body), ["confirmed"]);
    for kept in ["sip:555@example.com</identity>", "call-id=\"c1@pbx\"", "direction=\"recipient\""]
    {
        assert!(told.body.contains(kept), "{kept}: {told:?}");
    }
    assert!(office.refreshed(&mut lamp).body.contains("sip:555@example.com</identity>"));

    office.pass_secs(10);
    let second = "<dialog id=\"c2\"><state>early</state></dialog>";
    let tag = office.modify(&mut pbx, LINE, "dialog", &tag, &dialog_info(LINE, "partial", second));
    assert_eq!(calls(&office.notified(&lamp).body).len(), 2);
    office.modify(&mut pbx, LINE, "dialog", &tag, &dialog_info(LINE, "full", second));
    office.notified(&lamp);
    let left = calls(&office.refreshed(&mut lamp).body);
    assert_eq!(left, [("c2".to_owned(), "early".to_owned())]);
}
