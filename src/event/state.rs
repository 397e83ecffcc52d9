//! The state of one presentity in one package: parts in, one document, bodies out. Behind the
//! trait parts and document keep their types.

use std::hash::Hasher;
use std::sync::Arc;

use bytes::Bytes;

use super::profile::Profile;
use super::share::Shares;
use super::status::Lease;
use super::{
    Circumstances, Composed, Entry, EventPackage, Generation, Observation, Octets, Seen, Source,
    Wanted,
};
use crate::base::identity::Aor;
use crate::base::media::MediaType;
use crate::base::time::{Now, Wall};
use crate::doc::body::Body;
use crate::doc::permissions::Permissions;
use crate::doc::view::View;
use crate::sip::refusal::Refusal;

/// A body and a fingerprint of its octets, version left out.
#[derive(Clone)]
pub struct Rendered {
    /// The body.
    pub body: Body,
    /// Equal bodies have equal fingerprints.
    pub fingerprint: u64,
}

impl From<Body> for Rendered {
    fn from(body: Body) -> Rendered {
        Rendered { fingerprint: fingerprint(&body), body }
    }
}

/// What a recomposition gave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Recomposed {
    /// Whether any watcher could see a difference.
    pub changed: bool,
    /// When to compose again although nothing arrives.
    pub again: Option<Wall>,
}

/// State of one presentity in one package, whatever its types.
pub trait EventState: Send {
    /// Reads a publication and keeps it in place of what its source said before.
    fn put(
        &mut self,
        source: Source,
        publisher: &str,
        octets: Octets<'_>,
        now: Now,
    ) -> Result<(), Refusal>;
    /// What a source says as a document of its own, where its last body alone is not all of it.
    fn whole(&self, aor: &Aor, source: Source) -> Option<Bytes>;
    /// Keeps what an inside source says, if this package cares. True if it took it.
    fn observe(&mut self, source: Source, seen: &Observation, now: Now) -> bool;
    /// Forgets a source. True if it was known.
    fn remove(&mut self, source: Source) -> bool;
    /// Whether composing may wait until somebody watches.
    fn may_wait(&self) -> bool;
    /// Merges all parts into the document.
    fn compose(&mut self, aor: &Aor, now: Now) -> Recomposed;
    /// What the document tells other packages.
    fn derived(&self) -> Option<Observation>;
    /// What the sources say of the person.
    fn leases(&self) -> Vec<(Source, Lease)>;
    /// The number of the current document.
    fn generation(&self) -> Generation;
    /// The document as a watcher that has seen so much should read it; serialised once for
    /// all watchers alike.
    fn rendered(
        &mut self,
        aor: &Aor,
        view: View<'_>,
        media: &MediaType,
        seen: Seen,
    ) -> (Arc<Rendered>, bool) {
        self.rendered_for(Profile::default(), aor, view, media, seen)
    }
    /// As [`EventState::rendered`], for a device of a profile.
    fn rendered_for(
        &mut self,
        profile: Profile,
        aor: &Aor,
        view: View,
        media: &MediaType,
        seen: Seen,
    ) -> (Arc<Rendered>, bool);
    /// Nobody sees this view any more.
    fn forget_view(&mut self, permissions: &Arc<Permissions>);
    /// Since when the person would take a call, as far as that was seen to begin.
    fn free_since(&self) -> Option<Wall>;
    /// What of the person rules may depend on.
    fn circumstances(&self) -> Circumstances;
    /// How many sources there are.
    fn sources(&self) -> usize;
}

/// A typed package, shared by the states of all presentities.
pub struct Typed<P>(Arc<P>);

impl<P> Typed<P> {
    /// Wraps a package once.
    pub fn new(package: P) -> Typed<P> {
        Typed(Arc::new(package))
    }

    /// Another handle on it.
    pub fn shared(&self) -> Arc<P> {
        Arc::clone(&self.0)
    }
}

/// The typed side of [`EventState`].
pub struct State<P: EventPackage> {
    package: Arc<P>,
    parts: Vec<Entry<P::Part>>,
    document: P::Document,
    generation: Generation,
    bodies: Vec<(Shelf, Arc<Rendered>)>,
    /// What is shown to those who may see a part; `None` if there are none.
    shares: Option<Box<Shares>>,
}

