//! Documents as they are sent: whole, for phones, and for phones of before RFC 3863.

use fanal::base::media::MediaType;
use fanal::base::time::Wall;
use fanal::doc::view::View;
use fanal::event::status::feed::{Entry, Span};
use fanal::event::status::{
    Absence, Alternate, Event, Input, Kind, Note, OutOfOffice, Settings, Shown, Standing,
};

use crate::desk::{Desk, NOW, ago};
use crate::valid::assert_valid;

fn time(text: &str) -> Wall {
    Wall::from_date_time(text).expect("a time")
}

/// Alice is on vacation until Friday, her phone is registered, and she is in a call.
fn on_vacation_and_on_the_phone() -> Desk {
    let mut desk = Desk::new();
    desk.register(1);
    desk.calls(&[("c1", "confirmed", false)]);
    let bob = Alternate {
        contact: "sip:bob@example.com".to_owned(),
        name: Some("Bob Meyer".to_owned()),
        relationship: Some("assistant".to_owned()),
    };
    let text = "Out of office, back on 6 March; Bob answers meanwhile";
    let absence = OutOfOffice {
        absence: Absence::Vacation,
        note: Some(Note::new(text).in_language("en").with_emoji("\u{1F3D6}")),
        alternates: vec![bob],
    };
    let (from, until) = (time("2026-02-28T00:00:00Z"), time("2026-03-06T16:00:00Z"));
    let span = Span { from: Some(from), until: Some(until) };
    let said = desk.said("alice");
    desk.tell(said.out_of_office(Some(absence), span));
    desk.tell(said.input(0, Input::touched(time("2026-03-02T09:41:00Z")), Span::default()));
    desk.settle();
    desk
}

#[test]
fn the_whole_document_says_everything_there_is() {
    let text = on_vacation_and_on_the_phone().document("presence", View::Full);
    let expected = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
        <presence xmlns=\"urn:ietf:params:xml:ns:pidf\" \
        xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" \
        xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\" \
        xmlns:c=\"urn:ietf:params:xml:ns:pidf:cipid\" \
        xmlns:fanal=\"urn:x-fanal:presence:1\" entity=\"sip:alice@example.com\">\n  \
        <tuple id=\"svc-voice\"><status><basic>open</basic></status>\
        <contact priority=\"0.9\">sip:alice@example.com</contact></tuple>\n  \
        <tuple id=\"svc-alt-1\"><status><basic>open</basic></status>\
        <rpid:class>team</rpid:class>\
        <rpid:relationship><rpid:assistant/></rpid:relationship>\
        <c:display-name>Bob Meyer</c:display-name>\
        <contact priority=\"0.8\">sip:bob@example.com</contact></tuple>\n  \
        <dm:person id=\"p1\">\
        <rpid:activities><rpid:on-the-phone/><rpid:vacation/></rpid:activities>\
        <rpid:user-input idle-threshold=\"300\" last-input=\"2026-03-02T09:41:00Z\">active\
        </rpid:user-input>\
        <fanal:state availability=\"busy\" emoji=\"\u{1F3D6}\" since=\"2026-03-02T09:41:07Z\">\
        <fanal:activity kind=\"vacation\" until=\"2026-03-06T16:00:00Z\"/></fanal:state>\
        <dm:note xml:lang=\"en\">\u{1F3D6} Out of office, back on 6 March; Bob answers meanwhile\
        </dm:note></dm:person>\n</presence>\n";
    assert_eq!(text, expected);
    assert_valid("whole", &[text]);
}

#[test]
fn a_line_that_only_names_the_activity_is_known_as_such() {
    use fanal::base::identity::Aor;
    use fanal::event::status::{Activity, Availability, Status, person};

    let on_the_phone = Status {
        availability: Availability::Busy,
        activities: vec![Activity::new(Kind::OnThePhone)],
        fresh: true,
        ..Status::default()
    };
    let later = Status { note: Some(Note::new("Later")), ..on_the_phone.clone() };
    for (status, tells) in [(on_the_phone, true), (later, false)] {
        let person = person::lay(&status, &Settings::default(), None).expect("a person");
        assert_eq!(person.notes[0].tells_activities, tells, "{person:?}");
        let phone = fanal::event::status::phone::document(&Aor::from_parts("a", "h"), &status);
        assert_eq!(phone.persons[0].notes[0].tells_activities, tells, "{phone:?}");
    }
}

#[test]
fn the_reason_and_who_answers_stay_while_nobody_can_be_reached() {
    let mut desk = Desk::new();
    let bob = Alternate { contact: "sip:bob@example.com".to_owned(), ..Alternate::default() };
    let absence = OutOfOffice { alternates: vec![bob], ..OutOfOffice::default() };
    let said = desk.said("alice");
    desk.tell(said.out_of_office(Some(absence), Span::default()));
    desk.settle();

    let seen = desk.sight();
    assert_eq!((seen.availability.as_str(), seen.basic.as_deref()), ("offline", Some("closed")));
    assert_eq!(seen.activities, ["other out-of-office"]);
    assert_eq!(seen.note.as_deref(), Some("Out of office"));
    let text = desk.document("presence", View::Full);
    assert!(text.contains("<contact priority=\"0.8\">sip:bob@example.com</contact>"), "{text}");
}

