//! A status for devices that read no further than the beginning: one service, one activity, one
//! line; or, for those of before RFC 3863, two words.

use super::person::first_activity;
use super::{Availability, Kind, Status, cut};
use crate::base::identity::Aor;
use crate::base::limits;
use crate::doc::body::Body;
use crate::doc::pidf::{Basic, Contact, Note, Person, Presence, Tuple};
use crate::doc::xpidf;

/// The id of the one service of a person of whom nothing closer is known.
pub const VOICE: &str = "svc-voice";

/// The document for phones; its note is cut where the whole becomes too long for them.
pub fn document(aor: &Aor, status: &Status) -> Presence {
    let mut document = Presence {
        entity: aor.to_uri(),
        tuples: vec![voice(aor, status.basic)],
        ..Presence::default()
    };
    let offline = status.availability == Availability::Offline;
    let line = match status.line() {
        Some(line) => Some(line.line()),
        None if offline => None,
        None => Some(status.availability.note().to_owned()),
    };
    if line.is_none() {
        return document;
    }
    let elements = first_activity(status).into_iter().collect();
    document.persons.push(Person { elements, ..Person::default() });
    let without = document.body().octets(0, &document.entity);
    let room = limits::PHONE_DOCUMENT_OCTETS_MAX.saturating_sub(without);
    let mut line = line.unwrap_or_default();
    while !line.is_empty() && octets_of_note(&line) > room {
        let half = line.len() - line.len().div_ceil(8);
        line.truncate(cut(&line, half).len());
    }
    if let Some(person) = document.persons.first_mut().filter(|_| !line.is_empty()) {
        let tells_activities = status.note.is_none();
        person.notes.push(Note { tells_activities, ..Note::new(&line) });
    }
    document
}

/// The document for phones of before RFC 3863.
pub fn xpidf(aor: &Aor, status: &Status) -> Body {
    let calls = status.activities.iter().any(|activity| activity.kind.is_a_call());
    let meal = status.activities.iter().any(|activity| activity.kind == Kind::Meal);
    let (word, substatus) = match status.availability {
        Availability::Available => (xpidf::Status::Open, "online"),
        Availability::Idle => (xpidf::Status::Open, "idle"),
        Availability::Away if meal => (xpidf::Status::Inactive, "outtolunch"),
        Availability::Away => (xpidf::Status::Inactive, "away"),
        Availability::Brb => (xpidf::Status::Inactive, "berightback"),
        Availability::Busy if calls => (xpidf::Status::InUse, "onthephone"),
        Availability::Busy | Availability::Dnd => (xpidf::Status::InUse, "busy"),
        Availability::Unknown => (xpidf::Status::Inactive, "unknown"),
        Availability::Offline => (xpidf::Status::Closed, "offline"),
    };
    xpidf::body(&aor.to_uri(), word, substatus)
}

/// The one service of a person of whom nothing closer is known; no address where nobody answers.
pub fn voice(aor: &Aor, basic: Option<Basic>) -> Tuple {
    let contact =
        (basic == Some(Basic::Open)).then(|| Contact { uri: aor.to_uri(), priority: None });
    Tuple { id: VOICE.to_owned(), basic, contact, ..Tuple::default() }
}

/// Octets of a note as it is written, its tags among them.
fn octets_of_note(line: &str) -> usize {
    crate::doc::write::escape_text(line).len() + "<dm:note></dm:note>".len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::status::{Activity, Note as Line};

    fn alice() -> Aor {
        Aor::from_parts("alice", "example.com")
    }

    fn busy() -> Status {
        Status {
            availability: Availability::Busy,
            basic: Some(Basic::Open),
            activities: vec![Activity::new(Kind::OnThePhone), Activity::new(Kind::InAMeeting)],
            fresh: true,
            ..Status::default()
        }
    }

    #[test]
    fn a_phone_is_told_one_thing_of_each() {
        assert_eq!(
            document(&alice(), &busy()).write(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <presence xmlns=\"urn:ietf:params:xml:ns:pidf\" \
             xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" \
             xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\" entity=\"sip:alice@example.com\">\n  \
             <tuple id=\"svc-voice\"><status><basic>open</basic></status>\
             <contact>sip:alice@example.com</contact></tuple>\n  \
             <dm:person id=\"p1\"><rpid:activities><rpid:on-the-phone/></rpid:activities>\
             <dm:note>On the phone</dm:note></dm:person>\n</presence>\n"
        );
    }

    #[test]
    fn a_long_note_is_cut_so_that_the_document_stays_short() {
        for text in ["&".repeat(1000), "\u{1F3D6}".repeat(250), "a".repeat(1000)] {
            let status = Status { note: Some(Line::new(&text)), ..busy() };
            let document = document(&alice(), &status);
            let octets = document.write().len();
            let most = limits::PHONE_DOCUMENT_OCTETS_MAX;
            assert!((most * 4 / 5..=most).contains(&octets), "{octets}");
        }
    }

    #[test]
    fn an_old_phone_is_told_two_words() {
        let words = |status: &Status| {
            let body = xpidf(&alice(), status).to_bytes(0, "sip:alice@example.com");
            let text = String::from_utf8_lossy(&body).into_owned();
            let value = |name: &str| {
                let (_, rest) = text.split_once(name).expect("an attribute");
                rest.split('"').nth(1).unwrap_or_default().to_owned()
            };
            (value(" status="), value("substatus="))
        };
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(words(&busy()), pair("inuse", "onthephone"));
        assert_eq!(words(&Status { activities: vec![], ..busy() }), pair("inuse", "busy"));
        assert_eq!(words(&Status::default()), pair("closed", "offline"));
        let available = Status { availability: Availability::Available, ..Status::default() };
        assert_eq!(words(&available), pair("open", "online"));
    }
}
