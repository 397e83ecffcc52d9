//! PUBLISH (RFC 3903 §6), its steps in its order.

use super::Shard;
use super::exchange::{Exchange, granted, may_speak_for};
use super::record::{Change, PublicationRecord, Record, RecordKey};
use crate::base::identity::{EntityTag, Identity};
use crate::base::limits;
use crate::base::media::MediaType;
use crate::base::time::Now;
use crate::doc::multipart::{self, MultipartError};
use crate::event::{Octets, PackageId};
use crate::notifier::PresentityId;
use crate::presentity::{Kept, Offered};
use crate::sip::{Refusal, Request, Status};
use crate::transaction::Ticket;

impl Shard {
    pub(super) fn publish(
        &mut self,
        now: Now,
        exchange: Exchange<'_>,
        who: &Identity,
    ) -> Result<(), Refusal> {
        let request = exchange.request;
        let headers = request.headers();
        if headers.to()?.tag().is_some() {
            return Err(Refusal::NoSuchSubscription);
        }
        let aor = self.served.resolve(request.uri_ref()?)?; // 404
        self.known_extensions(request)?; // 420
        let package = self.published_package(request)?; // 489
        may_speak_for(who, &aor)?; // 403
        let tag = self.if_match(request)?; // 400, 412
        let seat = self.seat(&aor);
        let slot = self.presentity(seat).matching(package, tag)?; // 412
        let config = &self.config.presentity;
        let range = (config.expires_min, config.expires_max);
        let expires = granted(headers.expires()?, config.expires_default, range, false)?; // 423
        let published = body_of(request, self.registry.package(package).reads())?; // 415, 400, 413
        self.can_keep()?; // 503

        let publisher = publisher(who, exchange);
        let tag = self.mint.entity_tag();
        let offered = Offered {
            tag,
            expires,
            body: published.as_ref().map(Published::octets),
            publisher: &publisher,
            publications_max: config.publications_max,
        };
        let place = self.seats.get_mut(seat).expect("opened above");
        let kept = place.presentity.put(&self.registry, now, package, slot, offered)?; // 400, 415
        place.heard = now.instant;
        let ticket = self.keep_publication(now, seat, kept, published);
        self.seats.mark(seat);
        self.arm_seat(now, seat);
        self.counters.publications_accepted += 1;
        self.reply(now, exchange, Status(200), ticket, |writer| {
            writer.header("SIP-ETag", tag.to_string());
            writer.number("Expires", expires.as_secs());
        });
        Ok(())
    }

    fn published_package(&self, request: &Request) -> Result<PackageId, Refusal> {
        let package = self.named_package(request)?;
        if self.registry.package(package).is_published() {
            Ok(package)
        } else {
            Err(self.bad_event())
        }
    }

    /// The entity-tag of SIP-If-Match. One that we cannot have minted matches nothing.
    fn if_match(&self, request: &Request) -> Result<Option<EntityTag>, Refusal> {
        let Some(text) = request.headers().if_match()? else { return Ok(None) };
        match EntityTag::from_text(text) {
            Some(tag) => Ok(Some(tag)),
            None => Err(Refusal::ConditionalRequestFailed),
        }
    }

    fn presentity(&self, seat: PresentityId) -> &crate::presentity::Presentity {
        &self.seats.get(seat).expect("a seat that was opened in this turn").presentity
    }

    /// What the store has to know of an accepted PUBLISH.
    fn keep_publication(
        &mut self,
        now: Now,
        seat: PresentityId,
        kept: Kept,
        published: Option<Published>,
    ) -> Ticket {
        let presentity = self.presentity(seat);
        let aor = presentity.aor.clone();
        let change = match kept {
            Kept::Nothing => return Ticket::default(),
            Kept::Removed(key) => Change::Remove(RecordKey::Publication(aor, key.0)),
            Kept::Lease(key) => {
                let publication = presentity.publication(key).expect("just kept");
                Change::Lease {
                    key: RecordKey::Publication(aor, key.0),
                    tag: publication.tag,
                    until: publication.until,
                }
            }
            Kept::Body(key) => {
                let publication = presentity.publication(key).expect("just kept");
                let Published { media, charset, body } = published.expect("a body was kept");
                let (charset, body) = match presentity.whole(key) {
                    Some(whole) => (None, whole),
                    None => (charset, body),
                };
                Change::Put(Record::Publication(PublicationRecord {
                    aor,
                    number: key.0,
                    package: self.registry.package(publication.package).name().to_owned(),
                    tag: publication.tag,
                    until: publication.until,
                    updated: now.wall,
                    publisher: publication.publisher.to_string(),
                    media,
                    charset,
                    body,
                }))
            }
        };
        self.keep(change)
    }
}

/// A body as it will be kept.
struct Published {
    media: MediaType,
    charset: Option<String>,
    body: bytes::Bytes,
}

impl Published {
    fn octets(&self) -> Octets<'_> {
        Octets { media: &self.media, charset: self.charset.as_deref(), body: &self.body }
    }
}

/// The body of a PUBLISH, if it has one: itself, or the part of a multipart that is meant for
/// the package (RFC 3261 §8.2.3, RFC 5621).
fn body_of(request: &Request, known: &[MediaType]) -> Result<Option<Published>, Refusal> {
    let body = request.body();
    if body.is_empty() {
        return Ok(None);
    }
    if body.len() > limits::BODY_OCTETS_MAX {
        return Err(Refusal::BodyTooLarge);
    }
    let headers = request.headers();
    if headers.content_encoding().is_some_and(|coding| !coding.eq_ignore_ascii_case("identity")) {
        return Err(Refusal::UnsupportedEncoding);
    }
    let Some(content_type) = headers.content_type()? else {
        return Err(Refusal::BadBody { what: "a body needs a Content-Type".to_owned() });
    };
    let media = content_type.media();
    if let MediaType::Multipart(_) = media {
        let boundary = content_type.parameter("boundary").unwrap_or_default();
        return multipart(&body, &boundary, known).map(Some);
    }
    let charset = content_type.parameter("charset").map(|charset| charset.into_owned());
    Ok(Some(Published { media, charset, body }))
}

fn multipart(
    body: &bytes::Bytes,
    boundary: &str,
    known: &[MediaType],
) -> Result<Published, Refusal> {
    let refused = |error| match error {
        MultipartError::Malformed => {
            Refusal::BadBody { what: "the parts do not keep to their boundary".to_owned() }
        }
        MultipartError::TooLarge => Refusal::BodyTooLarge,
        MultipartError::NotUnderstood => Refusal::UnsupportedMediaType(known.to_vec()),
    };
    let parts = multipart::split(body, boundary).map_err(refused)?;
    let wanted = known.first().ok_or(MultipartError::NotUnderstood).map_err(refused)?;
    let part = multipart::find(&parts, wanted).map_err(refused)?;
    Ok(Published {
        media: part.media(),
        charset: part.charset().map(str::to_owned),
        body: body.slice_ref(part.octets),
    })
}

/// The name under which a publisher's calls are told from another's. A PBX is one publisher,
/// whomever it speaks for.
fn publisher(who: &Identity, exchange: Exchange<'_>) -> String {
    match who {
        Identity::User(aor) => aor.to_string(),
        Identity::Peer { address, .. } => address.to_string(),
        Identity::Unasked => exchange.flow.peer().ip().to_canonical().to_string(),
    }
}
