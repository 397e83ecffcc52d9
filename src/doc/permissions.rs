//! What a watcher may see of a document: small, comparable, so that watchers with equal
//! permissions share one view and one serialised body.

use std::collections::BTreeSet;

use crate::doc::element::Name;
use crate::doc::rules::{Attribute, Choice, DialogShare, Key, Provided, UserInput};

/// What may be seen. Begins with nothing, and permissions only add to it (RFC 4745 §10.2).
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Permissions {
    /// Services.
    pub services: Chosen,
    /// Devices.
    pub devices: Chosen,
    /// Persons.
    pub persons: Chosen,
    /// Attributes of whatever is chosen.
    pub attributes: Attributes,
    /// So much of `user-input`.
    pub user_input: UserInput,
    /// Attributes that no permission knows, by name.
    pub unknown: BTreeSet<Name>,
    /// Every attribute that no permission knows.
    pub every_unknown: bool,
    /// So much of calls.
    pub dialog: DialogShare,
    /// What of it the organisation withholds.
    pub narrowing: Narrowing,
}

/// Which services, devices or persons.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Chosen {
    /// All of them.
    All,
    /// Those that any of these fits.
    Any(BTreeSet<Key>),
}

/// A set of attributes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Attributes(u32);

/// What an organisation withholds of what was provided, and what it adds.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Narrowing {
    /// Services of these classes are withheld; in lower case.
    pub hidden_classes: BTreeSet<String>,
    /// If any: only services of these classes are shown; in lower case.
    pub only_classes: Option<BTreeSet<String>>,
    /// Beside those of `only_classes`, services without a class are shown, but not how to reach
    /// them.
    pub unclassed_bare: bool,
    /// Services of these classes are shown whatever the person's rules choose; in lower case.
    pub shown_classes: BTreeSet<String>,
    /// Services are shown without the way to reach them.
    pub no_contacts: bool,
    /// Ends of states are withheld wherever they stand.
    pub no_until: bool,
    /// Places are shown no finer than a town.
    pub coarse_location: bool,
    /// Who else to turn to: shown as a service of its own.
    pub alternate: Option<Alternate>,
}

/// Somebody to turn to instead.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Alternate {
    /// How to reach them.
    pub contact: String,
    /// Who they are.
    pub name: Option<String>,
}

impl Permissions {
    /// Nothing may be seen: neither services nor persons nor devices nor calls.
    pub fn nothing() -> Permissions {
        Permissions::default()
    }

    /// Everything may be seen, as it is.
    pub fn everything() -> Permissions {
        let mut all = Permissions {
            services: Chosen::All,
            devices: Chosen::All,
            persons: Chosen::All,
            dialog: DialogShare::Full,
            ..Permissions::default()
        };
        all.add_all_attributes();
        all
    }

    /// Whether everything may be seen, so that nothing need be left out.
    pub fn is_everything(&self) -> bool {
        *self == Permissions::everything()
    }

    /// Adds what one transformation provides: booleans by or, numbers by maximum, sets by union.
    pub fn add(&mut self, provided: &Provided) {
        match provided {
            Provided::Services(choice) => self.services.add(choice),
            Provided::Devices(choice) => self.devices.add(choice),
            Provided::Persons(choice) => self.persons.add(choice),
            Provided::Attribute(attribute) => self.add_attribute(*attribute),
            Provided::UserInput(input) => self.user_input = self.user_input.max(*input),
            Provided::Unknown(name) if !self.every_unknown => {
                self.unknown.insert(name.clone());
            }
            Provided::Unknown(_) => {}
            Provided::AllAttributes => self.add_all_attributes(),
            Provided::Dialog(share) => self.dialog = self.dialog.max(*share),
        }
    }

    fn add_attribute(&mut self, attribute: Attribute) {
        self.attributes.insert(attribute);
        if attribute == Attribute::Activities {
            // Who may see that somebody is on the phone may see the lamp; not with whom.
            self.dialog = self.dialog.max(DialogShare::State);
        }
    }

