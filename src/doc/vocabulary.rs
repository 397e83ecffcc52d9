//! What of the known vocabularies may be sent: the schemas of `pidf-schemas/`, as tables.
//!
//! The schemas of PIDF and of dialog-info let elements of other namespaces in, and check those
//! they know. What a publisher got wrong there is put right or left out here, so that it does
//! not make the whole document invalid for every watcher. Unknown vocabularies pass unchanged.

use std::borrow::Cow;

use super::element::{Attribute, Element, Name, Node, is_space};
use super::ids::IdSpace;
use super::lexical::{is_date_time, is_language, is_uri, uri};
use super::namespace::Namespace;
use super::{caps, fanal, location, rpid};

/// What an element looks like.
pub(super) struct Form {
    /// Attributes of no namespace, their types, and whether they must be there.
    pub attributes: &'static [(&'static str, Type, bool)],
    /// Whether any other attribute may stand there too.
    pub open: bool,
    /// Whether `xml:lang` may stand there.
    pub language: bool,
    /// What is inside.
    pub content: Content,
}

/// What is inside an element.
pub(super) enum Content {
    /// Nothing at all.
    Nothing,
    /// Text of a type.
    Text(Type),
    /// One empty element of these names.
    Word(&'static [&'static str]),
    /// Elements of the same namespace, in this order.
    Parts(&'static [Part]),
    /// Elements of another namespace, in this order.
    PartsOf(fn() -> Namespace, &'static [Part]),
}

/// A place in a sequence of elements, all of one namespace but for the foreign ones.
pub(super) enum Part {
    /// Each at most once, in this order.
    Each(&'static [&'static str], &'static Form),
    /// Exactly one; without it the element is left out.
    Must(&'static str, &'static Form),
    /// Any number.
    Many(&'static str, &'static Form),
    /// At least one; without it the element is left out.
    Some(&'static str, &'static Form),
    /// Any number of empty elements of these names, `other` and foreign ones.
    Words(&'static [&'static str]),
    /// One empty element of these names, or `other` if allowed, or foreign ones.
    Choice(&'static [&'static str], bool),
    /// `unknown`, if there is nothing but notes.
    Unknown,
    /// Without anything but notes so far the element is left out.
    NotBare,
    /// Any number of elements of other namespaces.
    Foreign,
}

/// A simple type.
#[derive(Clone, Copy)]
pub(super) enum Type {
    Text,
    Token,
    Uri,
    Boolean,
    DateTime,
    Integer,
    PositiveInteger,
    /// Up to five characters.
    Short,
    /// Two capital letters.
    Country,
    /// An `xs:ID`.
    Id,
    OneOf(&'static [&'static str]),
}

pub(super) const EMPTY: Form = Form::of(Content::Nothing);
pub(super) const TEXT: Form = Form::of(Content::Text(Type::Text));
pub(super) const BOOLEAN: Form = Form::of(Content::Text(Type::Boolean));
pub(super) const URI: Form = Form::of(Content::Text(Type::Uri));
pub(super) const NOTE: Form = Form { language: true, ..Form::of(Content::Text(Type::Text)) };

const TIMED_STATUS: Form = Form {
    attributes: &[("from", Type::DateTime, true), ("until", Type::DateTime, false)],
    ..Form::of(Content::Parts(&[
        Part::Each(&["basic"], &Form::of(Content::Text(Type::OneOf(&["open", "closed"])))),
        Part::Each(&["note"], &NOTE),
        Part::Foreign,
    ]))
};

