//! Records as octets: a key that says what and whose, and a value with a version first. Reading
//! is total: whatever the octets are, there is a record or there is none.
//!
//! What of a record changes often stands at fixed places right behind the version, so that a
//! later word on it is laid over the octets without reading them all.

use super::octets::{In, Out};
use super::patch::{Lease, Numbers, Patch};
use crate::base::flow::Transport;
use crate::base::identity::{Aor, EntityTag, Identity};
use crate::base::media::MediaType;
use crate::base::mint::{HomeHash, LocalTag};
use crate::base::time::Wall;
use crate::base::uri::Uri;
use crate::dialog::DialogParts;
use crate::event::profile::Profile;
use crate::event::{Channel, Topic};
use crate::registrar::Binding;
use crate::shard::record::{FlowRecord, PublicationRecord, SubscriptionRecord};
use crate::shard::{Record, RecordKey};

pub(super) mod first;

/// The version written. Every older one is still read: it has an arm in [`record`].
pub const VERSION: u8 = 3;

/// The version before: subscriptions without a profile, else the same. What changes stands at the
/// same places.
const PLAIN: u8 = 2;

const PUBLICATION: u8 = 1;
const SUBSCRIPTION: u8 = 2;
const BINDINGS: u8 = 3;
const SAID: u8 = 4;

/// What a key names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A publication.
    Publication,
    /// A subscription.
    Subscription,
    /// The contacts of an AoR.
    Bindings,
    /// What one channel says of a person.
    Said,
}

impl Kind {
    /// Of a key.
    pub fn of(key: &[u8]) -> Option<Kind> {
        match key.first() {
            Some(&PUBLICATION) => Some(Kind::Publication),
            Some(&SUBSCRIPTION) => Some(Kind::Subscription),
            Some(&BINDINGS) => Some(Kind::Bindings),
            Some(&SAID) => Some(Kind::Said),
            _ => None,
        }
    }

    /// For the operator; it shows nobody's address.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Publication => "publication",
            Kind::Subscription => "subscription",
            Kind::Bindings => "bindings",
            Kind::Said => "said",
        }
    }
}

/// A key as octets: kind, AoR, number. Keys of one AoR stand together within a kind.
pub fn write_key(out: &mut Out, key: &RecordKey) {
    match key {
        RecordKey::Publication(aor, number) => publication_key(out, aor, *number),
        RecordKey::Subscription(aor, tag) => subscription_key(out, aor, *tag),
        RecordKey::Bindings(aor) => bindings_key(out, aor),
        RecordKey::Said(aor, channel) => said_key(out, aor, *channel),
    }
}

/// The key of a record as octets.
pub fn write_key_of(out: &mut Out, record: &Record) {
    match record {
        Record::Publication(record) => publication_key(out, &record.aor, record.number),
        Record::Subscription(record) => {
            subscription_key(out, &record.aor, record.dialog.tag.unique);
        }
        Record::Bindings { aor, .. } => bindings_key(out, aor),
        Record::Said { aor, channel, .. } => said_key(out, aor, *channel),
    }
}

fn publication_key(out: &mut Out, aor: &Aor, number: u32) {
    out.u8(PUBLICATION).text(aor.as_str()).u32(number);
}

fn subscription_key(out: &mut Out, aor: &Aor, tag: u64) {
    out.u8(SUBSCRIPTION).text(aor.as_str()).u64(tag);
}

fn bindings_key(out: &mut Out, aor: &Aor) {
    out.u8(BINDINGS).text(aor.as_str());
}

fn said_key(out: &mut Out, aor: &Aor, channel: Channel) {
    out.u8(SAID).text(aor.as_str()).u8(topic_number(channel.topic)).u32(channel.number);
}

/// The key that was written.
pub fn key(octets: &[u8]) -> Option<RecordKey> {
    let mut from = In::new(octets);
    let key = match from.u8()? {
        PUBLICATION => RecordKey::Publication(aor(&mut from)?, from.u32()?),
        SUBSCRIPTION => RecordKey::Subscription(aor(&mut from)?, from.u64()?),
        BINDINGS => RecordKey::Bindings(aor(&mut from)?),
        SAID => RecordKey::Said(aor(&mut from)?, channel(&mut from)?),
        _ => return None,
    };
    from.end()?;
    Some(key)
}