#[test]
fn whom_the_organisation_let_go_has_no_services_left() {
    let mut desk = Desk::new();
    desk.softphone("<rpid:activities><rpid:shopping/></rpid:activities><dm:note>Hi</dm:note>");
    let said = desk.said("directory");
    desk.tell(said.organisation(Some(Standing::Left)));
    desk.settle();

    let text = desk.document("presence", View::Full);
    assert!(text.contains("<rpid:permanent-absence/>"), "{text}");
    for gone in ["open", "shopping", "Hi", "<contact", "\"t1\""] {
        assert!(!text.contains(gone), "{gone}: {text}");
    }
    assert_valid("left", &[text]);
}

#[test]
fn a_lost_source_leaves_no_service_open() {
    let mut desk = Desk::new();
    desk.softphone("<rpid:user-input>active</rpid:user-input>");
    let said = desk.said_ago("pbx", 90);
    desk.tell(said.lost(0, true));
    desk.settle();

    let text = desk.document("presence", View::Full);
    assert!(!text.contains("<basic>"), "{text}");
    assert!(text.contains("<status/>"), "{text}");
    assert_eq!(desk.sight().note.as_deref(), Some("Unknown"));

    // In touch again.
    let said = desk.said("pbx");
    desk.tell(said.lost(0, false));
    desk.settle();
    assert_eq!(desk.sight().availability, "available");
}

#[test]
fn a_call_of_a_few_seconds_does_not_make_the_next_one_begin_with_it() {
    let mut desk = Desk::new();
    let first = desk.calls(&[("c1", "confirmed", false)]);
    desk.settle();
    desk.pass(30);
    let _second = desk.calls(&[("c2", "confirmed", false)]);
    desk.settle();
    let since = |desk: &mut Desk| {
        let text = desk.document("presence", View::Full);
        let (_, rest) = text.split_once(" since=\"").expect("since");
        rest.split('"').next().unwrap_or_default().to_owned()
    };
    assert_eq!(since(&mut desk), "2026-03-02T09:41:07Z", "on the phone since the first");
    desk.withdraw(first);
    desk.settle();
    assert_eq!(since(&mut desk), "2026-03-02T09:41:07Z");
}

#[test]
fn what_settings_decide_is_decided_by_settings() {
    use fanal::event::status::settings::{DndBasic, Focus, Winner};

    let mut desk = Desk::with(Settings { dnd_basic: DndBasic::Closed, ..Settings::default() });
    desk.softphone("");
    let said = desk.said("phone");
    desk.tell(said.dnd(0, true, Span::default()));
    desk.settle();
    assert_eq!(desk.sight().basic.as_deref(), Some("closed"));

    let mut desk = Desk::with(Settings { focus: Focus::Dnd, ..Settings::default() });
    desk.register(1);
    let focus = Entry::Event(Event { kind: Kind::Focusing, shown: Shown::Busy });
    let span = Span { from: Some(ago(NOW, 60)), until: None };
    let said = desk.said("calendar");
    desk.tell(said.calendar(0, &[(focus, span)]));
    desk.settle();
    assert_eq!(desk.sight().availability, "dnd");

    let mut desk =
        Desk::with(Settings { available_in_call: Winner::Manual, ..Settings::default() });
    desk.softphone("<fanal:state availability=\"available\" manual=\"true\"/>");
    desk.calls(&[("c1", "confirmed", false)]);
    desk.settle();
    let seen = desk.sight();
    assert_eq!(seen.availability, "available");
    assert_eq!(seen.activities, ["on-the-phone"]);
}

#[test]
fn one_device_that_closes_does_not_close_the_person() {
    let mut desk = Desk::new();
    desk.softphone("");
    let closed = "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"sip:a@h\">\
                  <tuple id=\"t9\"><status><basic>closed</basic></status></tuple></presence>";
    desk.publish("presence", "alice", closed);
    desk.settle();
    assert_eq!(desk.sight().availability, "available");
}

#[test]
fn types_are_written_by_accept_and_the_usual_one_is_pidf() {
    use fanal::event::presence::Presence;
    use fanal::event::{EventPackage, Octets};

    assert_eq!(Presence::MEDIA, [MediaType::Pidf, MediaType::Xpidf]);
    let octets = Octets { media: &MediaType::Xpidf, charset: None, body: b"<presence/>" };
    assert!(Presence::default().parse(octets, None).is_err(), "written, and not read");
}
