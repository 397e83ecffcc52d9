//! Version 1 of the codec, read only: values that said everything themselves, and small changes
//! in tables of their own.

use super::super::octets::In;
use super::super::patch::{Lease, Numbers, Renewed};
use super::{BINDINGS, PUBLICATION, SUBSCRIPTION, aor, binding, flow, identity, wall};
use crate::base::identity::EntityTag;
use crate::base::media::MediaType;
use crate::base::mint::{HomeHash, LocalTag};
use crate::dialog::DialogParts;
use crate::event::profile::Profile;
use crate::shard::record::{PublicationRecord, SubscriptionRecord};
use crate::shard::{Record, RecordKey};

/// The record behind the version; `None` if it is not the one of this key.
pub fn record(key: &RecordKey, from: &mut In<'_>) -> Option<Record> {
    let record = match from.u8()? {
        PUBLICATION => Record::Publication(publication(from)?),
        SUBSCRIPTION => Record::Subscription(Box::new(subscription(from)?)),
        BINDINGS => Record::Bindings { aor: aor(from)?, bindings: from.list(binding)? },
        _ => return None,
    };
    (record.key() == *key).then_some(record)
}

/// A lease that stood in a table of its own.
pub fn lease(octets: &[u8]) -> Option<Lease> {
    let (1, mut from) = In::begin(octets)? else { return None };
    let lease = Lease { tag: EntityTag(from.u128()?), until: wall(&mut from)? };
    from.end()?;
    Some(lease)
}

/// Numbers that stood in a table of their own.
pub fn numbers(octets: &[u8]) -> Option<Numbers> {
    let (1, mut from) = In::begin(octets)? else { return None };
    let numbers = Numbers { cseq: from.u32()?, version: from.u32()?, renewed: None };
    from.end()?;
    Some(numbers)
}

/// What a lease says of a subscription: the place of the tag holds the peer's number.
pub fn renewed(lease: Lease) -> Numbers {
    let remote = u32::try_from(lease.tag.0).unwrap_or(u32::MAX);
    Numbers { renewed: Some(Renewed { until: lease.until, remote }), ..Numbers::default() }
}

fn publication(from: &mut In<'_>) -> Option<PublicationRecord> {
    Some(PublicationRecord {
        aor: aor(from)?,
        number: from.u32()?,
        package: from.text()?.to_owned(),
        tag: EntityTag(from.u128()?),
        until: wall(from)?,
        updated: wall(from)?,
        publisher: from.text()?.to_owned(),
        media: MediaType::from_text(from.text()?),
        charset: from.option(|from| from.text().map(str::to_owned))?,
        body: from.bytes()?,
    })
}

fn subscription(from: &mut In<'_>) -> Option<SubscriptionRecord> {
    Some(SubscriptionRecord {
        profile: Profile::default(),
        aor: aor(from)?,
        package: from.text()?.to_owned(),
        event: from.text()?.to_owned(),
        media: MediaType::from_text(from.text()?),
        entity: from.text()?.to_owned(),
        watcher: identity(from)?,
        dialog: dialog(from)?,
        version: from.u32()?,
        until: wall(from)?,
        flow: flow(from)?,
        origin: from.ip()?,
    })
}

fn dialog(from: &mut In<'_>) -> Option<DialogParts> {
    Some(DialogParts {
        tag: LocalTag { home: HomeHash(from.u32()?), unique: from.u64()? },
        cseq: from.u32()?,
        remote_cseq: from.u32()?,
        target: from.text()?.to_owned(),
        route: from.list(|from| from.text().map(str::to_owned))?,
        call_id: from.text()?.to_owned(),
        local: from.octets()?.to_vec(),
        remote: from.octets()?.to_vec(),
        remote_tag: from.text()?.to_owned(),
    })
}