/// Other documents that have schemas. None of their elements has a place in presence or in
/// dialog-info, and they would be checked there.
const ELSEWHERE: &[&str] = &[
    "urn:ietf:params:xml:ns:pidf-diff",
    "urn:ietf:params:xml:ns:watcherinfo",
    "urn:ietf:params:xml:ns:common-policy",
    "urn:ietf:params:xml:ns:pres-rules",
    "urn:ietf:params:xml:ns:resource-lists",
    "urn:ietf:params:xml:ns:rls-services",
    "urn:ietf:params:xml:ns:rlmi",
    "urn:ietf:params:xml:ns:xcap-diff",
    "urn:ietf:params:xml:ns:xcap-error",
    "urn:ietf:params:xml:ns:xcap-caps",
    "urn:ietf:params:xml:ns:reginfo",
    "urn:ietf:params:xml:ns:simple-filter",
    "urn:ietf:params:xml:ns:patch-ops-error",
    "urn:ietf:params:xml:ns:conference-info",
    "urn:ietf:params:xml:ns:copycontrol",
    "urn:ietf:params:xml:ns:consent-status",
];

impl Form {
    /// A form without attributes.
    pub(super) const fn of(content: Content) -> Form {
        Form { attributes: &[], open: false, language: false, content }
    }
}

/// The element as it may be sent inside an element of another namespace, if at all.
pub fn admit(element: &Element, ids: &mut IdSpace) -> Option<Element> {
    match (&element.name.namespace, &*element.name.local) {
        (Namespace::Xml | Namespace::SchemaInstance, _) => return None,
        (Namespace::Pidf, "presence") => return None,
        (Namespace::DialogInfo, "dialog-info" | "dialog" | "state") => return None,
        (Namespace::DataModel, "person" | "device") => return None,
        (Namespace::Other(name), _) if is_elsewhere(name) => return None,
        _ => {}
    }
    match form(&element.name) {
        Some(form) => formed(element, form, ids),
        None => Some(unchanged(element, ids)),
    }
}

/// The form of an element that may stand anywhere, if it is known.
fn form(name: &Name) -> Option<&'static Form> {
    match (&name.namespace, &*name.local) {
        (Namespace::Rpid, local) => rpid::form(local),
        (Namespace::Caps, local) => caps::form(local),
        (Namespace::Fanal, local) => fanal::form(local),
        (Namespace::Geopriv | Namespace::CivicAddress | Namespace::DataProvider, _) => {
            location::form(name)
        }
        (Namespace::Cipid, "card" | "homepage" | "icon" | "map" | "sound") => Some(&URI),
        (Namespace::Cipid, "display-name") => Some(&TEXT),
        (Namespace::DataModel, "deviceID") => Some(&URI),
        (Namespace::TimedStatus, "timed-status") => Some(&TIMED_STATUS),
        _ => None,
    }
}

fn is_elsewhere(namespace: &str) -> bool {
    ELSEWHERE.contains(&namespace)
}

/// An element of an unknown vocabulary: all of it, known elements inside it as they may be.
fn unchanged(element: &Element, ids: &mut IdSpace) -> Element {
    let mut written = Element { name: element.name.clone(), attributes: vec![], children: vec![] };
    written.attributes = element.attributes.iter().filter_map(|a| attribute(a, ids)).collect();
    for child in &element.children {
        match child {
            Node::Text(text) => written.children.push(Node::Text(text.clone())),
            Node::Element(child) => {
                written.children.extend(admit(child, ids).map(Node::Element));
            }
        }
    }
    written
}

/// An attribute no form speaks of; those of `xml` and of PIDF have types of their own.
fn attribute(attribute: &Attribute, ids: &mut IdSpace) -> Option<Attribute> {
    let value = &*attribute.value;
    let lawful = match (&attribute.name.namespace, &*attribute.name.local) {
        (Namespace::Xml, "lang") => is_language(value),
        (Namespace::Xml, "space") => matches!(value, "default" | "preserve"),
        (Namespace::Xml, "base") => is_uri(value),
        (Namespace::Xml, "id") => ids.take(value),
        (Namespace::Pidf, "mustUnderstand") => matches!(value, "0" | "1" | "true" | "false"),
        // It would tell validators to look for types and schemas named by a stranger.
        (Namespace::SchemaInstance, _) => false,
        (Namespace::Other(name), _) => !is_elsewhere(name),
        _ => true,
    };
    lawful.then(|| attribute.clone())
}

