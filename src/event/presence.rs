//! presence: one document of everything known about a person (RFC 3856, RFC 3863, RFC 4479).
//!
//! Every source is read into leases; `status` composes them, `merge` writes the result around
//! what devices published.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use siphasher::sip::SipHasher13;

use super::merge::{self, Making, Shown};
use super::profile::{Documents, Profile};
use super::status::{self, Hidden, Lease, Says, Settings, Status, phone, reading};
use super::times::Times;
use super::{
    Composed, Entry, EventPackage, Generation, Lines, Observation, Octets, Pace, Seen, Source,
    refused, wanted,
};
use crate::base::identity::Aor;
use crate::base::limits;
use crate::base::media::MediaType;
use crate::base::time::{Now, Wall};
use crate::doc::body::Body;
use crate::doc::pidf::Presence as Document;
use crate::doc::view::View;
use crate::sip::refusal::Refusal;

/// The package of presence documents.
#[derive(Clone, Debug, Default)]
pub struct Presence {
    /// How statuses are composed.
    pub settings: Arc<Settings>,
}

/// What one source says.
pub enum Part {
    /// A published document, and what it says of the person.
    Published {
        /// What of it is not understood, or not of the person.
        document: Box<Document>,
        /// What it says of the person.
        leases: Vec<Lease>,
    },
    /// What an inside source says.
    Said(Vec<Lease>),
}

/// Everything known about a person.
pub struct Known {
    /// The status.
    pub status: Status,
    /// What others are shown.
    document: Document,
    /// What the person itself is shown, where that is more.
    own: Option<Document>,
    /// The ids in use.
    shown: Vec<Shown>,
    /// When what is said now was said first.
    begun: Vec<Begun>,
}

/// When a source first said something: a device that says the same again has not said it now.
#[derive(Clone, Copy)]
struct Begun {
    source: Source,
    /// A fingerprint of what it said.
    said: u64,
    at: Wall,
}

impl EventPackage for Presence {
    type Part = Part;
    type Document = Option<Box<Known>>;

    const NAME: &'static str = "presence";
    const MEDIA: &'static [MediaType] = &[MediaType::Pidf, MediaType::Xpidf];
    const READS: &'static [MediaType] = &[MediaType::Pidf];
    /// RFC 3856 §6.10: one in five seconds; the burst lets a quick correction pass.
    const PACE: Pace = Pace { interval: Duration::from_secs(5), burst: 2 };
    const EXPIRES_DEFAULT: Duration = limits::EXPIRES_DEFAULT;

    fn parse(&self, octets: Octets<'_>, _: Option<&Part>) -> Result<Part, Refusal> {
        wanted(octets.media, Self::READS)?;
        let mut document = Document::read(octets.body, octets.charset).map_err(refused)?;
        let leases = reading::read(&mut document, &self.settings);
        Ok(Part::Published { document: Box::new(document), leases })
    }

    fn is_over(&self, part: &Part, now: Wall) -> bool {
        let Part::Said(leases) = part else { return false };
        let over = |lease: &Lease| lease.is_over(&self.settings, now);
        !leases.is_empty() && leases.iter().all(over)
    }

    fn observe(&self, seen: &Observation) -> Option<Part> {
        let leases = match seen {
            Observation::Registered { contacts: 0 } => return None,
            Observation::Registered { .. } => vec![unsaid(Says::Reachable)],
            // A call that only rings is a reason to tell everything anew, and nothing else.
            Observation::Lines(Lines { confirmed: true, .. }) => vec![unsaid(Says::Call)],
            Observation::Lines(Lines { ringing: true, .. }) => Vec::new(),
            Observation::Said(leases) if !leases.is_empty() => leases.clone(),
            Observation::Lines(_) | Observation::Said(_) | Observation::Person(_) => return None,
        };
        Some(Part::Said(leases))
    }

    fn compose(
        &self,
        aor: &Aor,
        parts: &[Entry<Part>],
        previous: &Option<Box<Known>>,
        _: Generation,
        now: Now,
    ) -> Composed<Option<Box<Known>>> {
        let previous = previous.as_deref();
        let (leases, begun) = leases(parts, previous.map_or(&[], |known| &known.begun));
        let (status, again) = status::compose(&leases, &self.settings, now.wall);
        let mut times = Times::at(now.wall);
        times.look_again(again);
        let earlier = previous.map_or(&[][..], |known| &known.shown);
        let make = |status: &Status, earlier: &[Shown], times: &mut Times| {
            let making = Making { aor, parts, status, settings: &self.settings };
            merge::merge(making, earlier, times)
        };
        let (whole, shown) = make(&status, earlier, &mut times);
        let (document, own) = match status.hidden {
            Hidden::Nothing => (whole, None),
            Hidden::Calls => (make(&status.for_others(), &shown, &mut times).0, Some(whole)),
            Hidden::Person => (merge::offline(aor), Some(whole)),
        };
        let own = own.filter(|own| *own != document);
        let changed = match previous {
            Some(previous) => previous.document != document || previous.own != own,
            None => merge::offline(aor) != document || own.is_some(),
        };
        let known = Known { status, document, own, shown, begun };
        Composed { changed, document: Some(Box::new(known)), again: times.again }
    }

