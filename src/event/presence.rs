//! presence: one document of everything known about a person (RFC 3856, RFC 3863, RFC 4479).
//!
//! Every source is read into leases; `status` composes them, `merge` writes the result around
//! what devices published.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use super::merge::{self, Making, Shown};
use super::profile::{Documents, Profile};
use super::retention::Retention;
use super::share::Memory;
use super::status::settings::InForce;
use super::status::{self, Absence, Hidden, Kind, Lease, Says, Status, phone, reading};
use super::times::Times;
use super::{
    Circumstances, Composed, Entry, EventPackage, Generation, Lines, Observation, Octets, Pace,
    Seen, Source, Wanted, refused, wanted,
};
use crate::base::identity::Aor;
use crate::base::limits;
use crate::base::media::MediaType;
use crate::base::time::{Now, Wall};
use crate::doc::body::Body;
use crate::doc::filter;
use crate::doc::permissions::{Chosen, Permissions};
use crate::doc::pidf::{Person, Presence as Document};
use crate::doc::rules::Attribute;
use crate::doc::view::View;
use crate::sip::refusal::Refusal;

/// The package of presence documents.
#[derive(Clone, Debug, Default)]
pub struct Presence {
    /// How statuses are composed.
    pub settings: Arc<InForce>,
    /// How long places are kept.
    pub retention: Arc<Retention>,
}

/// What one source says.
pub enum Part {
    /// A published document, and what it says of the person.
    Published {
        /// What of it is not understood, or not of the person.
        document: Box<Document>,
        /// What it says of the person.
        leases: Vec<Lease>,
        /// Whether it says where somebody is.
        places: bool,
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
    /// The sphere all devices agree on.
    sphere: Option<String>,
    /// The ids in use.
    shown: Vec<Shown>,
    /// Since when the person would take a call; `None`: not, or since before the first document.
    free_since: Option<Wall>,
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
        let leases = reading::read(&mut document, &self.settings.now());
        let places = filter::names_place(&document);
        Ok(Part::Published { document: Box::new(document), leases, places })
    }

    fn is_over(&self, part: &Part, now: Wall) -> bool {
        let Part::Said(leases) = part else { return false };
        if leases.is_empty() {
            return false;
        }
        let settings = self.settings.now();
        leases.iter().all(|lease| lease.is_over(&settings, now))
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

    /// A device that says the same again has not said it now. Edges date what they say.
    fn date(&self, part: &mut Part, before: Option<&Part>, now: Wall) {
        let earlier = before.map_or(&[][..], Part::leases);
        let (Part::Published { leases, .. } | Part::Said(leases)) = part;
        for lease in leases.iter_mut().filter(|lease| lease.updated == Wall::default()) {
            let same = |old: &&Lease| old.is_same(lease);
            lease.updated = earlier.iter().find(same).map_or(now, |old| old.updated);
        }
    }

    /// What edges say ends by itself and is forgotten then.
    fn may_wait(&self, parts: &[Entry<Part>]) -> bool {
        parts.iter().all(|entry| !matches!(entry.source, Source::Inside(_)))
    }

    fn compose(
        &self,
        aor: &Aor,
        parts: &[Entry<Part>],
        previous: Option<Box<Known>>,
        _: Generation,
        now: Now,
    ) -> Composed<Option<Box<Known>>> {
        let previous = previous.as_deref();
        let settings = self.settings.now();
        let (status, again) = status::compose(&leases(parts), &settings, now.wall);
        let mut times = Times::at(now.wall);
        times.look_again(again);
        let earlier = previous.map_or(&[][..], |known| &known.shown);
        let left = self.retention.forget(parts, &mut times);
        let make = |status: &Status, earlier: &[Shown], times: &mut Times| {
            let making = Making { aor, parts, left: &left, status, settings: &settings };
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
        let sphere = sphere(parts, &mut times);
        let free_since = match previous {
            _ if !status.availability.is_inviting() => None,
            Some(before) if before.status.availability.is_inviting() => before.free_since,
            Some(_) => Some(now.wall),
            None => None,
        };
        let known = Known { status, document, own, sphere, shown, free_since };
        Composed { changed, document: Some(Box::new(known)), again: times.again }
    }

    fn leases(&self, parts: &[Entry<Part>]) -> Vec<(Source, Lease)> {
        let of = |entry: &Entry<Part>| {
            let said = leases(std::slice::from_ref(entry));
            said.into_iter().map(|lease| (entry.source, lease)).collect::<Vec<_>>()
        };
        parts.iter().flat_map(of).collect()
    }

    fn free_since(&self, known: &Option<Box<Known>>) -> Option<Wall> {
        known.as_ref()?.free_since
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
        view: View<'_>,
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
        view: View<'_>,
        media: &MediaType,
        _: Seen,
    ) -> Body {
        match media {
            MediaType::Xpidf => phone::xpidf(aor, &status_for(known.as_deref(), view)),
            _ => document_for(aor, known.as_deref(), view, profile.documents).body(),
        }
    }

    fn serialise_part(
        &self,
        aor: &Aor,
        known: &Option<Box<Known>>,
        permissions: &Permissions,
        wanted: Wanted<'_>,
        memory: Option<&mut Memory>,
    ) -> Body {
        let known = known.as_deref();
        if *wanted.media == MediaType::Xpidf {
            return phone::xpidf(aor, &status_left(known, permissions));
        }
        if wanted.profile.documents == Documents::Phone {
            return phone::document(aor, &status_left(known, permissions)).body();
        }
        let whole = document_for(aor, known, View::Full, Documents::Full);
        let mut shown = filter::presence(&whole, permissions);
        match memory {
            Some(memory) => {
                if let Some(before) = &memory.presence {
                    filter::steady(before, &mut shown);
                }
                let body = shown.body();
                memory.presence = Some(Box::new(shown));
                return body;
            }
            None => filter::undated(&mut shown),
        }
        shown.body()
    }

    fn circumstances(&self, known: &Option<Box<Known>>) -> Circumstances {
        let Some(known) = known else { return Circumstances::default() };
        let is_off = |kind: &Kind| match kind {
            Kind::OutOfOffice(absence) => *absence != Absence::Travel,
            _ => false,
        };
        Circumstances {
            sphere: known.sphere.clone(),
            invisible: known.status.hidden == Hidden::Person,
            day_off: known.status.activities.iter().any(|activity| is_off(&activity.kind)),
        }
    }
}

impl Part {
    /// What it says of the person.
    fn leases(&self) -> &[Lease] {
        let (Part::Published { leases, .. } | Part::Said(leases)) = self;
        leases
    }
}

impl Known {
    /// The status as it is seen.
    pub fn status(&self, view: View<'_>) -> Status {
        match view {
            View::Own => self.status.clone(),
            View::Full => self.status.for_others(),
            View::Part(permissions) => left_of(self.status.for_others(), permissions),
            View::Offline => nobody(),
        }
    }
}

/// The document as it is seen by devices of a kind.
pub fn document_for<'a>(
    aor: &Aor,
    known: Option<&'a Known>,
    view: View<'_>,
    documents: Documents,
) -> Cow<'a, Document> {
    match (documents, view, known) {
        (Documents::Full, View::Own, Some(known)) => {
            Cow::Borrowed(known.own.as_ref().unwrap_or(&known.document))
        }
        (Documents::Full, View::Full, Some(known)) => Cow::Borrowed(&known.document),
        (Documents::Full, View::Part(permissions), Some(known)) => {
            Cow::Owned(filter::presence(&known.document, permissions))
        }
        (Documents::Full, ..) => Cow::Owned(merge::offline(aor)),
        (Documents::Phone, ..) => Cow::Owned(phone::document(aor, &status_for(known, view))),
    }
}

