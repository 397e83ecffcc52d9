//! Presence authorization rules (RFC 5025): what a rule of [`super::common_policy`] does with a
//! subscription, and what it shows.
//!
//! Three words are this agent's own, of its own namespace: `provide-dialog`, for which RFC 5025
//! has none, `provide-until` and `provide-location`.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::common_policy::{Condition, Reading, Remark, Ruleset, rules_in, unknown};
use super::element::{Element, Name, is_space};
use super::namespace::Namespace;
use super::xml::{self, DocumentError};
use crate::base::spelling::nearest;

/// The namespace of actions and transformations.
pub const NAMESPACE: &str = "urn:ietf:params:xml:ns:pres-rules";

/// A document of presence rules.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct PresenceRules {
    /// Their order has no meaning.
    pub rules: Vec<PresenceRule>,
    /// What a person should look at before relying on them.
    pub remarks: Vec<Remark>,
}

/// One rule.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct PresenceRule {
    /// Unique in its document.
    pub id: String,
    /// All of them must be true.
    pub conditions: Vec<Condition>,
    /// What becomes of the subscription, if the rule says so.
    pub handling: Option<SubHandling>,
    /// What is shown.
    pub provided: Vec<Provided>,
}

/// What becomes of a watcher's subscription (RFC 5025 §3.2.1). Of several the greatest counts.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum SubHandling {
    /// Refused with 403.
    #[default]
    Block,
    /// Accepted but pending: nothing is shown until the presentity has decided.
    Confirm,
    /// Accepted, and shown a presentity that seems to be away.
    PoliteBlock,
    /// Accepted, and shown what the transformations leave.
    Allow,
}

/// One transformation: something that is shown (RFC 5025 §3.3).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Provided {
    /// Services.
    Services(Choice),
    /// Devices.
    Devices(Choice),
    /// Persons.
    Persons(Choice),
    /// One attribute of whatever is shown.
    Attribute(Attribute),
    /// The attribute `user-input`, so much of it.
    UserInput(UserInput),
    /// An attribute no other permission knows.
    Unknown(Name),
    /// Every attribute of whatever is shown.
    AllAttributes,
    /// Calls, so much of them.
    Dialog(DialogShare),
}

/// Which of several.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Choice {
    /// All of them.
    All,
    /// Those that any of these fits.
    Any(Vec<Key>),
}

/// By what a service, device or person is chosen.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Key {
    /// Its `class`.
    Class(String),
    /// Its `id`.
    Occurrence(String),
    /// The URN of a device.
    Device(String),
    /// The contact of a service.
    Uri(String),
    /// The scheme of the contact of a service.
    Scheme(String),
}

/// Attributes that are shown or not, as a whole.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Attribute {
    /// `activities` of RPID.
    Activities,
    /// `class` of RPID.
    Class,
    /// The device a service runs on.
    DeviceId,
    /// `mood` of RPID.
    Mood,
    /// Notes of services, devices, persons and of the document.
    Note,
    /// `place-is` of RPID.
    PlaceIs,
    /// `place-type` of RPID.
    PlaceType,
    /// `privacy` of RPID.
    Privacy,
    /// `relationship` of RPID.
    Relationship,
    /// `status-icon` of RPID.
    StatusIcon,
    /// `sphere` of RPID.
    Sphere,
    /// `time-offset` of RPID.
    TimeOffset,
    /// Until when a state lasts, in this agent's own words.
    Until,
    /// Where somebody is (RFC 4119).
    Location,
}

/// How much of `user-input` is shown (RFC 5025 §3.3.2.12), in order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum UserInput {
    /// None of it.
    #[default]
    Nothing,
    /// Active or idle.
    Bare,
    /// And after how long somebody is idle.
    Thresholds,
    /// And when the last input was.
    Full,
}

/// How much of calls is shown, in order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum DialogShare {
    /// Nothing: the line seems idle.
    #[default]
    Nothing,
    /// How far each call has come, and whether it is held.
    State,
    /// And who takes part.
    Parties,
    /// And what is needed to pick it up.
    Full,
}

/// Attributes by the elements that provide them; the namespace is that of the second column.
const ATTRIBUTES: &[(Attribute, bool, &str)] = &[
    (Attribute::Activities, false, "provide-activities"),
    (Attribute::Class, false, "provide-class"),
    (Attribute::DeviceId, false, "provide-deviceID"),
    (Attribute::Mood, false, "provide-mood"),
    (Attribute::Note, false, "provide-note"),
    (Attribute::PlaceIs, false, "provide-place-is"),
    (Attribute::PlaceType, false, "provide-place-type"),
    (Attribute::Privacy, false, "provide-privacy"),
    (Attribute::Relationship, false, "provide-relationship"),
    (Attribute::StatusIcon, false, "provide-status-icon"),
    (Attribute::Sphere, false, "provide-sphere"),
    (Attribute::TimeOffset, false, "provide-time-offset"),
    (Attribute::Until, true, "provide-until"),
    (Attribute::Location, true, "provide-location"),
];