/// The value of a record as octets; the key says the rest.
pub fn write(out: &mut Out, record: &Record) {
    out.u8(VERSION);
    match record {
        Record::Publication(record) => write_publication(out, record),
        Record::Subscription(record) => write_subscription(out, record),
        Record::Bindings { aor: _, bindings } => {
            out.list(bindings.iter(), write_binding);
        }
        Record::Said { says, .. } => {
            // What can be said grows; as text what is new does not move what is old.
            out.octets(&serde_json::to_vec(says).expect("texts and numbers"));
        }
    }
}

/// The record that was written; `None` if these octets are none, or of a later version.
pub fn record(key: &[u8], value: &[u8]) -> Option<Record> {
    let key = self::key(key)?;
    let (version, mut from) = In::begin(value)?;
    let record = match (version, key) {
        (1, key) => first::record(&key, &mut from)?,
        (PLAIN | VERSION, RecordKey::Publication(aor, number)) => {
            Record::Publication(publication(&mut from, aor, number)?)
        }
        (PLAIN | VERSION, RecordKey::Subscription(aor, tag)) => {
            let mut subscription = subscription(&mut from, aor, tag)?;
            if version == VERSION {
                subscription.profile = Profile::from_octet(from.u8()?)?;
            }
            Record::Subscription(Box::new(subscription))
        }
        (PLAIN | VERSION, RecordKey::Bindings(aor)) => {
            Record::Bindings { aor, bindings: from.list(binding)? }
        }
        (VERSION, RecordKey::Said(aor, channel)) => {
            Record::Said { aor, channel, says: serde_json::from_slice(from.octets()?).ok()? }
        }
        _ => return None,
    };
    from.end()?;
    Some(record)
}

/// Lays what was said later over a value. False if that was said of another kind of record, or
/// of a version whose places are not fixed.
pub fn lay(patch: &Patch, key: &[u8], value: &mut [u8]) -> bool {
    match (value.first(), Kind::of(key), patch) {
        (_, _, Patch::Nothing) => true,
        (Some(&(PLAIN | VERSION)), Some(Kind::Publication), Patch::Lease(lease)) => {
            lay_lease(lease, value).is_some()
        }
        (Some(&(PLAIN | VERSION)), Some(Kind::Subscription), Patch::Numbers(numbers)) => {
            lay_numbers(numbers, value).is_some()
        }
        _ => false,
    }
}

/// Where the tag and the end of a publication stand in its value.
const LEASE: [std::ops::Range<usize>; 2] = [1..17, 17..25];

fn lay_lease(lease: &Lease, value: &mut [u8]) -> Option<()> {
    let [tag, until] = LEASE;
    value.get_mut(tag)?.copy_from_slice(&lease.tag.0.to_be_bytes());
    value.get_mut(until)?.copy_from_slice(&lease.until.as_unix_millis().to_be_bytes());
    Some(())
}

/// Where CSeq, version, end and the peer's CSeq of a subscription stand in its value.
const NUMBERS: [std::ops::Range<usize>; 4] = [1..5, 5..9, 9..17, 17..21];

fn lay_numbers(numbers: &Numbers, value: &mut [u8]) -> Option<()> {
    let [cseq, version, until, remote] = NUMBERS;
    for (place, number) in [(cseq, numbers.cseq), (version, numbers.version)] {
        let place: &mut [u8; 4] = value.get_mut(place)?.try_into().ok()?;
        *place = u32::from_be_bytes(*place).max(number).to_be_bytes();
    }
    if let Some(renewed) = numbers.renewed {
        value.get_mut(until)?.copy_from_slice(&renewed.until.as_unix_millis().to_be_bytes());
        value.get_mut(remote)?.copy_from_slice(&renewed.remote.to_be_bytes());
    }
    Some(())
}

/// The CSeq and the version that stand in the value of a subscription.
pub fn numbers(value: &[u8]) -> Option<(u32, u32)> {
    let (PLAIN | VERSION, mut from) = In::begin(value)? else { return None };
    Some((from.u32()?, from.u32()?))
}