fn formed(element: &Element, form: &Form, ids: &mut IdSpace) -> Option<Element> {
    let mut written = Element { name: element.name.clone(), attributes: vec![], children: vec![] };
    for (local, kind, must) in form.attributes {
        match element.attribute(local).and_then(|value| kind.value(value, ids)) {
            Some(value) => written = written.with(local, &value),
            None if *must => return None,
            None => {}
        }
    }
    for own in &element.attributes {
        let language = form.language && own.name.is(&Namespace::Xml, "lang");
        let named = own.name.namespace == Namespace::None
            && form.attributes.iter().any(|(local, _, _)| **local == *own.name.local);
        if (form.open || language) && !named {
            written.attributes.extend(attribute(own, ids));
        }
    }
    match form.content {
        Content::Nothing => {}
        Content::Text(kind) => {
            let text = element.text();
            let text = kind.value(&text, ids)?;
            written.children.extend((!text.is_empty()).then(|| Node::Text(text.into_owned())));
        }
        Content::Word(words) => {
            let own = |e: &&Element| e.name.namespace == element.name.namespace;
            let mut words_here = element.elements().filter(own);
            let found = words_here.find(|e| words.contains(&&*e.name.local))?;
            written.children.push(Node::Element(formed(found, &EMPTY, ids)?));
        }
        Content::Parts(parts) => {
            let home = &element.name.namespace;
            parts.iter().try_for_each(|part| part.write(home, element, &mut written, ids))?;
        }
        Content::PartsOf(home, parts) => {
            let home = &home();
            parts.iter().try_for_each(|part| part.write(home, element, &mut written, ids))?;
        }
    }
    Some(written)
}

impl Part {
    fn write(
        &self,
        home: &Namespace,
        from: &Element,
        to: &mut Element,
        ids: &mut IdSpace,
    ) -> Option<()> {
        let own = |local: &'static str| from.elements().filter(move |e| e.is(home, local));
        match self {
            Part::Each(names, form) => {
                for local in *names {
                    let found = own(local).find_map(|child| formed(child, form, ids));
                    to.children.extend(found.map(Node::Element));
                }
            }
            Part::Must(local, form) => {
                let found = own(local).find_map(|child| formed(child, form, ids))?;
                to.children.push(Node::Element(found));
            }
            Part::Many(local, form) | Part::Some(local, form) => {
                let before = to.children.len();
                for child in own(local) {
                    to.children.extend(formed(child, form, ids).map(Node::Element));
                }
                if matches!(self, Part::Some(..)) && to.children.len() == before {
                    return None;
                }
            }
            Part::Words(words) => {
                for child in from.elements() {
                    to.children.extend(word(child, home, words, true, ids).map(Node::Element));
                }
            }
            Part::Choice(words, other) => choose(home, from, to, (words, *other), ids),
            Part::Unknown if is_bare(to, home) && own("unknown").next().is_some() => {
                let unknown = Element::new(home.clone(), "unknown");
                to.children.push(Node::Element(unknown));
            }
            Part::NotBare if is_bare(to, home) => return None,
            Part::Unknown | Part::NotBare => {}
            Part::Foreign => {
                for child in from.elements().filter(|child| is_foreign(child, home)) {
                    to.children.extend(admit(child, ids).map(Node::Element));
                }
            }
        }
        Some(())
    }
}

/// One of a choice: the first own word, or every foreign one if a foreign one comes first.
fn choose(
    home: &Namespace,
    from: &Element,
    to: &mut Element,
    (words, other): (&[&str], bool),
    ids: &mut IdSpace,
) {
    let mut foreign_only = false;
    for child in from.elements() {
        let foreign = is_foreign(child, home);
        if foreign_only && !foreign {
            continue;
        }
        let Some(written) = word(child, home, words, other, ids) else {
            continue;
        };
        to.children.push(Node::Element(written));
        if !foreign {
            return;
        }
        foreign_only = true;
    }
}

