//! Presence documents: PIDF (RFC 3863) with person and device (RFC 4479).
//!
//! Reading is lenient: wrong order, draft namespaces, ids that are none. Writing is strict:
//! whatever the value holds, the document is valid.

use super::element::{Element, Name, Node, is_space};
pub use super::ids::IdSpace;
use super::lexical::{is_date_time, is_priority};
use super::namespace::Namespace;
use super::rpid;
use super::xml::{self, DocumentError};

/// A presence document.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Presence {
    /// Whose presence it is, as written.
    pub entity: String,
    /// The services, the first one counts for phones that look no further.
    pub tuples: Vec<Tuple>,
    /// Notes on the presentity, for persons without a note of their own (RFC 4479 §5).
    pub notes: Vec<Note>,
    /// The human user; more than one if sources disagree.
    pub persons: Vec<Person>,
    /// The machines.
    pub devices: Vec<Device>,
    /// Elements of other namespaces.
    pub extensions: Vec<Element>,
}

/// One service.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Tuple {
    /// As published; made unique and lawful by [`Presence::rekey`] or when written.
    pub id: String,
    /// `None` says nothing, which is not the same as closed.
    pub basic: Option<Basic>,
    /// Elements of other namespaces inside `status`.
    pub status_extensions: Vec<Element>,
    /// Elements of other namespaces beside `status`.
    pub extensions: Vec<Element>,
    /// How to reach the service.
    pub contact: Option<Contact>,
    /// Free text, in several languages.
    pub notes: Vec<Note>,
    /// An `xs:dateTime`.
    pub timestamp: Option<String>,
    /// Its `class`, where that is known but not to be shown: what was chosen by it once is
    /// chosen again. Never read, never written.
    pub withheld_class: Option<String>,
    /// Its contact, likewise.
    pub withheld_contact: Option<String>,
}

/// Whether a service takes calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub enum Basic {
    /// It does.
    Open,
    /// It does not.
    Closed,
}

/// Address of a service.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Contact {
    /// As published.
    pub uri: String,
    /// From 0 to 1 with at most three decimals; absent is lowest.
    pub priority: Option<String>,
}

/// Free text.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Note {
    /// Value of `xml:lang`.
    pub language: Option<String>,
    /// As published.
    pub text: String,
    /// Whether it only says in words what the activities say: not for those who may not see
    /// them. Known here, not written.
    pub tells_activities: bool,
}

/// The human user.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Person {
    /// May be empty when read; see [`Tuple::id`].
    pub id: String,
    /// Activities, mood, user-input and the like.
    pub elements: Vec<Element>,
    /// Free text.
    pub notes: Vec<Note>,
    /// An `xs:dateTime`.
    pub timestamp: Option<String>,
    /// Its `class`, where that is known but not to be shown: what was chosen by it once is
    /// chosen again. Never read, never written.
    pub withheld_class: Option<String>,
}

/// A machine.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Device {
    /// May be empty when read; see [`Tuple::id`].
    pub id: String,
    /// User-input, capabilities, location and the like.
    pub elements: Vec<Element>,
    /// A URN; a device without one is not written, the schema wants it.
    pub device_id: Option<String>,
    /// Free text.
    pub notes: Vec<Note>,
    /// An `xs:dateTime`.
    pub timestamp: Option<String>,
    /// Its `class`, where that is known but not to be shown: what was chosen by it once is
    /// chosen again. Never read, never written.
    pub withheld_class: Option<String>,
}

impl Presence {
    /// From a document of media type `application/pidf+xml`.
    pub fn read(octets: &[u8], charset: Option<&str>) -> Result<Presence, DocumentError> {
        Presence::from_element(xml::read(octets, charset)?)
    }

