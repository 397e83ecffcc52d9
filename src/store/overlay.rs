//! What the journal says last of every key: laid over the base when everything is read.

use std::collections::HashMap;

use super::entry::{self, Entry};
use super::header::{SEGMENT, payload};
use super::patch::Patch;
use super::segment::Segment;
use super::walk::{Walked, walk};
use crate::shard::Fault;

/// The newest of every key that the journal speaks of.
#[derive(Debug, Default)]
pub struct Overlay {
    newest: HashMap<Box<[u8]>, Newest, ahash::RandomState>,
}

/// The newest of one key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Newest {
    /// The record.
    pub whole: Whole,
    /// What was said of it since.
    pub patch: Patch,
}

/// Where a record is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Whole {
    /// In the base, if anywhere.
    InBase,
    /// In a segment.
    At(Place),
    /// Nowhere any more.
    Gone,
}

/// A value in a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// Which of the segments, by position.
    pub segment: u32,
    /// Its length.
    pub octets: u32,
    /// Where it begins.
    pub at: u64,
}

impl Overlay {
    /// Reads a segment, the next by position; those before it were read already. `ended` is told
    /// whether the last thing in it says that nothing follows.
    pub fn read(
        &mut self,
        position: usize,
        segment: &Segment,
        ended: &mut bool,
    ) -> Result<Walked, Fault> {
        let segment_number = u32::try_from(position).expect("segments are few");
        *ended = false;
        walk(&segment.path, &segment.file, SEGMENT, segment.end, &mut |at, octets| {
            let Some((kind, content)) = octets.split_first() else { return Ok(None) };
            *ended = *kind == payload::END;
            match *kind {
                payload::CONTENT => Ok(entry::read(content, |entry| {
                    self.take(segment_number, at + 1, &entry);
                })),
                payload::HEADER | payload::END => Ok(Some(())),
                _ => Ok(None),
            }
        })
    }

    fn take(&mut self, segment: u32, content_at: u64, entry: &Entry<'_>) {
        match *entry {
            Entry::Put { key, at, value } => {
                let octets = u32::try_from(value.len()).expect("a value is inside a frame");
                let place = Place { segment, octets, at: content_at + at as u64 };
                self.set(key, Newest { whole: Whole::At(place), patch: Patch::Nothing });
            }
            Entry::Remove(key) => {
                self.set(key, Newest { whole: Whole::Gone, patch: Patch::Nothing });
            }
            Entry::Patch(key, patch) => match self.newest.get_mut(key) {
                Some(newest) => newest.patch.add(patch),
                None => self.set(key, Newest { whole: Whole::InBase, patch }),
            },
        }
    }

    fn set(&mut self, key: &[u8], newest: Newest) {
        match self.newest.get_mut(key) {
            Some(old) => *old = newest,
            None => {
                self.newest.insert(key.into(), newest);
            }
        }
    }

    /// Everything, by key in order.
    pub fn sorted(self) -> Vec<(Box<[u8]>, Newest)> {
        let mut sorted: Vec<_> = self.newest.into_iter().collect();
        sorted.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        sorted
    }
}