/// Elements of RFC 5025 beside those of [`ATTRIBUTES`].
const OTHERS: &[&str] = &[
    "provide-services",
    "provide-devices",
    "provide-persons",
    "provide-user-input",
    "provide-unknown-attribute",
    "provide-all-attributes",
];

const SERVICE_KEYS: &[&str] = &["service-uri", "service-uri-scheme", "occurrence-id", "class"];
const DEVICE_KEYS: &[&str] = &["deviceID", "occurrence-id", "class"];
const PERSON_KEYS: &[&str] = &["occurrence-id", "class"];

impl SubHandling {
    /// In the order of their values.
    pub const ALL: [SubHandling; 4] =
        [SubHandling::Block, SubHandling::Confirm, SubHandling::PoliteBlock, SubHandling::Allow];

    /// The name in rules documents and settings.
    pub const fn name(self) -> &'static str {
        match self {
            SubHandling::Block => "block",
            SubHandling::Confirm => "confirm",
            SubHandling::PoliteBlock => "polite-block",
            SubHandling::Allow => "allow",
        }
    }

    /// The value by which they are compared.
    pub const fn handling(self) -> u8 {
        match self {
            SubHandling::Block => 0,
            SubHandling::Confirm => 10,
            SubHandling::PoliteBlock => 20,
            SubHandling::Allow => 30,
        }
    }

    /// By its name.
    pub fn named(name: &str) -> Option<SubHandling> {
        SubHandling::ALL.into_iter().find(|handling| handling.name() == name)
    }
}

impl fmt::Display for SubHandling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Attribute {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Attribute> {
        ATTRIBUTES.iter().map(|(attribute, _, _)| *attribute)
    }

    /// The name without `provide-`.
    pub fn name(self) -> &'static str {
        let row = ATTRIBUTES.iter().find(|(attribute, _, _)| *attribute == self);
        row.map_or("", |(_, _, local)| local.trim_start_matches("provide-"))
    }
}

impl UserInput {
    /// In order.
    pub const ALL: [UserInput; 4] =
        [UserInput::Nothing, UserInput::Bare, UserInput::Thresholds, UserInput::Full];

    /// The word in rules documents.
    pub const fn name(self) -> &'static str {
        match self {
            UserInput::Nothing => "false",
            UserInput::Bare => "bare",
            UserInput::Thresholds => "thresholds",
            UserInput::Full => "full",
        }
    }
}

impl DialogShare {
    /// In order.
    pub const ALL: [DialogShare; 4] =
        [DialogShare::Nothing, DialogShare::State, DialogShare::Parties, DialogShare::Full];

    /// The word in rules documents and in the policy of an organisation.
    pub const fn name(self) -> &'static str {
        match self {
            DialogShare::Nothing => "none",
            DialogShare::State => "state",
            DialogShare::Parties => "parties",
            DialogShare::Full => "full",
        }
    }
}

impl PresenceRules {
    /// From a document of media type `application/auth-policy+xml`.
    pub fn read(octets: &[u8], charset: Option<&str>) -> Result<PresenceRules, DocumentError> {
        let root = xml::read(octets, charset)?;
        let mut reading = Reading::new(octets, charset, &root);
        let Ruleset { rules: common } = Ruleset::of(&mut reading)?;
        let mut rules = Vec::with_capacity(common.len());
        // Rules stand in the order of their elements; what they do is read from those, since
        // only they know their place.
        for (rule, element) in common.into_iter().zip(rules_in(&root)) {
            let handling = handling(element, &mut reading)?;
            let passes =
                |one: &Condition| matches!(one, Condition::Validity(_) | Condition::Sphere(_));
            if handling.is_some() && rule.conditions.iter().any(passes) {
                // RFC 5025 §3.2.1: the watcher cannot know when to come back.
                let what = "sub-handling in a rule of a time or sphere: watchers are turned away \
                            when that is over; put it into a rule of its own";
                reading.remark(element, what);
            }
            let provided = provided(element, &mut reading)?;
            let (id, conditions) = (rule.id, rule.conditions);
            rules.push(PresenceRule { id, conditions, handling, provided });
        }
        Ok(PresenceRules { rules, remarks: reading.remarks() })
    }

