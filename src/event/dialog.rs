//! dialog: busy lamps (RFC 4235). The union of all publishers' calls, each told from ringing to
//! its end and no further.
//!
//! A call is known by (publisher, dialog id, Call-ID), not by the entity-tag that brought it: a
//! publisher that lost its tag and publishes anew does not make a second call. With a Call-ID a
//! call only goes forward (trying, proceeding, early, confirmed, terminated); what arrives late
//! cannot light a lamp again. Without one the id may name one call after the other (Asterisk
//! uses the extension), so the newest word counts.

use std::hash::Hasher;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use siphasher::sip::SipHasher13;

use super::dialog_profile;
use super::profile::Profile;
use super::{
    Composed, Entry, EventPackage, Generation, Lines, Observation, Octets, Pace, Rendered, Seen,
    refused, wanted,
};
use crate::base::identity::Aor;
use crate::base::limits;
use crate::base::media::MediaType;
use crate::base::time::{Now, Wall};
use crate::doc::body::Body;
use crate::doc::dialog_info::{self, DialogInfo, Extent, Identity, Participant, Target};
use crate::doc::dialog_info::{State as CallState, TerminatedBy};
use crate::doc::view::View;
use crate::sip::refusal::Refusal;

type Call = dialog_info::Dialog;

/// How long an ended call is remembered, so that a late word about it changes nothing and
/// watchers that lag behind are still told. Longer than any request is repeated (64*T1).
const ENDED_MEMORY: Duration = Duration::from_secs(64);

/// Ended calls remembered; the oldest is forgotten first. A hotline ends a few a second.
const ENDED_MAX: usize = 64;

/// The package of busy lamps.
pub struct Dialog {
    /// How long a call may stay in a state before the answer.
    pub pre_answer_max: Duration,
}

/// What one publication says: its calls, the newest word about each.
pub struct Calls {
    calls: Vec<Call>,
    /// Whether they come from more than the last body: a partial document was read.
    merged: bool,
}

/// All calls of a presentity.
#[derive(Default)]
pub struct Board {
    live: Vec<Live>,
    ended: Vec<Arc<Ended>>,
}

struct Live {
    key: Key,
    call: Call,
    /// The first document that showed it.
    born: Generation,
    /// Since when it waits for an answer; `None` once answered.
    ringing_since: Option<Wall>,
}

struct Ended {
    key: Key,
    call: Call,
    born: Generation,
    /// The document that told its end.
    told: Generation,
    at: Wall,
    end: End,
}

/// How a call ended, and so what may begin it again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// Its publisher said so: nothing.
    Said,
    /// It rang for too long: an answer.
    RangOut,
    /// Its publication lapsed without a word: whoever speaks of it again.
    Lapsed,
}

#[derive(Clone)]
struct Key {
    publisher: Box<str>,
    id: String,
    call_id: Option<String>,
    local_tag: Option<String>,
}

/// Two devices of one user may give the legs of a forked call one id and one Call-ID; only their
/// tags tell them apart. A tag that is not known yet tells nothing.
impl PartialEq for Key {
    fn eq(&self, other: &Key) -> bool {
        let tags_differ = match (&self.local_tag, &other.local_tag) {
            (Some(own), Some(other)) => own != other,
            _ => false,
        };
        self.id == other.id
            && self.call_id == other.call_id
            && self.publisher == other.publisher
            && !(self.call_id.is_some() && tags_differ)
    }
}

/// The newest word about one call, among all parts.
struct Word<'a> {
    key: Key,
    call: &'a Call,
    updated: Wall,
}

impl EventPackage for Dialog {
    type Part = Calls;
    type Document = Board;

    const NAME: &'static str = "dialog";
    const MEDIA: &'static [MediaType] = &[MediaType::DialogInfo];
    /// RFC 4235 §3.10: one a second. The burst lets ring, answer and hang-up pass undelayed.
    const PACE: Pace = Pace { interval: Duration::from_secs(1), burst: 4 };
    const EXPIRES_DEFAULT: Duration = limits::EXPIRES_DEFAULT;

