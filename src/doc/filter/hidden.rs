//! What of a document is not shown: which parts, by the permission that would show each.

use std::collections::BTreeMap;

use crate::doc::element::Element;
use crate::doc::namespace::Namespace;
use crate::doc::permissions::Permissions;
use crate::doc::pidf::Presence;
use crate::doc::rules::DialogShare;

/// A part that is there and is not shown.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Hidden {
    /// The part, in a word.
    pub part: String,
    /// The permission that would show it (RFC 5025 §3.3), or the word of a policy.
    pub permission: &'static str,
}

/// How often each part is there.
type Parts = BTreeMap<Hidden, usize>;

/// The parts of a presence document that these permissions do not show, wholly or in part.
pub fn hidden(document: &Presence, permissions: &Permissions) -> Vec<Hidden> {
    let (there, shown) = (parts(document), parts(&super::presence(document, permissions)));
    let is_hidden = |(part, count): (Hidden, usize)| {
        (shown.get(&part).copied().unwrap_or(0) < count).then_some(part)
    };
    there.into_iter().filter_map(is_hidden).collect()
}

/// The same of calls, if there are any.
pub fn hidden_of_calls(has_calls: bool, permissions: &Permissions) -> Vec<Hidden> {
    let part = match permissions.dialog() {
        _ if !has_calls => return Vec::new(),
        DialogShare::Nothing => "calls",
        DialogShare::State => "parties of calls",
        DialogShare::Parties => "pickup of calls",
        DialogShare::Full => return Vec::new(),
    };
    vec![Hidden { part: part.to_owned(), permission: "provide-dialog" }]
}

fn parts(document: &Presence) -> Parts {
    let mut parts = Parts::new();
    for tuple in &document.tuples {
        add(&mut parts, "service", "provide-services");
        if tuple.contact.is_some() {
            add(&mut parts, "contact", "contact");
        }
        tuple.notes.iter().for_each(|_| add(&mut parts, "note", "provide-note"));
        let elements = tuple.status_extensions.iter().chain(&tuple.extensions);
        elements.for_each(|element| of(&mut parts, element));
    }
    for person in &document.persons {
        add(&mut parts, "person", "provide-persons");
        person.notes.iter().for_each(|_| add(&mut parts, "note", "provide-note"));
        person.elements.iter().for_each(|element| of(&mut parts, element));
    }
    for device in &document.devices {
        add(&mut parts, "device", "provide-devices");
        device.notes.iter().for_each(|_| add(&mut parts, "note", "provide-note"));
        device.elements.iter().for_each(|element| of(&mut parts, element));
    }
    document.notes.iter().for_each(|_| add(&mut parts, "note", "provide-note"));
    document.extensions.iter().for_each(|element| of(&mut parts, element));
    parts
}

fn of(parts: &mut Parts, element: &Element) {
    let local = &*element.name.local;
    let permission = match &element.name.namespace {
        _ if super::is_location(&element.name) => "provide-location",
        Namespace::Rpid => match PERMISSIONS.iter().find(|(name, _)| *name == local) {
            Some((_, permission)) => permission,
            None => "provide-unknown-attribute",
        },
        Namespace::DataModel if local == "deviceID" => "provide-deviceID",
        Namespace::Fanal if local == "state" => return of_state(parts, element),
        _ => "provide-unknown-attribute",
    };
    add(parts, local, permission);
    if local == "user-input" && element.attribute("last-input").is_some() {
        add(parts, "last-input", "provide-user-input");
    }
}

/// This agent's own word: each part has its own permission.
fn of_state(parts: &mut Parts, element: &Element) {
    add(parts, "availability", "provide-activities");
    for (name, permission) in
        [("since", "provide-user-input"), ("until", "provide-until"), ("emoji", "provide-note")]
    {
        if element.attribute(name).is_some() {
            add(parts, name, permission);
        }
    }
    if element.elements().any(|child| child.is(&Namespace::Fanal, "alternate")) {
        add(parts, "alternate", "provide-relationship");
    }
}

fn add(parts: &mut Parts, part: &str, permission: &'static str) {
    *parts.entry(Hidden { part: part.to_owned(), permission }).or_default() += 1;
}

/// The permissions of elements of RPID.
const PERMISSIONS: &[(&str, &str)] = &[
    ("activities", "provide-activities"),
    ("class", "provide-class"),
    ("mood", "provide-mood"),
    ("place-is", "provide-place-is"),
    ("place-type", "provide-place-type"),
    ("privacy", "provide-privacy"),
    ("relationship", "provide-relationship"),
    ("service-class", "provide-services"),
    ("sphere", "provide-sphere"),
    ("status-icon", "provide-status-icon"),
    ("time-offset", "provide-time-offset"),
    ("user-input", "provide-user-input"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doc::rules::{Attribute, Choice, Provided};

    const TEXT: &str = "<presence xmlns='urn:ietf:params:xml:ns:pidf' \
        xmlns:dm='urn:ietf:params:xml:ns:pidf:data-model' xmlns:f='urn:x-fanal:presence:1' \
        xmlns:r='urn:ietf:params:xml:ns:pidf:rpid' entity='sip:101@a'><tuple id='t'>\
        <status><basic>open</basic></status><contact>sip:101@a</contact></tuple><dm:person id='p'>\
        <r:activities><r:busy/></r:activities><f:state availability='busy' since='x'/>\
        <dm:note>Plans</dm:note></dm:person></presence>";

    #[test]
    fn each_part_that_is_not_shown_is_named_with_the_permission_that_would_show_it() {
        let document = Presence::read(TEXT.as_bytes(), None).expect("a document");
        assert_eq!(hidden(&document, &Permissions::everything()), []);
        let mut some = Permissions::nothing();
        for provided in [
            Provided::Services(Choice::All),
            Provided::Persons(Choice::All),
            Provided::Attribute(Attribute::Activities),
        ] {
            some.add(&provided);
        }
        let told: Vec<String> = hidden(&document, &some).into_iter().map(|it| it.part).collect();
        assert_eq!(told, ["note", "since"]);
        let all = hidden(&document, &Permissions::nothing());
        assert!(all.iter().any(|it| it.part == "service" && it.permission == "provide-services"));
        assert!(all.iter().any(|it| it.part == "contact"));
    }

    #[test]
    fn of_calls_the_first_part_that_is_not_shown_is_named() {
        let mut some = Permissions::nothing();
        let word = |some: &Permissions| hidden_of_calls(true, some)[0].part.clone();
        assert_eq!(word(&some), "calls");
        some.dialog = DialogShare::State;
        assert_eq!(word(&some), "parties of calls");
        assert_eq!(hidden_of_calls(false, &some), []);
        assert_eq!(hidden_of_calls(true, &Permissions::everything()), []);
    }
}
