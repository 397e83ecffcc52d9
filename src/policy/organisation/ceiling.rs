//! One ceiling: what it withholds from whom, and when.

use std::collections::BTreeSet;

use super::who::{Anybody, Who};
use crate::doc::permissions::{Alternate, Permissions};
use crate::doc::rules::{Attribute, DialogShare, SubHandling, UserInput};
use crate::policy::decide::{Asking, Granted};
use crate::policy::explain::Reason;
use crate::policy::rules::RuleId;

/// What is withheld from whom, and when.
#[derive(Clone, Debug)]
pub(super) struct Ceiling {
    pub id: RuleId,
    /// The watchers it concerns.
    pub who: Who,
    /// The persons it concerns.
    pub of: Who,
    /// Only while they work, or only while they do not.
    pub off_work: Option<bool>,
    /// The most that becomes of a subscription.
    pub most: Option<SubHandling>,
    /// If any: everything else is withheld.
    pub allow: Option<Vec<Facet>>,
    pub hide: Vec<Facet>,
    /// Services of these classes are shown, and whoever is to be asked instead.
    pub show_alternates: Vec<String>,
}

/// A part of what can be seen, as a policy names it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Facet {
    /// Whether somebody can be reached.
    Basic,
    /// How somebody can be reached: by services of a class, or by all.
    Contact(Option<String>),
    Attribute(Attribute),
    /// Every word on where somebody is.
    Place,
    /// When somebody last did something.
    LastInput,
    /// Whether somebody does something.
    UserInput,
    Devices,
    Persons,
    /// What no permission knows.
    Unknown,
    /// Calls: all about them from this share on.
    Dialog(DialogShare),
}

impl Facet {
    /// Words without anything behind a colon.
    pub const WORDS: &'static [(&'static str, Facet)] = &[
        ("basic", Facet::Basic),
        ("contact", Facet::Contact(None)),
        ("activities", Facet::Attribute(Attribute::Activities)),
        ("class", Facet::Attribute(Attribute::Class)),
        ("device-id", Facet::Attribute(Attribute::DeviceId)),
        ("mood", Facet::Attribute(Attribute::Mood)),
        ("note", Facet::Attribute(Attribute::Note)),
        ("place", Facet::Place),
        ("privacy", Facet::Attribute(Attribute::Privacy)),
        ("relationship", Facet::Attribute(Attribute::Relationship)),
        ("status-icon", Facet::Attribute(Attribute::StatusIcon)),
        ("sphere", Facet::Attribute(Attribute::Sphere)),
        ("time-offset", Facet::Attribute(Attribute::TimeOffset)),
        ("until", Facet::Attribute(Attribute::Until)),
        ("location", Facet::Attribute(Attribute::Location)),
        ("last-input", Facet::LastInput),
        ("user-input", Facet::UserInput),
        ("devices", Facet::Devices),
        ("persons", Facet::Persons),
        ("unknown", Facet::Unknown),
        ("dialog", Facet::Dialog(DialogShare::State)),
        ("dialog:parties", Facet::Dialog(DialogShare::Parties)),
        ("dialog:pickup", Facet::Dialog(DialogShare::Full)),
    ];

    /// Its word.
    pub fn word(&self) -> String {
        if let Facet::Contact(Some(class)) = self {
            return format!("contact:{class}");
        }
        let row = Facet::WORDS.iter().find(|(_, facet)| facet == self);
        row.map_or("", |(word, _)| word).to_owned()
    }

    /// By its word.
    pub fn named(word: &str) -> Option<Facet> {
        if let Some(class) = word.strip_prefix("contact:").filter(|class| !class.is_empty()) {
            return Some(Facet::Contact(Some(class.to_lowercase())));
        }
        Facet::WORDS.iter().find(|(name, _)| *name == word).map(|(_, facet)| facet.clone())
    }
}

impl Ceiling {
    /// Whether it is about these two at all.
    pub fn concerns(&self, asking: &Asking<'_>) -> bool {
        self.who.means(asking) && self.of.means(&Anybody(asking.presentity))
    }

    pub fn depends_on_work(&self) -> bool {
        self.off_work.is_some()
    }

    pub fn applies(&self, off_work: bool) -> bool {
        self.off_work.is_none_or(|wanted| wanted == off_work)
    }

    /// What it does, in words.
    pub fn reason(&self, off_work: bool) -> Reason {
        let when = self.off_work.map(|wanted| {
            let words = if wanted { "the person does not work" } else { "the person works" };
            (words.to_owned(), wanted == off_work)
        });
        let list = |verb: &str, facets: &[Facet]| {
            let words: Vec<String> = facets.iter().map(Facet::word).collect();
            format!("{verb} {}", words.join(", "))
        };
        let mut effect = Vec::new();
        effect.extend(self.most.map(|most| format!("at most {most}")));
        effect.extend(self.allow.as_ref().map(|allowed| list("shows only", allowed)));
        effect.extend((!self.hide.is_empty()).then(|| list("hides", &self.hide)));
        let alternates = self.show_alternates.iter();
        effect.extend(alternates.map(|class| format!("shows alternate:{class}")));
        Reason {
            id: self.id.to_string(),
            applies: self.applies(off_work),
            conditions: when.into_iter().collect(),
            effect,
        }
    }