    fn parse(&self, octets: Octets<'_>, previous: Option<&Calls>) -> Result<Calls, Refusal> {
        wanted(octets.media, Self::MEDIA)?;
        let info = DialogInfo::read(octets.body, octets.charset).map_err(refused)?;
        let partial = info.state == Extent::Partial;
        let before = previous.filter(|_| partial).map_or(&[][..], |calls| &calls.calls);
        // What has ended was told as ended by the last document.
        let mut calls: Vec<Call> = before
            .iter()
            .filter(|old| old.state != CallState::Terminated)
            .filter(|old| info.dialogs.iter().all(|new| new.id != old.id))
            .cloned()
            .collect();
        for new in info.dialogs {
            let old = before.iter().find(|old| old.id == new.id);
            calls.push(complete(new, old));
        }
        if calls.len() > limits::CALLS_MAX {
            return Err(Refusal::BodyTooLarge);
        }
        Ok(Calls { calls, merged: partial })
    }

    fn whole(&self, aor: &Aor, part: &Calls) -> Option<Bytes> {
        part.merged.then(|| DialogInfo::body(part.calls.iter()).to_bytes(0, &aor.to_uri()))
    }

    fn compose(
        &self,
        aor: &Aor,
        parts: &[Entry<Calls>],
        previous: &Board,
        generation: Generation,
        now: Now,
    ) -> Composed<Board> {
        let mut composing = Composing { aor, generation, now: now.wall, changed: false };
        let mut board =
            Board { live: Vec::with_capacity(previous.live.len() + 1), ended: Vec::new() };
        let words = newest_words(parts);
        // Remembered while anybody still speaks of it, and a while beyond.
        let spoken_of = |old: &&Arc<Ended>| words.iter().any(|word| word.key == old.key);
        let kept = previous.ended.iter().filter(|old| old.is_recent(now.wall) || spoken_of(old));
        board.ended.extend(kept.cloned());
        for word in &words {
            composing.hear(word, previous, &mut board);
        }
        for old in &previous.live {
            if words.iter().all(|word| word.key != old.key) {
                // Withdrawn or expired without a word of farewell.
                composing.end(old, End::Lapsed, None, &mut board);
            }
        }
        let again = composing.cap(self.pre_answer_max, &mut board);
        let excess = board.ended.len().saturating_sub(ENDED_MAX);
        board.ended.drain(..excess);
        board.live.sort_by(|a, b| a.call.id.cmp(&b.call.id));
        Composed { changed: composing.changed, document: board, again }
    }

    fn derive(&self, board: &Board) -> Option<Observation> {
        let mut lines = Lines::default();
        for Live { call, .. } in &board.live {
            lines.confirmed |= call.state == CallState::Confirmed;
            lines.ringing |= call.state == CallState::Early;
        }
        Some(Observation::Lines(lines))
    }

    /// Told apart by the ended calls a watcher has yet to hear of.
    fn variant(&self, board: &Board, seen: Seen) -> u64 {
        let mut hasher = SipHasher13::new_with_keys(0, 0);
        let mut farewells = board.farewells(seen).peekable();
        if farewells.peek().is_none() {
            return 0;
        }
        farewells.for_each(|ended| hasher.write_u32(ended.told.0 ^ ended.born.0.rotate_left(16)));
        hasher.finish() | 1
    }

    fn common(&self, board: &Board, view: View, seen: Seen) -> Option<Arc<Rendered>> {
        static IDLE: LazyLock<Arc<Rendered>> =
            LazyLock::new(|| Arc::new(DialogInfo::body([Call::idle()].iter()).into()));
        let is_idle = board.live.is_empty() && board.farewells(seen).next().is_none();
        (view == View::Offline || is_idle).then(|| Arc::clone(&IDLE))
    }