    /// The whole document.
    pub fn write(&self) -> String {
        let rules = self.rules.iter().map(|rule| super::common_policy::Rule {
            id: rule.id.clone(),
            conditions: rule.conditions.clone(),
            actions: rule
                .handling
                .iter()
                .map(|handling| leaf("sub-handling", handling.name()))
                .collect(),
            transformations: rule.provided.iter().map(Provided::to_element).collect(),
        });
        Ruleset { rules: rules.collect() }.write()
    }
}

fn parts<'a>(rule: &'a Element, list: &'static str) -> impl Iterator<Item = &'a Element> {
    let lists = rule.elements().filter(move |child| *child.name.local == *list);
    lists.flat_map(Element::elements)
}

/// The greatest `sub-handling` among the actions.
fn handling(
    rule: &Element,
    reading: &mut Reading<'_>,
) -> Result<Option<SubHandling>, DocumentError> {
    let mut greatest = None;
    for action in parts(rule, "actions") {
        if !is(action, "sub-handling") {
            reading.remark(action, unknown(action, &["sub-handling"]));
            continue;
        }
        let word = action.token();
        let Some(handling) = SubHandling::named(&word) else {
            let names = SubHandling::ALL.map(SubHandling::name);
            return Err(reading.fault(action, wrong_word("sub-handling", &word, &names)));
        };
        greatest = greatest.max(Some(handling));
    }
    Ok(greatest)
}

fn provided(rule: &Element, reading: &mut Reading<'_>) -> Result<Vec<Provided>, DocumentError> {
    let mut all = Vec::new();
    for element in parts(rule, "transformations") {
        all.extend(Provided::of(element, reading)?);
    }
    Ok(all)
}

impl Provided {
    fn of(element: &Element, reading: &mut Reading<'_>) -> Result<Option<Provided>, DocumentError> {
        let local = &*element.name.local;
        let own = element.name.namespace == Namespace::Fanal;
        if !own && !is(element, local) {
            let known: Vec<&str> = names().collect();
            reading.remark(element, unknown(element, &known));
            return Ok(None);
        }
        let attribute = ATTRIBUTES.iter().find(|(_, ours, name)| *ours == own && *name == local);
        if let Some((attribute, _, _)) = attribute {
            let provided = boolean(element, reading)?;
            return Ok(provided.then_some(Provided::Attribute(*attribute)));
        }
        Ok(Some(match (own, local) {
            (false, "provide-services") => {
                Provided::Services(choice(element, "all-services", SERVICE_KEYS, reading)?)
            }
            (false, "provide-devices") => {
                Provided::Devices(choice(element, "all-devices", DEVICE_KEYS, reading)?)
            }
            (false, "provide-persons") => {
                Provided::Persons(choice(element, "all-persons", PERSON_KEYS, reading)?)
            }
            (false, "provide-user-input") => {
                Provided::UserInput(word(element, &UserInput::ALL, UserInput::name, reading)?)
            }
            (false, "provide-unknown-attribute") => return unknown_attribute(element, reading),
            (false, "provide-all-attributes") => Provided::AllAttributes,
            (true, "provide-dialog") => {
                Provided::Dialog(word(element, &DialogShare::ALL, DialogShare::name, reading)?)
            }
            _ => {
                let near = nearest(local, names());
                let advice = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
                reading.remark(element, format!("unknown element {local} shows nothing{advice}"));
                return Ok(None);
            }
        }))
    }

    fn to_element(&self) -> Element {
        match self {
            Provided::Services(choice) => choice.to_element("provide-services", "all-services"),
            Provided::Devices(choice) => choice.to_element("provide-devices", "all-devices"),
            Provided::Persons(choice) => choice.to_element("provide-persons", "all-persons"),
            Provided::Attribute(wanted) => {
                let row = ATTRIBUTES.iter().find(|(attribute, _, _)| attribute == wanted);
                let (_, own, local) = row.expect("every attribute has its row");
                let namespace = if *own { Namespace::Fanal } else { namespace() };
                Element::new(namespace, local).with_text("true")
            }
            Provided::UserInput(input) => leaf("provide-user-input", input.name()),
            Provided::Unknown(name) => leaf("provide-unknown-attribute", "true")
                .with("ns", name.namespace.uri())
                .with("name", &name.local),
            Provided::AllAttributes => Element::new(namespace(), "provide-all-attributes"),
            Provided::Dialog(share) => {
                Element::new(Namespace::Fanal, "provide-dialog").with_text(share.name())
            }
        }
    }
}

