//! What a published presence document says of the person: leases, found in what devices really
//! write. What is understood is taken out of the document where the composed status says it in
//! its place; services, devices and everything unknown stay and travel.

use super::activity::{Absence, Kind};
use super::input::{Hands, Input};
use super::lease::{Lease, OutOfOffice, Says};
use super::manual::{Manual, State};
use super::words::{self, Meaning};
use super::{Alternate, Availability, Note, Settings};
use crate::base::limits;
use crate::base::time::Wall;
use crate::doc::fanal;
use crate::doc::pidf::{Basic, Person, Presence, Tuple};
use crate::doc::{Element, Name, Namespace, Node};

/// Leases without a publisher, as if said at no time: both are known to who keeps the document.
pub fn read(document: &mut Presence, settings: &Settings) -> Vec<Lease> {
    let mut leases = Vec::new();
    for tuple in &document.tuples {
        services(tuple, &mut leases);
    }
    let devices = document.devices.iter().flat_map(|device| &device.elements);
    let tuples = document
        .tuples
        .iter()
        .flat_map(|tuple| tuple.status_extensions.iter().chain(&tuple.extensions));
    leases.extend(devices.chain(tuples).filter_map(hands));
    for person in &mut document.persons {
        of_person(person, &mut leases);
    }
    if settings.read_words {
        by_word(document, &mut leases);
    }
    for tuple in &mut document.tuples {
        tuple.extensions.retain(|element| !fanal::is_state(element));
        tuple.status_extensions.retain(|element| !fanal::is_state(element));
    }
    document.extensions.retain(|element| !fanal::is_state(element));
    leases.truncate(limits::LEASES_MAX);
    leases
}

fn lease(says: Says) -> Lease {
    Lease::new(Wall::default(), "", says)
}

/// When a service takes calls: while it is open, but for the times it announces to be closed.
fn services(tuple: &Tuple, leases: &mut Vec<Lease>) {
    let mut open: Vec<(Option<Wall>, Option<Wall>)> = Vec::new();
    if tuple.basic == Some(Basic::Open) {
        open.push((None, None));
    }
    for timed in tuple.extensions.iter().chain(&tuple.status_extensions) {
        let Some(span) = timed_span(timed) else { continue };
        let basic = timed.child(&Namespace::TimedStatus, "basic").map(Element::token);
        match basic.as_deref().and_then(Basic::from_text) {
            Some(Basic::Open) => open.push((Some(span.0), span.1)),
            Some(Basic::Closed) => {
                open = open.into_iter().flat_map(|it| without(it, span)).collect()
            }
            None => {}
        }
        for activity in timed.elements().filter(|e| e.is(&Namespace::Rpid, "activities")) {
            let said = activity.elements().filter_map(doing);
            leases.extend(said.map(|says| Lease {
                from: Some(span.0),
                until: span.1,
                ..lease(says)
            }));
        }
    }
    leases.extend(open.into_iter().map(|(from, until)| Lease {
        from,
        until,
        ..lease(Says::Reachable)
    }));
}

/// From when until when a timed status holds (RFC 4481 §3); `None` for anything else.
pub(crate) fn timed_span(element: &Element) -> Option<(Wall, Option<Wall>)> {
    if !element.is(&Namespace::TimedStatus, "timed-status") {
        return None;
    }
    let from = time(element, "from")?;
    Some((from, time(element, "until")))
}

/// What is left of a time when another is cut out of it.
fn without(
    (from, until): (Option<Wall>, Option<Wall>),
    (start, end): (Wall, Option<Wall>),
) -> impl Iterator<Item = (Option<Wall>, Option<Wall>)> {
    let before = (from, Some(until.map_or(start, |until| until.min(start))));
    let after = end.map(|end| (Some(from.map_or(end, |from| from.max(end))), until));
    let lasts = |span: &(Option<Wall>, Option<Wall>)| match span {
        (Some(from), Some(until)) => from < until,
        _ => true,
    };
    [Some(before), after].into_iter().flatten().filter(lasts)
}

