//! The thirty rows of docs/status-model.md, each through the whole agent but the wire.

use fanal::doc::dialog_info::{DialogInfo, State as CallState};
use fanal::doc::view::View;
use fanal::event::dialog_profile::shaped;
use fanal::event::profile::CallProfile;
use fanal::event::status::feed::{Entry, Span};
use fanal::event::status::{Absence, Event, Input, Kind, Manual, OutOfOffice, Shown, State};

use crate::desk::{Desk, NOW, Sight, ago};
use crate::valid::assert_valid;

/// What a row of the table says is known.
#[derive(Clone, Copy)]
enum Known {
    /// Set by hand.
    Manual(State),
    /// Set by hand, until so many seconds ago.
    ManualUntil(State, u64),
    /// A flag forbids to disturb.
    Dnd,
    /// A call in a state.
    Call(&'static str),
    /// A call on hold.
    Held,
    /// Something in the calendar, now.
    Calendar(Shown),
    /// Out of office, now.
    Out,
    /// Out of office, in ten minutes.
    OutSoon,
    /// Hands on a device now.
    Active,
    /// The last touch so many seconds ago, on a device of its own.
    Touched(u64),
    /// The PBX was lost so many seconds ago.
    Lost(u64),
    /// A phone is registered.
    Phone,
}

use Known::{
    Active, Calendar, Call, Dnd, Held, Lost, Manual as M, ManualUntil, Out, OutSoon, Phone, Touched,
};
use State::{Available, Away, Brb, Dnd as NotDisturbed, Invisible};

/// A row: its number, what is known, availability, words of RPID, basic, lamp.
type Row = (
    u8,
    &'static [Known],
    &'static str,
    &'static [&'static str],
    Option<&'static str>,
    &'static [&'static str],
);

const OPEN: Option<&str> = Some("open");
const CLOSED: Option<&str> = Some("closed");
const SIX_MINUTES: u64 = 360;
const ELEVEN_MINUTES: u64 = 660;
const AN_HOUR: u64 = 3600;

#[rustfmt::skip]
const ROWS: &[Row] = &[
    (1, &[], "offline", &[], CLOSED, &[]),
    (2, &[Phone, Active], "available", &[], OPEN, &[]),
    (3, &[Phone, Touched(SIX_MINUTES)], "idle", &[], OPEN, &[]),
    (4, &[Phone, Touched(ELEVEN_MINUTES)], "away", &["away"], OPEN, &[]),
    (5, &[Phone], "available", &[], OPEN, &[]),
    (6, &[Phone, Active, Call("early")], "available", &[], OPEN, &["early"]),
    (7, &[Phone, Active, Call("confirmed")], "busy", &["on-the-phone"], OPEN, &["confirmed"]),
    (8, &[Phone, Active, Held], "busy", &["on-the-phone"], OPEN, &["held"]),
    (9, &[Phone, Active, Call("confirmed"), Call("early")], "busy", &["on-the-phone"], OPEN,
        &["confirmed", "early"]),
    (10, &[Phone, Active, Calendar(Shown::Busy)], "busy", &["busy", "meeting"], OPEN, &[]),
    (11, &[Phone, Active, Calendar(Shown::Tentative)], "available", &[], OPEN, &[]),
    (12, &[Phone, Active, Calendar(Shown::Busy), Call("confirmed")], "busy",
        &["on-the-phone", "meeting"], OPEN, &["confirmed"]),
    (13, &[Phone, Active, Dnd], "dnd", &["busy", "other do-not-disturb"], OPEN, &[]),
    (14, &[Phone, Active, Dnd, Call("confirmed")], "dnd",
        &["busy", "other do-not-disturb", "on-the-phone"], OPEN, &["confirmed"]),
    (15, &[Phone, M(Available), Dnd, Calendar(Shown::Busy), Touched(AN_HOUR)], "available", &[],
        OPEN, &[]),
    (16, &[Phone, M(Available), Call("confirmed")], "busy", &["on-the-phone"], OPEN,
        &["confirmed"]),
    (17, &[Phone, M(NotDisturbed), Call("confirmed")], "dnd", &["busy", "other do-not-disturb"],
        OPEN, &["confirmed"]),
    (18, &[Phone, Active, ManualUntil(NotDisturbed, 1)], "available", &[], OPEN, &[]),
    (19, &[Phone, Active, M(Away)], "away", &["away"], OPEN, &[]),
    (20, &[Phone, Touched(2400), ManualUntil(Brb, 1)], "away", &["away"], OPEN, &[]),
    (21, &[M(Available)], "offline", &[], CLOSED, &[]),
    (22, &[M(NotDisturbed)], "offline", &[], CLOSED, &[]),
    (23, &[Phone, Active, Out], "away", &["away", "vacation"], OPEN, &[]),
    (24, &[Phone, Out, Call("confirmed")], "busy", &["on-the-phone", "vacation"], OPEN,
        &["confirmed"]),
    (25, &[Phone, Active, M(Invisible)], "offline", &[], CLOSED, &[]),
    (26, &[Phone, M(Invisible), Call("confirmed")], "offline", &[], CLOSED, &["confirmed"]),
    (27, &[Phone, Touched(AN_HOUR), Active], "available", &[], OPEN, &[]),
    (28, &[Phone, Touched(AN_HOUR)], "away", &["away"], OPEN, &[]),
    (29, &[Phone, Lost(90)], "unknown", &["unknown"], None, &[]),
    (30, &[Phone, Active, OutSoon], "available", &[], OPEN, &[]),
];

