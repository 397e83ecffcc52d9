//! Presence documents, as far as they may be seen (RFC 5025 §3.3).
//!
//! Always shown of a service are its status, contact, service class, id and timestamp; of a device
//! its URN; of persons and devices id and timestamp. Everything else needs its permission.

use super::location;
use crate::base::uri::Uri;
use crate::doc::element::{Element, Node};
use crate::doc::namespace::Namespace;
use crate::doc::permissions::{Chosen, Permissions};
use crate::doc::pidf::{Basic, Contact, Device, Note, Person, Presence, Tuple};
use crate::doc::rules::{Attribute, Key, UserInput};

/// The id of the service that says whom to turn to instead.
const ALTERNATE: &str = "svc-alternate";

/// What may be seen of a document. Filtering again changes nothing (RFC 5025 §4).
pub fn presence(document: &Presence, permissions: &Permissions) -> Presence {
    if permissions.is_everything() {
        return document.clone();
    }
    let filter = Filter(permissions);
    let alternate = permissions.narrowing.alternate.as_ref();
    let mut tuples: Vec<Tuple> = document
        .tuples
        .iter()
        .filter(|tuple| alternate.is_none() || tuple.id != ALTERNATE)
        .filter_map(|tuple| filter.tuple(tuple))
        .collect();
    tuples.extend(alternate.map(|alternate| {
        Tuple {
            id: ALTERNATE.to_owned(),
            basic: Some(Basic::Open),
            extensions: alternate
                .name
                .iter()
                .map(|name| Element::new(Namespace::Cipid, "display-name").with_text(name))
                .collect(),
            contact: Some(Contact { uri: alternate.contact.clone(), priority: None }),
            ..Tuple::default()
        }
    }));
    Presence {
        entity: document.entity.clone(),
        tuples,
        notes: filter.notes(&document.notes),
        persons: document.persons.iter().filter_map(|person| filter.person(person)).collect(),
        devices: document.devices.iter().filter_map(|device| filter.device(device)).collect(),
        extensions: filter.elements(&document.extensions, Within::Elsewhere),
    }
}

struct Filter<'a>(&'a Permissions);

/// Where an element stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Service,
    Elsewhere,
}

/// How much of a service is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// With the way to reach it.
    Whole,
    /// Without.
    Bare,
}

