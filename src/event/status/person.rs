//! A status as the person of a presence document (RFC 4479, RFC 4480), laid over what devices
//! published of that person.

use std::borrow::Cow;

use super::activity::{Activity, Kind, Word};
use super::{Availability, Coming, Settings, Status};
use crate::base::time::Wall;
use crate::doc::pidf::{Note, Person};
use crate::doc::{Element, Namespace, Node};

/// The text of `other` that says do not disturb.
const DND: &str = "do-not-disturb";

/// The published person with the status in it; a person of its own if there is none and the
/// status has something to tell.
pub fn lay(status: &Status, settings: &Settings, published: Option<Person>) -> Option<Person> {
    if published.is_none() && is_silent(status) {
        return None;
    }
    let mut person = published.unwrap_or_default();
    let (lists, mut others): (Vec<Element>, Vec<Element>) =
        person.elements.into_iter().partition(|e| e.is(&Namespace::Rpid, "activities"));
    let mut elements: Vec<Element> = activities(status, &lists).into_iter().collect();
    if let Some(seen) = status.input {
        others.retain(|element| !element.is(&Namespace::Rpid, "user-input"));
        let threshold = settings.idle_after.as_secs().max(1).to_string();
        let mut input = Element::new(Namespace::Rpid, "user-input");
        input = input.with("idle-threshold", &threshold);
        if let Some(last) = seen.last {
            input = input.with("last-input", &last.to_string());
        }
        others.push(input.with_text(if seen.active { "active" } else { "idle" }));
    }
    // What a device says of where it is, is nearer to the person than settings are.
    let is_told = others.iter().any(|element| element.is(&Namespace::Rpid, "time-offset"));
    if let Some(minutes) = status.time_offset.filter(|_| !is_told) {
        let offset = Element::new(Namespace::Rpid, "time-offset");
        others.push(offset.with_text(&minutes.to_string()));
    }
    elements.extend(others);
    // The time of a change stands here and not in the timestamp: that one is shown to everybody,
    // and of who is idle it would tell the last touch.
    elements.push(state(status));
    person.elements = elements;
    if let Some(line) = status.line() {
        let mut note = Note { language: line.language.clone(), ..Note::new(&line.line()) };
        if status.note.is_some() {
            person.notes.retain(|other| *other != note);
            person.notes.insert(0, note);
        } else if person.notes.is_empty() {
            note.tells_activities = true;
            person.notes.push(note);
        }
    }
    Some(person)
}

/// The first word of the activities alone: for those that look no further.
pub fn first_activity(status: &Status) -> Option<Element> {
    let first = words(status).into_iter().next()?;
    let list = Element::new(Namespace::Rpid, "activities");
    Some(list.with_child(element(&first)))
}

/// An absence to come (RFC 4481).
pub fn announcement(coming: &Coming) -> Element {
    let mut timed = Element::new(Namespace::TimedStatus, "timed-status");
    timed = timed.with("from", &coming.from.to_string());
    if let Some(until) = coming.until {
        timed = timed.with("until", &until.to_string());
    }
    let line = coming.note.as_ref().map(super::Note::line);
    let line = line.or_else(|| coming.kind.note().map(str::to_owned));
    if let Some(line) = line {
        timed = timed.with_child(Element::new(Namespace::TimedStatus, "note").with_text(&line));
    }
    let list = Element::new(Namespace::Rpid, "activities");
    let list = list.with_child(Element::new(Namespace::Rpid, "away"));
    timed.with_child(list.with_child(element(&coming.kind.word())))
}

/// Whether the services alone say all there is.
fn is_silent(status: &Status) -> bool {
    let plain = match status.availability {
        Availability::Available => !status.fresh,
        Availability::Offline => status.reason.is_none(),
        _ => false,
    };
    let says_more = !status.activities.is_empty()
        || status.note.is_some()
        || status.input.is_some()
        || status.time_offset.is_some();
    plain && !says_more
}

