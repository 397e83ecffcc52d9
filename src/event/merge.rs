//! One presence document from all sources: composed anew each time, never patched.
//!
//! Services and devices of all publications, one person merged from all, and laid over them the
//! composed status.

use std::collections::HashSet;
use std::hash::Hash;

use super::presence::Part;
use super::status::phone::{VOICE, voice};
use super::status::{Availability, Settings, Status, person};
use super::times::{self, Times};
use super::{Entry, Source};
use crate::base::identity::Aor;
use crate::doc::pidf::{Basic, Contact, IdSpace, Person, Presence as Document, Tuple};
use crate::doc::{Element, Namespace, Node};

/// What the service of somebody is of whom nothing is known.
pub const CLOSED: Option<Basic> = Some(Basic::Closed);

/// The priority of a person's own service where others answer, too.
const OWN_PRIORITY: &str = "0.9";

/// The priority of who answers instead.
const ALTERNATE_PRIORITY: &str = "0.8";

/// What a presence document is made of.
#[derive(Clone, Copy)]
pub struct Making<'a> {
    /// Whose it is.
    pub aor: &'a Aor,
    /// What all sources say.
    pub parts: &'a [Entry<Part>],
    /// What is left of those that said where somebody is, by their place; may be shorter.
    pub left: &'a [Option<Document>],
    /// The composed status, as it is to be seen.
    pub status: &'a Status,
    /// The settings it was composed by.
    pub settings: &'a Settings,
}

/// A tuple or device keeps the id it is shown under while its source lives, whatever becomes of
/// others that wanted the same (RFC 3863 §4.1.2).
#[derive(Clone)]
pub struct Shown {
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
    let tuples = vec![voice(aor, CLOSED)];
    Document { entity: aor.to_uri(), tuples, ..Document::default() }
}

/// Makes the document; `earlier` says which ids are in use, the answer which are now.
pub fn merge(making: Making<'_>, earlier: &[Shown], times: &mut Times) -> (Document, Vec<Shown>) {
    let Making { aor, parts, left, status, settings } = making;
    let mut ids = Ids::begin(parts, earlier);
    let mut document = Document { entity: aor.to_uri(), ..Document::default() };
    // Whom the organisation has dismissed has no services and no machines here.
    let parts = if status.dismissed.is_some() { &[] } else { parts };
    for (entry, published) in published(parts, left) {
        add(&mut document, entry.source, published, &mut ids, times);
    }
    settle_services(&mut document, making);
    for tuple in document.tuples.iter().filter(|tuple| tuple.id == VOICE) {
        ids.space.take(&tuple.id);
    }
    announce(&mut document, status);
    add_alternates(&mut document, status, &mut ids.space);
    if let Some(mut person) = person::lay(status, settings, person(parts, left, times)) {
        person.id = ids.space.claim(&person.id, 'p');
        document.persons.push(person);
    }
    (document, ids.shown)
}

/// What publications say now, each with where it comes from.
fn published<'a>(
    parts: &'a [Entry<Part>],
    left: &'a [Option<Document>],
) -> impl Iterator<Item = (&'a Entry<Part>, &'a Document)> {
    parts.iter().enumerate().filter_map(|(place, entry)| match &entry.part {
        Part::Published { document, .. } => {
            let left = left.get(place).and_then(Option::as_ref);
            Some((entry, left.unwrap_or(document)))
        }
        Part::Said(_) => None,
    })
}

/// Adds what one publication says of services, devices and the presentity as a whole. They
/// stand in the order of their sources, so that equal state gives equal octets.
fn add(
    document: &mut Document,
    source: Source,
    published: &Document,
    ids: &mut Ids,
    times: &mut Times,
) {
    for tuple in &published.tuples {
        let id = ids.show(source, Kind::Tuple, &tuple.id);
        let tuple = times::tuple_now(tuple, times);
        document.tuples.push(Tuple { id, ..tuple });
    }
    for device in &published.devices {
        let mut device = device.clone();
        device.id = ids.show(source, Kind::Device, &device.id);
        times::keep_current(&mut device.elements, times);
        document.devices.push(device);
    }
    keep_new(&mut document.notes, &published.notes);
    keep_new(&mut document.extensions, &published.extensions);
}