impl Filter<'_> {
    fn tuple(&self, tuple: &Tuple) -> Option<Tuple> {
        let reach = self.reach(tuple)?;
        let contact = tuple.contact.as_ref().filter(|_| reach == Reach::Whole);
        let withheld_contact = address(tuple).filter(|_| reach == Reach::Bare);
        Some(Tuple {
            id: tuple.id.clone(),
            basic: tuple.basic,
            status_extensions: self.elements(&tuple.status_extensions, Within::Service),
            extensions: self.elements(&tuple.extensions, Within::Service),
            contact: contact.cloned(),
            notes: self.notes(&tuple.notes),
            timestamp: tuple.timestamp.clone(),
            withheld_class: self.withheld(&tuple.extensions, &tuple.withheld_class),
            withheld_contact: withheld_contact.map(str::to_owned),
        })
    }

    /// Whether a service is shown, and how much of it.
    fn reach(&self, tuple: &Tuple) -> Option<Reach> {
        let narrowing = &self.0.narrowing;
        let class = class(&tuple.extensions, &tuple.withheld_class);
        let folded = class.as_ref().map(|class| class.to_lowercase());
        let is_alternate =
            folded.as_ref().is_some_and(|class| narrowing.shown_classes.contains(class));
        if is_alternate {
            return Some(Reach::Whole);
        }
        let fits = |key: &Key| match key {
            Key::Class(wanted) => class.as_ref() == Some(wanted),
            Key::Occurrence(id) => tuple.id == *id,
            Key::Uri(uri) => address(tuple).is_some_and(|own| same_uri(own, uri)),
            Key::Scheme(scheme) => address(tuple).is_some_and(|own| {
                own.split_once(':').is_some_and(|(own, _)| own.eq_ignore_ascii_case(scheme))
            }),
            Key::Device(_) => false,
        };
        let hidden = folded.as_ref().is_some_and(|class| narrowing.hidden_classes.contains(class));
        if hidden || !chosen(&self.0.services, fits) {
            return None;
        }
        let whole = if narrowing.no_contacts { Reach::Bare } else { Reach::Whole };
        match (&narrowing.only_classes, folded) {
            (None, _) => Some(whole),
            (Some(only), Some(class)) => only.contains(&class).then_some(whole),
            (Some(_), None) => narrowing.unclassed_bare.then_some(Reach::Bare),
        }
    }

    fn person(&self, person: &Person) -> Option<Person> {
        let class = class(&person.elements, &person.withheld_class);
        let fits = |key: &Key| match key {
            Key::Class(wanted) => class.as_ref() == Some(wanted),
            Key::Occurrence(id) => person.id == *id,
            Key::Device(_) | Key::Uri(_) | Key::Scheme(_) => false,
        };
        chosen(&self.0.persons, fits).then(|| Person {
            id: person.id.clone(),
            elements: self.elements(&person.elements, Within::Elsewhere),
            notes: self.notes(&person.notes),
            timestamp: person.timestamp.clone(),
            withheld_class: self.withheld(&person.elements, &person.withheld_class),
        })
    }

    fn device(&self, device: &Device) -> Option<Device> {
        let class = class(&device.elements, &device.withheld_class);
        let fits = |key: &Key| match key {
            Key::Class(wanted) => class.as_ref() == Some(wanted),
            Key::Occurrence(id) => device.id == *id,
            Key::Device(urn) => device.device_id.as_ref().is_some_and(|own| same_urn(own, urn)),
            Key::Uri(_) | Key::Scheme(_) => false,
        };
        chosen(&self.0.devices, fits).then(|| Device {
            id: device.id.clone(),
            elements: self.elements(&device.elements, Within::Elsewhere),
            device_id: device.device_id.clone(),
            notes: self.notes(&device.notes),
            timestamp: device.timestamp.clone(),
            withheld_class: self.withheld(&device.elements, &device.withheld_class),
        })
    }

    fn withheld(&self, elements: &[Element], before: &Option<String>) -> Option<String> {
        if self.0.provides(Attribute::Class) { None } else { class(elements, before) }
    }

    fn notes(&self, notes: &[Note]) -> Vec<Note> {
        let may_be_read =
            |note: &&Note| !note.tells_activities || self.0.provides(Attribute::Activities);
        match self.0.provides(Attribute::Note) {
            true => notes.iter().filter(may_be_read).cloned().collect(),
            false => Vec::new(),
        }
    }

    fn elements(&self, elements: &[Element], within: Within) -> Vec<Element> {
        elements.iter().filter_map(|element| self.element(element, within)).collect()
    }

    fn element(&self, element: &Element, within: Within) -> Option<Element> {
        let local = &*element.name.local;
        match &element.name.namespace {
            Namespace::Rpid => match (local, attribute(local)) {
                ("user-input", _) => self.user_input(element),
                ("service-class", _) if within == Within::Service => {
                    Some(self.service_class(element))
                }
                (_, Some(attribute)) => {
                    self.0.provides(attribute).then(|| self.ends_withheld(element))
                }
                (_, None) => self.unknown(element),
            },
            Namespace::DataModel if local == "deviceID" => {
                self.0.provides(Attribute::DeviceId).then(|| element.clone())
            }
            Namespace::Fanal if local == "state" => self.state(element),
            _ => self.unknown(element),
        }
    }

    /// RFC 5025 §3.3.2.12. Drafts called the attribute `last-input` `since`; other attributes may
    /// say as much. So what is shown is named, not what is hidden.
    fn user_input(&self, element: &Element) -> Option<Element> {
        let level = self.0.user_input();
        let bare = || {
            let word = element.token();
            let known = matches!(word.as_str(), "active" | "idle");
            known.then(|| Element::new(Namespace::Rpid, "user-input").with_text(&word))
        };
        match level {
            UserInput::Nothing => None,
            UserInput::Bare => bare(),
            UserInput::Thresholds => {
                let threshold = element.attribute("idle-threshold");
                let plain = threshold.filter(|text| text.bytes().all(|o| o.is_ascii_digit()));
                match plain {
                    Some(threshold) => bare().map(|bare| bare.with("idle-threshold", threshold)),
                    None => bare(),
                }
            }
            UserInput::Full => Some(element.clone()),
        }
    }

    /// Always shown, but free text in it is a note like others.
    fn service_class(&self, element: &Element) -> Element {
        let mut shown = element.clone();
        if !self.0.provides(Attribute::Note) {
            shown.children.retain(|node| match node {
                Node::Element(child) => !child.is(&Namespace::Rpid, "note"),
                Node::Text(_) => true,
            });
        }
        shown
    }

    fn ends_withheld(&self, element: &Element) -> Element {
        let mut shown = element.clone();
        if self.0.narrowing.no_until {
            shown
                .attributes
                .retain(|attribute| !matches!(&*attribute.name.local, "from" | "until"));
        }
        shown
    }

    /// This agent's own word on what somebody does: each part by its own permission.
    fn state(&self, element: &Element) -> Option<Element> {
        self.0.provides(Attribute::Activities).then(|| self.part_of_state(element))
    }

    fn part_of_state(&self, element: &Element) -> Element {
        let mut shown = Element { children: Vec::new(), ..element.clone() };
        shown.attributes.retain(|attribute| match &*attribute.name.local {
            "availability" | "kind" => true,
            "emoji" => self.0.provides(Attribute::Note),
            "since" => self.0.user_input() == UserInput::Full,
            "from" | "until" => self.0.provides(Attribute::Until),
            _ => self.0.every_unknown,
        });
        let parts = element.elements().filter_map(|child| match &*child.name.local {
            "activity" if child.name.namespace == Namespace::Fanal => {
                Some(self.part_of_state(child))
            }
            "alternate" if child.name.namespace == Namespace::Fanal => {
                self.shows_alternates().then(|| child.clone())
            }
            _ => self.unknown(child),
        });
        shown.children = parts.map(Node::Element).collect();
        shown
    }

    /// Whom to turn to instead: by the permission to see relations, or because the organisation
    /// wants it seen.
    fn shows_alternates(&self) -> bool {
        let narrowing = &self.0.narrowing;
        let wanted = self.0.provides(Attribute::Relationship) && !narrowing.no_contacts;
        wanted || !narrowing.shown_classes.is_empty()
    }

    /// RFC 5025 §3.3.2.14: what no other permission knows.
    fn unknown(&self, element: &Element) -> Option<Element> {
        let may_place = self.0.provides(Attribute::Location);
        let named = self.0.unknown.contains(&element.name);
        let place = super::is_location(&element.name);
        if place && !may_place && !named {
            return None;
        }
        if !place && !self.0.every_unknown && !named {
            return None;
        }
        if !place && !may_place {
            return Some(location::without(element));
        }
        match self.0.narrowing.coarse_location {
            true => location::coarse(element),
            false => Some(element.clone()),
        }
    }
}