/// The words of a status: first the one that every watcher knows, then the finer ones.
fn words(status: &Status) -> Vec<Word<'_>> {
    let mut words: Vec<Word<'_>> = Vec::new();
    let mut add = |word: Word<'static>| words.push(word);
    let calls = status.activities.iter().any(|activity| activity.kind.is_a_call());
    match status.availability {
        Availability::Busy if calls => add(Word::Known("on-the-phone")),
        Availability::Busy => add(Word::Known("busy")),
        Availability::Dnd => {
            add(Word::Known("busy"));
            add(Word::Other(Cow::Borrowed(DND)));
        }
        Availability::Away | Availability::Brb => add(Word::Known("away")),
        Availability::Available
        | Availability::Idle
        | Availability::Offline
        | Availability::Unknown => {}
    }
    for Activity { kind, .. } in &status.activities {
        let on_the_phone = Word::Known("on-the-phone");
        if *kind == Kind::InAConference && !words.contains(&on_the_phone) {
            words.push(on_the_phone);
        }
        let word = kind.word();
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words
}

fn element(word: &Word<'_>) -> Element {
    match word {
        Word::Known(word) => Element::new(Namespace::Rpid, word),
        Word::Other(text) => Element::new(Namespace::Rpid, "other").with_text(text),
    }
}

/// The list of activities: ours, then what devices published that is no kind of ours.
fn activities(status: &Status, published: &[Element]) -> Option<Element> {
    let mut list = Element::new(Namespace::Rpid, "activities");
    let words = words(status);
    list.children.extend(words.iter().map(|word| Node::Element(element(word))));
    let ours = list.children.len();
    for raw in published.iter().flat_map(Element::elements) {
        let node = Node::Element(raw.clone());
        if travels(raw, status) && !list.children.contains(&node) {
            list.children.push(node);
        }
    }
    if list.children.is_empty() {
        // RFC 4480 §3.2: a list says what the person does, or that nobody knows.
        if status.availability != Availability::Unknown {
            return None;
        }
        list = list.with_child(Element::new(Namespace::Rpid, "unknown"));
    }
    if list.children.len() == ours.max(1)
        && let Some(until) = common_end(status)
    {
        list = list.with("until", &until.to_string());
    }
    // The newest list counts for what is no child of it.
    let attributes = published.first().map_or(&[][..], |list| &list.attributes);
    let foreign = attributes.iter().filter(|own| own.name.namespace != Namespace::None);
    list.attributes.extend(foreign.cloned());
    Some(list)
}

/// Whether a published activity is sent as it is: the kinds of ours are told by the status, and
/// `busy` and `away` are not said of somebody who can be called.
fn travels(raw: &Element, status: &Status) -> bool {
    if raw.name.namespace != Namespace::Rpid {
        return true;
    }
    let coarse = matches!(&*raw.name.local, "busy" | "away");
    coarse && !status.availability.is_inviting()
}

/// RPID has one end for the whole list: it is written if it holds for all of it.
fn common_end(status: &Status) -> Option<Wall> {
    let ends = status.activities.iter().map(|activity| activity.until);
    let mut all =
        ends.chain((status.availability != Availability::Offline).then_some(status.until));
    let first = all.next()??;
    all.all(|end| end == Some(first)).then_some(first)
}