fn word(
    child: &Element,
    home: &Namespace,
    words: &[&str],
    other: bool,
    ids: &mut IdSpace,
) -> Option<Element> {
    if is_foreign(child, home) {
        return admit(child, ids);
    }
    if child.name.namespace != *home {
        return None;
    }
    match &*child.name.local {
        "other" if other => formed(child, &NOTE, ids),
        local if words.contains(&local) => formed(child, &EMPTY, ids),
        _ => None,
    }
}

/// `##other` of the schemas: another namespace, but not none.
fn is_foreign(child: &Element, home: &Namespace) -> bool {
    let namespace = &child.name.namespace;
    namespace != home && *namespace != Namespace::None
}

fn is_bare(element: &Element, home: &Namespace) -> bool {
    element.elements().all(|child| child.is(home, "note"))
}

impl Type {
    /// The value as the type writes it, if it is one.
    fn value<'a>(self, text: &'a str, ids: &mut IdSpace) -> Option<Cow<'a, str>> {
        let trimmed = text.trim_matches(is_space);
        let lawful = match self {
            Type::Text => return Some(Cow::Borrowed(text)),
            Type::Token => {
                let words: Vec<&str> = trimmed.split(is_space).filter(|w| !w.is_empty()).collect();
                return Some(Cow::Owned(words.join(" ")));
            }
            Type::Uri => return Some(uri(trimmed)),
            Type::Boolean => match trimmed {
                // RFC 4119 says yes and no in its text, and true and false in its schema.
                "yes" => return Some(Cow::Borrowed("true")),
                "no" => return Some(Cow::Borrowed("false")),
                _ => matches!(trimmed, "true" | "false" | "0" | "1"),
            },
            Type::Short => trimmed.chars().count() <= 5,
            Type::DateTime => is_date_time(trimmed),
            Type::Integer => is_integer(trimmed),
            Type::PositiveInteger => {
                is_integer(trimmed) && !trimmed.starts_with('-') && trimmed.contains(non_zero)
            }
            Type::Country => trimmed.len() == 2 && trimmed.bytes().all(|o| o.is_ascii_uppercase()),
            Type::Id => ids.take(trimmed),
            Type::OneOf(words) => words.contains(&trimmed),
        };
        lawful.then_some(Cow::Borrowed(trimmed))
    }
}

fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    // Beyond 18 digits validators themselves differ.
    (1..=18).contains(&digits.len()) && digits.bytes().all(|octet| octet.is_ascii_digit())
}

