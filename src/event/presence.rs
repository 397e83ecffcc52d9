//! presence: one document of everything known about a person (RFC 3856, RFC 3863, RFC 4479).
//!
//! Composed from live sources, never patched: tuples of all publications, one person merged
//! from all, the calls as an activity, the registration as a service when nobody says more.

use std::time::Duration;

use super::{
    Composed, Entry, EventPackage, Generation, Lines, Observation, Octets, Pace, refused, wanted,
};
use crate::base::identity::Aor;
use crate::base::limits;
use crate::base::media::MediaType;
use crate::base::time::Now;
use crate::doc::body::Body;
use crate::doc::pidf::IdSpace;
use crate::doc::pidf::{Basic, Contact, Person, Presence as Document, Tuple};
use crate::doc::view::View;
use crate::doc::{Element, Namespace, Node};
use crate::sip::refusal::Refusal;

/// The id of the one service of a presentity that nobody describes closer.
const VOICE: &str = "svc-voice";

/// The package of presence documents.
pub struct Presence;

/// What one source says.
pub enum Part {
    /// A published document.
    Published(Box<Document>),
    /// Contacts are registered.
    Registered,
    /// The calls.
    Lines(Lines),
}

impl EventPackage for Presence {
    type Part = Part;
    type Document = Option<Box<Document>>;

    const NAME: &'static str = "presence";
    const MEDIA: &'static [MediaType] = &[MediaType::Pidf];
    /// RFC 3856 §6.10: one in five seconds; the burst lets a quick correction pass.
    const PACE: Pace = Pace { interval: Duration::from_secs(5), burst: 2 };
    const EXPIRES_DEFAULT: Duration = limits::EXPIRES_DEFAULT;

    fn parse(&self, octets: Octets<'_>, _: Option<&Part>) -> Result<Part, Refusal> {
        wanted(octets.media, Self::MEDIA)?;
        let document = Document::read(octets.body, octets.charset).map_err(refused)?;
        Ok(Part::Published(Box::new(document)))
    }

    fn observe(&self, seen: &Observation) -> Option<Part> {
        match *seen {
            Observation::Registered { contacts } => (contacts > 0).then_some(Part::Registered),
            Observation::Lines(lines) => (lines != Lines::default()).then_some(Part::Lines(lines)),
        }
    }

    fn compose(
        &self,
        aor: &Aor,
        parts: &[Entry<Part>],
        previous: &Option<Box<Document>>,
        _: Generation,
        _: Now,
    ) -> Composed<Option<Box<Document>>> {
        let document = merge(aor, parts);
        let changed = previous.as_deref().unwrap_or(&offline(aor)) != &document;
        Composed { changed, document: Some(Box::new(document)), again: None }
    }

    fn serialise(
        &self,
        aor: &Aor,
        document: &Option<Box<Document>>,
        view: View,
        _: &MediaType,
        _: Generation,
    ) -> Body {
        match (view, document) {
            (View::Full, Some(document)) => document.body(),
            _ => offline(aor).body(),
        }
    }
}

/// The document of somebody of whom nothing is known: one closed service, nothing that moves.
fn offline(aor: &Aor) -> Document {
    Document {
        entity: aor.to_uri(),
        tuples: vec![voice(Basic::Closed, None)],
        ..Document::default()
    }
}

fn merge(aor: &Aor, parts: &[Entry<Part>]) -> Document {
    let mut document = Document { entity: aor.to_uri(), ..Document::default() };
    let mut ids = IdSpace::default();
    let mut person: Option<Person> = None;
    let mut lines = Lines::default();
    let mut registered = false;
    let mut newest_first: Vec<(usize, &Document)> = Vec::new();

    for entry in parts {
        match &entry.part {
            Part::Published(published) => {
                let place =
                    newest_first.partition_point(|(nth, _)| parts[*nth].updated > entry.updated);
                let nth = parts.iter().position(|p| p.source == entry.source).unwrap_or_default();
                newest_first.insert(place, (nth, published));
            }
            Part::Registered => registered = true,
            Part::Lines(seen) => lines = *seen,
        }
    }
    // Tuples and devices stand in the order of their sources, so that equal state gives equal
    // octets; of single-valued statements about the person the newest wins.
    for entry in parts {
        let Part::Published(published) = &entry.part else { continue };
        for tuple in &published.tuples {
            let mut tuple = tuple.clone();
            tuple.id = ids.claim(&tuple.id, 't');
            document.tuples.push(tuple);
        }
        for device in &published.devices {
            let mut device = device.clone();
            device.id = ids.claim(&device.id, 'd');
            document.devices.push(device);
        }
        for note in &published.notes {
            if !document.notes.contains(note) {
                document.notes.push(note.clone());
            }
        }
        for extension in &published.extensions {
            if !document.extensions.contains(extension) {
                document.extensions.push(extension.clone());
            }
        }
    }
    for (_, published) in newest_first {
        for said in &published.persons {
            match &mut person {
                None => person = Some(said.clone()),
                Some(person) => join(person, said),
            }
        }
    }
    if document.tuples.is_empty() {
        let reachable = registered || lines.confirmed;
        let basic = if reachable { Basic::Open } else { Basic::Closed };
        let contact = reachable.then(|| Contact { uri: aor.to_uri(), priority: None });
        document.tuples.push(voice(basic, contact));
        ids.take(VOICE);
    }
    if lines.confirmed {
        on_the_phone(person.get_or_insert_with(Person::default));
    }
    if let Some(mut person) = person {
        person.id = ids.claim(&person.id, 'p');
        document.persons.push(person);
    }
    document
}

/// Adds what an older source says of the person: activities and notes that are new, and
/// statements the newer ones do not make.
fn join(person: &mut Person, older: &Person) {
    for activity in older.elements.iter().filter(|element| is_activities(element)) {
        for said in activity.elements() {
            let list = person.activities_mut();
            if list.elements().all(|known| known.name != said.name || known != said) {
                list.children.push(Node::Element(said.clone()));
            }
        }
    }
    for element in older.elements.iter().filter(|element| !is_activities(element)) {
        if person.elements.iter().all(|known| known.name != element.name) {
            person.elements.push(element.clone());
        }
    }
    for note in &older.notes {
        if !person.notes.contains(note) {
            person.notes.push(note.clone());
        }
    }
}

/// The calls as an activity, before all others: some watchers look only at the first.
fn on_the_phone(person: &mut Person) {
    let list = person.activities_mut();
    list.children.retain(|node| match node {
        Node::Element(known) => !known.is(&Namespace::Rpid, "on-the-phone"),
        Node::Text(_) => false,
    });
    // RFC 4480 §3.2: a list says either what the person does or that it is not known.
    list.children.retain(|node| match node {
        Node::Element(known) => !known.is(&Namespace::Rpid, "unknown"),
        Node::Text(_) => true,
    });
    let notes = list.children.iter().take_while(|node| match node {
        Node::Element(known) => known.is(&Namespace::Rpid, "note"),
        Node::Text(_) => false,
    });
    let place = notes.count();
    let activity = Element::new(Namespace::Rpid, "on-the-phone");
    list.children.insert(place, Node::Element(activity));
}

fn is_activities(element: &Element) -> bool {
    element.is(&Namespace::Rpid, "activities")
}

fn voice(basic: Basic, contact: Option<Contact>) -> Tuple {
    Tuple { id: VOICE.to_owned(), basic: Some(basic), contact, ..Tuple::default() }
}