/// What RPID has no words for.
fn state(status: &Status) -> Element {
    let mut state = Element::new(Namespace::Fanal, "state");
    state = state.with("availability", status.availability.as_text());
    if let Some(emoji) = status.note.as_ref().and_then(|note| note.emoji.as_deref()) {
        state = state.with("emoji", emoji);
    }
    for (name, time) in [("since", status.since), ("until", status.until)] {
        if let Some(time) = time {
            state = state.with(name, &time.to_string());
        }
    }
    for Activity { kind, until } in &status.activities {
        if let Some(until) = until {
            let activity = Element::new(Namespace::Fanal, "activity").with("kind", kind.name());
            state = state.with_child(activity.with("until", &until.to_string()));
        }
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doc::Presence;
    use crate::event::status::{Absence, Note as Line};

    const UNTIL: Wall = Wall::from_unix_millis(1_772_452_800_000);

    fn written(status: &Status, published: Option<Person>) -> String {
        let persons = lay(status, &Settings::default(), published).into_iter().collect();
        let document = Presence { entity: "sip:a@h".into(), persons, ..Presence::default() };
        let text = document.write();
        let inside = text.split_once("\">\n").map_or("", |(_, rest)| rest);
        inside.trim_end_matches("</presence>\n").trim().to_owned()
    }

    fn status(availability: Availability, kinds: &[Kind]) -> Status {
        let activities = kinds.iter().cloned().map(Activity::new).collect();
        Status { availability, activities, fresh: true, ..Status::default() }
    }

    fn list(status: &Status) -> Vec<String> {
        let list = activities(status, &[]);
        let words = list.iter().flat_map(Element::elements);
        words.map(|word| format!("{}{}", word.name.local, word.text())).collect()
    }

    #[test]
    fn the_first_word_is_one_that_everybody_knows() {
        use Availability::{Available, Away, Brb, Busy, Dnd, Idle};
        let out = Kind::OutOfOffice(Absence::Vacation);
        for (status, words) in [
            (status(Available, &[]), vec![]),
            (status(Idle, &[]), vec![]),
            (status(Away, &[]), vec!["away"]),
            (status(Brb, &[]), vec!["away"]),
            (status(Busy, &[]), vec!["busy"]),
            (status(Busy, &[Kind::OnThePhone]), vec!["on-the-phone"]),
            (status(Busy, &[Kind::InAConference]), vec!["on-the-phone", "otherconference"]),
            (status(Busy, &[Kind::OnThePhone, Kind::InAMeeting]), vec!["on-the-phone", "meeting"]),
            (status(Busy, &[Kind::InAMeeting]), vec!["busy", "meeting"]),
            (status(Dnd, &[]), vec!["busy", "otherdo-not-disturb"]),
            (status(Dnd, &[Kind::Presenting]), vec!["busy", "otherdo-not-disturb", "presentation"]),
            (status(Away, &[Kind::Meal]), vec!["away", "meal"]),
            (status(Away, std::slice::from_ref(&out)), vec!["away", "vacation"]),
            (status(Busy, &[Kind::OnThePhone, out]), vec!["on-the-phone", "vacation"]),
        ] {
            assert_eq!(list(&status), words, "{status:?}");
        }
    }

    #[test]
    fn somebody_of_whom_only_services_are_known_has_no_person() {
        let plain = Status { fresh: false, ..status(Availability::Available, &[]) };
        assert_eq!(lay(&plain, &Settings::default(), None), None);
        assert_eq!(lay(&Status::default(), &Settings::default(), None), None);
        assert!(lay(&status(Availability::Available, &[]), &Settings::default(), None).is_some());
    }

    #[test]
    fn one_end_for_all_activities_is_the_end_of_the_list() {
        let mut brb = Status { until: Some(UNTIL), ..status(Availability::Brb, &[]) };
        assert_eq!(common_end(&brb), Some(UNTIL));
        brb.activities.push(Activity { kind: Kind::Meal, until: Some(UNTIL) });
        assert_eq!(common_end(&brb), Some(UNTIL));
        brb.activities.push(Activity::new(Kind::OnThePhone));
        assert_eq!(common_end(&brb), None);
    }

    #[test]
    fn what_is_unknown_says_so() {
        assert_eq!(
            written(&status(Availability::Unknown, &[]), None),
            "<dm:person id=\"p1\"><rpid:activities><rpid:unknown/></rpid:activities>\
             <fanal:state availability=\"unknown\"/><dm:note>Unknown</dm:note></dm:person>"
        );
    }

    #[test]
    fn own_words_come_before_published_ones_and_a_usual_line_only_without() {
        let published = || Person { notes: vec![Note::new("Room 12")], ..Person::default() };
        let busy = status(Availability::Busy, &[]);
        assert!(written(&busy, Some(published())).contains("<dm:note>Room 12</dm:note></dm:p"));
        assert!(!written(&busy, Some(published())).contains("Busy"));
        let own = Status { note: Some(Line::new("Later").in_language("en")), ..busy };
        let text = written(&own, Some(published()));
        let notes = "<dm:note xml:lang=\"en\">Later</dm:note><dm:note>Room 12</dm:note>";
        assert!(text.contains(notes), "{text}");
    }

    #[test]
    fn what_rpid_has_no_place_for_is_told_in_words_of_our_own() {
        let activity = Activity { kind: Kind::InAMeeting, until: Some(UNTIL) };
        let note = Some(Line::new("Later").with_emoji("\u{1F3D6}"));
        let mut busy = status(Availability::Busy, &[Kind::OnThePhone]);
        busy.activities.push(activity);
        let text = written(&Status { note, since: Some(UNTIL), ..busy }, None);
        assert!(
            text.contains(
                "<fanal:state availability=\"busy\" emoji=\"\u{1F3D6}\" \
                 since=\"2026-03-02T12:00:00Z\"><fanal:activity kind=\"in-a-meeting\" \
                 until=\"2026-03-02T12:00:00Z\"/></fanal:state>\
                 <dm:note>\u{1F3D6} Later</dm:note></dm:person>"
            ),
            "{text}"
        );
    }
}
