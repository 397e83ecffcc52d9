//! dialog: busy lamps (RFC 4235). The union of all publishers' calls, each told from ringing to
//! its end and no further.
//!
//! A call is known by (publisher, dialog id, Call-ID), not by the entity-tag that brought it: a
//! publisher that lost its tag and publishes anew does not make a second call. With a Call-ID a
//! call only goes forward (trying, proceeding, early, confirmed, terminated); what arrives late
//! cannot light a lamp again. Without one the id may name one call after the other (Asterisk
//! uses the extension), so the newest word counts.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use siphasher::sip::SipHasher13;

use super::dialog_profile;
use super::profile::Profile;
use super::share::Memory;
use super::{
    Composed, Entry, EventPackage, Generation, Lines, Observation, Octets, Pace, Rendered, Seen,
    Wanted, refused, wanted,
};
use crate::base::identity::Aor;
use crate::base::limits;
use crate::base::media::MediaType;
use crate::base::time::{Now, Wall};
use crate::doc::body::Body;
use crate::doc::dialog_info::{self, DialogInfo, Extent, Identity, Participant, Target};
use crate::doc::dialog_info::{State as CallState, TerminatedBy};
use crate::doc::filter::{self, Salt};
use crate::doc::permissions::Permissions;
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
    /// What makes ids of calls that nobody can trace back, for those who may not pick them up.
    pub salt: Salt,
}

/// What one publication says: its calls, the newest word about each.
pub struct Calls {
    calls: Vec<Arc<Call>>,
    /// Whether they come from more than the last body: a partial document was read.
    merged: bool,
}

/// All calls of a presentity.
#[derive(Default)]
pub struct Board {
    live: Vec<Live>,
    /// The oldest first.
    ended: Vec<Ended>,
}

#[derive(Clone)]
struct Live {
    key: Key,
    /// The newest word itself, where nothing had to be changed in it.
    call: Arc<Call>,
    /// The first document that showed it.
    born: Generation,
    /// Since when it waits for an answer; `None` once answered.
    ringing_since: Option<Wall>,
}

struct Ended {
    key: Key,
    /// As it was last, or as its publisher said that it ended.
    call: Arc<Call>,
    /// A fingerprint of the id it was shown under.
    shown: u64,
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

/// Who speaks of a call, and how it is named there.
#[derive(Clone)]
struct Key {
    publisher: Arc<str>,
    /// A word about it: only its id, Call-ID and local tag count.
    named: Arc<Call>,
    /// A fingerprint of id and Call-ID: who looks through many calls need not read them all.
    print: u64,
}

/// Two devices of one user may give the legs of a forked call one id and one Call-ID; only their
/// tags tell them apart. A tag that is not known yet tells nothing.
impl PartialEq for Key {
    fn eq(&self, other: &Key) -> bool {
        if self.print != other.print {
            return false;
        }
        let (own, others) = (&*self.named, &*other.named);
        let tags_differ = match (&own.local_tag, &others.local_tag) {
            (Some(own), Some(other)) => own != other,
            _ => false,
        };
        own.id == others.id
            && own.call_id == others.call_id
            && self.publisher == other.publisher
            && !(own.call_id.is_some() && tags_differ)
    }
}

impl Key {
    fn of(publisher: &Arc<str>, call: &Arc<Call>) -> Key {
        let print = fingerprint([&call.id, call.call_id.as_deref().unwrap_or_default()]);
        Key { publisher: Arc::clone(publisher), named: Arc::clone(call), print }
    }
}

/// Equal texts have equal fingerprints.
fn fingerprint<const N: usize>(texts: [&str; N]) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(0, 0);
    texts.hash(&mut hasher);
    hasher.finish()
}