    fn leases(&self, parts: &[Entry<Part>], known: &Option<Box<Known>>) -> Vec<(Source, Lease)> {
        let begun = known.as_ref().map_or(&[][..], |known| &known.begun);
        let of = |entry: &Entry<Part>| {
            let said = leases(std::slice::from_ref(entry), begun).0;
            said.into_iter().map(|lease| (entry.source, lease)).collect::<Vec<_>>()
        };
        parts.iter().flat_map(of).collect()
    }

    fn derive(&self, known: &Option<Box<Known>>) -> Option<Observation> {
        known.as_ref().map(|known| Observation::Person(known.status.brief()))
    }

    fn heeds(&self, profile: Profile) -> Profile {
        Profile { documents: profile.documents, ..Profile::default() }
    }

    fn serialise(
        &self,
        aor: &Aor,
        known: &Option<Box<Known>>,
        view: View,
        media: &MediaType,
        seen: Seen,
    ) -> Body {
        self.serialise_for(Profile::default(), aor, known, view, media, seen)
    }

    fn serialise_for(
        &self,
        profile: Profile,
        aor: &Aor,
        known: &Option<Box<Known>>,
        view: View,
        media: &MediaType,
        _: Seen,
    ) -> Body {
        match media {
            MediaType::Xpidf => phone::xpidf(aor, &status_for(known.as_deref(), view)),
            _ => document_for(aor, known.as_deref(), view, profile.documents).body(),
        }
    }
}

impl Known {
    /// The status as it is seen.
    pub fn status(&self, view: View) -> Status {
        match view {
            View::Own => self.status.clone(),
            View::Full => self.status.for_others(),
            View::Offline => nobody(),
        }
    }
}

/// The document as it is seen by devices of a kind.
pub fn document_for<'a>(
    aor: &Aor,
    known: Option<&'a Known>,
    view: View,
    documents: Documents,
) -> Cow<'a, Document> {
    match (documents, view, known) {
        (Documents::Full, View::Own, Some(known)) => {
            Cow::Borrowed(known.own.as_ref().unwrap_or(&known.document))
        }
        (Documents::Full, View::Full, Some(known)) => Cow::Borrowed(&known.document),
        (Documents::Full, ..) => Cow::Owned(merge::offline(aor)),
        (Documents::Phone, ..) => Cow::Owned(phone::document(aor, &status_for(known, view))),
    }
}

fn status_for(known: Option<&Known>, view: View) -> Status {
    known.map_or_else(nobody, |known| known.status(view))
}

/// The status of somebody of whom nothing is known.
fn nobody() -> Status {
    Status { basic: merge::CLOSED, ..Status::default() }
}

/// A lease whose publisher and time are those of its part.
fn unsaid(says: Says) -> Lease {
    Lease::new(Wall::default(), "", says)
}

/// What all parts say of the person, and when each of it was said first.
fn leases(parts: &[Entry<Part>], earlier: &[Begun]) -> (Vec<Lease>, Vec<Begun>) {
    let (mut leases, mut begun) = (Vec::new(), Vec::new());
    for entry in parts {
        let (said, source) = match (&entry.part, entry.source) {
            // Edges say when something was said, and by whom.
            (Part::Said(said), Source::Inside(_)) => {
                leases.extend(said.iter().cloned());
                continue;
            }
            (Part::Said(said) | Part::Published { leases: said, .. }, source) => (said, source),
        };
        for lease in said {
            let said = fingerprint(lease);
            let same = |begun: &&Begun| begun.source == source && begun.said == said;
            let at = earlier.iter().find(same).map_or(entry.updated, |begun| begun.at);
            begun.push(Begun { source, said, at });
            let publisher = entry.publisher.clone();
            leases.push(Lease { updated: at, publisher, ..lease.clone() });
        }
    }
    (leases, begun)
}

fn fingerprint(lease: &Lease) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(0, 0);
    lease.hash(&mut hasher);
    hasher.finish()
}
