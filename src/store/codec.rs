//! Records as octets: a version first, then fields in order. Reading is total: whatever the
//! octets are, there is a record or there is none.

use super::octets::{In, Out};
use crate::base::flow::Transport;
use crate::base::identity::{Aor, EntityTag, Identity};
use crate::base::media::MediaType;
use crate::base::mint::{HomeHash, LocalTag};
use crate::base::time::Wall;
use crate::base::uri::Uri;
use crate::dialog::DialogParts;
use crate::registrar::Binding;
use crate::shard::record::{FlowRecord, PublicationRecord, SubscriptionRecord};
use crate::shard::{Record, RecordKey};

/// The version written. An older one that is still read has an arm of its own in [`record`].
const VERSION: u8 = 1;

const PUBLICATION: u8 = 1;
const SUBSCRIPTION: u8 = 2;
const BINDINGS: u8 = 3;

/// What has changed of a publication since it was put.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lease {
    /// Its name.
    pub tag: EntityTag,
    /// Its end.
    pub until: Wall,
}

/// What has been used up of a subscription's numbers since it was put.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reserve {
    /// The CSeq to go on from.
    pub cseq: u32,
    /// The version to go on from.
    pub version: u32,
}

/// What a key names, for the operator; it shows nobody's address.
pub fn kind(key: &[u8]) -> &'static str {
    match key.first() {
        Some(&PUBLICATION) => "publication",
        Some(&SUBSCRIPTION) => "subscription",
        Some(&BINDINGS) => "bindings",
        _ => "unknown",
    }
}

/// A key as octets: kind, AoR, number. Keys of one AoR stand together within a kind.
pub fn write_key(key: &RecordKey) -> Vec<u8> {
    let mut out = Out::default();
    match key {
        RecordKey::Publication(aor, number) => {
            out.u8(PUBLICATION).text(aor.as_str()).u32(*number);
        }
        RecordKey::Subscription(aor, tag) => {
            out.u8(SUBSCRIPTION).text(aor.as_str()).u64(*tag);
        }
        RecordKey::Bindings(aor) => {
            out.u8(BINDINGS).text(aor.as_str());
        }
    }
    out.finish()
}

/// A record as octets.
pub fn write(record: &Record) -> Vec<u8> {
    let mut out = Out::begin(VERSION);
    match record {
        Record::Publication(record) => write_publication(out.u8(PUBLICATION), record),
        Record::Subscription(record) => write_subscription(out.u8(SUBSCRIPTION), record),
        Record::Bindings { aor, bindings } => {
            out.u8(BINDINGS).text(aor.as_str()).list(bindings.iter(), write_binding);
        }
    }
    out.finish()
}

/// The record that was written; `None` if these octets are none, or of a later version.
pub fn record(octets: &[u8]) -> Option<Record> {
    let (VERSION, mut from) = In::begin(octets)? else { return None };
    let record = match from.u8()? {
        PUBLICATION => Record::Publication(publication(&mut from)?),
        SUBSCRIPTION => Record::Subscription(Box::new(subscription(&mut from)?)),
        BINDINGS => Record::Bindings { aor: aor(&mut from)?, bindings: from.list(binding)? },
        _ => return None,
    };
    from.end()?;
    Some(record)
}

/// A lease as octets.
pub fn write_lease(lease: Lease) -> Vec<u8> {
    let mut out = Out::begin(VERSION);
    out.u128(lease.tag.0).u64(lease.until.as_unix_millis());
    out.finish()
}

/// The lease that was written.
pub fn lease(octets: &[u8]) -> Option<Lease> {
    let (VERSION, mut from) = In::begin(octets)? else { return None };
    let lease = Lease { tag: EntityTag(from.u128()?), until: wall(&mut from)? };
    from.end()?;
    Some(lease)
}

/// A reserve as octets.
pub fn write_reserve(reserve: Reserve) -> Vec<u8> {
    let mut out = Out::begin(VERSION);
    out.u32(reserve.cseq).u32(reserve.version);
    out.finish()
}

/// The reserve that was written.
pub fn reserve(octets: &[u8]) -> Option<Reserve> {
    let (VERSION, mut from) = In::begin(octets)? else { return None };
    let reserve = Reserve { cseq: from.u32()?, version: from.u32()? };
    from.end()?;
    Some(reserve)
}