impl Choice {
    fn to_element(&self, local: &str, all: &str) -> Element {
        let list = Element::new(namespace(), local);
        match self {
            Choice::All => list.with_child(Element::new(namespace(), all)),
            Choice::Any(keys) => keys.iter().fold(list, |list, key| {
                let (local, text) = match key {
                    Key::Class(text) => ("class", text),
                    Key::Occurrence(text) => ("occurrence-id", text),
                    Key::Device(text) => ("deviceID", text),
                    Key::Uri(text) => ("service-uri", text),
                    Key::Scheme(text) => ("service-uri-scheme", text),
                };
                list.with_child(leaf(local, text))
            }),
        }
    }
}

fn choice(
    element: &Element,
    all: &str,
    keys: &[&str],
    reading: &mut Reading<'_>,
) -> Result<Choice, DocumentError> {
    let mut chosen = Vec::new();
    for child in element.elements() {
        let local = &*child.name.local;
        if is(child, all) {
            return Ok(Choice::All);
        }
        if !is(child, local) || !keys.contains(&local) {
            let known: Vec<&str> = keys.iter().copied().chain([all]).collect();
            reading.remark(child, format!("{}; it chooses nothing", unknown(child, &known)));
            continue;
        }
        let text = child.token();
        if text.is_empty() {
            return Err(reading.fault(child, format!("an empty {local}")));
        }
        chosen.push(match local {
            "class" => Key::Class(text),
            "occurrence-id" => Key::Occurrence(text),
            "deviceID" => Key::Device(text),
            "service-uri" => Key::Uri(text),
            _ => Key::Scheme(text),
        });
    }
    Ok(Choice::Any(chosen))
}

fn unknown_attribute(
    element: &Element,
    reading: &mut Reading<'_>,
) -> Result<Option<Provided>, DocumentError> {
    let (Some(namespace), Some(local)) = (element.attribute("ns"), element.attribute("name"))
    else {
        let what = "provide-unknown-attribute needs the attributes ns and name";
        return Err(reading.fault(element, what));
    };
    let namespace = Namespace::from_uri(namespace.trim_matches(is_space));
    let name = Name::new(namespace, local.trim_matches(is_space));
    Ok(boolean(element, reading)?.then_some(Provided::Unknown(name)))
}

fn boolean(element: &Element, reading: &Reading<'_>) -> Result<bool, DocumentError> {
    match &*element.token() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        word => {
            let local = &element.name.local;
            Err(reading.fault(element, wrong_word(local, word, &["true", "false"])))
        }
    }
}

fn word<T: Copy>(
    element: &Element,
    all: &[T],
    name: impl Fn(T) -> &'static str,
    reading: &Reading<'_>,
) -> Result<T, DocumentError> {
    let word = element.token();
    let found = all.iter().copied().find(|value| name(*value) == word);
    found.ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(|value| name(*value)).collect();
        reading.fault(element, wrong_word(&element.name.local, &word, &names))
    })
}

/// The value is not repeated if it is long: it may be anything.
fn wrong_word(local: &str, word: &str, known: &[&str]) -> String {
    let shown: String = word.chars().take(32).collect::<String>().escape_debug().to_string();
    let advice = match nearest(word, known.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("write one of {}", known.join(", ")),
    };
    format!("{local} cannot be \"{shown}\"; {advice}")
}

/// Every transformation there is.
fn names() -> impl Iterator<Item = &'static str> {
    let attributes = ATTRIBUTES.iter().map(|(_, _, local)| *local);
    attributes.chain(OTHERS.iter().copied()).chain(["provide-dialog"])
}

fn is(element: &Element, local: &str) -> bool {
    *element.name.local == *local && element.name.namespace.uri() == NAMESPACE
}

fn namespace() -> Namespace {
    Namespace::from_uri(NAMESPACE)
}

