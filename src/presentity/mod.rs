//! One presentity: publications in, composed documents out.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::base::identity::Aor;
use crate::base::media::MediaType;
use crate::base::mint::HomeHash;
use crate::base::time::{Now, Wall};
use crate::doc::permissions::Permissions;
use crate::doc::view::View;
use crate::event::profile::Profile;
use crate::event::state::Rendered;
use crate::event::status::Lease;
use crate::event::{
    Circumstances, EventState, Generation, Observation, PackageId, Registry, Seen, Source,
};

pub mod publication;

pub use publication::{Kept, Offered, Publication, PublicationKey, Slot};

/// The states of the packages in which something is known or watched. Of most people that is their
/// calls and their presence.
type States = SmallVec<[(PackageId, Box<dyn EventState>); 2]>;

/// One AoR and all event state known about it, whatever the package.
pub struct Presentity {
    /// Whose state this is.
    pub aor: Aor,
    /// The home hash of the AoR.
    pub home: HomeHash,
    publications: Vec<Publication>,
    next_source: u32,
    states: States,
    /// One bit per package whose parts changed since it was composed.
    dirty: u32,
    /// Those of them that are not composed before somebody watches.
    waiting: u32,
}

/// What one package's recomposition means to others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settled {
    /// The package.
    pub package: PackageId,
    /// Whether watchers have something new to see.
    pub changed: bool,
    /// When to compose again although nothing arrives.
    pub again: Option<Wall>,
}

impl Presentity {
    /// Nothing is known of it yet.
    pub fn new(aor: Aor, home: HomeHash) -> Presentity {
        Presentity {
            aor,
            home,
            publications: Vec::new(),
            next_source: 0,
            states: SmallVec::new(),
            dirty: 0,
            waiting: 0,
        }
    }

    /// Marks a package to be composed at the next [`Presentity::settle`].
    pub fn touch(&mut self, package: PackageId) {
        self.dirty |= 1 << package.0;
    }

    /// Marks what waited for somebody to watch a package: the package, and those that feed it.
    pub fn wake(&mut self, package: PackageId) {
        let fed = u32::MAX >> (31 - u32::from(package.0));
        self.dirty |= self.waiting & fed;
        self.waiting &= !fed;
    }

    /// Marks all that waited.
    pub fn wake_all(&mut self) {
        self.dirty |= std::mem::take(&mut self.waiting);
    }

    /// Whether some package is to be composed.
    pub fn is_dirty(&self) -> bool {
        self.dirty != 0
    }

    /// Tells every package what an inside source has to say.
    pub fn observe(&mut self, registry: &Registry, source: Source, seen: &Observation, now: Now) {
        for package in registry.ids() {
            // Nothing is opened only to be told of nothing.
            let is_concerned =
                self.opened(package).is_some() || registry.package(package).takes(seen);
            if is_concerned && self.state(registry, package).observe(source, seen, now) {
                self.touch(package);
            }
        }
    }

    /// Composes every package that changed, each once; those that feed others first. `each` is
    /// told what became of them. `is_watched`: whether somebody sees what becomes of a package.
    pub fn settle(
        &mut self,
        registry: &Registry,
        now: Now,
        is_watched: impl Fn(PackageId) -> bool,
        mut each: impl FnMut(Settled),
    ) {
        for package in registry.ids() {
            let bit = 1 << package.0;
            if self.dirty & bit == 0 {
                continue;
            }
            self.dirty &= !bit;
            let Presentity { aor, states, waiting, .. } = self;
            let state = state(states, registry, package);
            if !is_watched(package) && state.may_wait() {
                *waiting |= bit;
                continue;
            }
            *waiting &= !bit;
            let recomposed = state.compose(aor, now);
            let derived = if recomposed.changed { state.derived() } else { None };
            let source = match &derived {
                Some(Observation::Lines(_)) => Some(Source::Lines),
                Some(Observation::Person(_)) => Some(Source::Person),
                _ => None,
            };
            if let (Some(source), Some(seen)) = (source, &derived) {
                self.observe(registry, source, seen, now);
            }
            each(Settled { package, changed: recomposed.changed, again: recomposed.again });
        }
    }

    /// The document of a package for one view, as a watcher that has seen so much should read it. True if it had to be serialised.
    pub fn rendered(
        &mut self,
        registry: &Registry,
        package: PackageId,
        view: View<'_>,
        media: &MediaType,
        seen: Seen,
    ) -> (Arc<Rendered>, bool) {
        self.rendered_for(Profile::default(), registry, package, view, media, seen)
    }

    /// As [`Presentity::rendered`], for a device of a profile.
    pub fn rendered_for(
        &mut self,
        profile: Profile,
        registry: &Registry,
        package: PackageId,
        view: View,
        media: &MediaType,
        seen: Seen,
    ) -> (Arc<Rendered>, bool) {
        let Presentity { aor, states, .. } = self;
        state(states, registry, package).rendered_for(profile, aor, view, media, seen)
    }

    /// Nobody sees this view of a package any more.
    pub fn forget_view(&mut self, package: PackageId, permissions: &Arc<Permissions>) {
        if let Some((_, state)) = self.states.iter_mut().find(|(known, _)| *known == package) {
            state.forget_view(permissions);
        }
    }

    /// Since when the person would take a call, by the document of a package.
    pub fn free_since(&self, package: PackageId) -> Option<Wall> {
        self.opened(package)?.free_since()
    }

    /// What of the person rules may depend on, by the document of a package.
    pub fn circumstances(&self, package: PackageId) -> Circumstances {
        self.opened(package).map(EventState::circumstances).unwrap_or_default()
    }

    /// The number of a package's current document.
    pub fn generation(&self, package: PackageId) -> Generation {
        self.opened(package).map_or(Generation::default(), |state| state.generation())
    }

    /// Live publications, all packages.
    pub fn publications(&self) -> &[Publication] {
        &self.publications
    }

    /// Everything that is said of the person, with its source.
    pub fn leases(&self) -> Vec<(Source, Lease)> {
        self.states.iter().flat_map(|(_, state)| state.leases()).collect()
    }

    /// Whether nothing is known of it: it may be forgotten, if nobody watches.
    pub fn is_empty(&self) -> bool {
        self.publications.is_empty() && self.states.iter().all(|(_, state)| state.sources() == 0)
    }

    fn opened(&self, package: PackageId) -> Option<&dyn EventState> {
        let (_, state) = self.states.iter().find(|(known, _)| *known == package)?;
        Some(&**state)
    }

    fn state(&mut self, registry: &Registry, package: PackageId) -> &mut dyn EventState {
        state(&mut self.states, registry, package)
    }
}

/// The state of a package, opened if nothing was said in it before.
fn state<'a>(
    states: &'a mut States,
    registry: &Registry,
    package: PackageId,
) -> &'a mut dyn EventState {
    let place = states.iter().position(|(known, _)| *known == package).unwrap_or_else(|| {
        let state = registry.package(package).open().expect("a package with state of its own");
        states.push((package, state));
        states.len() - 1
    });
    &mut *states[place].1
}