/// A desk where all this is known.
fn desk(known: &[Known]) -> Desk {
    let mut desk = Desk::new();
    for (number, known) in (0..).zip(known) {
        let said = desk.said("edge");
        let at_once = Span::default();
        let fact = match *known {
            M(state) => said.manual(Manual::new(state), at_once),
            ManualUntil(state, seconds) => {
                let until = Some(ago(NOW, seconds));
                desk.said_ago("alice", 1800).manual(Manual::new(state), Span { from: None, until })
            }
            Dnd => said.dnd(number, true, at_once),
            Calendar(shown) => {
                let entry = Entry::Event(Event { kind: Kind::InAMeeting, shown });
                said.calendar(number, &[(entry, around_now())])
            }
            Out => said.calendar(number, &[(Entry::OutOfOffice(vacation()), around_now())]),
            OutSoon => {
                let from = Some(desk.now.after(std::time::Duration::from_secs(600)).wall);
                let span = Span { from, until: None };
                said.calendar(number, &[(Entry::OutOfOffice(vacation()), span)])
            }
            Active => said.input(number, Input::active(Some(NOW)), at_once),
            Touched(seconds) => said.input(number, Input::touched(ago(NOW, seconds)), at_once),
            Lost(seconds) => desk.said_ago("pbx", seconds).lost(number, true),
            Phone => {
                desk.register(1);
                continue;
            }
            Call(state) => {
                desk.calls(&[(&format!("c{number}"), state, false)]);
                continue;
            }
            Held => {
                desk.calls(&[(&format!("c{number}"), "confirmed", true)]);
                continue;
            }
        };
        desk.tell(fact);
    }
    desk.settle();
    desk
}

fn vacation() -> OutOfOffice {
    OutOfOffice { absence: Absence::Vacation, ..OutOfOffice::default() }
}

fn around_now() -> Span {
    let until = Some(fanal::base::time::Wall::from_unix_millis(NOW.as_unix_millis() + 1_800_000));
    Span { from: Some(ago(NOW, 1800)), until }
}

fn row(number: u8) -> Desk {
    let row = ROWS.iter().find(|row| row.0 == number).expect("a row");
    desk(row.1)
}

