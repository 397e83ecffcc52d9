//! Event packages (RFC 6665 §5), one file each: how their state is read, merged, narrowed and
//! written.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::base::identity::Aor;
use crate::base::media::MediaType;
use crate::base::time::{Now, Wall};
use crate::doc::body::Body;
use crate::doc::permissions::Permissions;
use crate::doc::view::View;
use crate::doc::xml::{DocumentError, Kind};
use crate::sip::refusal::Refusal;

pub mod as_feature;
pub mod dialog;
pub mod dialog_profile;
pub mod dnd;
pub mod forwarding;
pub mod merge;
pub mod message_summary;
pub mod observation;
pub mod presence;
pub mod profile;
pub mod registry;
pub mod retention;
pub mod share;
pub mod state;
pub mod status;
mod times;
pub mod winfo;

use profile::Profile;
use share::Memory;
use status::Lease;

pub use observation::{Channel, Circumstances, Lines, Observation, Topic};
pub use registry::{PackageId, Registry};
pub use state::{EventState, Rendered};

/// How many documents of one package and presentity have been composed. A watcher that was sent
/// generation 7 has seen everything up to it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Generation(pub u32);

/// What a watcher knows, as far as we can tell: a NOTIFY may be lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Seen {
    /// The newest document it said it got.
    sure: Generation,
    /// Documents it was sent since without a word from it, the newest last; 0 where there are
    /// fewer. More are rare, and only the newest of those is kept.
    unsure: [Generation; 3],
}

impl Seen {
    /// It was sent a document.
    pub fn send(&mut self, generation: Generation) {
        let free = self.unsure.iter().position(|known| known.0 == 0 || *known == generation);
        self.unsure[free.unwrap_or(self.unsure.len() - 1)] = generation;
    }

    /// It said that it got what it was sent last.
    pub fn hear(&mut self) {
        let newest = self.unsure.iter().rev().find(|known| known.0 != 0);
        self.sure = newest.copied().unwrap_or(self.sure);
        self.unsure = Default::default();
    }

    /// The newest document it said it got; 0 if there was none.
    pub fn sure(&self) -> Generation {
        self.sure
    }

    /// Whether it must be told the end of something that documents from `born` on showed, and
    /// the document `told` ended: it may have seen it live, and does not surely know the end.
    pub fn misses_end(&self, born: Generation, told: Generation) -> bool {
        let live = |generation: &Generation| born <= *generation && *generation < told;
        self.sure < told && (live(&self.sure) || self.unsure.iter().any(live))
    }
}

/// Where a part of a presentity's state comes from. The order is that of composition.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Source {
    /// One publication (RFC 3903), numbered within its presentity; the number outlives its
    /// entity-tags.
    Publication(u32),
    /// The presentity's calls, as the `dialog` package composed them.
    Lines,
    /// The presentity's registered contacts.
    Registration,
    /// What an edge knows of the person: a state set by hand, a flag, a calendar.
    Inside(Channel),
    /// The presentity's status, as the `presence` package composed it.
    Person,
}

/// One source's contribution to a package.
pub struct Entry<Part> {
    /// Where it comes from.
    pub source: Source,
    /// Who published it: publications of one publisher may repeat each other's calls.
    pub publisher: Arc<str>,
    /// When it was last replaced.
    pub updated: Wall,
    /// What it says.
    pub part: Part,
}

/// A body as it came with a request.
#[derive(Clone, Copy)]
pub struct Octets<'a> {
    /// The type its Content-Type names.
    pub media: &'a MediaType,
    /// The charset its Content-Type names, if any; it beats the document's own declaration.
    pub charset: Option<&'a str>,
    /// The octets.
    pub body: &'a [u8],
}

/// What a composition gave.
pub struct Composed<Document> {
    /// The document, to be kept even if it did not change: it may have forgotten old things.
    pub document: Document,
    /// Whether any watcher could see a difference.
    pub changed: bool,
    /// When to compose again although nothing arrives, if ever.
    pub again: Option<Wall>,
}

/// The least time between two NOTIFYs of one subscription: an average with a small burst.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pace {
    /// One NOTIFY per this span on average.
    pub interval: Duration,
    /// So many may follow each other at once after a quiet time; at least 1.
    pub burst: u32,
}

/// How a watcher's device wants a document written.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    /// What it can bear.
    pub profile: Profile,
    /// The type it accepts.
    pub media: &'a MediaType,
    /// What it has seen.
    pub seen: Seen,
}

