//! One presence document from all sources: composed anew each time, never patched.
//!
//! Tuples and devices of all publications, one person merged from all, the calls as an activity,
//! the registration as a service where nobody says more.

use std::collections::HashSet;
use std::hash::Hash;

use super::presence::Part;
use super::{Entry, Lines, Source};
use crate::base::identity::Aor;
use crate::doc::pidf::{Basic, Contact, IdSpace, Person, Presence as Document, Tuple};
use crate::doc::{Element, Namespace, Node};

/// The id of the one service of a presentity that nobody describes closer.
const VOICE: &str = "svc-voice";

/// A merged document, and under which ids it shows what its sources named.
pub struct Merged {
    /// The document.
    pub document: Document,
    shown: Vec<Shown>,
}

/// A tuple or device keeps the id it is shown under while its source lives, whatever becomes of
/// others that wanted the same (RFC 3863 §4.1.2).
#[derive(Clone)]
struct Shown {
    source: Source,
    kind: Kind,
    /// As published.
    id: String,
    /// As sent.
    as_id: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Tuple,
    Device,
}

/// The document of somebody of whom nothing is known: one closed service, nothing that moves.
pub fn offline(aor: &Aor) -> Document {
    let tuples = vec![voice(Basic::Closed, None)];
    Document { entity: aor.to_uri(), tuples, ..Document::default() }
}

/// Merges all parts; `previous` says which ids are in use.
pub fn merge(aor: &Aor, parts: &[Entry<Part>], previous: Option<&Merged>) -> Merged {
    let mut ids = Ids::begin(parts, previous);
    let mut document = Document { entity: aor.to_uri(), ..Document::default() };
    let mut lines = Lines::default();
    let mut registered = false;
    for entry in parts {
        match &entry.part {
            Part::Published(published) => add(&mut document, entry.source, published, &mut ids),
            Part::Registered => registered = true,
            Part::Lines(seen) => lines = *seen,
        }
    }
    if document.tuples.is_empty() {
        let reachable = registered || lines.confirmed;
        let basic = if reachable { Basic::Open } else { Basic::Closed };
        let contact = reachable.then(|| Contact { uri: aor.to_uri(), priority: None });
        document.tuples.push(voice(basic, contact));
        ids.space.take(VOICE);
    }
    let mut person = person(parts);
    if lines.confirmed {
        on_the_phone(person.get_or_insert_with(Person::default));
    }
    if let Some(mut person) = person {
        person.id = ids.space.claim(&person.id, 'p');
        document.persons.push(person);
    }
    Merged { document, shown: ids.shown }
}

/// Adds what one publication says of services, devices and the presentity as a whole. They
/// stand in the order of their sources, so that equal state gives equal octets.
fn add(document: &mut Document, source: Source, published: &Document, ids: &mut Ids) {
    for tuple in &published.tuples {
        let id = ids.show(source, Kind::Tuple, &tuple.id);
        document.tuples.push(Tuple { id, ..tuple.clone() });
    }
    for device in &published.devices {
        let mut device = device.clone();
        device.id = ids.show(source, Kind::Device, &device.id);
        document.devices.push(device);
    }
    keep_new(&mut document.notes, &published.notes);
    keep_new(&mut document.extensions, &published.extensions);
}

/// Adds what is not there yet.
fn keep_new<T: Clone + Eq + Hash>(kept: &mut Vec<T>, said: &[T]) {
    let new: Vec<T> = {
        let mut known: HashSet<&T> = kept.iter().collect();
        said.iter().filter(|one| known.insert(one)).cloned().collect()
    };
    kept.extend(new);
}

/// The person of all publications: of statements that can be made once the newest wins.
fn person(parts: &[Entry<Part>]) -> Option<Person> {
    let mut said: Vec<_> = parts
        .iter()
        .filter_map(|entry| match &entry.part {
            Part::Published(published) => Some((entry.updated, published)),
            _ => None,
        })
        .collect();
    said.sort_by_key(|(updated, _)| std::cmp::Reverse(*updated));
    let mut persons = said.into_iter().flat_map(|(_, published)| &published.persons);
    let mut person = persons.next()?.clone();
    for older in persons {
        join(&mut person, older);
    }
    Some(person)
}

/// Adds what an older source says of the person: activities and notes that are new, and
/// statements the newer ones do not make.
fn join(person: &mut Person, older: &Person) {
    let (activities, others): (Vec<&Element>, Vec<&Element>) =
        older.elements.iter().partition(|element| is_activities(element));
    let said: Vec<Node> =
        activities.iter().flat_map(|list| list.elements()).cloned().map(Node::Element).collect();
    if !said.is_empty() {
        keep_new(&mut person.activities_mut().children, &said);
    }
    let new: Vec<Element> = {
        let made: HashSet<_> = person.elements.iter().map(|element| &element.name).collect();
        others.into_iter().filter(|element| !made.contains(&element.name)).cloned().collect()
    };
    person.elements.extend(new);
    keep_new(&mut person.notes, &older.notes);
}

/// The calls as an activity, before all others: some watchers look only at the first.
fn on_the_phone(person: &mut Person) {
    let list = person.activities_mut();
    // RFC 4480 §3.2: a list says either what the person does or that it is not known.
    list.children.retain(|node| match node {
        Node::Element(known) => {
            !known.is(&Namespace::Rpid, "on-the-phone") && !known.is(&Namespace::Rpid, "unknown")
        }
        Node::Text(_) => false,
    });
    let notes = list.elements().take_while(|known| known.is(&Namespace::Rpid, "note")).count();
    let activity = Element::new(Namespace::Rpid, "on-the-phone");
    list.children.insert(notes, Node::Element(activity));
}

fn is_activities(element: &Element) -> bool {
    element.is(&Namespace::Rpid, "activities")
}

fn voice(basic: Basic, contact: Option<Contact>) -> Tuple {
    Tuple { id: VOICE.to_owned(), basic: Some(basic), contact, ..Tuple::default() }
}

/// The ids of one composition.
struct Ids {
    space: IdSpace,
    /// Given in the composition before, by sources that still live.
    earlier: Vec<Shown>,
    /// Given in this one.
    shown: Vec<Shown>,
}

impl Ids {
    /// Ids that living sources are shown under already are taken before anybody asks for one.
    fn begin(parts: &[Entry<Part>], previous: Option<&Merged>) -> Ids {
        let lives = |shown: &&Shown| parts.iter().any(|entry| entry.source == shown.source);
        let earlier: Vec<Shown> =
            previous.iter().flat_map(|merged| &merged.shown).filter(lives).cloned().collect();
        let mut space = IdSpace::default();
        for Shown { as_id, .. } in &earlier {
            space.take(as_id);
        }
        Ids { space, earlier, shown: Vec::new() }
    }

    fn show(&mut self, source: Source, kind: Kind, id: &str) -> String {
        let same = |shown: &Shown| shown.source == source && shown.kind == kind && shown.id == id;
        if let Some(place) = self.earlier.iter().position(same) {
            let known = self.earlier.swap_remove(place);
            self.shown.push(known.clone());
            return known.as_id;
        }
        let letter = match kind {
            Kind::Tuple => 't',
            Kind::Device => 'd',
        };
        let as_id = self.space.claim(id, letter);
        self.shown.push(Shown { source, kind, id: id.to_owned(), as_id: as_id.clone() });
        as_id
    }
}
