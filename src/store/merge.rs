//! Base and journal as one: every record as it is now, by key in order.

use std::os::unix::fs::FileExt;

use super::base::{Base, EachRow, Rows};
use super::codec;
use super::directory::Directory;
use super::octets::Out;
use super::overlay::{Newest, Overlay, Place, Whole};
use super::patch::Patch;
use super::segment::Segment;
use crate::shard::Fault;

/// Gives every record to `each`, what the journal says laid over what the base says.
pub fn merge(
    base: Option<&Base>,
    segments: &[Segment],
    overlay: Overlay,
    each: &mut EachRow<'_>,
) -> Result<Rows, Fault> {
    let sorted = overlay.sorted();
    let mut later = Later { segments, rest: &sorted, value: Vec::new() };
    let rows = match base {
        Some(base) => base.rows(&mut |key, value| {
            later.before(key, each)?;
            later.over(key, value, each)
        })?,
        None => Rows::default(),
    };
    later.all(each)?;
    Ok(rows)
}

/// What the journal says and was not given yet.
struct Later<'a> {
    segments: &'a [Segment],
    rest: &'a [(Box<[u8]>, Newest)],
    /// The value at hand.
    value: Vec<u8>,
}

impl Later<'_> {
    /// What is new and stands before a key of the base.
    fn before(&mut self, key: &[u8], each: &mut EachRow<'_>) -> Result<(), Fault> {
        while let Some(((own, newest), rest)) = self.rest.split_first() {
            if **own >= *key {
                break;
            }
            self.rest = rest;
            self.give(own, newest, each)?;
        }
        Ok(())
    }

    fn all(&mut self, each: &mut EachRow<'_>) -> Result<(), Fault> {
        while let Some(((own, newest), rest)) = self.rest.split_first() {
            self.rest = rest;
            self.give(own, newest, each)?;
        }
        Ok(())
    }

    /// A record of the base, or what has become of it.
    fn over(&mut self, key: &[u8], value: &[u8], each: &mut EachRow<'_>) -> Result<(), Fault> {
        let newest = match self.rest.split_first() {
            Some(((own, newest), rest)) if **own == *key => {
                self.rest = rest;
                *newest
            }
            _ => return each(key, value),
        };
        if newest.whole != Whole::InBase {
            return self.give(key, &newest, each);
        }
        self.value.clear();
        self.value.extend_from_slice(value);
        lay(&newest.patch, key, &mut self.value);
        each(key, &self.value)
    }

    /// A record of the journal. What is said of a record that is not there says nothing.
    fn give(&mut self, key: &[u8], newest: &Newest, each: &mut EachRow<'_>) -> Result<(), Fault> {
        let Whole::At(place) = newest.whole else { return Ok(()) };
        self.read(place)?;
        lay(&newest.patch, key, &mut self.value);
        each(key, &self.value)
    }

    fn read(&mut self, place: Place) -> Result<(), Fault> {
        let segment = &self.segments[place.segment as usize];
        self.value.resize(place.octets as usize, 0);
        let read = segment.file.read_exact_at(&mut self.value, place.at);
        read.map_err(|fault| Directory::fault(&segment.path, "read", &fault))
    }
}

/// Lays what was said later over a value. One of an older version is written anew for that.
fn lay(patch: &Patch, key: &[u8], value: &mut Vec<u8>) {
    if codec::lay(patch, key, value) {
        return;
    }
    if let Some(record) = codec::record(key, value) {
        let mut out = Out::over(std::mem::take(value));
        out.clear();
        codec::write(&mut out, &record);
        *value = out.finish();
        codec::lay(patch, key, value);
    }
}