    fn serialise(&self, _: &Aor, board: &Board, _: View, _: &MediaType, seen: Seen) -> Body {
        let live = board.live.iter().map(|live| &live.call);
        let ended = board.farewells(seen).map(|ended| &ended.call);
        DialogInfo::body(live.chain(ended))
    }

    fn heeds(&self, profile: Profile) -> Profile {
        Profile { calls: profile.calls, ..Profile::default() }
    }

    fn serialise_for(
        &self,
        profile: Profile,
        _: &Aor,
        board: &Board,
        view: View,
        _: &MediaType,
        seen: Seen,
    ) -> Body {
        let live = board.live.iter().map(|live| &live.call);
        let ended = board.farewells(seen).map(|ended| &ended.call);
        let shown = live.chain(ended).filter(|_| view != View::Offline);
        let calls = dialog_profile::shaped(profile.calls, shown);
        DialogInfo::body(calls.iter().map(|call| &**call))
    }
}

/// What one composition does to the board.
struct Composing<'a> {
    aor: &'a Aor,
    generation: Generation,
    now: Wall,
    changed: bool,
}

impl Composing<'_> {
    /// Takes the newest word about one call.
    fn hear(&mut self, word: &Word<'_>, previous: &Board, board: &mut Board) {
        let old = previous.live.iter().find(|live| live.key == word.key);
        if old.is_none() && board.ended.iter().any(|ended| ended.makes_late(word)) {
            return;
        }
        match (old, word.call.state) {
            (None, CallState::Terminated) => {} // Nobody saw it begin, so nobody is told its end.
            (Some(old), CallState::Terminated) => {
                self.end(old, End::Said, Some(word.call), board);
            }
            (None, _) => {
                self.changed = true;
                let mut call = word.call.clone();
                call.id = unused_id(&word.key, board, previous);
                self.seat(&mut call);
                let ringing_since = before_answer(&call).then_some(word.updated);
                let key = word.key.clone();
                board.live.push(Live { key, call, born: self.generation, ringing_since });
            }
            (Some(old), state) => {
                let mut call = word.call.clone();
                if word.key.call_id.is_some() && state < old.call.state {
                    call.state = old.call.state;
                }
                call.id.clone_from(&old.call.id);
                self.seat(&mut call);
                self.changed |= call != old.call;
                let ringing_since =
                    before_answer(&call).then(|| old.ringing_since.unwrap_or(self.now));
                let mut key = old.key.clone();
                fill(&mut key.local_tag, &word.key.local_tag);
                board.live.push(Live { key, call, born: old.born, ringing_since });
            }
        }
    }

    /// Ends a call that was live: told once to those who saw it, then left out.
    fn end(&mut self, old: &Live, end: End, last_word: Option<&Call>, board: &mut Board) {
        self.changed = true;
        // Of a call that began again only the last end counts.
        board.ended.retain(|ended| ended.key != old.key);
        let mut call = old.call.clone();
        call.state = CallState::Terminated;
        if let Some(last) = last_word {
            call = complete(last.clone(), Some(&call));
            call.id.clone_from(&old.call.id);
            self.seat(&mut call);
        }
        let (key, born) = (old.key.clone(), old.born);
        let ended = Ended { key, call, born, told: self.generation, at: self.now, end };
        board.ended.push(Arc::new(ended));
    }

    /// Withdraws calls that have waited too long for an answer; says when to look again.
    fn cap(&mut self, pre_answer_max: Duration, board: &mut Board) -> Option<Wall> {
        let mut again = None;
        let mut place = 0;
        while let Some(live) = board.live.get(place) {
            match live.ringing_since.map(|since| since + pre_answer_max) {
                Some(until) if until <= self.now => {
                    let mut overdue = board.live.swap_remove(place);
                    overdue.call.event = Some(TerminatedBy::Timeout);
                    self.end(&overdue, End::RangOut, None, board);
                }
                until => {
                    again = [again, until].into_iter().flatten().min();
                    place += 1;
                }
            }
        }
        again
    }

    /// A watched phone that is not described beside its partner gets its own address: phones
    /// need both sides, each with identity and target, to offer a pick-up.
    fn seat(&self, call: &mut Call) {
        if call.local.is_none() && call.remote.is_some() {
            let uri = self.aor.to_uri();
            call.local = Some(Participant {
                identity: Some(Identity { display: None, uri: uri.clone() }),
                target: Some(Target { uri, params: Vec::new() }),
                ..Participant::default()
            });
        }
    }
}