/// Makes the services agree with the status: phones look at nothing else.
fn settle_services(document: &mut Document, making: Making<'_>) {
    let Making { aor, status, .. } = making;
    if document.tuples.is_empty() {
        document.tuples.push(voice(aor, status.basic));
    }
    let open = document.tuples.iter_mut().filter(|tuple| tuple.basic == Some(Basic::Open));
    match status.availability {
        // Nobody who asks may take what one device says for the whole.
        Availability::Unknown => open.for_each(|tuple| tuple.basic = None),
        Availability::Dnd => open.for_each(|tuple| tuple.basic = status.basic),
        _ => {}
    }
}

/// Absences to come are told with the first service: RFC 4481 §3 wants a tuple for them.
fn announce(document: &mut Document, status: &Status) {
    if let Some(first) = document.tuples.first_mut() {
        first.extensions.extend(status.coming.iter().map(person::announcement));
    }
}

/// Who answers meanwhile, each as a service behind the person's own.
fn add_alternates(document: &mut Document, status: &Status, ids: &mut IdSpace) {
    if status.alternates.is_empty() {
        return;
    }
    for own in document.tuples.iter_mut().filter_map(|tuple| tuple.contact.as_mut()) {
        own.priority.get_or_insert_with(|| OWN_PRIORITY.to_owned());
    }
    for (nth, alternate) in (1_u32..).zip(&status.alternates) {
        let rpid = |name: &str| Element::new(Namespace::Rpid, name);
        let mut extensions = vec![rpid("class").with_text("team")];
        if let Some(word) = &alternate.relationship {
            let word = match RELATIONSHIPS.contains(&word.as_str()) {
                true => rpid(word),
                false => rpid("other").with_text(word),
            };
            extensions.push(rpid("relationship").with_child(word));
        }
        if let Some(name) = &alternate.name {
            extensions.push(Element::new(Namespace::Cipid, "display-name").with_text(name));
        }
        let priority = Some(ALTERNATE_PRIORITY.to_owned());
        document.tuples.push(Tuple {
            id: ids.claim(&format!("svc-alt-{nth}"), 't'),
            basic: Some(Basic::Open),
            extensions,
            contact: Some(Contact { uri: alternate.contact.clone(), priority }),
            ..Tuple::default()
        });
    }
}

/// The words of RFC 4480 §3.9.
const RELATIONSHIPS: &[&str] =
    &["assistant", "associate", "family", "friend", "self", "supervisor"];

/// Adds what is not there yet.
fn keep_new<T: Clone + Eq + Hash>(kept: &mut Vec<T>, said: &[T]) {
    let new: Vec<T> = {
        let mut known: HashSet<&T> = kept.iter().collect();
        said.iter().filter(|one| known.insert(one)).cloned().collect()
    };
    kept.extend(new);
}

/// The person of all publications: of statements that can be made once the newest wins.
fn person(parts: &[Entry<Part>], left: &[Option<Document>], times: &mut Times) -> Option<Person> {
    let said = published(parts, left).map(|(entry, document)| (entry.updated, document));
    let mut said: Vec<_> = said.collect();
    said.sort_by_key(|(updated, _)| std::cmp::Reverse(*updated));
    let persons = said.into_iter().flat_map(|(_, published)| &published.persons);
    let mut persons = persons.map(|person| {
        let mut current = person.clone();
        times::keep_current(&mut current.elements, times);
        current
    });
    let mut person = persons.next()?;
    for older in persons {
        join(&mut person, &older);
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

fn is_activities(element: &Element) -> bool {
    element.is(&Namespace::Rpid, "activities")
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
    fn begin(parts: &[Entry<Part>], earlier: &[Shown]) -> Ids {
        let lives = |shown: &&Shown| parts.iter().any(|entry| entry.source == shown.source);
        let earlier: Vec<Shown> = earlier.iter().filter(lives).cloned().collect();
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