    /// Takes away what it withholds, and adds who is to be asked instead.
    pub fn narrow(&self, granted: &mut Granted, alternate: impl Fn() -> Option<Alternate>) {
        if let Some(most) = self.most {
            granted.handling = granted.handling.min(most);
        }
        let permissions = &mut granted.permissions;
        if let Some(allowed) = &self.allow {
            permissions.allow_only(allowed);
        }
        self.hide.iter().for_each(|facet| permissions.withhold(facet));
        if !self.show_alternates.is_empty() {
            let shown = self.show_alternates.iter().cloned();
            permissions.narrowing.shown_classes.extend(shown);
            let instead = permissions.narrowing.alternate.take().or_else(alternate);
            permissions.narrowing.alternate = instead;
        }
    }
}

impl Permissions {
    /// Withholds an attribute.
    pub(super) fn hide(&mut self, attribute: Attribute) {
        self.attributes.remove(attribute);
        if attribute == Attribute::Location {
            self.unknown.retain(|name| !crate::doc::filter::is_location(name));
        }
        if attribute == Attribute::Until {
            self.narrowing.no_until = true;
        }
    }

    fn withhold(&mut self, facet: &Facet) {
        match facet {
            Facet::Basic => self.services = Default::default(),
            Facet::Contact(None) => self.narrowing.no_contacts = true,
            Facet::Contact(Some(class)) => {
                self.narrowing.hidden_classes.insert(class.clone());
            }
            Facet::Attribute(attribute) => self.hide(*attribute),
            Facet::Place => PLACES.iter().for_each(|attribute| self.hide(*attribute)),
            Facet::LastInput => self.user_input = self.user_input.min(UserInput::Thresholds),
            Facet::UserInput => self.user_input = UserInput::Nothing,
            Facet::Devices => self.devices = Default::default(),
            Facet::Persons => self.persons = Default::default(),
            Facet::Unknown => {
                self.every_unknown = false;
                self.unknown.clear();
            }
            Facet::Dialog(share) => self.dialog = self.dialog.min(below(*share)),
        }
    }

    /// Withholds all but these.
    fn allow_only(&mut self, allowed: &[Facet]) {
        let has = |facet: &Facet| allowed.contains(facet);
        for attribute in Attribute::all() {
            let in_place = PLACES.contains(&attribute) && has(&Facet::Place);
            if !in_place && !has(&Facet::Attribute(attribute)) {
                self.hide(attribute);
            }
        }
        let user_input = match (has(&Facet::LastInput), has(&Facet::UserInput)) {
            (true, _) => UserInput::Full,
            (false, true) => UserInput::Thresholds,
            (false, false) => UserInput::Nothing,
        };
        self.user_input = self.user_input.min(user_input);
        if !has(&Facet::Devices) {
            self.withhold(&Facet::Devices);
        }
        let of_persons = |facet: &Facet| {
            matches!(facet, Facet::Persons | Facet::Place | Facet::LastInput | Facet::UserInput)
                || matches!(facet, Facet::Attribute(attribute) if OF_PERSONS.contains(attribute))
        };
        if !allowed.iter().any(of_persons) {
            self.withhold(&Facet::Persons);
        }
        if !has(&Facet::Unknown) {
            self.withhold(&Facet::Unknown);
        }
        let shares = allowed.iter().filter_map(|facet| match facet {
            Facet::Dialog(share) => Some(*share),
            _ => None,
        });
        self.dialog = self.dialog.min(shares.max().unwrap_or_default());
        self.allow_only_contacts(allowed);
    }

    fn allow_only_contacts(&mut self, allowed: &[Facet]) {
        if allowed.contains(&Facet::Contact(None)) {
            return;
        }
        let classes = allowed.iter().filter_map(|facet| match facet {
            Facet::Contact(class) => class.clone(),
            _ => None,
        });
        let classes: BTreeSet<String> = classes.collect();
        if classes.is_empty() {
            match allowed.contains(&Facet::Basic) {
                true => self.narrowing.no_contacts = true,
                false => self.withhold(&Facet::Basic),
            }
            return;
        }
        let narrowing = &mut self.narrowing;
        let bare = allowed.contains(&Facet::Basic);
        narrowing.unclassed_bare =
            bare && (narrowing.unclassed_bare || narrowing.only_classes.is_none());
        narrowing.only_classes = Some(match narrowing.only_classes.take() {
            Some(before) => before.intersection(&classes).cloned().collect(),
            None => classes,
        });
    }
}

/// Attributes that say where somebody is.
const PLACES: [Attribute; 3] = [Attribute::PlaceIs, Attribute::PlaceType, Attribute::Location];

/// Attributes that stand in a person: who names one of them wants to see the person.
const OF_PERSONS: [Attribute; 9] = [
    Attribute::Activities,
    Attribute::Mood,
    Attribute::Note,
    Attribute::PlaceIs,
    Attribute::PlaceType,
    Attribute::Sphere,
    Attribute::TimeOffset,
    Attribute::Until,
    Attribute::Location,
];

fn below(share: DialogShare) -> DialogShare {
    match share {
        DialogShare::Full => DialogShare::Parties,
        DialogShare::Parties => DialogShare::State,
        DialogShare::State | DialogShare::Nothing => DialogShare::Nothing,
    }
}