    fn add_all_attributes(&mut self) {
        Attribute::all().for_each(|attribute| self.add_attribute(attribute));
        self.user_input = UserInput::Full;
        self.every_unknown = true;
        self.unknown.clear();
    }

    /// What of it counts for one event package: who may see the same there has the same.
    #[must_use]
    pub fn of_package(&self, package: &str) -> Permissions {
        let everything = Permissions::everything();
        match package {
            "presence" => Permissions { dialog: everything.dialog, ..self.clone() },
            "dialog" if self.dialog < everything.dialog => {
                Permissions { dialog: self.dialog, ..Permissions::nothing() }
            }
            _ => everything,
        }
    }

    /// Whether an attribute may be seen.
    pub fn provides(&self, attribute: Attribute) -> bool {
        self.attributes.contains(attribute)
    }

    /// How much of calls may be seen.
    pub fn dialog(&self) -> DialogShare {
        self.dialog
    }

    /// How much of `user-input` may be seen.
    pub fn user_input(&self) -> UserInput {
        self.user_input
    }

    /// Every permission in a word, in a fixed order: for the audit. No word repeats what stands
    /// in a document, or what a person wrote into a rule.
    pub fn words(&self) -> Vec<String> {
        self.told(false)
    }

    /// Every permission with all that it says, in a fixed order: for the person and the operator.
    pub fn phrases(&self) -> Vec<String> {
        self.told(true)
    }

    fn told(&self, whole: bool) -> Vec<String> {
        let mut words = Vec::new();
        for (name, chosen) in
            [("services", &self.services), ("devices", &self.devices), ("persons", &self.persons)]
        {
            words.extend(chosen.word(name, whole));
        }
        let attributes = Attribute::all().filter(|attribute| self.provides(*attribute));
        words.extend(attributes.map(|attribute| attribute.name().to_owned()));
        if self.user_input > UserInput::Nothing {
            words.push(format!("user-input={}", self.user_input.name()));
        }
        let unknown = self.unknown.iter().map(|name| match whole {
            true => format!("unknown={} of {}", name.local, name.namespace.uri()),
            false => format!("unknown={}", name.local),
        });
        words.extend(unknown);
        words.extend(self.every_unknown.then(|| "unknown=all".to_owned()));
        if self.dialog > DialogShare::Nothing {
            words.push(format!("dialog={}", self.dialog.name()));
        }
        words.extend(self.narrowing.words(whole));
        words
    }
}

impl Default for Chosen {
    fn default() -> Chosen {
        Chosen::Any(BTreeSet::new())
    }
}

impl Chosen {
    fn add(&mut self, choice: &Choice) {
        match (&mut *self, choice) {
            (Chosen::All, _) => {}
            (_, Choice::All) => *self = Chosen::All,
            (Chosen::Any(own), Choice::Any(more)) => own.extend(more.iter().cloned()),
        }
    }

    fn word(&self, name: &str, whole: bool) -> Option<String> {
        let keys = match self {
            Chosen::All => return Some(format!("{name}=all")),
            Chosen::Any(keys) if keys.is_empty() => return None,
            Chosen::Any(keys) => keys,
        };
        let each = keys.iter().map(|key| {
            let (kind, text) = match key {
                Key::Class(text) => ("class", text),
                Key::Occurrence(text) => ("id", text),
                Key::Device(text) => ("device", text),
                Key::Uri(text) => ("uri", text),
                Key::Scheme(text) => ("scheme", text),
            };
            if whole { format!("{kind}:{text}") } else { kind.to_owned() }
        });
        let mut each: Vec<String> = each.collect();
        each.dedup();
        Some(format!("{name}={}", each.join(",")))
    }
}

impl Attributes {
    /// Adds one.
    pub fn insert(&mut self, attribute: Attribute) {
        self.0 |= 1 << attribute as u32;
    }

