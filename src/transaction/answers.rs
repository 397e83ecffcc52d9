//! Final responses that may be asked for again (RFC 3261 §17.2.2), the oldest first.
//!
//! Whoever asks again says again most of what the response repeats, so only the rest of it is
//! kept: in blocks that are written at the end, forgotten from the front, and given back whole.
//! After a power cut hundreds of thousands are remembered at once; a response to a SUBSCRIBE
//! then costs some 300 octets, where itself it has 600.

use std::collections::{HashMap, VecDeque};

use super::Ticket;
use super::key::{AsIs, MergeKey, ServerKey};
use crate::base::time::Moment;
use crate::sip::Said;

/// Octets of one block.
const BLOCK_OCTETS: usize = 64 * 1024;

/// Answers of one block for which there is room from the start; as many are usual.
const BLOCK_ANSWERS: usize = 384;

/// All answers of one owner.
#[derive(Default)]
pub(super) struct Answers {
    places: HashMap<ServerKey, Place, AsIs>,
    blocks: VecDeque<Block>,
    /// The number of the first block.
    first: u32,
    /// How many of its answers are forgotten.
    forgotten: usize,
    octets: usize,
}

/// Where an answer is kept.
#[derive(Clone, Copy)]
struct Place {
    block: u32,
    answer: u32,
}

struct Block {
    answers: Vec<Answer>,
    octets: Vec<u8>,
}

/// One answer: where its parts stand in the octets of its block, one after the other.
struct Answer {
    key: ServerKey,
    merge: Option<MergeKey>,
    since: Moment,
    after: Ticket,
    start: u32,
    line: u32,
    tag: u32,
    rest: u32,
}

impl Answers {
    /// Keeps what an answer said. `since` is never before that of the last one.
    pub fn keep(
        &mut self,
        since: Moment,
        key: ServerKey,
        merge: Option<MergeKey>,
        said: Said<'_>,
        after: Ticket,
    ) {
        let Said { line, tag, rest } = said;
        let octets = line.len() + tag.len() + rest.len();
        let has_room = |block: &Block| block.octets.len() + octets <= BLOCK_OCTETS;
        if !self.blocks.back().is_some_and(has_room) {
            let block = Block::for_octets(octets);
            self.octets += block.memory();
            self.blocks.push_back(block);
        }
        let number = self.first.wrapping_add(self.blocks.len() as u32).wrapping_sub(1);
        let block = self.blocks.back_mut().expect("one was added if there was none");
        let before = block.memory();
        let answer = Answer {
            key,
            merge,
            since,
            after,
            start: block.octets.len() as u32,
            line: line.len() as u32,
            tag: tag.len() as u32,
            rest: rest.len() as u32,
        };
        let place = Place { block: number, answer: block.answers.len() as u32 };
        block.answers.push(answer);
        for part in [line, tag, rest] {
            block.octets.extend_from_slice(part);
        }
        self.octets += block.memory() - before;
        self.places.insert(key, place);
    }

    /// What was said, and the changes it must not precede.
    pub fn find(&self, key: ServerKey) -> Option<(Said<'_>, Ticket)> {
        let place = self.places.get(&key)?;
        let block = self.blocks.get(place.block.wrapping_sub(self.first) as usize)?;
        let answer = block.answers.get(place.answer as usize)?;
        Some((block.said(answer), answer.after))
    }

    /// Whether it is kept.
    pub fn has(&self, key: ServerKey) -> bool {
        self.places.contains_key(&key)
    }

    /// How old the oldest is.
    pub fn oldest(&self) -> Option<Moment> {
        Some(self.blocks.front()?.answers.get(self.forgotten)?.since)
    }

    /// Forgets the oldest; gives what would merge with it.
    pub fn forget_oldest(&mut self) -> Option<MergeKey> {
        let block = self.blocks.front_mut()?;
        let answer = block.answers.get(self.forgotten)?;
        let merge = answer.merge;
        self.places.remove(&answer.key);
        self.forgotten += 1;
        if self.forgotten == block.answers.len() {
            self.forgotten = 0;
            self.give_back();
        }
        merge
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Memory in use for them, in octets, tables included.
    pub fn octets(&self) -> usize {
        // What the table has beside each entry is one octet.
        self.octets + self.places.capacity() * (size_of::<(ServerKey, Place)>() + 1)
    }

    /// The first block is forgotten. The only one is written anew from its start.
    fn give_back(&mut self) {
        let Some(mut block) = self.blocks.pop_front() else { return };
        self.first = self.first.wrapping_add(1);
        if self.blocks.is_empty() {
            block.answers.clear();
            block.octets.clear();
            self.blocks.push_back(block);
        } else {
            self.octets -= block.memory();
        }
        if let Some(places) = smaller(self.places.len(), self.places.capacity()) {
            self.places.shrink_to(places);
        }
    }
}

/// How many places a table of keys should have that was full once and is nearly empty now.
pub(super) fn smaller(used: usize, places: usize) -> Option<usize> {
    const KEPT: usize = 4096;
    (places > KEPT && used < places / 8).then_some(KEPT.max(2 * used))
}

impl Block {
    fn for_octets(octets: usize) -> Block {
        Block {
            answers: Vec::with_capacity(BLOCK_ANSWERS),
            octets: Vec::with_capacity(BLOCK_OCTETS.max(octets)),
        }
    }

    fn said(&self, answer: &Answer) -> Said<'_> {
        let line = answer.start + answer.line;
        let tag = line + answer.tag;
        let part = |start: u32, end: u32| self.octets.get(start as usize..end as usize);
        Said {
            line: part(answer.start, line).unwrap_or_default(),
            tag: part(line, tag).unwrap_or_default(),
            rest: part(tag, tag + answer.rest).unwrap_or_default(),
        }
    }

    fn memory(&self) -> usize {
        self.octets.capacity() + self.answers.capacity() * size_of::<Answer>()
    }
}