fn of_person(person: &mut Person, leases: &mut Vec<Lease>) {
    leases.extend(person.elements.iter().filter_map(hands));
    let states: Vec<Element> = person.elements.extract_if(.., |e| fanal::is_state(e)).collect();
    let Some(state) = states.first() else {
        return leases.extend(activities(person));
    };
    let is_manual = matches!(state.attribute("manual").map(str::trim), Some("true" | "1"));
    let word = state.attribute("availability").map(str::trim).unwrap_or_default();
    match (is_manual, Availability::from_text(word)) {
        (true, _) => leases.extend(by_hand(person, state, word)),
        (false, availability) => {
            leases.extend(activities(person));
            leases.extend(
                availability.map(|availability| between(state, lease(Says::Device(availability)))),
            );
        }
    }
}

/// What bears the mark of a hand: the state, with the activities and the note beside it.
fn by_hand(person: &mut Person, state: &Element, word: &str) -> Option<Lease> {
    let mut kinds: Vec<Kind> = activities(person)
        .into_iter()
        .filter_map(|lease| match lease.says {
            Says::Doing(kind) => Some(kind),
            _ => None,
        })
        .collect();
    let named = state.elements().filter(|e| e.is(&Namespace::Fanal, "activity"));
    kinds.extend(named.filter_map(|e| Some(Kind::from(e.attribute("kind")?.trim().to_owned()))));
    kinds.sort_unstable();
    kinds.dedup();
    let note = person.notes.first().map(|note| Note {
        language: note.language.clone(),
        emoji: state.attribute("emoji").map(str::to_owned),
        ..Note::new(&note.text)
    });
    let alternates: Vec<Alternate> = state
        .elements()
        .filter(|e| e.is(&Namespace::Fanal, "alternate"))
        .filter_map(alternate)
        .take(limits::ALTERNATES_MAX)
        .collect();
    let says = match State::from_text(word) {
        Some(state) => Says::Manual(Manual { state, activities: kinds, note, alternates }),
        None if word == "out-of-office" => {
            let absence = kinds.iter().find_map(|kind| match kind {
                Kind::OutOfOffice(absence) => Some(*absence),
                Kind::Travelling => Some(Absence::Travel),
                _ => None,
            });
            let absence = absence.unwrap_or_default();
            Says::OutOfOffice(OutOfOffice { absence, note, alternates })
        }
        None => return None,
    };
    // It is the status that tells it from now on.
    person.elements.retain(|element| !element.is(&Namespace::Rpid, "activities"));
    person.notes.clear();
    Some(between(state, lease(says)))
}

fn alternate(element: &Element) -> Option<Alternate> {
    let text = |name: &str| element.attribute(name).map(|text| text.trim().to_owned());
    let contact = text("contact").filter(|contact| !contact.is_empty())?;
    Some(Alternate { contact, name: text("name"), relationship: text("relationship") })
}

/// What the lists of activities say, each for its time.
fn activities(person: &Person) -> Vec<Lease> {
    let lists = person.elements.iter().filter(|e| e.is(&Namespace::Rpid, "activities"));
    lists
        .flat_map(|list| {
            let said = list.elements().filter_map(doing);
            said.map(|says| between(list, lease(says)))
        })
        .collect()
}

/// One element of a list of activities.
fn doing(activity: &Element) -> Option<Says> {
    if activity.name.namespace != Namespace::Rpid {
        return None;
    }
    match &*activity.name.local {
        "busy" => Some(Says::Device(Availability::Busy)),
        "away" => Some(Says::Device(Availability::Away)),
        "other" => {
            let text = activity.token();
            match words::meaning(&text) {
                _ if text.is_empty() => None,
                Some(Meaning::Is(word @ (Availability::Dnd | Availability::Brb))) => {
                    Some(Says::Device(word))
                }
                _ => Some(Says::Doing(Kind::from_other(&text))),
            }
        }
        word => Kind::from_rpid(word).map(Says::Doing),
    }
}

/// What an element says of hands on a device (RFC 4480 §3.13).
fn hands(element: &Element) -> Option<Lease> {
    if !element.is(&Namespace::Rpid, "user-input") {
        return None;
    }
    let now = match element.token().as_str() {
        "active" => Hands::Active,
        "idle" => Hands::Idle,
        _ => return None,
    };
    // The drafts called it `since`.
    let last = time(element, "last-input").or_else(|| time(element, "since"));
    let idle_threshold =
        element.attribute("idle-threshold").and_then(|seconds| seconds.trim().parse().ok());
    Some(lease(Says::Input(Input { now, last, idle_threshold })))
}

