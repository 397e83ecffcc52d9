//! What is seen of a person, read from the very documents that a subscription would bring.

use serde_json::{Value, json};

use crate::doc::dialog_info::{DialogInfo, State};
use crate::doc::pidf::{Basic, Presence};
use crate::doc::{Element, Namespace};
use crate::shard::inquiry::Sight;

/// What a presence document says, in words.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Seen {
    /// May I interrupt?
    pub availability: String,
    /// Whether some service takes calls; `None` if that is not said.
    pub basic: Option<&'static str>,
    /// What the person is doing.
    pub activities: Vec<String>,
    /// The first note.
    pub note: Option<String>,
    /// Since when the availability holds.
    pub since: Option<String>,
    /// Until when it holds.
    pub until: Option<String>,
}

impl Seen {
    /// Of a document. What cannot be read says nothing.
    pub fn of(document: &[u8]) -> Seen {
        let document = Presence::read(document, None).unwrap_or_default();
        let basics = || document.tuples.iter().filter_map(|tuple| tuple.basic);
        let basic = match basics().any(|basic| basic == Basic::Open) {
            true => Some(Basic::Open),
            false => basics().next(),
        };
        let person = document.persons.first();
        let elements = || person.into_iter().flat_map(|person| &person.elements);
        let state = elements().find(|element| element.is(&Namespace::Fanal, "state"));
        let said = |name: &str| state.and_then(|state| state.attribute(name)).map(str::to_owned);
        let plain = || match basic {
            Some(Basic::Open) => "available",
            Some(Basic::Closed) => "offline",
            None => "unknown",
        };
        let lists = elements().filter(|element| element.is(&Namespace::Rpid, "activities"));
        let notes = person.into_iter().flat_map(|person| &person.notes);
        let of_tuples = document.tuples.iter().flat_map(|tuple| &tuple.notes);
        let note = notes.chain(&document.notes).chain(of_tuples).next();
        Seen {
            availability: said("availability").unwrap_or_else(|| plain().to_owned()),
            basic: basic.map(Basic::as_text),
            activities: lists.flat_map(Element::elements).map(word).collect(),
            note: note.map(|note| note.text.trim().to_owned()),
            since: said("since"),
            until: said("until"),
        }
    }

    /// Whether the person would take a call of a queue now.
    pub fn takes_calls(&self) -> bool {
        let is_free = matches!(&*self.availability, "available" | "idle");
        let takes_queues = self.activities.iter().all(|activity| activity != "no-queues");
        self.basic == Some("open") && is_free && takes_queues
    }

    /// Whether the person would read a message soon.
    pub fn takes_messages(&self) -> bool {
        !matches!(&*self.availability, "offline" | "dnd" | "unknown")
    }
}

/// What is seen of a person.
pub fn json(sight: &Sight) -> Value {
    let Some(document) = &sight.presence else {
        return json!({ "aor": sight.aor.as_str(), "substate": "pending" });
    };
    let Seen { availability, basic, activities, note, since, until } = Seen::of(document);
    json!({
        "aor": sight.aor.as_str(),
        "substate": "active",
        "availability": availability,
        "basic": basic,
        "activities": activities,
        "note": note,
        "since": since,
        "until": until,
        "lamp": sight.calls.as_deref().map(lamp),
    })
}

/// What a lamp shows of a document of calls.
pub fn lamp(document: &[u8]) -> &'static str {
    let calls = DialogInfo::read(document, None).map_or_else(|_| Vec::new(), |info| info.dialogs);
    let any = |states: &[State]| calls.iter().any(|call| states.contains(&call.state));
    if any(&[State::Early]) {
        "ringing"
    } else if calls.iter().any(|call| call.state == State::Confirmed && !call.is_held()) {
        "busy"
    } else if any(&[State::Confirmed]) {
        "held"
    } else if any(&[State::Trying, State::Proceeding]) {
        "trying"
    } else {
        "idle"
    }
}

/// An activity in a word: its name, or what stands in `other`.
fn word(activity: &Element) -> String {
    match &*activity.name.local {
        "other" => activity.token(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::identity::Aor;

    #[test]
    fn a_document_is_told_in_words() {
        let text = "<presence xmlns='urn:ietf:params:xml:ns:pidf' \
            xmlns:dm='urn:ietf:params:xml:ns:pidf:data-model' xmlns:f='urn:x-fanal:presence:1' \
            xmlns:r='urn:ietf:params:xml:ns:pidf:rpid' entity='sip:101@a'>\
            <tuple id='t'><status><basic>open</basic></status></tuple>\
            <dm:person id='p'><r:activities><r:busy/><r:other>do-not-disturb</r:other>\
            </r:activities><f:state availability='dnd' until='2026-03-02T12:00:00Z'/>\
            <dm:note>Focus</dm:note></dm:person></presence>";
        let seen = Seen::of(text.as_bytes());
        assert_eq!((seen.availability.as_str(), seen.basic), ("dnd", Some("open")));
        assert_eq!(seen.activities, ["busy", "do-not-disturb"]);
        assert_eq!(seen.note.as_deref(), Some("Focus"));
        assert_eq!(seen.until.as_deref(), Some("2026-03-02T12:00:00Z"));
        assert!(!seen.takes_calls() && !seen.takes_messages());
    }

    #[test]
    fn of_services_alone_the_basic_status_speaks() {
        let text = |basic: &str| {
            format!(
                "<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='sip:101@a'><tuple id='t'>\
                 <status>{basic}</status></tuple></presence>"
            )
        };
        for (basic, availability) in [
            ("<basic>open</basic>", "available"),
            ("<basic>closed</basic>", "offline"),
            ("", "unknown"),
        ] {
            assert_eq!(Seen::of(text(basic).as_bytes()).availability, availability);
        }
        assert_eq!(Seen::of(b"no document").availability, "unknown");
    }

    #[test]
    fn who_has_not_been_let_in_yet_sees_nothing() {
        let aor = Aor::from_parts("101", "example.com");
        let pending =
            json(&Sight { aor, presence: None, calls: None, permissions: None, free_since: None });
        assert_eq!(pending["substate"], "pending");
        assert!(pending.get("availability").is_none());
    }
}