    /// Takes one away.
    pub fn remove(&mut self, attribute: Attribute) {
        self.0 &= !(1 << attribute as u32);
    }

    /// Whether it is among them.
    pub fn contains(self, attribute: Attribute) -> bool {
        self.0 & (1 << attribute as u32) != 0
    }
}

impl Narrowing {
    fn words(&self, whole: bool) -> Vec<String> {
        let each = |name: &str, classes: &BTreeSet<String>| {
            classes.iter().map(|class| format!("{name}:{class}")).collect::<Vec<_>>()
        };
        let mut words = each("-contact", &self.hidden_classes);
        words.extend(self.only_classes.iter().flat_map(|classes| each("only-contact", classes)));
        words.extend(each("+alternate", &self.shown_classes));
        let flags = [
            (self.no_contacts, "-contact"),
            (self.no_until, "-until"),
            (self.coarse_location, "location=coarse"),
        ];
        words.extend(flags.into_iter().filter(|(set, _)| *set).map(|(_, word)| word.to_owned()));
        words.extend(self.alternate.as_ref().map(|alternate| match whole {
            true => format!("+{}", alternate.contact),
            false => "+alternate".to_owned(),
        }));
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doc::namespace::Namespace;

    fn of(provided: &[Provided]) -> Permissions {
        let mut permissions = Permissions::nothing();
        provided.iter().for_each(|one| permissions.add(one));
        permissions
    }

    fn class(text: &str) -> Provided {
        Provided::Services(Choice::Any(vec![Key::Class(text.to_owned())]))
    }

    // RFC 4745 §10.2.
    #[test]
    fn permissions_add_up_in_any_order() {
        let foo = Provided::Unknown(Name::new(Namespace::from_uri("urn:foo"), "foo"));
        let all = [
            class("work"),
            class("home"),
            Provided::Attribute(Attribute::Mood),
            Provided::UserInput(UserInput::Thresholds),
            Provided::UserInput(UserInput::Bare),
            Provided::Dialog(DialogShare::Parties),
            Provided::Dialog(DialogShare::Nothing),
            foo,
            Provided::AllAttributes,
            Provided::Services(Choice::All),
        ];
        let backwards: Vec<Provided> = all.iter().rev().cloned().collect();
        assert_eq!(of(&all), of(&backwards));
        assert_eq!(of(&all[..4]).user_input(), UserInput::Thresholds);
        assert_eq!(of(&all[..7]).dialog(), DialogShare::Parties);
        assert_eq!(of(&all[..2]).words(), ["services=class"]);
        assert_eq!(of(&all[..2]).phrases(), ["services=class:home,class:work"]);
    }

    #[test]
    fn who_may_see_activities_may_see_the_lamp_but_not_with_whom() {
        assert_eq!(of(&[Provided::Attribute(Attribute::Activities)]).dialog(), DialogShare::State);
        assert_eq!(of(&[Provided::AllAttributes]).dialog(), DialogShare::State);
        assert_eq!(of(&[Provided::Attribute(Attribute::Mood)]).dialog(), DialogShare::Nothing);
    }

    #[test]
    fn everything_is_more_than_all_attributes() {
        assert!(Permissions::everything().is_everything());
        assert!(!of(&[Provided::AllAttributes]).is_everything());
        let every_kind = [
            Provided::Services(Choice::All),
            Provided::Devices(Choice::All),
            Provided::Persons(Choice::All),
            Provided::AllAttributes,
            Provided::Dialog(DialogShare::Full),
        ];
        assert!(of(&every_kind).is_everything());
    }

    #[test]
    fn every_attribute_has_a_bit_of_its_own() {
        for attribute in Attribute::all() {
            let mut set = Attributes::default();
            set.insert(attribute);
            assert_eq!(Attribute::all().filter(|other| set.contains(*other)).count(), 1);
            set.remove(attribute);
            assert_eq!(set, Attributes::default());
        }
    }
}