    /// From a root element.
    pub fn from_element(root: Element) -> Result<Presence, DocumentError> {
        if !root.is(&Namespace::Pidf, "presence") {
            return Err(DocumentError::invalid("a root element that is not presence of PIDF"));
        }
        let entity = root.attribute("entity").map(|entity| entity.trim_matches(is_space));
        let Some(entity) = entity.filter(|entity| !entity.is_empty()) else {
            return Err(DocumentError::invalid("presence without entity"));
        };
        let mut presence = Presence { entity: entity.to_owned(), ..Presence::default() };
        for element in into_elements(root) {
            presence.take(element);
        }
        presence.ids_are_unique()?;
        presence.lift_person_elements();
        presence.drop_repeated();
        presence.persons.iter_mut().for_each(Person::take_notes_of_activities);
        Ok(presence)
    }

    fn take(&mut self, element: Element) {
        match (&element.name.namespace, &*element.name.local) {
            (Namespace::Pidf, "tuple") => self.tuples.push(Tuple::from_element(element)),
            (Namespace::Pidf | Namespace::DataModel | Namespace::Rpid, "note") => {
                self.notes.extend(Note::from_element(&element));
            }
            (Namespace::DataModel | Namespace::Rpid, "person") => {
                self.persons.push(Person::from_element(element));
            }
            (Namespace::DataModel | Namespace::Rpid, "device") => {
                self.devices.push(Device::from_element(element));
            }
            (Namespace::Pidf | Namespace::None, _) => {}
            _ => self.extensions.push(rpid::normal(element)),
        }
    }

    /// RFC 3863 §4.1.2: one document names a tuple once.
    fn ids_are_unique(&self) -> Result<(), DocumentError> {
        let mut ids: Vec<&str> = self.tuples.iter().map(|tuple| tuple.id.as_str()).collect();
        ids.sort_unstable();
        let twice = ids.windows(2).any(|pair| matches!(pair, [a, b] if a == b && !a.is_empty()));
        match twice {
            true => Err(DocumentError::invalid("two tuples with one id")),
            false => Ok(()),
        }
    }

    /// RFC 4480 §3.1 allows activities and the like in a person only. Phones put them into the
    /// tuple or its status; what the person does not say itself is taken from there.
    fn lift_person_elements(&mut self) {
        let mut lifted: Vec<Element> = Vec::new();
        for tuple in &mut self.tuples {
            for list in [&mut tuple.status_extensions, &mut tuple.extensions] {
                lifted.extend(list.extract_if(.., |element| rpid::is_for_persons_only(element)));
            }
        }
        lifted.extend(self.extensions.extract_if(.., |e| rpid::is_for_persons_only(e)));
        if lifted.is_empty() {
            return;
        }
        if self.persons.is_empty() {
            self.persons.push(Person::default());
        }
        let Some(person) = self.persons.first_mut() else {
            return;
        };
        for element in lifted {
            if !person.elements.iter().any(|own| own.name == element.name) {
                person.elements.push(element);
            }
        }
    }

    /// RFC 4480 §3.1: of what may stand once, the first counts.
    fn drop_repeated(&mut self) {
        let tuples = self.tuples.iter_mut().map(|tuple| &mut tuple.extensions);
        let persons = self.persons.iter_mut().map(|person| &mut person.elements);
        let devices = self.devices.iter_mut().map(|device| &mut device.elements);
        for elements in tuples.chain(persons).chain(devices) {
            let mut seen: Vec<Name> = Vec::new();
            elements.retain(|element| {
                let repeated = rpid::is_single(&element.name) && seen.contains(&element.name);
                if rpid::is_single(&element.name) && !repeated {
                    seen.push(element.name.clone());
                }
                !repeated
            });
        }
    }
}

impl Basic {
    /// `open` or `closed`, in lower case (RFC 3863 §4.1.4).
    pub fn from_text(text: &str) -> Option<Basic> {
        match text {
            "open" => Some(Basic::Open),
            "closed" => Some(Basic::Closed),
            _ => None,
        }
    }