#[test]
fn every_golden_row_comes_out_as_the_table_says() {
    assert_eq!(ROWS.len(), 30);
    let mut wrong = Vec::new();
    let mut documents = Vec::new();
    for (number, known, availability, activities, basic, lamp) in ROWS {
        let mut desk = desk(known);
        let seen = desk.sight();
        let Sight { note, .. } = &seen;
        let expected = Sight {
            availability: (*availability).to_owned(),
            activities: activities.iter().map(|word| (*word).to_owned()).collect(),
            basic: basic.map(str::to_owned),
            note: note.clone(),
        };
        let mut shown = desk.lamp();
        shown.sort();
        if seen != expected || shown != *lamp {
            wrong.push(format!("row {number}: {seen:?} {shown:?}, not {expected:?} {lamp:?}"));
        }
        documents.extend([View::Full, View::Own].map(|view| desk.document("presence", view)));
        documents.push(desk.document("dialog", View::Full));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_valid("golden", &documents);
}

#[test]
fn golden_row_09_a_phone_that_shows_one_call_shows_the_one_that_rings() {
    let document = row(9).document("dialog", View::Full);
    let calls = DialogInfo::read(document.as_bytes(), None).expect("our own document").dialogs;
    let single = CallProfile { single: true, ..CallProfile::default() };
    let states: Vec<CallState> = shaped(single, &calls).iter().map(|call| call.state).collect();
    assert_eq!(states, [CallState::Early]);
}

#[test]
fn golden_row_13_the_lamp_beside_the_extension_is_lit() {
    // What the agent tells the package of that lamp once presence is settled.
    let lit = |number: u8| {
        let mut desk = row(number);
        desk.follow();
        desk.document("dialog.dnd", View::Full).contains("confirmed")
    };
    assert!(lit(13) && lit(14) && lit(17) && lit(22));
    assert!(!lit(7) && !lit(1) && !lit(18) && !lit(25));
}

#[test]
fn golden_row_17_the_person_sees_the_call_that_others_do_not() {
    let mut desk = row(17);
    assert!(!desk.document("presence", View::Full).contains("on-the-phone"));
    assert!(desk.document("presence", View::Own).contains("<rpid:on-the-phone/>"));
}

#[test]
fn golden_row_22_why_somebody_is_offline_is_kept() {
    assert_eq!(row(22).sight().note.as_deref(), Some("Do not disturb"));
    assert_eq!(row(21).sight().note, None);
}

#[test]
fn golden_rows_25_and_26_an_invisible_person_is_offline_to_the_last_octet() {
    let offline = row(1).document("presence", View::Offline);
    assert_eq!(row(1).document("presence", View::Full), offline);
    for number in [25, 26] {
        let mut desk = row(number);
        assert_eq!(desk.document("presence", View::Full), offline, "row {number}");
    }
    assert_eq!(Sight::of(&row(25).document("presence", View::Own)).availability, "available");
    let own = Sight::of(&row(26).document("presence", View::Own));
    assert_eq!((own.availability.as_str(), own.activities), ("busy", vec!["on-the-phone".into()]));
    // The lamp is dark for those who are shown what an unknown line shows.
    let dark = row(26).document("dialog", View::Offline);
    assert_eq!(dark, row(1).document("dialog", View::Full));
}

#[test]
fn golden_row_28_the_device_in_use_goes_and_the_idle_one_stays() {
    let mut desk = Desk::new();
    desk.register(1);
    let said = desk.said("agent");
    desk.tell(said.input(1, Input::touched(ago(NOW, AN_HOUR)), Span::default()));
    let softphone = desk.softphone("<rpid:user-input>active</rpid:user-input>");
    desk.settle();
    assert_eq!(desk.sight().availability, "available");
    desk.withdraw(softphone);
    desk.settle();
    assert_eq!(desk.sight().availability, "away");
}

#[test]
fn golden_rows_30_and_23_an_absence_is_announced_and_then_begins_by_itself() {
    let mut desk = row(30);
    let announced = desk.document("presence", View::Full);
    assert!(announced.contains("<ts:timed-status from=\"2026-03-02T09:51:07Z\">"), "{announced}");
    let before = desk.changes;

    desk.pass(599);
    assert_eq!(desk.sight().availability, "available");
    desk.pass(1);

    let begun = desk.document("presence", View::Full);
    assert!(!begun.contains("timed-status"), "{begun}");
    assert_eq!(desk.sight().activities, ["away", "vacation"]);
    assert_eq!(desk.changes, before + 1);
}
