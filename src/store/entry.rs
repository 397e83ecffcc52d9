//! One change as it stands in the journal: what is done, to which key, and what it needs.

use super::codec;
use super::octets::{In, Out};
use super::patch::{Lease, Numbers, Patch, Renewed};
use crate::base::identity::EntityTag;
use crate::base::time::Wall;
use crate::shard::Change;

const PUT: u8 = 1;
const LEASE: u8 = 2;
const RESERVE: u8 = 3;
const RENEW: u8 = 4;
const REMOVE: u8 = 5;

/// A change that was read.
#[derive(PartialEq, Eq, Debug)]
pub enum Entry<'a> {
    /// A record, new or anew.
    Put {
        /// Its key.
        key: &'a [u8],
        /// Where its value begins in what was read.
        at: usize,
        /// Its value.
        value: &'a [u8],
    },
    /// Something small about a record.
    Patch(&'a [u8], Patch),
    /// A record is gone.
    Remove(&'a [u8]),
}

/// Appends a change.
pub fn write(out: &mut Out, change: &Change) {
    match change {
        Change::Put(record) => {
            out.u8(PUT).sized(|out| codec::write_key_of(out, record));
            out.sized(|out| codec::write(out, record));
        }
        Change::Lease { key, tag, until } => {
            out.u8(LEASE).sized(|out| codec::write_key(out, key));
            out.u128(tag.0).u64(until.as_unix_millis());
        }
        Change::Reserve { key, cseq, version } => {
            out.u8(RESERVE).sized(|out| codec::write_key(out, key));
            out.u32(*cseq).u32(*version);
        }
        Change::Renew { key, until, remote } => {
            out.u8(RENEW).sized(|out| codec::write_key(out, key));
            out.u64(until.as_unix_millis()).u32(*remote);
        }
        Change::Remove(key) => {
            out.u8(REMOVE).sized(|out| codec::write_key(out, key));
        }
    }
}

/// Reads what was written, one change after the other; `None` if it is anything else.
pub fn read<'a>(octets: &'a [u8], mut each: impl FnMut(Entry<'a>)) -> Option<()> {
    let mut from = In::new(octets);
    while from.left() > 0 {
        each(entry(octets.len(), &mut from)?);
    }
    Some(())
}

fn entry<'a>(whole: usize, from: &mut In<'a>) -> Option<Entry<'a>> {
    let (kind, key) = (from.u8()?, from.octets()?);
    let patch = match kind {
        PUT => {
            let value = from.octets()?;
            return Some(Entry::Put { key, at: whole - from.left() - value.len(), value });
        }
        REMOVE => return Some(Entry::Remove(key)),
        LEASE => Patch::Lease(Lease { tag: EntityTag(from.u128()?), until: wall(from)? }),
        RESERVE => {
            Patch::Numbers(Numbers { cseq: from.u32()?, version: from.u32()?, renewed: None })
        }
        RENEW => {
            let renewed = Some(Renewed { until: wall(from)?, remote: from.u32()? });
            Patch::Numbers(Numbers { renewed, ..Numbers::default() })
        }
        _ => return None,
    };
    Some(Entry::Patch(key, patch))
}

fn wall(from: &mut In<'_>) -> Option<Wall> {
    from.u64().map(Wall::from_unix_millis)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shard::{Record, RecordKey};

    fn changes() -> Vec<Change> {
        let records = codec::samples::all();
        let (publication, subscription) = (records[0].key(), records[3].key());
        let (tag, until) = (EntityTag(9), Wall::from_unix_millis(5));
        let mut changes: Vec<Change> = records.into_iter().map(Change::Put).collect();
        changes.push(Change::Lease { key: publication.clone(), tag, until });
        changes.push(Change::Reserve { key: subscription.clone(), cseq: 3, version: 4 });
        changes.push(Change::Renew { key: subscription, until, remote: 8 });
        changes.push(Change::Remove(publication));
        changes
    }

    fn octets(changes: &[Change]) -> Vec<u8> {
        let mut out = Out::default();
        changes.iter().for_each(|change| write(&mut out, change));
        out.finish()
    }

    /// A change from its octets.
    fn change(entry: &Entry<'_>) -> Option<Change> {
        let key = |key| codec::key(key);
        Some(match *entry {
            Entry::Put { key, value, .. } => Change::Put(codec::record(key, value)?),
            Entry::Remove(of) => Change::Remove(key(of)?),
            Entry::Patch(of, Patch::Lease(Lease { tag, until })) => {
                Change::Lease { key: key(of)?, tag, until }
            }
            Entry::Patch(of, Patch::Numbers(numbers)) => match numbers.renewed {
                Some(Renewed { until, remote }) => Change::Renew { key: key(of)?, until, remote },
                None => {
                    let Numbers { cseq, version, .. } = numbers;
                    Change::Reserve { key: key(of)?, cseq, version }
                }
            },
            Entry::Patch(_, Patch::Nothing) => return None,
        })
    }

    #[test]
    fn changes_are_read_in_the_order_they_were_written() {
        let written = octets(&changes());
        let mut found = Vec::new();
        let done = read(&written, |entry| {
            if let Entry::Put { at, value, .. } = entry {
                assert_eq!(&written[at..at + value.len()], value);
            }
            found.push(change(&entry).expect("a change"));
        });
        assert_eq!((done, found), (Some(()), changes()));
        let other = RecordKey::Bindings(changes_aor());
        assert_ne!(octets(&[Change::Remove(other)]), octets(&changes()[..1]));
    }

    fn changes_aor() -> crate::base::identity::Aor {
        match &codec::samples::all()[0] {
            Record::Publication(record) => record.aor.clone(),
            _ => panic!("the first is a publication"),
        }
    }

    #[test]
    fn changes_cut_short_are_none() {
        for change in changes() {
            let whole = octets(&[change]);
            for octets in 1..whole.len() {
                assert_eq!(read(&whole[..octets], |_| {}), None);
            }
        }
    }
}