    /// As it is written.
    pub fn as_text(self) -> &'static str {
        match self {
            Basic::Open => "open",
            Basic::Closed => "closed",
        }
    }
}

impl Note {
    /// Text without a language.
    pub fn new(text: &str) -> Note {
        Note { language: None, text: text.to_owned(), tells_activities: false }
    }

    /// A note with nothing in it says nothing.
    fn from_element(element: &Element) -> Option<Note> {
        let text = element.text();
        if text.trim_matches(is_space).is_empty() {
            return None;
        }
        let language = element.attribute_in(&Namespace::Xml, "lang").map(str::to_owned);
        Some(Note { language, ..Note::new(&text) })
    }
}

impl Tuple {
    fn from_element(element: Element) -> Tuple {
        let id = id_of(&element);
        let mut tuple = Tuple { id, ..Tuple::default() };
        for child in into_elements(element) {
            match (&child.name.namespace, &*child.name.local) {
                (Namespace::Pidf, "status") => tuple.take_status(child),
                (Namespace::Pidf, "contact") => {
                    tuple.contact = tuple.contact.or_else(|| Contact::from_element(&child));
                }
                (Namespace::Pidf, "timestamp") => {
                    tuple.timestamp = tuple.timestamp.or_else(|| date_time(&child));
                }
                (Namespace::Pidf | Namespace::DataModel | Namespace::Rpid, "note") => {
                    tuple.notes.extend(Note::from_element(&child));
                }
                (Namespace::Pidf | Namespace::None, _) => {}
                _ => tuple.extensions.push(rpid::normal(child)),
            }
        }
        tuple
    }

    fn take_status(&mut self, status: Element) {
        for child in into_elements(status) {
            match (&child.name.namespace, &*child.name.local) {
                (Namespace::Pidf, "basic") => {
                    self.basic = self.basic.or_else(|| Basic::from_text(&child.token()));
                }
                (Namespace::Pidf, "note") => self.notes.extend(Note::from_element(&child)),
                (Namespace::Pidf | Namespace::None, _) => {}
                _ => self.status_extensions.push(rpid::normal(child)),
            }
        }
    }
}

impl Contact {
    fn from_element(element: &Element) -> Option<Contact> {
        let uri = element.token();
        let priority = element.attribute("priority").map(|text| text.trim_matches(is_space));
        let priority = priority.filter(|text| is_priority(text)).map(str::to_owned);
        (!uri.is_empty()).then_some(Contact { uri, priority })
    }
}

impl Person {
    fn from_element(element: Element) -> Person {
        let mut person = Person { id: id_of(&element), ..Person::default() };
        for child in into_elements(element) {
            match (&child.name.namespace, &*child.name.local) {
                (Namespace::Pidf | Namespace::DataModel | Namespace::Rpid, "note") => {
                    person.notes.extend(Note::from_element(&child));
                }
                (Namespace::Pidf | Namespace::DataModel | Namespace::Rpid, "timestamp") => {
                    person.timestamp = person.timestamp.or_else(|| date_time(&child));
                }
                // A person has no status; what it holds of other namespaces is meant for the
                // person all the same.
                (Namespace::Pidf | Namespace::DataModel, "status") => {
                    let inner = into_elements(child).filter(|e| !is_of_the_frame(e));
                    person.elements.extend(inner.map(rpid::normal));
                }
                _ if is_of_the_frame(&child) => {}
                _ => person.elements.push(rpid::normal(child)),
            }
        }
        person
    }
}

impl Person {
    /// A note inside activities would be shown to whoever may see activities, whatever the
    /// rules say of notes; it becomes a note of the person.
    fn take_notes_of_activities(&mut self) {
        let lists = self.elements.iter_mut().filter(|e| e.is(&Namespace::Rpid, "activities"));
        for list in lists {
            let is_note = |node: &mut Node| match node {
                Node::Element(child) => child.is(&Namespace::Rpid, "note"),
                Node::Text(_) => false,
            };
            for node in list.children.extract_if(.., is_note) {
                if let Node::Element(note) = node {
                    self.notes.extend(Note::from_element(&note));
                }
            }
        }
    }
}