fn status_for(known: Option<&Known>, view: View<'_>) -> Status {
    known.map_or_else(nobody, |known| known.status(view))
}

fn status_left(known: Option<&Known>, permissions: &Permissions) -> Status {
    left_of(status_for(known, View::Full), permissions)
}

/// What is told of a status in a word or two: it comes from all services and what the person does,
/// so nothing is told to who may not see all of them.
fn left_of(status: Status, permissions: &Permissions) -> Status {
    let (services, persons) = (&permissions.services, &permissions.persons);
    match (services, persons, permissions.provides(Attribute::Activities)) {
        (Chosen::All, Chosen::All, true) if permissions.provides(Attribute::Note) => status,
        (Chosen::All, Chosen::All, true) => Status { note: None, ..status },
        (Chosen::All, ..) => status.bare(),
        (Chosen::Any(_), ..) => nobody(),
    }
}

/// The sphere that all persons of all publications agree on now (RFC 5025 §3.1.2).
fn sphere(parts: &[Entry<Part>], times: &mut Times) -> Option<String> {
    let persons = parts.iter().filter_map(|entry| match &entry.part {
        Part::Published { document, .. } => Some(&document.persons),
        Part::Said(_) => None,
    });
    let mut spheres = persons.flatten().filter_map(|person| {
        let mut elements = vec![person.rpid("sphere")?.clone()];
        super::times::keep_current(&mut elements, times);
        Person { elements, ..Person::default() }.sphere()
    });
    let first = spheres.next()?;
    spheres.all(|other| other == first).then_some(first)
}

/// The status of somebody of whom nothing is known.
fn nobody() -> Status {
    Status { basic: merge::CLOSED, ..Status::default() }
}

/// A lease whose publisher and time are those of its part.
fn unsaid(says: Says) -> Lease {
    Lease::new(Wall::default(), "", says)
}

/// What all parts say of the person. Edges say by whom.
fn leases(parts: &[Entry<Part>]) -> Vec<Lease> {
    let named = |entry: &Entry<Part>, lease: &Lease| match entry.source {
        Source::Inside(_) => lease.clone(),
        _ => Lease { publisher: Box::from(&*entry.publisher), ..lease.clone() },
    };
    let leases = parts.iter().map(|entry| entry.part.leases().iter().map(|it| named(entry, it)));
    leases.flatten().collect()
}