fn time(element: &Element, name: &str) -> Option<Wall> {
    Wall::from_date_time(element.attribute(name)?.trim())
}

/// For the time an element names.
fn between(element: &Element, lease: Lease) -> Lease {
    Lease { from: time(element, "from"), until: time(element, "until"), ..lease }
}

/// A note that is a word for a state says more than `busy` and `away` do: servers that know no
/// finer words send those for everything.
fn by_word(document: &mut Presence, leases: &mut Vec<Lease>) {
    let Some(meaning) = word_of(document) else { return };
    let fine = |lease: &Lease| matches!(lease.says, Says::Doing(_) | Says::Manual(_));
    let is_fine = leases.iter().any(fine);
    match &meaning {
        Meaning::Rings => {
            leases.retain(|lease| lease.says != Says::Doing(Kind::OnThePhone));
            drop_activity(document, "on-the-phone");
        }
        Meaning::Is(Availability::Offline) => {}
        Meaning::Is(word) if !is_fine || *word == Availability::Dnd => {
            replace_coarse(document, leases, Some(*word));
            leases.push(lease(Says::Device(*word)));
        }
        Meaning::Does(kind) if !is_fine => {
            replace_coarse(document, leases, kind.implies());
            leases.push(lease(Says::Doing(kind.clone())));
        }
        Meaning::Is(_) | Meaning::Does(_) => {}
    }
    // The person's line is written anew, so that it does not contradict the rest.
    for person in &mut document.persons {
        person.notes.retain(|note| words::meaning(&note.text).is_none());
    }
}

/// The first word for a state: of the person, of a service, of the whole.
fn word_of(document: &Presence) -> Option<Meaning> {
    let persons = document.persons.iter().flat_map(|person| &person.notes);
    let tuples = document.tuples.iter().flat_map(|tuple| &tuple.notes);
    let notes = persons.chain(tuples).chain(&document.notes);
    let in_notes = notes.map(|note| note.text.clone());
    // Snom phones write the word into the status of the service.
    let in_status = document.tuples.iter().flat_map(|tuple| &tuple.status_extensions);
    let in_status = in_status.filter(|e| *e.name.local == *"im").map(Element::text);
    in_notes.chain(in_status).find_map(|text| words::meaning(&text))
}

/// Takes back what a finer word makes wrong.
fn replace_coarse(document: &mut Presence, leases: &mut Vec<Lease>, implied: Option<Availability>) {
    let coarse = [Availability::Busy, Availability::Away];
    leases.retain(|lease| !coarse.iter().any(|word| lease.says == Says::Device(*word)));
    match implied {
        Some(Availability::Busy | Availability::Dnd) => drop_activity(document, "away"),
        Some(Availability::Away | Availability::Brb) => drop_activity(document, "busy"),
        Some(Availability::Idle) => {
            drop_activity(document, "away");
            drop_activity(document, "busy");
        }
        _ => {}
    }
}