impl Device {
    fn from_element(element: Element) -> Device {
        let mut device = Device { id: id_of(&element), ..Device::default() };
        for child in into_elements(element) {
            match (&child.name.namespace, &*child.name.local) {
                (Namespace::Pidf | Namespace::DataModel | Namespace::Rpid, "note") => {
                    device.notes.extend(Note::from_element(&child));
                }
                (Namespace::Pidf | Namespace::DataModel | Namespace::Rpid, "timestamp") => {
                    device.timestamp = device.timestamp.or_else(|| date_time(&child));
                }
                (Namespace::DataModel | Namespace::Rpid, "deviceID") => {
                    let urn = Some(child.token()).filter(|urn| !urn.is_empty());
                    device.device_id = device.device_id.or(urn);
                }
                _ if is_of_the_frame(&child) => {}
                _ => device.elements.push(rpid::normal(child)),
            }
        }
        device
    }
}

fn into_elements(element: Element) -> impl Iterator<Item = Element> {
    element.children.into_iter().filter_map(|node| match node {
        Node::Element(element) => Some(element),
        Node::Text(_) => None,
    })
}

/// Elements of PIDF, of the data model or of nothing stand only where their schema puts them.
fn is_of_the_frame(element: &Element) -> bool {
    matches!(element.name.namespace, Namespace::Pidf | Namespace::DataModel | Namespace::None)
}

fn id_of(element: &Element) -> String {
    element.attribute("id").unwrap_or_default().trim_matches(is_space).to_owned()
}