/// Which body: the view, the variant, the place of the media type in the package's list, and the
/// profile.
type Shelf = (View<'static>, u64, u8, u8);

/// Bodies kept of one document; more variants than this are serialised anew for each watcher.
const BODIES_MAX: usize = 8;

impl<P: EventPackage> State<P> {
    /// Knows nothing yet.
    pub fn new(package: Arc<P>) -> State<P> {
        State {
            package,
            parts: Vec::new(),
            document: P::Document::default(),
            generation: Generation::default(),
            bodies: Vec::new(),
            shares: None,
        }
    }

    fn keep(&mut self, source: Source, publisher: &str, updated: Wall, mut part: P::Part) {
        let found = self.parts.binary_search_by_key(&source, |entry| entry.source);
        let before = found.ok().map(|place| &self.parts[place].part);
        self.package.date(&mut part, before, updated);
        match found {
            Ok(place) => {
                let entry = &mut self.parts[place];
                entry.updated = updated;
                entry.part = part;
                if *entry.publisher != *publisher {
                    entry.publisher = publisher.into();
                }
            }
            Err(place) => {
                let entry = Entry { source, publisher: publisher.into(), updated, part };
                self.parts.reserve_exact(1); // Most have one.
                self.parts.insert(place, entry);
            }
        }
    }
}

impl<P: EventPackage> EventState for State<P> {
    fn put(
        &mut self,
        source: Source,
        publisher: &str,
        octets: Octets<'_>,
        now: Now,
    ) -> Result<(), Refusal> {
        let previous = self.parts.iter().find(|entry| entry.source == source);
        let part = self.package.parse(octets, previous.map(|entry| &entry.part))?;
        self.keep(source, publisher, now.wall, part);
        Ok(())
    }

    fn whole(&self, aor: &Aor, source: Source) -> Option<Bytes> {
        let entry = self.parts.iter().find(|entry| entry.source == source)?;
        self.package.whole(aor, &entry.part)
    }

    fn observe(&mut self, source: Source, seen: &Observation, now: Now) -> bool {
        match self.package.observe(seen) {
            Some(part) => {
                self.keep(source, "", now.wall, part);
                true
            }
            None => self.remove(source),
        }
    }

    fn remove(&mut self, source: Source) -> bool {
        let known = self.parts.len();
        self.parts.retain(|entry| entry.source != source);
        self.parts.len() != known
    }

    fn may_wait(&self) -> bool {
        self.package.may_wait(&self.parts)
    }

    fn compose(&mut self, aor: &Aor, now: Now) -> Recomposed {
        let package = &self.package;
        self.parts.retain(|entry| !package.is_over(&entry.part, now.wall));
        let next = Generation(self.generation.0.wrapping_add(1));
        let previous = std::mem::take(&mut self.document);
        let Composed { document, changed, again } =
            self.package.compose(aor, &self.parts, previous, next, now);
        self.document = document;
        if changed {
            self.generation = next;
            self.bodies.clear();
            self.shares.iter_mut().for_each(|shares| shares.outdate());
        }
        Recomposed { changed, again }
    }

    fn derived(&self) -> Option<Observation> {
        self.package.derive(&self.document)
    }

    fn leases(&self) -> Vec<(Source, Lease)> {
        self.package.leases(&self.parts)
    }

    fn generation(&self) -> Generation {
        self.generation
    }

    fn rendered_for(
        &mut self,
        profile: Profile,
        aor: &Aor,
        view: View<'_>,
        media: &MediaType,
        seen: Seen,
    ) -> (Arc<Rendered>, bool) {
        let profile = self.package.heeds(profile);
        let is_plain = profile == Profile::default();
        if is_plain && let Some(common) = self.package.common(&self.document, view, seen) {
            return (common, false);
        }
        let place = P::MEDIA.iter().position(|known| known == media).unwrap_or(0) as u8;
        let variant = self.package.variant(&self.document, seen);
        let whole = match view {
            View::Own => View::Own,
            View::Full => View::Full,
            View::Offline => View::Offline,
            View::Part(permissions) => {
                let State { package, document, shares, .. } = self;
                let shares = shares.get_or_insert_default();
                let shape = (variant, place, profile.to_octet());
                return shares.rendered(permissions, shape, |memory| {
                    let wanted = Wanted { profile, media, seen };
                    package.serialise_part(aor, document, permissions, wanted, memory).into()
                });
            }
        };
        let shelf = (whole, variant, place, profile.to_octet());
        if let Some((_, kept)) = self.bodies.iter().find(|(known, _)| *known == shelf) {
            return (Arc::clone(kept), false);
        }
        let (package, document) = (&self.package, &self.document);
        let body = match is_plain {
            true => package.serialise(aor, document, view, media, seen),
            false => package.serialise_for(profile, aor, document, view, media, seen),
        };
        let rendered = Arc::new(Rendered::from(body));
        if self.bodies.len() < BODIES_MAX {
            self.bodies.reserve_exact(1);
            self.bodies.push((shelf, Arc::clone(&rendered)));
        }
        (rendered, true)
    }

    fn forget_view(&mut self, permissions: &Arc<Permissions>) {
        if self.shares.as_mut().is_some_and(|shares| shares.forget(permissions)) {
            self.shares = None;
        }
    }

    fn free_since(&self) -> Option<Wall> {
        self.package.free_since(&self.document)
    }

    fn circumstances(&self) -> Circumstances {
        self.package.circumstances(&self.document)
    }

    fn sources(&self) -> usize {
        self.parts.len()
    }
}

fn fingerprint(body: &Body) -> u64 {
    let mut lead = Vec::new();
    body.write_lead(0, "", &mut lead);
    // Compared only with fingerprints of this same process; never 0, which means "nothing sent".
    let mut hasher = siphasher::sip::SipHasher13::new_with_keys(0x6661_6e61, 0x6c21);
    hasher.write(&lead);
    hasher.write(body.rest());
    hasher.finish() | 1
}
