//! All packages of this agent, and what each is called.

use std::sync::Arc;
use std::time::Duration;

use super::as_feature::AsFeature;
use super::dialog::Dialog;
use super::dnd::DndLamp;
use super::message_summary::MessageSummary;
use super::presence::Presence;
use super::state::{State, Typed};
use super::status::Settings;
use super::status::settings::InForce;
use super::winfo::Template;
use super::{EventPackage, EventState, Observation, Pace};
use crate::base::media::MediaType;
use crate::doc::filter::Salt;

/// A package by its place in the registry. Dialogs come before presence, which they feed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PackageId(pub u8);

impl PackageId {
    /// As an index of per-package arrays.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Every package served.
#[derive(Default)]
pub struct Registry {
    packages: Vec<Box<dyn Package>>,
    /// How many of them have state of their own; they stand first.
    stateful: usize,
    /// The names that Allow-Events has.
    names: String,
}

/// What the registry knows of a package, whatever its types.
pub trait Package: Send + Sync {
    /// The event type.
    fn name(&self) -> &'static str;
    /// What the Event header of its NOTIFYs has.
    fn event(&self) -> &'static str;
    /// Whether an Event header may name it.
    fn is_named(&self) -> bool;
    /// Media types written, the preferred one first.
    fn media(&self) -> &'static [MediaType];
    /// Media types read in a PUBLISH.
    fn reads(&self) -> &'static [MediaType];
    /// The average between two NOTIFYs.
    fn pace(&self) -> Pace;
    /// Lifetime of a subscription that names none.
    fn expires_default(&self) -> Duration;
    /// Whether PUBLISH may feed it.
    fn is_published(&self) -> bool;
    /// Whether an inside source says something to this package.
    fn takes(&self, seen: &Observation) -> bool;
    /// Empty state for one presentity; `None` if it has none of its own.
    fn open(&self) -> Option<Box<dyn EventState>>;
    /// The package whose watchers it tells, if it is a template (RFC 6665 §5.1).
    fn template_of(&self) -> Option<PackageId> {
        None
    }
}

impl Registry {
    /// Adds a package.
    #[must_use]
    pub fn with<P: EventPackage>(mut self, package: P) -> Registry {
        let package: Box<dyn Package> = Box::new(Typed::new(package));
        if package.is_named() {
            if !self.names.is_empty() {
                self.names.push_str(", ");
            }
            self.names.push_str(P::NAME);
        }
        self.packages.insert(self.stateful, package);
        self.stateful += 1;
        self
    }

    /// Adds the packages of the watchers of all others. They are named in no Allow-Events (RFC 6665
    /// §4.4.4). No package with state is added after them.
    #[must_use]
    pub fn with_watchers(mut self) -> Registry {
        for id in self.ids() {
            if let Some(template) = Template::of(self.package(id).name(), id) {
                self.packages.push(Box::new(template));
            }
        }
        self
    }

    /// The package whose watchers a package tells, if it is a template.
    pub fn template_of(&self, package: PackageId) -> Option<PackageId> {
        // Nearly none is.
        if package.index() < self.stateful { None } else { self.package(package).template_of() }
    }

    /// The package that tells the watchers of another.
    pub fn template_for(&self, package: PackageId) -> Option<PackageId> {
        let mut all = self.every_id();
        all.find(|id| self.package(*id).template_of() == Some(package))
    }

    /// Every package in order, those without state of their own last.
    pub fn every_id(&self) -> impl Iterator<Item = PackageId> + use<> {
        ids(self.packages.len())
    }

    /// The package of an Event header; compared octet by octet (RFC 6665 §8.2.1).
    pub fn named(&self, name: &str) -> Option<PackageId> {
        self.stored(name).filter(|id| self.package(*id).is_named())
    }

    /// The package that was written down under that name.
    pub fn stored(&self, name: &str) -> Option<PackageId> {
        let place = self.packages.iter().position(|package| package.name() == name)?;
        u8::try_from(place).ok().map(PackageId)
    }

    /// The package itself.
    pub fn package(&self, id: PackageId) -> &dyn Package {
        &*self.packages[id.index()]
    }

    /// Every package that has state of its own, in order.
    pub fn ids(&self) -> impl Iterator<Item = PackageId> + use<> {
        ids(self.stateful)
    }

    /// How many packages there are with state of their own.
    pub fn len(&self) -> usize {
        self.stateful
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.packages.is_empty()
    }

    /// The value of Allow-Events (RFC 6665 §8.2.2).
    pub fn allow_events(&self) -> &str {
        &self.names
    }

    /// The value of Accept in an answer to OPTIONS: every type some package reads.
    pub fn accept(&self) -> String {
        let types: Vec<String> = self
            .packages
            .iter()
            .filter(|package| package.is_named())
            .flat_map(|package| package.reads())
            .map(|media| media.to_string())
            .collect();
        types.join(", ")
    }
}

fn ids(count: usize) -> impl Iterator<Item = PackageId> {
    (0..count).filter_map(|place| u8::try_from(place).ok().map(PackageId))
}

/// Every package of this agent.
pub fn all(pre_answer_max: Duration) -> Registry {
    all_by(pre_answer_max, Arc::default())
}

/// Every package of this agent, statuses composed by these settings.
pub fn all_by(pre_answer_max: Duration, settings: Arc<Settings>) -> Registry {
    agent(
        Dialog { pre_answer_max, salt: Salt::default() },
        Presence { settings: Arc::new(InForce::new(settings)), ..Presence::default() },
    )
}

/// Every package of this agent, made of these.
pub fn agent(dialog: Dialog, presence: Presence) -> Registry {
    // Lamps and keys follow presence, which follows calls.
    let registry = Registry::default().with(dialog).with(presence).with(MessageSummary);
    registry.with(DndLamp).with(AsFeature).with_watchers()
}

impl<P: EventPackage> Package for Typed<P> {
    fn name(&self) -> &'static str {
        P::NAME
    }

    fn event(&self) -> &'static str {
        P::EVENT
    }

    fn is_named(&self) -> bool {
        P::NAMED
    }

    fn media(&self) -> &'static [MediaType] {
        P::MEDIA
    }

    fn reads(&self) -> &'static [MediaType] {
        P::READS
    }

    fn pace(&self) -> Pace {
        P::PACE
    }

    fn expires_default(&self) -> Duration {
        P::EXPIRES_DEFAULT
    }

    fn is_published(&self) -> bool {
        P::PUBLISHED
    }

    fn takes(&self, seen: &Observation) -> bool {
        self.shared().observe(seen).is_some()
    }

    fn open(&self) -> Option<Box<dyn EventState>> {
        Some(Box::new(State::new(self.shared())))
    }
}