fn date_time(element: &Element) -> Option<String> {
    Some(element.token()).filter(|text| is_date_time(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doc::xml::Kind;

    const HEAD: &str = "<presence xmlns='urn:ietf:params:xml:ns:pidf' \
        xmlns:dm='urn:ietf:params:xml:ns:pidf:data-model' \
        xmlns:r='urn:ietf:params:xml:ns:pidf:rpid' xmlns:x='urn:x' \
        xmlns:e='urn:ietf:params:xml:ns:pidf:status:rpid' entity='sip:alice@example.com'>";

    fn presence(inside: &str) -> Presence {
        let text = format!("{HEAD}{inside}</presence>");
        Presence::read(text.as_bytes(), None).unwrap_or_else(|e| panic!("{inside}: {e}"))
    }

    /// The lines of the document written, without declaration and root.
    fn lines(presence: &Presence) -> Vec<String> {
        let text = presence.write();
        let lines: Vec<String> = text.lines().map(|line| line.trim().to_owned()).collect();
        lines.get(2..lines.len() - 1).expect("three lines at least").to_vec()
    }

    fn refused(text: &str) -> Kind {
        Presence::read(text.as_bytes(), None).expect_err("refused").kind
    }

    #[test]
    fn a_closed_service_is_this_very_document() {
        let tuple =
            Tuple { id: "svc-voice".into(), basic: Some(Basic::Closed), ..Tuple::default() };
        let presence = Presence { tuples: vec![tuple], ..Presence::default() };
        let golden = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
            <presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"sip:alice@example.com\">\n  \
            <tuple id=\"svc-voice\"><status><basic>closed</basic></status></tuple>\n\
            </presence>\n";
        assert_eq!(presence.body().to_bytes(0, "sip:alice@example.com"), golden);
        let named = Presence { entity: "sip:alice@example.com".into(), ..presence };
        assert_eq!(named.write(), golden);
    }

    #[test]
    fn a_root_of_another_namespace_is_refused() {
        assert_eq!(refused("<presence xmlns='urn:other' entity='sip:a@h'/>"), Kind::Invalid);
        assert_eq!(refused("<presence entity='sip:a@h'/>"), Kind::Invalid);
        assert_eq!(refused("<tuple xmlns='urn:ietf:params:xml:ns:pidf'/>"), Kind::Invalid);
    }

    #[test]
    fn the_entity_is_required() {
        assert_eq!(refused("<presence xmlns='urn:ietf:params:xml:ns:pidf'/>"), Kind::Invalid);
        let blank = "<presence xmlns='urn:ietf:params:xml:ns:pidf' entity=' '/>";
        assert_eq!(refused(blank), Kind::Invalid);
    }

    #[test]
    fn a_tuple_named_twice_is_refused() {
        let text = format!("{HEAD}<tuple id='a'/><tuple id=' a '/></presence>");
        assert_eq!(refused(&text), Kind::Invalid);
    }

    #[test]
    fn any_prefix_names_the_same_document() {
        let text = "<i:presence xmlns:i='urn:ietf:params:xml:ns:pidf' entity='sip:a@h'>\
                    <i:tuple id='a'><i:status><i:basic>open</i:basic></i:status></i:tuple>\
                    <tuple xmlns='urn:other' id='b'/></i:presence>";
        let presence = Presence::read(text.as_bytes(), None).expect("read");
        assert_eq!(presence.tuples.len(), 1);
        assert_eq!(presence.extensions.len(), 1);
    }

    #[test]
    fn basic_is_lower_case_with_white_space_around_it() {
        let basic = |text: &str| {
            let tuple = format!("<tuple id='a'><status><basic>{text}</basic></status></tuple>");
            presence(&tuple).tuples.first().and_then(|tuple| tuple.basic)
        };
        assert_eq!(basic("\n open\t"), Some(Basic::Open));
        assert_eq!(basic("closed"), Some(Basic::Closed));
        assert_eq!(basic("Open"), None);
        assert_eq!(basic("busy"), None);
    }

    #[test]
    fn a_status_that_says_nothing_is_taken() {
        assert_eq!(
            lines(&presence("<tuple id='a'><status/></tuple><tuple id='b'/>")),
            ["<tuple id=\"a\"><status/></tuple>", "<tuple id=\"b\"><status/></tuple>"]
        );
    }

    #[test]
    fn elements_are_written_in_the_order_of_the_schema() {
        let presence = presence(
            "<note>n</note><x:e/><dm:person id='p'><dm:note>pn</dm:note><r:sphere/></dm:person>\
             <tuple id='a'><timestamp>2026-01-01T00:00:00Z</timestamp><note>tn</note>\
             <contact>sip:a@h</contact><x:f/><status><x:g/><basic>open</basic></status></tuple>",
        );
        assert_eq!(
            lines(&presence),
            [
                "<tuple id=\"a\"><status><basic>open</basic><ns1:g/></status><ns1:f/>\
                 <contact>sip:a@h</contact><note>tn</note>\
                 <timestamp>2026-01-01T00:00:00Z</timestamp></tuple>",
                "<note>n</note>",
                "<dm:person id=\"p\"><rpid:sphere/><dm:note>pn</dm:note></dm:person>",
                "<ns1:e/>",
            ]
        );
    }

    #[test]
    fn ids_become_lawful_and_unique_over_the_whole_document() {
        let presence = presence(
            "<tuple id='1000'/><tuple id='t1000'/><tuple id='a b'/><tuple/>\
             <dm:person id='a_b'/><dm:person/><dm:device><dm:deviceID>urn:x:1</dm:deviceID>\
             </dm:device>",
        );
        let text = presence.write();
        for id in ["t1000", "t1000-2", "a_b", "t1", "a_b-2", "p1", "d1"] {
            assert!(text.contains(&format!(" id=\"{id}\"")), "{id} in {text}");
        }
        let mut rekeyed = presence.clone();
        rekeyed.rekey(&mut IdSpace::default());
        assert_eq!(rekeyed.write(), text);
    }

    #[test]
    fn a_priority_out_of_range_and_a_time_that_is_none_are_dropped() {
        let presence = presence(
            "<tuple id='a'><contact priority='7'>sip:a@h</contact>\
             <timestamp>yesterday</timestamp></tuple>\
             <tuple id='b'><contact priority=' 0.125 '>sip:b@h</contact></tuple>",
        );
        assert_eq!(
            lines(&presence),
            [
                "<tuple id=\"a\"><status/><contact>sip:a@h</contact></tuple>",
                "<tuple id=\"b\"><status/><contact priority=\"0.125\">sip:b@h</contact></tuple>",
            ]
        );
    }

    #[test]
    fn notes_keep_their_languages() {
        let presence = presence("<note xml:lang='en'>Lunch</note><note xml:lang='fr'>Midi</note>");
        let written = ["<note xml:lang=\"en\">Lunch</note>", "<note xml:lang=\"fr\">Midi</note>"];
        assert_eq!(lines(&presence), written);
    }

    #[test]
    fn activities_in_a_tuple_or_its_status_move_to_the_person() {
        let presence = presence(
            "<tuple id='a'><status><basic>open</basic><e:activities><e:busy/></e:activities>\
             </status><r:mood><r:happy/></r:mood></tuple>",
        );
        assert_eq!(
            lines(&presence),
            [
                "<tuple id=\"a\"><status><basic>open</basic></status></tuple>",
                "<dm:person id=\"p1\"><rpid:activities><rpid:busy/></rpid:activities>\
                 <rpid:mood><rpid:happy/></rpid:mood></dm:person>",
            ]
        );
    }

    #[test]
    fn what_a_person_says_itself_beats_the_tuple() {
        let presence = presence(
            "<tuple id='a'><r:activities><r:busy/></r:activities></tuple>\
             <dm:person id='p'><status><basic>open</basic></status>\
             <e:activities><e:away/></e:activities></dm:person>",
        );
        let person = presence.persons.first().expect("one person");
        let words: Vec<&str> = person.activities().map(|name| &*name.local).collect();
        assert_eq!(words, ["away"]);
        assert_eq!(presence.persons.len(), 1);
    }

    #[test]
    fn a_note_inside_activities_becomes_a_note_of_the_person() {
        let presence = presence(
            "<dm:person id='p'><r:activities><r:note xml:lang='en'>Gym</r:note><r:away/>\
             </r:activities></dm:person>",
        );
        assert_eq!(
            lines(&presence),
            ["<dm:person id=\"p\"><rpid:activities><rpid:away/></rpid:activities>\
              <dm:note xml:lang=\"en\">Gym</dm:note></dm:person>"]
        );
    }

    #[test]
    fn unknown_elements_survive_with_their_text_and_attributes() {
        let presence = presence(
            "<tuple id='a'><status><x:s y='1'>a<x:t/>b</x:s></status>\
             <x:u p:mustUnderstand='1' xmlns:p='urn:ietf:params:xml:ns:pidf'/></tuple>",
        );
        assert_eq!(
            lines(&presence),
            ["<tuple id=\"a\"><status><ns1:s y=\"1\">a<ns1:t/>b</ns1:s></status>\
              <ns1:u pidf:mustUnderstand=\"1\"/></tuple>"]
        );
    }

    #[test]
    fn a_device_without_a_urn_is_not_written() {
        let presence = presence("<dm:device id='d'><r:user-input>idle</r:user-input></dm:device>");
        assert_eq!(presence.devices.len(), 1);
        assert!(lines(&presence).is_empty());
    }

    #[test]
    fn writing_what_was_read_from_what_was_written_changes_nothing() {
        let first = presence(
            "<dm:person><r:activities><r:lunch/></r:activities></dm:person><note>a</note>\
             <tuple id='1'><x:y/><status><basic>open</basic></status></tuple>",
        );
        let text = first.write();
        let second = Presence::read(text.as_bytes(), None).expect("own document");
        assert_eq!(second.write(), text);
    }
}