fn non_zero(c: char) -> bool {
    c.is_ascii_digit() && c != '0'
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doc::write::XmlWriter;
    use crate::doc::xml;

    /// What is sent of one element, as text without declarations.
    fn sent(inside: &str) -> String {
        let ns = "urn:ietf:params:xml:ns:pidf";
        let root = format!(
            "<x xmlns=\"urn:x\" xmlns:r=\"{ns}:rpid\" xmlns:ts=\"{ns}:timed-status\" \
             xmlns:c=\"{ns}:cipid\" xmlns:caps=\"{ns}:caps\" xmlns:gp=\"{ns}:geopriv10\" \
             xmlns:gbp=\"{ns}:geopriv10:basicPolicy\" xmlns:y=\"urn:y\" \
             xmlns:w=\"urn:ietf:params:xml:ns:watcherinfo\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">{inside}</x>"
        );
        let root = xml::read(root.as_bytes(), None).expect("well formed");
        let mut out = XmlWriter::new(Namespace::from_uri("urn:x"));
        let mut ids = IdSpace::default();
        for element in root.elements().filter_map(|element| admit(element, &mut ids)) {
            out.element(&element);
        }
        out.finish().1
    }

    #[test]
    fn an_unknown_vocabulary_passes_unchanged() {
        let element = "<a b=\"1\">x<c/>y<ns1:d/></a>";
        assert_eq!(sent("<a b='1'>x<c/>y<y:d/></a>"), element);
    }

    #[test]
    fn known_elements_are_checked_inside_unknown_ones() {
        assert_eq!(sent("<a><r:time-offset>late</r:time-offset></a>"), "<a/>");
        assert_eq!(sent("<a><w:watcherinfo/></a>"), "<a/>");
    }

    #[test]
    fn attributes_that_steer_validators_are_left_out() {
        assert_eq!(sent("<a xsi:type='b' xsi:schemaLocation='u v'/>"), "<a/>");
        assert_eq!(sent("<a xml:lang='en_US' xml:id='1'/>"), "<a/>");
        assert_eq!(sent("<a xml:lang='en' xml:id='i'/>"), "<a xml:lang=\"en\" xml:id=\"i\"/>");
    }

    #[test]
    fn an_id_used_twice_is_written_once() {
        let twice = "<r:activities id='i'><r:busy/></r:activities>";
        let once = "<rpid:activities id=\"i\"><rpid:busy/></rpid:activities>\
                    <rpid:activities><rpid:busy/></rpid:activities>";
        assert_eq!(sent(&format!("{twice}{twice}")), once);
    }

    #[test]
    fn foreign_activities_survive() {
        let element = "<r:activities><r:busy/><y:fishing/></r:activities>";
        let written = "<rpid:activities><rpid:busy/><ns1:fishing/></rpid:activities>";
        assert_eq!(sent(element), written);
    }

    #[test]
    fn notes_come_before_words_and_unknown_stands_alone() {
        let element = "<r:mood><r:happy/><r:unknown/><r:note xml:lang='en'>n</r:note></r:mood>";
        let written =
            "<rpid:mood><rpid:note xml:lang=\"en\">n</rpid:note><rpid:happy/></rpid:mood>";
        assert_eq!(sent(element), written);
        assert_eq!(sent("<r:mood><r:unknown/></r:mood>"), "<rpid:mood><rpid:unknown/></rpid:mood>");
        assert_eq!(sent("<r:mood/>"), "");
    }

    #[test]
    fn a_value_of_the_wrong_type_is_left_out() {
        let input = "<r:user-input idle-threshold='0' last-input='now'> idle </r:user-input>";
        assert_eq!(sent(input), "<rpid:user-input>idle</rpid:user-input>");
        assert_eq!(sent("<r:user-input>asleep</r:user-input>"), "");
        assert_eq!(sent("<ts:timed-status><ts:basic>open</ts:basic></ts:timed-status>"), "");
    }

    #[test]
    fn usage_rules_say_true_and_false() {
        let rules = "<gbp:retransmission-allowed>no</gbp:retransmission-allowed>";
        let element = format!(
            "<gp:geopriv><gp:usage-rules>{rules}</gp:usage-rules><gp:location-info/></gp:geopriv>"
        );
        let written = "<gp:geopriv><gp:location-info/><gp:usage-rules>\
                       <gbp:retransmission-allowed>false</gbp:retransmission-allowed>\
                       </gp:usage-rules></gp:geopriv>";
        assert_eq!(sent(&element), written);
    }

    #[test]
    fn capabilities_keep_the_order_of_the_schema() {
        let element = "<caps:servcaps><caps:video>1</caps:video><caps:audio>true</caps:audio>\
                       <caps:methods><caps:supported><caps:MESSAGE/><caps:BYE/></caps:supported>\
                       </caps:methods></caps:servcaps>";
        let written = "<caps:servcaps><caps:audio>true</caps:audio><caps:methods>\
                       <caps:supported><caps:BYE/><caps:MESSAGE/></caps:supported></caps:methods>\
                       <caps:video>1</caps:video></caps:servcaps>";
        assert_eq!(sent(element), written);
    }
}