fn drop_activity(document: &mut Presence, word: &str) {
    let name = Name::new(Namespace::Rpid, word);
    let elements = document.persons.iter_mut().flat_map(|person| &mut person.elements);
    for list in elements.filter(|e| e.is(&Namespace::Rpid, "activities")) {
        list.children.retain(|node| !matches!(node, Node::Element(e) if e.name == name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "<presence xmlns='urn:ietf:params:xml:ns:pidf' \
        xmlns:dm='urn:ietf:params:xml:ns:pidf:data-model' \
        xmlns:r='urn:ietf:params:xml:ns:pidf:rpid' xmlns:f='urn:x-fanal:presence:1' \
        xmlns:ts='urn:ietf:params:xml:ns:pidf:timed-status' entity='sip:alice@example.com'>";

    /// What a document says, and what is left of it.
    fn said(inside: &str) -> (Vec<Says>, String) {
        let text = format!("{HEAD}{inside}</presence>");
        let mut document = Presence::read(text.as_bytes(), None).expect("a document");
        let leases = read(&mut document, &Settings::default());
        let says = leases.into_iter().map(|lease| lease.says).collect();
        (says, document.write())
    }

    fn says(inside: &str) -> Vec<Says> {
        said(inside).0
    }

    #[test]
    fn an_open_service_can_be_reached_and_a_closed_one_says_nothing() {
        let tuple = |basic: &str| format!("<tuple id='t'><status>{basic}</status></tuple>");
        assert_eq!(says(&tuple("<basic>open</basic>")), [Says::Reachable]);
        assert_eq!(says(&tuple("<basic>closed</basic>")), []);
        assert_eq!(says(&tuple("")), []);
    }

    #[test]
    fn a_time_is_cut_out_of_another() {
        let at = |seconds: u64| Wall::from_unix_millis(seconds * 1000);
        let cut = |span, hole| without(span, hole).collect::<Vec<_>>();
        let all = (None, None);
        let before = (None, Some(at(10)));
        assert_eq!(cut(all, (at(10), Some(at(20)))), [before, (Some(at(20)), None)]);
        assert_eq!(cut(all, (at(10), None)), [before]);
        assert_eq!(cut((Some(at(12)), Some(at(18))), (at(10), Some(at(20)))), []);
        let after = (Some(at(20)), Some(at(30)));
        assert_eq!(cut((Some(at(15)), Some(at(30))), (at(10), Some(at(20)))), [after]);
    }

    #[test]
    fn hands_are_read_wherever_they_are_told_of() {
        let input = "<r:user-input idle-threshold='60' last-input='2026-03-02T12:00:00Z'>idle\
                     </r:user-input>";
        let last = Wall::from_date_time("2026-03-02T12:00:00Z");
        let expected = Says::Input(Input { now: Hands::Idle, last, idle_threshold: Some(60) });
        for inside in [
            format!("<dm:person id='p'>{input}</dm:person>"),
            format!("<dm:device id='d'>{input}<dm:deviceID>urn:x:1</dm:deviceID></dm:device>"),
            format!("<tuple id='t'><status/>{input}</tuple>"),
        ] {
            assert_eq!(says(&inside), std::slice::from_ref(&expected), "{inside}");
        }
        assert_eq!(says("<dm:person id='p'><r:user-input>asleep</r:user-input></dm:person>"), []);
    }

    #[test]
    fn activities_are_kinds_and_the_two_coarse_words_are_availabilities() {
        let list = "<dm:person id='p'><r:activities><r:busy/><r:meeting/><r:lunch/>\
                    <r:other>wrap-up</r:other><r:other>dnd</r:other><x xmlns='urn:x'/>\
                    <r:unknown/></r:activities></dm:person>";
        assert_eq!(
            says(list),
            [
                Says::Device(Availability::Busy),
                Says::Doing(Kind::InAMeeting),
                Says::Doing(Kind::Meal),
                Says::Doing(Kind::WrapUp),
                Says::Device(Availability::Dnd),
            ]
        );
    }

    #[test]
    fn what_bears_the_mark_of_a_hand_is_the_status_from_then_on() {
        let (says, left) = said(
            "<dm:person id='p'><f:state availability='brb' manual='true'/><r:activities>\
             <r:shopping/></r:activities><r:mood><r:happy/></r:mood><dm:note>Milk</dm:note>\
             </dm:person>",
        );
        let manual = Manual {
            activities: vec![Kind::Rpid("shopping")],
            note: Some(Note::new("Milk")),
            ..Manual::new(State::Brb)
        };
        assert_eq!(says, [Says::Manual(manual)]);
        assert!(left.contains("happy") && !left.contains("shopping") && !left.contains("Milk"));
        assert!(!left.contains("fanal"), "{left}");
    }

    #[test]
    fn a_hand_that_says_nothing_known_says_nothing() {
        let state = |attributes: &str| format!("<dm:person><f:state {attributes}/></dm:person>");
        assert_eq!(says(&state("availability='asleep' manual='true'")), []);
        assert_eq!(says(&state("manual='true'")), []);
        assert_eq!(says(&state("availability='invisible'")), []);
        let away = Says::Device(Availability::Away);
        assert_eq!(says(&state("availability='away'")), [away], "the device's own word");
    }

    #[test]
    fn more_than_can_be_meant_is_cut() {
        let words = "<r:other>x</r:other>".repeat(limits::LEASES_MAX + 1);
        let list = format!("<dm:person><r:activities>{words}</r:activities></dm:person>");
        assert_eq!(says(&list).len(), limits::LEASES_MAX);
    }
}