fn write_publication(out: &mut Out, record: &PublicationRecord) {
    let PublicationRecord {
        aor: _,
        number: _,
        package,
        tag,
        until,
        updated,
        publisher,
        media,
        charset,
        body,
    } = record;
    out.u128(tag.0)
        .u64(until.as_unix_millis())
        .u64(updated.as_unix_millis())
        .text(package)
        .text(publisher)
        .text(&media.as_text())
        .option(charset.as_ref(), |out, charset| {
            out.text(charset);
        })
        .octets(body);
}

fn publication(from: &mut In<'_>, aor: Aor, number: u32) -> Option<PublicationRecord> {
    Some(PublicationRecord {
        aor,
        number,
        tag: EntityTag(from.u128()?),
        until: wall(from)?,
        updated: wall(from)?,
        package: from.text()?.to_owned(),
        publisher: from.text()?.to_owned(),
        media: MediaType::from_text(from.text()?),
        charset: from.option(|from| from.text().map(str::to_owned))?,
        body: from.bytes()?,
    })
}

fn write_subscription(out: &mut Out, record: &SubscriptionRecord) {
    let SubscriptionRecord {
        aor: _,
        package,
        event,
        media,
        profile,
        entity,
        watcher,
        dialog,
        version,
        until,
        flow,
        origin,
    } = record;
    let DialogParts { tag, cseq, remote_cseq, target, route, call_id, local, remote, remote_tag } =
        dialog;
    out.u32(*cseq).u32(*version).u64(until.as_unix_millis()).u32(*remote_cseq);
    out.text(package).text(event).text(&media.as_text()).text(entity);
    write_identity(out, watcher);
    out.u32(tag.home.0).text(target);
    out.list(route.iter(), |out, hop| {
        out.text(hop);
    });
    out.text(call_id).octets(local).octets(remote).text(remote_tag);
    out.u8(transport_number(flow.transport)).address(flow.local).address(flow.peer).ip(*origin);
    out.u8(profile.to_octet());
}

fn subscription(from: &mut In<'_>, aor: Aor, unique: u64) -> Option<SubscriptionRecord> {
    let (cseq, version) = (from.u32()?, from.u32()?);
    let (until, remote_cseq) = (wall(from)?, from.u32()?);
    Some(SubscriptionRecord {
        aor,
        version,
        until,
        profile: Profile::default(),
        package: from.text()?.to_owned(),
        event: from.text()?.to_owned(),
        media: MediaType::from_text(from.text()?),
        entity: from.text()?.to_owned(),
        watcher: identity(from)?,
        dialog: DialogParts {
            tag: LocalTag { home: HomeHash(from.u32()?), unique },
            cseq,
            remote_cseq,
            target: from.text()?.to_owned(),
            route: from.list(|from| from.text().map(str::to_owned))?,
            call_id: from.text()?.to_owned(),
            local: from.octets()?.to_vec(),
            remote: from.octets()?.to_vec(),
            remote_tag: from.text()?.to_owned(),
        },
        flow: flow(from)?,
        origin: from.ip()?,
    })
}