fn write_publication(out: &mut Out, record: &PublicationRecord) {
    let PublicationRecord {
        aor,
        number,
        package,
        tag,
        until,
        updated,
        publisher,
        media,
        charset,
        body,
    } = record;
    out.text(aor.as_str())
        .u32(*number)
        .text(package)
        .u128(tag.0)
        .u64(until.as_unix_millis())
        .u64(updated.as_unix_millis())
        .text(publisher)
        .text(&media.as_text())
        .option(charset.as_ref(), |out, charset| {
            out.text(charset);
        })
        .octets(body);
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

fn write_subscription(out: &mut Out, record: &SubscriptionRecord) {
    let SubscriptionRecord {
        aor,
        package,
        event,
        media,
        entity,
        watcher,
        dialog,
        version,
        until,
        flow,
        origin,
    } = record;
    out.text(aor.as_str()).text(package).text(event).text(&media.as_text()).text(entity);
    write_identity(out, watcher);
    write_dialog(out, dialog);
    out.u32(*version).u64(until.as_unix_millis());
    out.u8(transport_number(flow.transport)).address(flow.local).address(flow.peer).ip(*origin);
}

fn subscription(from: &mut In<'_>) -> Option<SubscriptionRecord> {
    Some(SubscriptionRecord {
        aor: aor(from)?,
        package: from.text()?.to_owned(),
        event: from.text()?.to_owned(),
        media: MediaType::from_text(from.text()?),
        entity: from.text()?.to_owned(),
        watcher: identity(from)?,
        dialog: dialog(from)?,
        version: from.u32()?,
        until: wall(from)?,
        flow: FlowRecord {
            transport: transport(from.u8()?)?,
            local: from.address()?,
            peer: from.address()?,
        },
        origin: from.ip()?,
    })
}

fn write_dialog(out: &mut Out, parts: &DialogParts) {
    let DialogParts { tag, cseq, remote_cseq, target, route, call_id, local, remote, remote_tag } =
        parts;
    out.u32(tag.home.0).u64(tag.unique).u32(*cseq).u32(*remote_cseq).text(target);
    out.list(route.iter(), |out, hop| {
        out.text(hop);
    });
    out.text(call_id).octets(local).octets(remote).text(remote_tag);
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

fn write_identity(out: &mut Out, identity: &Identity) {
    match identity {
        Identity::Unasked => {
            out.u8(0);
        }
        Identity::User(aor) => {
            out.u8(1).text(aor.as_str());
        }
        Identity::Peer { address, asserted } => {
            out.u8(2).ip(*address).option(asserted.as_ref(), |out, aor| {
                out.text(aor.as_str());
            });
        }
    }
}

fn identity(from: &mut In<'_>) -> Option<Identity> {
    match from.u8()? {
        0 => Some(Identity::Unasked),
        1 => aor(from).map(Identity::User),
        2 => Some(Identity::Peer { address: from.ip()?, asserted: from.option(aor)? }),
        _ => None,
    }
}

/// A binding without its flow, which ends with the process.
fn write_binding(out: &mut Out, binding: &Binding) {
    let Binding { contact, contact_text, call_id, cseq, until, q, instance, flow: _ } = binding;
    out.text(contact.as_str())
        .text(contact_text)
        .text(call_id)
        .u32(*cseq)
        .u64(until.as_unix_millis())
        .option(*q, |out, q| {
            out.u16(q);
        })
        .option(instance.as_ref(), |out, instance| {
            out.text(instance);
        });
}

fn binding(from: &mut In<'_>) -> Option<Binding> {
    Some(Binding {
        contact: Uri::parse(from.text()?).ok()?,
        contact_text: from.text()?.to_owned(),
        call_id: from.text()?.to_owned(),
        cseq: from.u32()?,
        until: wall(from)?,
        q: from.option(In::u16)?,
        instance: from.option(|from| from.text().map(str::to_owned))?,
        flow: None,
    })
}

fn aor(from: &mut In<'_>) -> Option<Aor> {
    from.text().map(Aor::from_canonical)
}

fn wall(from: &mut In<'_>) -> Option<Wall> {
    from.u64().map(Wall::from_unix_millis)
}

fn transport_number(transport: Transport) -> u8 {
    match transport {
        Transport::Udp => 1,
        Transport::Tcp => 2,
    }
}

fn transport(number: u8) -> Option<Transport> {
    match number {
        1 => Some(Transport::Udp),
        2 => Some(Transport::Tcp),
        _ => None,
    }
}

#[cfg(test)]
mod samples {
    use bytes::Bytes;

    use super::*;

    /// One record of each kind, with every field set to something.
    pub fn all() -> Vec<Record> {
        let aor = Aor::from_parts("101", "example.com");
        let until = Wall::from_unix_millis(4_000_000_000_000);
        let address = "[fe80::1%3]:5060".parse().expect("an address");
        let dialog = DialogParts {
            tag: LocalTag { home: HomeHash(7), unique: 8 },
            cseq: 9,
            remote_cseq: 10,
            target: "sip:w@192.0.2.1".to_owned(),
            route: vec!["<sip:p1;lr>".to_owned(), "<sip:p2;lr>".to_owned()],
            call_id: "c@h".to_owned(),
            local: b"<sip:101@example.com>".to_vec(),
            remote: b"\"W\xff\" <sip:w@example.com>;tag=t".to_vec(),
            remote_tag: "t".to_owned(),
        };
        let subscription = |watcher| SubscriptionRecord {
            aor: aor.clone(),
            package: "dialog".to_owned(),
            event: "dialog;id=5".to_owned(),
            media: MediaType::DialogInfo,
            entity: "sip:101@example.com".to_owned(),
            watcher,
            dialog: dialog.clone(),
            version: 11,
            until,
            flow: FlowRecord {
                transport: Transport::Tcp,
                local: ([192, 0, 2, 9], 5060).into(),
                peer: address,
            },
            origin: [192, 0, 2, 77].into(),
        };
        let asserted = Some(Aor::from_parts("w", "example.com"));
        let peer = Identity::Peer { address: [192, 0, 2, 5].into(), asserted };
        let binding = Binding {
            contact: Uri::parse("sip:101@192.0.2.3:5070;ob").expect("a URI"),
            contact_text: "<sip:101@192.0.2.3:5070;ob>;reg-id=1".to_owned(),
            call_id: "r@h".to_owned(),
            cseq: 3,
            until,
            q: Some(500),
            instance: Some("<urn:uuid:0>".to_owned()),
            flow: None,
        };
        let publication = PublicationRecord {
            aor: aor.clone(),
            number: 3,
            package: "presence".to_owned(),
            tag: EntityTag(77),
            until,
            updated: Wall::from_unix_millis(3_999_000_000_000),
            publisher: "sip:101@example.com".to_owned(),
            media: MediaType::Pidf,
            charset: Some("utf-8".to_owned()),
            body: Bytes::from_static(b"<presence/>\0\xff"),
        };
        let plain = PublicationRecord { number: 4, charset: None, ..publication.clone() };
        let mut records = vec![
            Record::Publication(publication),
            Record::Publication(plain),
            Record::Bindings { aor: aor.clone(), bindings: vec![binding.clone(), binding] },
        ];
        for watcher in [peer, Identity::Unasked, Identity::User(aor.clone())] {
            records.push(Record::Subscription(Box::new(subscription(watcher))));
        }
        records
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_record_is_read_back() {
        for sample in samples::all() {
            assert_eq!(record(&write(&sample)), Some(sample));
        }
        let lease_written = Lease { tag: EntityTag(5), until: Wall::from_unix_millis(6) };
        assert_eq!(lease(&write_lease(lease_written)), Some(lease_written));
        let reserve_written = Reserve { cseq: 7, version: 8 };
        assert_eq!(reserve(&write_reserve(reserve_written)), Some(reserve_written));
    }

    #[test]
    fn a_record_cut_short_or_grown_is_none() {
        for sample in samples::all() {
            let whole = write(&sample);
            for octets in 0..whole.len() {
                assert_eq!(record(&whole[..octets]), None);
            }
            assert_eq!(record(&[&whole[..], b"x"].concat()), None);
        }
        assert_eq!(lease(&[1; 24]), None);
        assert_eq!(reserve(&[1; 10]), None);
    }

    #[test]
    fn a_record_with_any_octet_changed_is_a_record_or_none() {
        for sample in samples::all() {
            let whole = write(&sample);
            for place in 0..whole.len() {
                for value in [0, 1, 0x7f, 0x80, 0xff] {
                    let mut changed = whole.clone();
                    changed[place] = value;
                    let _ = record(&changed);
                }
            }
        }
    }

    #[test]
    fn a_later_version_is_left_alone() {
        let mut octets = write(&samples::all()[0]);
        octets[0] = VERSION + 1;
        assert_eq!(record(&octets), None);
    }

    #[test]
    fn keys_tell_records_apart_and_say_their_kind() {
        let keys: Vec<Vec<u8>> =
            samples::all().iter().map(|record| write_key(&record.key())).collect();
        assert_ne!(keys[0], keys[1]);
        assert_eq!(kind(&keys[0]), "publication");
        assert_eq!(kind(&keys[2]), "bindings");
        assert_eq!(kind(&keys[3]), "subscription");
        assert_eq!(kind(b""), "unknown");
        // A boundary that moves between AoR and number makes another key.
        let near = write_key(&RecordKey::Bindings(Aor::from_canonical("101@example.com\0")));
        assert_ne!(near, keys[2]);
    }
}