/// The newest word about one call, among all parts.
struct Word<'a> {
    key: Key,
    call: &'a Arc<Call>,
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
        let mut calls: Vec<Arc<Call>> = before
            .iter()
            .filter(|old| old.state != CallState::Terminated)
            .filter(|old| info.dialogs.iter().all(|new| new.id != old.id))
            .cloned()
            .collect();
        calls.reserve_exact(info.dialogs.len());
        for new in info.dialogs {
            let old = before.iter().find(|old| old.id == new.id);
            calls.push(Arc::new(complete(new, old.map(|old| &**old))));
        }
        if calls.len() > limits::CALLS_MAX {
            return Err(Refusal::BodyTooLarge);
        }
        Ok(Calls { calls, merged: partial })
    }

    fn whole(&self, aor: &Aor, part: &Calls) -> Option<Bytes> {
        part.merged.then(|| {
            DialogInfo::body(part.calls.iter().map(|call| &**call)).to_bytes(0, &aor.to_uri())
        })
    }

    fn compose(
        &self,
        aor: &Aor,
        parts: &[Entry<Calls>],
        previous: Board,
        generation: Generation,
        now: Now,
    ) -> Composed<Board> {
        let mut composing = Composing { aor, generation, now: now.wall, changed: false };
        let words = newest_words(parts);
        let Board { live: previous, mut ended } = previous;
        // Remembered while anybody still speaks of it, and a while beyond.
        ended.retain(|old| old.is_recent(now.wall) || words.iter().any(|word| word.key == old.key));
        let mut board = Board { live: Vec::with_capacity(words.len()), ended };
        for word in &words {
            composing.hear(word, &previous, &mut board);
        }
        for old in previous {
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

    fn common(&self, board: &Board, view: View<'_>, seen: Seen) -> Option<Arc<Rendered>> {
        static IDLE: LazyLock<Arc<Rendered>> =
            LazyLock::new(|| Arc::new(DialogInfo::body([Call::idle()].iter()).into()));
        let is_idle = board.live.is_empty() && board.farewells(seen).next().is_none();
        (view == View::Offline || is_idle).then(|| Arc::clone(&IDLE))
    }

    fn serialise(&self, _: &Aor, board: &Board, _: View<'_>, _: &MediaType, seen: Seen) -> Body {
        DialogInfo::body(board.shown(seen))
    }

    /// Ids, states and the order of calls do not move with what is withheld of them, so nothing
    /// need be remembered.
    fn serialise_part(
        &self,
        aor: &Aor,
        board: &Board,
        permissions: &Permissions,
        wanted: Wanted<'_>,
        _: Option<&mut Memory>,
    ) -> Body {
        let entity = aor.to_uri();
        let left = |call: Cow<'_, Call>| filter::dialog(&call, permissions, &entity, self.salt);
        let left: Vec<Call> = board.shown(wanted.seen).filter_map(left).collect();
        let shown = dialog_profile::shaped(wanted.profile.calls, &left);
        match shown.is_empty() {
            true => DialogInfo::body([Call::idle()].iter()),
            false => DialogInfo::body(shown.iter().map(|call| &**call)),
        }
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
        let shown: Vec<_> = match view {
            View::Offline => Vec::new(),
            _ => board.shown(seen).collect(),
        };
        let calls = dialog_profile::shaped(profile.calls, shown.iter().map(|call| &**call));
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
    fn hear(&mut self, word: &Word<'_>, previous: &[Live], board: &mut Board) {
        let old = previous.iter().find(|live| live.key == word.key);
        if old.is_none() && board.ended.iter().any(|ended| ended.makes_late(word)) {
            return;
        }
        match (old, word.call.state) {
            (None, CallState::Terminated) => {} // Nobody saw it begin, so nobody is told its end.
            (Some(old), CallState::Terminated) => {
                self.end(old.clone(), End::Said, Some(&**word.call), board);
            }
            (None, _) => {
                self.changed = true;
                let mut call = Arc::clone(word.call);
                if let Some(id) = unused_id(&word.key, board, previous) {
                    Arc::make_mut(&mut call).id = id;
                }
                self.seat(&mut call);
                let ringing_since = before_answer(&call).then_some(word.updated);
                let key = word.key.clone();
                board.live.push(Live { key, call, born: self.generation, ringing_since });
            }
            (Some(old), state) => {
                let mut call = Arc::clone(word.call);
                if word.key.named.call_id.is_some() && state < old.call.state {
                    Arc::make_mut(&mut call).state = old.call.state;
                }
                if call.id != old.call.id {
                    Arc::make_mut(&mut call).id.clone_from(&old.call.id);
                }
                self.seat(&mut call);
                self.changed |= call != old.call;
                let ringing_since =
                    before_answer(&call).then(|| old.ringing_since.unwrap_or(self.now));
                let has_tag = old.key.named.local_tag.is_some();
                let key = if has_tag { old.key.clone() } else { word.key.clone() };
                board.live.push(Live { key, call, born: old.born, ringing_since });
            }
        }
    }

    /// Ends a call that was live: told once to those who saw it, then left out.
    fn end(&mut self, old: Live, end: End, last_word: Option<&Call>, board: &mut Board) {
        self.changed = true;
        // Of a call that began again only the last end counts.
        board.ended.retain(|ended| ended.key != old.key);
        let Live { key, mut call, born, .. } = old;
        if let Some(last) = last_word {
            let mut told = complete(last.clone(), Some(&call));
            told.id.clone_from(&call.id);
            call = Arc::new(told);
            self.seat(&mut call);
        }
        let shown = fingerprint([&*call.id]);
        let (told, at) = (self.generation, self.now);
        board.ended.push(Ended { key, call, shown, born, told, at, end });
    }

    /// Withdraws calls that have waited too long for an answer; says when to look again.
    fn cap(&mut self, pre_answer_max: Duration, board: &mut Board) -> Option<Wall> {
        let mut again = None;
        let mut place = 0;
        while let Some(live) = board.live.get(place) {
            match live.ringing_since.map(|since| since + pre_answer_max) {
                Some(until) if until <= self.now => {
                    let mut overdue = board.live.swap_remove(place);
                    Arc::make_mut(&mut overdue.call).event = Some(TerminatedBy::Timeout);
                    self.end(overdue, End::RangOut, None, board);
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
    fn seat(&self, call: &mut Arc<Call>) {
        if call.local.is_none() && call.remote.is_some() {
            let uri = self.aor.to_uri();
            Arc::make_mut(call).local = Some(Participant {
                identity: Some(Identity { display: None, uri: uri.clone() }),
                target: Some(Target { uri, params: Vec::new() }),
                ..Participant::default()
            });
        }
    }
}

impl Board {
    /// The calls to write for a watcher that has seen so much: those that live, then those whose
    /// end it is owed.
    fn shown(&self, seen: Seen) -> impl Iterator<Item = Cow<'_, Call>> {
        let live = self.live.iter().map(|live| Cow::Borrowed(&*live.call));
        live.chain(self.farewells(seen).map(|ended| Cow::Owned(ended.farewell())))
    }

    /// Ended calls that a watcher was shown live and has not said it knows the end of. One whose id stands
    /// for a newer call by now is left out: what is said of that call takes its place.
    fn farewells(&self, seen: Seen) -> impl Iterator<Item = &Ended> {
        self.ended.iter().enumerate().filter_map(move |(nth, ended)| {
            let owed = seen.misses_end(ended.born, ended.told);
            let id = &ended.call.id;
            let live_again = || self.live.iter().any(|live| live.call.id == *id);
            let ended_again = || self.ended[nth + 1..].iter().any(|later| later.call.id == *id);
            (owed && !live_again() && !ended_again()).then_some(ended)
        })
    }
}

impl Ended {
    /// What watchers are told of its end; most ended calls have nobody to be told.
    fn farewell(&self) -> Call {
        Call { state: CallState::Terminated, ..Call::clone(&self.call) }
    }

    fn is_recent(&self, now: Wall) -> bool {
        now.since(self.at) < ENDED_MEMORY
    }

    /// Whether a word about a call comes after its end. With a Call-ID any word does; without
    /// one only what is older than the end, since the id may name the next call.
    fn makes_late(&self, word: &Word<'_>) -> bool {
        let same_call =
            self.key == word.key && (word.call.call_id.is_some() || word.updated < self.at);
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
            let key = Key::of(&entry.publisher, call);
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

/// The id a new call is shown under, if another call has its own already.
fn unused_id(key: &Key, board: &Board, previous: &[Live]) -> Option<String> {
    let own = &key.named.id;
    let taken = |id: &str| {
        let live = board.live.iter().chain(previous).any(|live| live.call.id == id);
        let shown = fingerprint([id]);
        live || board.ended.iter().any(|ended| ended.shown == shown && ended.key != *key)
    };
    if !taken(own) {
        return None;
    }
    (2_u32..).map(|count| format!("{own}-{count}")).find(|id| !taken(id))
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
