//! presence: one document of everything known about a person (RFC 3856, RFC 3863, RFC 4479).

use std::time::Duration;

use super::merge::{self, Merged};
use super::{
    Composed, Entry, EventPackage, Generation, Lines, Observation, Octets, Pace, Seen, refused,
    wanted,
};
use crate::base::identity::Aor;
use crate::base::limits;
use crate::base::media::MediaType;
use crate::base::time::Now;
use crate::doc::body::Body;
use crate::doc::pidf::Presence as Document;
use crate::doc::view::View;
use crate::sip::refusal::Refusal;

/// The package of presence documents.
pub struct Presence;

/// What one source says.
pub enum Part {
    /// A published document.
    Published(Box<Document>),
    /// Contacts are registered.
    Registered,
    /// The calls.
    Lines(Lines),
}

impl EventPackage for Presence {
    type Part = Part;
    type Document = Option<Box<Merged>>;

    const NAME: &'static str = "presence";
    const MEDIA: &'static [MediaType] = &[MediaType::Pidf];
    /// RFC 3856 §6.10: one in five seconds; the burst lets a quick correction pass.
    const PACE: Pace = Pace { interval: Duration::from_secs(5), burst: 2 };
    const EXPIRES_DEFAULT: Duration = limits::EXPIRES_DEFAULT;

    fn parse(&self, octets: Octets<'_>, _: Option<&Part>) -> Result<Part, Refusal> {
        wanted(octets.media, Self::MEDIA)?;
        let document = Document::read(octets.body, octets.charset).map_err(refused)?;
        Ok(Part::Published(Box::new(document)))
    }

    fn observe(&self, seen: &Observation) -> Option<Part> {
        match *seen {
            Observation::Registered { contacts } => (contacts > 0).then_some(Part::Registered),
            Observation::Lines(lines) => (lines != Lines::default()).then_some(Part::Lines(lines)),
        }
    }

    fn compose(
        &self,
        aor: &Aor,
        parts: &[Entry<Part>],
        previous: &Option<Box<Merged>>,
        _: Generation,
        _: Now,
    ) -> Composed<Option<Box<Merged>>> {
        let merged = merge::merge(aor, parts, previous.as_deref());
        let changed = match previous {
            Some(previous) => previous.document != merged.document,
            None => merge::offline(aor) != merged.document,
        };
        Composed { changed, document: Some(Box::new(merged)), again: None }
    }

    fn serialise(
        &self,
        aor: &Aor,
        merged: &Option<Box<Merged>>,
        view: View,
        _: &MediaType,
        _: Seen,
    ) -> Body {
        match (view, merged) {
            (View::Full, Some(merged)) => merged.document.body(),
            _ => merge::offline(aor).body(),
        }
    }
}