/// One event package (RFC 6665 §5).
pub trait EventPackage: Send + Sync + 'static {
    /// One source's contribution.
    type Part: Send;
    /// Everything known about the presentity in this package.
    type Document: Send + Default;

    /// The event type, as the Event header has it.
    const NAME: &'static str;
    /// Whether an Event header may name it; one that may not is reached by a resource of its own.
    const NAMED: bool = true;
    /// What the Event header of its NOTIFYs has.
    const EVENT: &'static str = Self::NAME;
    /// Media types written, the preferred one first.
    const MEDIA: &'static [MediaType];
    /// Media types read in a PUBLISH.
    const READS: &'static [MediaType] = Self::MEDIA;
    /// The average the package's RFC asks for.
    const PACE: Pace;
    /// Lifetime of a subscription that names none.
    const EXPIRES_DEFAULT: Duration;
    /// Whether PUBLISH may feed it.
    const PUBLISHED: bool = true;

    /// Reads one publication. `previous` is what the same publication said before.
    fn parse(
        &self,
        octets: Octets<'_>,
        previous: Option<&Self::Part>,
    ) -> Result<Self::Part, Refusal>;

    /// A part as a document of its own, where the last body alone does not say all of it: what
    /// the store has to keep.
    fn whole(&self, _aor: &Aor, _part: &Self::Part) -> Option<Bytes> {
        None
    }

    /// Whether a part has nothing to say any more, now or later: it may be forgotten.
    fn is_over(&self, _part: &Self::Part, _now: Wall) -> bool {
        false
    }

    /// What an inside source (registrar, calls) means to this package.
    fn observe(&self, _seen: &Observation) -> Option<Self::Part> {
        None
    }

    /// Dates what a part says: what it said before as well keeps its date.
    fn date(&self, _part: &mut Self::Part, _before: Option<&Self::Part>, _now: Wall) {}

    /// Whether it is all the same if these parts are composed now or not before somebody
    /// watches.
    fn may_wait(&self, _parts: &[Entry<Self::Part>]) -> bool {
        false
    }

    /// Merges all parts; `previous` is the last document, `generation` the number of the new one.
    fn compose(
        &self,
        aor: &Aor,
        parts: &[Entry<Self::Part>],
        previous: Self::Document,
        generation: Generation,
        now: Now,
    ) -> Composed<Self::Document>;

    /// What the parts say of the person, each with its source: why the document is as it is.
    fn leases(&self, _parts: &[Entry<Self::Part>]) -> Vec<(Source, Lease)> {
        Vec::new()
    }

    /// What the document tells other packages of the same presentity.
    fn derive(&self, _document: &Self::Document) -> Option<Observation> {
        None
    }

    /// Watchers with equal variants get equal bodies. 0 is what a newcomer sees.
    fn variant(&self, _document: &Self::Document, _seen: Seen) -> u64 {
        0
    }

    /// What is written for very many presentities alike, such as that somebody is in no call; so
    /// it is kept once and not for each of them.
    fn common(&self, _document: &Self::Document, _: View<'_>, _: Seen) -> Option<Arc<Rendered>> {
        None
    }

    /// Writes the document for one view, as a watcher that has seen so much should read it.
    fn serialise(
        &self,
        aor: &Aor,
        document: &Self::Document,
        view: View<'_>,
        media: &MediaType,
        seen: Seen,
    ) -> Body;

    /// Writes what permissions leave of the document. `memory` is what the same view showed last;
    /// without one nothing is written that a hidden change would move. A package that knows no
    /// permissions shows nothing.
    fn serialise_part(
        &self,
        aor: &Aor,
        document: &Self::Document,
        _permissions: &Permissions,
        wanted: Wanted<'_>,
        _memory: Option<&mut Memory>,
    ) -> Body {
        self.serialise(aor, document, View::Offline, wanted.media, wanted.seen)
    }

    /// Since when the person would take a call, as far as that was seen to begin.
    fn free_since(&self, _document: &Self::Document) -> Option<Wall> {
        None
    }

    /// What of the person rules may depend on.
    fn circumstances(&self, _document: &Self::Document) -> Circumstances {
        Circumstances::default()
    }

    /// What of a profile matters to this package: watchers alike in that share bodies.
    fn heeds(&self, _profile: Profile) -> Profile {
        Profile::default()
    }

    /// As [`EventPackage::serialise`], for a device of a profile: packages that know none write
    /// the same for all.
    fn serialise_for(
        &self,
        _profile: Profile,
        aor: &Aor,
        document: &Self::Document,
        view: View<'_>,
        media: &MediaType,
        seen: Seen,
    ) -> Body {
        self.serialise(aor, document, view, media, seen)
    }
}

/// Refuses a body type that is not among `known` with 415 (RFC 3903 §6 step 5).
fn wanted(media: &MediaType, known: &[MediaType]) -> Result<(), Refusal> {
    if known.contains(media) {
        return Ok(());
    }
    Err(Refusal::UnsupportedMediaType(known.to_vec()))
}

/// A document that could not be read, as the answer to the request that brought it.
fn refused(fault: DocumentError) -> Refusal {
    match fault.kind {
        Kind::TooLarge => Refusal::BodyTooLarge,
        Kind::Encoding => Refusal::UnsupportedEncoding,
        Kind::Malformed | Kind::TooDeep | Kind::Invalid => {
            Refusal::BadBody { what: fault.to_string() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_owed_to_who_may_have_seen_the_beginning() {
        let [g1, g2, g3, g4] = [1, 2, 3, 4].map(Generation);
        let mut seen = Seen::default();
        assert!(!seen.misses_end(g1, g2), "a newcomer saw nothing");
        seen.send(g1);
        assert!(seen.misses_end(g1, g3), "it may have got it");
        seen.hear();
        assert!(seen.misses_end(g1, g3));
        seen.send(g3);
        assert!(seen.misses_end(g1, g3), "the end may have been lost");
        assert!(!seen.misses_end(g2, g3), "what lived between two documents was never shown");
        seen.hear();
        assert!(!seen.misses_end(g1, g3));
        assert!(!seen.misses_end(g1, g2));
        assert!(seen.misses_end(g3, g4));
    }

    #[test]
    fn more_documents_than_can_be_remembered_keep_the_first_and_the_last() {
        let mut seen = Seen::default();
        (1..=9).for_each(|generation| seen.send(Generation(generation)));
        assert!(seen.misses_end(Generation(1), Generation(3)));
        assert!(seen.misses_end(Generation(9), Generation(10)));
        seen.hear();
        assert!(!seen.misses_end(Generation(1), Generation(9)));
    }
}