impl Board {
    /// Ended calls that a watcher was shown live and has not said it knows the end of. One whose id stands
    /// for a newer call by now is left out: what is said of that call takes its place.
    fn farewells(&self, seen: Seen) -> impl Iterator<Item = &Ended> {
        self.ended.iter().enumerate().filter_map(move |(nth, ended)| {
            let owed = seen.misses_end(ended.born, ended.told);
            let id = &ended.call.id;
            let live_again = || self.live.iter().any(|live| live.call.id == *id);
            let ended_again = || self.ended[nth + 1..].iter().any(|later| later.call.id == *id);
            (owed && !live_again() && !ended_again()).then_some(&**ended)
        })
    }
}

impl Ended {
    fn is_recent(&self, now: Wall) -> bool {
        now.since(self.at) < ENDED_MEMORY
    }

    /// Whether a word about a call comes after its end. With a Call-ID any word does; without
    /// one only what is older than the end, since the id may name the next call.
    fn makes_late(&self, word: &Word<'_>) -> bool {
        let same_call =
            self.key == word.key && (word.key.call_id.is_some() || word.updated < self.at);
        same_call
            && match self.end {
                End::Said => true,
                End::RangOut => before_answer(word.call),
                End::Lapsed => false,
            }
    }
}

fn before_answer(call: &Call) -> bool {
    call.state < CallState::Confirmed
}

/// One word per call, the newest; the later source wins among words of one moment.
fn newest_words(parts: &[Entry<Calls>]) -> Vec<Word<'_>> {
    let mut words: Vec<Word<'_>> = Vec::new();
    for entry in parts {
        for call in &entry.part.calls {
            let key = Key {
                publisher: entry.publisher.clone(),
                id: call.id.clone(),
                call_id: call.call_id.clone(),
                local_tag: call.local_tag.clone(),
            };
            match words.iter_mut().find(|word| word.key == key) {
                Some(word) if word.updated <= entry.updated => {
                    word.call = call;
                    word.updated = entry.updated;
                }
                Some(_) => {}
                None => words.push(Word { key, call, updated: entry.updated }),
            }
        }
    }
    words
}

/// The id a new call is shown under: its own unless another call has it already.
fn unused_id(key: &Key, board: &Board, previous: &Board) -> String {
    let taken = |id: &str| {
        let live = board.live.iter().chain(&previous.live).any(|live| live.call.id == id);
        live || board.ended.iter().any(|ended| ended.call.id == id && ended.key != *key)
    };
    if !taken(&key.id) {
        return key.id.clone();
    }
    (2_u32..)
        .map(|count| format!("{}-{count}", key.id))
        .find(|id| !taken(id))
        .expect("fewer than 2^32 calls")
}

/// What a word leaves out stays as it was (RFC 4235 §4.1.6).
fn complete(mut new: Call, old: Option<&Call>) -> Call {
    let Some(old) = old else { return new };
    if new.call_id.is_some() && old.call_id.is_some() && new.call_id != old.call_id {
        return new; // The id names another call now.
    }
    fill(&mut new.call_id, &old.call_id);
    fill(&mut new.local_tag, &old.local_tag);
    fill(&mut new.remote_tag, &old.remote_tag);
    fill(&mut new.direction, &old.direction);
    fill(&mut new.local, &old.local);
    fill(&mut new.remote, &old.remote);
    new
}

fn fill<T: Clone>(new: &mut Option<T>, old: &Option<T>) {
    if new.is_none() {
        new.clone_from(old);
    }
}
