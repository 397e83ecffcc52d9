//! Rich presence (RFC 4480): what a person is doing, and the forms older phones send.

use super::element::{Element, Name, Node};
use super::namespace::Namespace;
use super::pidf::Person;

/// The activities the schema of RFC 4480 knows, without `other` and `unknown`.
pub const ACTIVITIES: &[&str] = &[
    "appointment",
    "away",
    "breakfast",
    "busy",
    "dinner",
    "holiday",
    "in-transit",
    "looking-for-work",
    "meal",
    "meeting",
    "on-the-phone",
    "performance",
    "permanent-absence",
    "playing",
    "presentation",
    "shopping",
    "sleeping",
    "spectator",
    "steering",
    "travel",
    "tv",
    "vacation",
    "working",
    "worship",
];

/// Elements RFC 4480 §3.1, table 1, gives to persons and to nothing else.
const PERSON_ONLY: &[&str] = &[
    "activities",
    "mood",
    "place-is",
    "place-type",
    "sphere",
    "time-offset",
];

impl Person {
    /// What the person is doing, in document order, without notes.
    pub fn activities(&self) -> impl Iterator<Item = &Name> {
        let lists = self
            .elements
            .iter()
            .filter(|e| e.is(&Namespace::Rpid, "activities"));
        let all = lists
            .flat_map(Element::elements)
            .map(|activity| &activity.name);
        all.filter(|name| !name.is(&Namespace::Rpid, "note"))
    }

    /// Adds an activity behind the others, unless the person does it already.
    pub fn add_activity(&mut self, activity: Name) {
        if self.activities().any(|name| *name == activity) {
            return;
        }
        let element = Element {
            name: activity,
            attributes: Vec::new(),
            children: Vec::new(),
        };
        self.activities_mut().children.push(Node::Element(element));
    }

    /// The first list of activities, made if there is none, before everything else.
    pub fn activities_mut(&mut self) -> &mut Element {
        let found = self
            .elements
            .iter()
            .position(|e| e.is(&Namespace::Rpid, "activities"));
        let at = found.unwrap_or_else(|| {
            self.elements
                .insert(0, Element::new(Namespace::Rpid, "activities"));
            0
        });
        self.elements
            .get_mut(at)
            .expect("position comes from this list")
    }

    /// The first element of RPID of that name.
    pub fn rpid(&self, local: &str) -> Option<&Element> {
        self.elements
            .iter()
            .find(|element| element.is(&Namespace::Rpid, local))
    }
}

/// Whether RFC 4480 allows the element in a person only.
pub fn is_for_persons_only(element: &Element) -> bool {
    element.name.namespace == Namespace::Rpid && PERSON_ONLY.contains(&&*element.name.local)
}

/// The element with the forms of drafts and of the text put into those of the schema: `lunch`
/// is a `meal`, `<activity>busy</activity>` is `<busy/>`, an unknown word of RPID is `other`.
pub fn normal(element: Element) -> Element {
    if !element.is(&Namespace::Rpid, "activities") {
        return element;
    }
    let children = element.children.into_iter().map(|node| match node {
        Node::Element(child) if child.name.namespace == Namespace::Rpid => {
            Node::Element(activity(child))
        }
        node => node,
    });
    Element {
        children: children.collect(),
        ..element
    }
}

fn activity(element: Element) -> Element {
    let word = match &*element.name.local {
        "note" | "other" | "unknown" => return element,
        "activity" => element.token().to_ascii_lowercase(),
        local => local.to_owned(),
    };
    match word.as_str() {
        "lunch" => Element::new(Namespace::Rpid, "meal"),
        "other" | "unknown" => Element::new(Namespace::Rpid, &word),
        known if ACTIVITIES.contains(&known) => Element::new(Namespace::Rpid, known),
        "" => Element::new(Namespace::Rpid, "unknown"),
        odd => Element::new(Namespace::Rpid, "other").with_text(odd),
    }
}