/// The permission of an element of RPID.
fn attribute(local: &str) -> Option<Attribute> {
    Some(match local {
        "activities" => Attribute::Activities,
        "class" => Attribute::Class,
        "mood" => Attribute::Mood,
        "place-is" => Attribute::PlaceIs,
        "place-type" => Attribute::PlaceType,
        "privacy" => Attribute::Privacy,
        "relationship" => Attribute::Relationship,
        "sphere" => Attribute::Sphere,
        "status-icon" => Attribute::StatusIcon,
        "time-offset" => Attribute::TimeOffset,
        _ => return None,
    })
}

fn chosen(chosen: &Chosen, fits: impl Fn(&Key) -> bool) -> bool {
    match chosen {
        Chosen::All => true,
        Chosen::Any(keys) => keys.iter().any(fits),
    }
}

/// The class of a service, person or device.
fn class(elements: &[Element], withheld: &Option<String>) -> Option<String> {
    let shown = elements.iter().find(|element| element.is(&Namespace::Rpid, "class"));
    shown.map(Element::token).or_else(|| withheld.clone())
}

/// How a service is reached, whether that is shown or not.
fn address(tuple: &Tuple) -> Option<&str> {
    let shown = tuple.contact.as_ref().map(|contact| contact.uri.as_str());
    shown.or(tuple.withheld_contact.as_deref())
}

/// RFC 5025 §3.3.1.2: by the rules of the scheme.
fn same_uri(one: &str, other: &str) -> bool {
    match (Uri::parse(one.trim()), Uri::parse(other.trim())) {
        (Ok(one), Ok(other)) => one == other,
        _ => one.trim() == other.trim(),
    }
}

/// UUIDs are the same in any case (RFC 4122 §3), other names as they are.
fn same_urn(one: &str, other: &str) -> bool {
    let is_uuid =
        |urn: &str| urn.get(..9).is_some_and(|start| start.eq_ignore_ascii_case("urn:uuid:"));
    match is_uuid(one) && is_uuid(other) {
        true => one.eq_ignore_ascii_case(other),
        false => one == other,
    }
}