fn flow(from: &mut In<'_>) -> Option<FlowRecord> {
    Some(FlowRecord {
        transport: transport(from.u8()?)?,
        local: from.address()?,
        peer: from.address()?,
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

fn channel(from: &mut In<'_>) -> Option<Channel> {
    Some(Channel { topic: topic(from.u8()?)?, number: from.u32()? })
}

/// The numbers of the topics. One that is given is never given anew.
const TOPICS: &[(u8, Topic)] = &[
    (1, Topic::Organisation),
    (2, Topic::Manual),
    (3, Topic::Note),
    (4, Topic::Absence),
    (5, Topic::Dnd),
    (6, Topic::Conference),
    (7, Topic::Calendar),
    (8, Topic::Input),
    (9, Topic::Connector),
    (10, Topic::Feed),
    (11, Topic::Hours),
    (12, Topic::Forwarding),
];

fn topic_number(topic: Topic) -> u8 {
    let known = TOPICS.iter().find(|(_, known)| *known == topic);
    known.map(|(number, _)| *number).expect("every topic has a number")
}

fn topic(number: u8) -> Option<Topic> {
    TOPICS.iter().find(|(known, _)| *known == number).map(|(_, topic)| *topic)
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
pub mod samples;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::patch::Renewed;

    fn octets(sample: &Record) -> (Vec<u8>, Vec<u8>) {
        let (mut key, mut value) = (Out::default(), Out::default());
        write_key_of(&mut key, sample);
        write(&mut value, sample);
        (key.finish(), value.finish())
    }

    #[test]
    fn a_written_record_is_read_back() {
        for sample in samples::all() {
            let (name, value) = octets(&sample);
            assert_eq!(key(&name), Some(sample.key()));
            let mut again = Out::default();
            write_key(&mut again, &sample.key());
            assert_eq!(again.finish(), name);
            assert_eq!(record(&name, &value), Some(sample));
        }
    }

    #[test]
    fn a_record_cut_short_or_grown_is_none() {
        for sample in samples::all() {
            let (name, whole) = octets(&sample);
            for octets in 0..whole.len() {
                assert_eq!(record(&name, &whole[..octets]), None);
            }
            assert_eq!(record(&name, &[&whole[..], b"x"].concat()), None);
            for octets in 0..name.len() {
                assert_eq!(record(&name[..octets], &whole), None);
            }
        }
    }

    #[test]
    fn a_record_with_any_octet_changed_is_a_record_or_none() {
        for sample in samples::all() {
            let (name, whole) = octets(&sample);
            for place in 0..whole.len() {
                for value in [0, 1, 0x7f, 0x80, 0xff] {
                    let mut changed = whole.clone();
                    changed[place] = value;
                    let _ = record(&name, &changed);
                }
            }
        }
    }

    #[test]
    fn a_later_version_is_left_alone() {
        let (name, mut value) = octets(&samples::all()[0]);
        value[0] = VERSION + 1;
        assert_eq!(record(&name, &value), None);
        let lease = Lease { tag: EntityTag(1), until: Wall::from_unix_millis(1) };
        assert!(!lay(&Patch::Lease(lease), &name, &mut value));
    }

    #[test]
    fn the_version_before_is_read_and_its_subscriptions_have_the_usual_profile() {
        for sample in samples::all() {
            let (name, mut value) = octets(&sample);
            value[0] = PLAIN;
            let expected = match sample {
                Record::Said { .. } => None,
                Record::Subscription(mut subscription) => {
                    value.pop();
                    assert_eq!(
                        numbers(&value),
                        Some((subscription.dialog.cseq, subscription.version))
                    );
                    subscription.profile = Profile::default();
                    Some(Record::Subscription(subscription))
                }
                other => Some(other),
            };
            assert_eq!(record(&name, &value), expected);
        }
    }

    #[test]
    fn keys_tell_records_apart_and_say_their_kind() {
        let keys: Vec<Vec<u8>> = samples::all().iter().map(|sample| octets(sample).0).collect();
        assert_ne!(keys[0], keys[1]);
        let kinds = [0, 2, 3].map(|place| Kind::of(&keys[place]).map(Kind::name));
        assert_eq!(kinds, [Some("publication"), Some("bindings"), Some("subscription")]);
        assert_eq!(Kind::of(b""), None);
        // A boundary that moves between AoR and number makes another key.
        let mut near = Out::default();
        bindings_key(&mut near, &Aor::from_canonical("101@example.com\0"));
        assert_ne!(near.finish(), keys[2]);
    }

    #[test]
    fn what_is_said_later_is_laid_over_the_octets() {
        let (tag, until) = (EntityTag(5), Wall::from_unix_millis(6));
        let renewed = Some(Renewed { until, remote: 70 });
        for sample in samples::all() {
            let (name, mut value) = octets(&sample);
            let patch = match &sample {
                Record::Publication(_) => Patch::Lease(Lease { tag, until }),
                _ => Patch::Numbers(Numbers { cseq: 500, version: 3, renewed }),
            };
            let expected = match sample {
                Record::Publication(p) => {
                    Record::Publication(PublicationRecord { tag, until, ..p })
                }
                Record::Subscription(mut s) => {
                    assert!(s.version > 3, "numbers only grow");
                    (s.dialog.cseq, s.dialog.remote_cseq, s.until) = (500, 70, until);
                    Record::Subscription(s)
                }
                bindings => {
                    assert!(!lay(&patch, &name, &mut value));
                    bindings
                }
            };
            lay(&patch, &name, &mut value);
            assert_eq!(record(&name, &value), Some(expected));
        }
    }
}
