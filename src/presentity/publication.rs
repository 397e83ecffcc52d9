//! Publications (RFC 3903): one source's part of a presentity's state, named by an entity-tag.

use std::time::Duration;

use super::Presentity;
use crate::base::identity::EntityTag;
use crate::base::limits;
use crate::base::time::{Now, Wall};
use crate::event::{Octets, PackageId, Registry, Source};
use crate::sip::Refusal;

/// One publication.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Publication {
    /// Its number, the same for as long as it lives.
    pub key: PublicationKey,
    /// Its package.
    pub package: PackageId,
    /// Its current name.
    pub tag: EntityTag,
    /// When it ends.
    pub until: Wall,
    /// Who published it.
    pub publisher: Box<str>,
    /// Octets of its body.
    pub octets: u32,
}

/// The number of a publication within its presentity; it outlives entity-tags.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PublicationKey(pub u32);

impl From<PublicationKey> for Source {
    fn from(key: PublicationKey) -> Source {
        Source::Publication(key.0)
    }
}

/// The place a PUBLISH is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Slot {
    /// A new publication.
    Initial,
    /// The publication its SIP-If-Match names.
    Existing(PublicationKey),
}

/// What a PUBLISH offers, once everything before the body has been accepted.
#[derive(Clone, Copy)]
pub struct Offered<'a> {
    /// The name it will have.
    pub tag: EntityTag,
    /// How long it shall live.
    pub expires: Duration,
    /// The body, if there is one.
    pub body: Option<Octets<'a>>,
    /// Who published it.
    pub publisher: &'a str,
    /// Most publications of one presentity.
    pub publications_max: usize,
}

/// What became of a PUBLISH.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kept {
    /// A new publication, or a new body in an old one.
    Body(PublicationKey),
    /// The same body for longer.
    Lease(PublicationKey),
    /// The publication is gone.
    Removed(PublicationKey),
    /// There was nothing to keep: an initial publication of no duration.
    Nothing,
}

impl Presentity {
    /// The place a PUBLISH of `package` with this tag is for; 412 if the tag names nothing here
    /// (RFC 3903 §6 step 3).
    pub fn matching(&self, package: PackageId, tag: Option<EntityTag>) -> Result<Slot, Refusal> {
        let Some(tag) = tag else { return Ok(Slot::Initial) };
        self.publications
            .iter()
            .find(|publication| publication.tag == tag && publication.package == package)
            .map(|publication| Slot::Existing(publication.key))
            .ok_or(Refusal::ConditionalRequestFailed)
    }

    /// Keeps, refreshes, replaces or removes (RFC 3903 §6 steps 5 and 6). All of it or nothing.
    pub fn put(
        &mut self,
        registry: &Registry,
        now: Now,
        package: PackageId,
        slot: Slot,
        offered: Offered<'_>,
    ) -> Result<Kept, Refusal> {
        let lasting = !offered.expires.is_zero();
        match (slot, offered.body) {
            (Slot::Initial, None) => {
                Err(Refusal::BadBody { what: "an initial PUBLISH needs a body".to_owned() })
            }
            (_, Some(body)) if lasting && !self.has_room(package, slot, body.body.len()) => {
                Err(Refusal::BodyTooLarge)
            }
            (Slot::Initial, Some(body)) => {
                if self.publications.len() >= offered.publications_max {
                    return Err(Refusal::Forbidden("Too Many Publications"));
                }
                let key = PublicationKey(self.next_source);
                self.take(registry, now, package, key, offered.publisher, body)?;
                if !lasting {
                    self.state(registry, package).remove(key.into());
                    return Ok(Kept::Nothing);
                }
                self.next_source = self.next_source.wrapping_add(1);
                self.publications.reserve_exact(1); // Most have one.
                self.publications.push(Publication {
                    key,
                    package,
                    tag: offered.tag,
                    until: now.wall + offered.expires,
                    publisher: offered.publisher.into(),
                    octets: octets_of(body),
                });
                self.touch(package);
                Ok(Kept::Body(key))
            }
            (Slot::Existing(key), _) if !lasting => {
                self.withdraw(registry, key);
                Ok(Kept::Removed(key))
            }
            (Slot::Existing(key), None) => {
                self.rename(now, key, offered);
                Ok(Kept::Lease(key))
            }
            (Slot::Existing(key), Some(body)) => {
                self.take(registry, now, package, key, offered.publisher, body)?;
                self.rename(now, key, offered);
                if let Some(publication) = self.publications.iter_mut().find(|p| p.key == key) {
                    publication.octets = octets_of(body);
                }
                self.touch(package);
                Ok(Kept::Body(key))
            }
        }
    }

    /// Puts back a publication that the store kept; `then` is when its body came.
    pub fn restore(
        &mut self,
        registry: &Registry,
        then: Now,
        publication: Publication,
        body: Octets<'_>,
    ) -> Result<(), Refusal> {
        let Publication { key, package, .. } = publication;
        self.take(registry, then, package, key, &publication.publisher, body)?;
        self.next_source = self.next_source.max(key.0.wrapping_add(1));
        self.publications.push(publication);
        self.publications.sort_by_key(|publication| publication.key);
        self.touch(package);
        Ok(())
    }

    /// What a publication says as a document of its own, where its last body alone is not all of
    /// it: the publisher sent a partial one.
    pub fn whole(&self, key: PublicationKey) -> Option<bytes::Bytes> {
        let package = self.publication(key)?.package;
        self.opened(package)?.whole(&self.aor, key.into())
    }

    /// Ends a publication; `None` if it had ended before.
    pub fn withdraw(&mut self, registry: &Registry, key: PublicationKey) -> Option<Publication> {
        let place = self.publications.iter().position(|publication| publication.key == key)?;
        let publication = self.publications.remove(place);
        self.state(registry, publication.package).remove(key.into());
        self.touch(publication.package);
        Some(publication)
    }

    /// A publication by its number.
    pub fn publication(&self, key: PublicationKey) -> Option<&Publication> {
        self.publications.iter().find(|publication| publication.key == key)
    }

    /// Whether a body of so many octets may be kept beside what is published already.
    fn has_room(&self, package: PackageId, slot: Slot, octets: usize) -> bool {
        let others = self.publications.iter().filter(|publication| {
            publication.package == package && Slot::Existing(publication.key) != slot
        });
        let kept: usize = others.map(|publication| publication.octets as usize).sum();
        kept + octets <= limits::PUBLISHED_OCTETS_MAX
    }

    fn take(
        &mut self,
        registry: &Registry,
        now: Now,
        package: PackageId,
        key: PublicationKey,
        publisher: &str,
        body: Octets<'_>,
    ) -> Result<(), Refusal> {
        self.state(registry, package).put(key.into(), publisher, body, now)
    }

    fn rename(&mut self, now: Now, key: PublicationKey, offered: Offered<'_>) {
        let publication = self
            .publications
            .iter_mut()
            .find(|publication| publication.key == key)
            .expect("a slot names a publication that lives");
        publication.tag = offered.tag;
        publication.until = now.wall + offered.expires;
    }
}

fn octets_of(body: Octets<'_>) -> u32 {
    u32::try_from(body.body.len()).unwrap_or(u32::MAX)
}