fn leaf(local: &str, text: &str) -> Element {
    Element::new(namespace(), local).with_text(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(actions: &str, transformations: &str) -> String {
        format!(
            "<cr:ruleset xmlns:cr='urn:ietf:params:xml:ns:common-policy' xmlns='{NAMESPACE}' \
             xmlns:f='urn:x-fanal:presence:1' xmlns:x='urn:x'><cr:rule id='a'>\n\
             <cr:actions>{actions}</cr:actions>\n\
             <cr:transformations>{transformations}</cr:transformations></cr:rule></cr:ruleset>"
        )
    }

    fn read(actions: &str, transformations: &str) -> PresenceRules {
        let text = text(actions, transformations);
        PresenceRules::read(text.as_bytes(), None).unwrap_or_else(|fault| panic!("{text}: {fault}"))
    }

    #[test]
    fn every_transformation_is_read_back_as_it_was_written() {
        let attributes = ATTRIBUTES.iter().map(|(_, own, local)| {
            let prefix = if *own { "f:" } else { "" };
            format!("<{prefix}{local}>true</{prefix}{local}>")
        });
        let transformations = "<provide-services><service-uri>sip:a@h</service-uri>\
            <service-uri-scheme>tel</service-uri-scheme><occurrence-id>1</occurrence-id>\
            <class>c</class></provide-services><provide-devices><deviceID>urn:x:1</deviceID>\
            </provide-devices><provide-persons><all-persons/></provide-persons>\
            <provide-user-input>thresholds</provide-user-input>\
            <provide-unknown-attribute ns='urn:y' name='z'>1</provide-unknown-attribute>\
            <provide-all-attributes/><f:provide-dialog>parties</f:provide-dialog>";
        let attributes: String = attributes.collect();
        let rules =
            read("<sub-handling>confirm</sub-handling>", &format!("{attributes}{transformations}"));
        assert_eq!(rules.remarks, []);
        let [rule] = &rules.rules[..] else { panic!("{rules:?}") };
        assert_eq!(rule.handling, Some(SubHandling::Confirm));
        assert_eq!(rule.provided.len(), ATTRIBUTES.len() + 7);
        let written = rules.write();
        let again = PresenceRules::read(written.as_bytes(), None).expect("what we write");
        assert_eq!(again, rules);
        assert_eq!(again.write(), written);
    }

    #[test]
    fn what_is_not_provided_is_not_there() {
        let rules = read(
            "",
            "<provide-mood>false</provide-mood><provide-note>0</provide-note>\
             <provide-unknown-attribute ns='urn:y' name='z'>false</provide-unknown-attribute>",
        );
        assert_eq!(rules.rules[0].provided, []);
    }

    #[test]
    fn a_word_unheard_of_is_refused_with_its_line_and_the_nearest() {
        for (actions, transformations, line, what) in [
            ("<sub-handling>alow</sub-handling>", "", 2, "did you mean allow?"),
            ("", "<provide-mood>yes</provide-mood>", 3, "write one of true, false"),
            ("", "<provide-user-input>bar</provide-user-input>", 3, "did you mean bare?"),
            ("", "<f:provide-dialog>partys</f:provide-dialog>", 3, "did you mean parties?"),
            ("", "<provide-unknown-attribute>true</provide-unknown-attribute>", 3, "ns and name"),
            ("", "<provide-services><class> </class></provide-services>", 3, "an empty class"),
        ] {
            let text = text(actions, transformations);
            let fault = PresenceRules::read(text.as_bytes(), None).expect_err(&text);
            assert!(fault.what.contains(what) && fault.line == line, "{text}: {fault}");
        }
    }

    #[test]
    fn what_shows_nothing_is_remarked_on_with_what_may_have_been_meant() {
        for (actions, transformations, what) in [
            ("", "<provide-activites>true</provide-activites>", "did you mean provide-activities?"),
            ("", "<x:provide-mood>true</x:provide-mood>", "of namespace urn:x"),
            ("", "<provide-mood xmlns=''>true</provide-mood>", "of no namespace"),
            ("", "<provide-dialog>state</provide-dialog>", "provide-dialog"),
            ("<x:log/>", "", "of namespace urn:x"),
            ("", "<provide-services><clas>c</clas></provide-services>", "did you mean class?"),
            ("", "<provide-persons><deviceID>c</deviceID></provide-persons>", "chooses nothing"),
        ] {
            let rules = read(actions, transformations);
            let remarks: Vec<&str> = rules.remarks.iter().map(|r| r.what.as_str()).collect();
            assert!(remarks.concat().contains(what), "{actions}{transformations}: {remarks:?}");
        }
    }

    // RFC 5025 §3.2.1.
    #[test]
    fn handlings_are_ordered_as_their_values() {
        assert!(SubHandling::ALL.is_sorted());
        assert_eq!(SubHandling::ALL.map(SubHandling::handling), [0, 10, 20, 30]);
        for handling in SubHandling::ALL {
            assert_eq!(SubHandling::named(handling.name()), Some(handling));
        }
        let twice = "<sub-handling>polite-block</sub-handling><sub-handling>block</sub-handling>";
        assert_eq!(read(twice, "").rules[0].handling, Some(SubHandling::PoliteBlock));
    }
}
