//! A shard's way to the store: what it wants kept is written down in its own thread, handed over
//! once a turn, and waited for by ticket.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, JoinHandle, Thread};
use std::time::Duration;

use super::Kept;
use super::config::{Config, Durability};
use super::embedded::write_frame;
use super::octets::Out;
use super::writer::{Files, Writer};
use crate::base::limits::{
    STORE_BACKLOG_MAX, STORE_BACKLOG_OCTETS_MAX, STORE_PAUSE, STORE_PAUSE_RELAXED,
};
use crate::shard::{Change, Fault};
use crate::transaction::Ticket;

/// What shards and the writing thread both look at.
pub(super) struct Shared {
    pub lanes: Vec<Lane>,
    /// Changes handed over and not yet kept.
    pub backlog: AtomicUsize,
    /// The same in octets.
    pub backlog_octets: AtomicUsize,
    /// The store keeps nothing at the moment.
    pub is_failing: AtomicBool,
    /// No more is to come: what cannot be kept now is given up.
    pub is_closing: AtomicBool,
    /// The writing thread sleeps, or is about to.
    pub is_asleep: AtomicBool,
    thread: OnceLock<Thread>,
}

/// What lies between one shard and the writing thread; no other shard touches its cache lines.
#[derive(Default)]
#[repr(align(128))]
pub(super) struct Lane {
    handed: Mutex<Handed>,
    /// The last ticket kept.
    pub kept: AtomicU64,
    /// Somebody waits for a ticket.
    pub is_awaited: AtomicBool,
}

/// What a shard has handed over and the writing thread has not taken.
#[derive(Default)]
pub(super) struct Handed {
    /// Its batches, each a frame.
    pub frames: Out,
    /// How many changes they are.
    pub changes: usize,
    /// The last of its tickets.
    pub ticket: Ticket,
}

/// One shard's way to the store.
pub struct Keeper {
    shard: usize,
    shared: Arc<Shared>,
    /// Whether anything is kept at all.
    keeps: bool,
    holds: bool,
    is_well: bool,
    /// Where a batch is written down.
    frames: Out,
}

/// The writing thread.
pub struct Writing {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// Starts the writing thread for so many shards; `tell` wakes a shard for which something
/// changed.
pub fn start(
    config: &Config,
    store: Kept,
    shards: usize,
    tell: impl Fn(usize) + Send + 'static,
) -> Result<(Vec<Keeper>, Writing), Fault> {
    match store {
        Kept::Memory(_) => Ok(keepers(false, Durability::Relaxed, shards)),
        Kept::Embedded(store) => start_with(*store, config.durability, shards, tell),
    }
}

fn start_with(
    files: impl Files,
    durability: Durability,
    shards: usize,
    tell: impl Fn(usize) + Send + 'static,
) -> Result<(Vec<Keeper>, Writing), Fault> {
    let (keepers, writing) = keepers(true, durability, shards);
    let pause = match durability {
        Durability::Relaxed => STORE_PAUSE_RELAXED,
        Durability::Acked | Durability::Synced => STORE_PAUSE,
    };
    let writer = Writer::new(files, Arc::clone(&writing.shared), pause, tell);
    let thread = thread::Builder::new().name("store".to_owned()).spawn(move || writer.run());
    let thread = thread.map_err(|fault| Fault { what: format!("no thread: {fault}") })?;
    writing.shared.thread.get_or_init(|| thread.thread().clone());
    writing.place().replace(thread);
    Ok((keepers, writing))
}

fn keepers(keeps: bool, durability: Durability, shards: usize) -> (Vec<Keeper>, Writing) {
    let shared = Arc::new(Shared {
        lanes: (0..shards).map(|_| Lane::default()).collect(),
        backlog: AtomicUsize::new(0),
        backlog_octets: AtomicUsize::new(0),
        is_failing: AtomicBool::new(false),
        is_closing: AtomicBool::new(false),
        is_asleep: AtomicBool::new(false),
        thread: OnceLock::new(),
    });
    let holds = keeps && durability != Durability::Relaxed;
    let keeper = |shard| Keeper {
        shard,
        shared: Arc::clone(&shared),
        keeps,
        holds,
        is_well: true,
        frames: Out::default(),
    };
    let keepers = (0..shards).map(keeper).collect();
    (keepers, Writing { shared, thread: Mutex::new(None) })
}

impl Keeper {
    /// Hands a batch over.
    pub fn keep(&mut self, ticket: Ticket, changes: Vec<Change>) {
        let Some(lane) = self.shared.lanes.get(self.shard).filter(|_| self.keeps) else { return };
        self.frames.clear();
        write_frame(&mut self.frames, &changes);
        self.shared.backlog.fetch_add(changes.len(), Ordering::SeqCst);
        self.shared.backlog_octets.fetch_add(self.frames.len(), Ordering::SeqCst);
        let mut handed = lane.handed();
        match handed.frames.len() {
            // Buffers go round, so that nothing is allocated or copied as a rule.
            0 => std::mem::swap(&mut handed.frames, &mut self.frames),
            _ => {
                handed.frames.raw(self.frames.as_slice());
            }
        }
        handed.changes += changes.len();
        handed.ticket = ticket;
        drop(handed);
        self.shared.wake();
    }

    /// Whether a message that waits for a ticket must wait still. The shard is woken when that
    /// changes.
    pub fn must_wait(&self, after: Ticket) -> bool {
        let Some(lane) = self.shared.lanes.get(self.shard).filter(|_| self.holds) else {
            return false;
        };
        if lane.kept.load(Ordering::SeqCst) >= after.0 {
            return false;
        }
        // Asked again: it may have been kept before anybody knew that it is waited for.
        lane.is_awaited.store(true, Ordering::SeqCst);
        lane.kept.load(Ordering::SeqCst) < after.0
    }

    /// Whether the store keeps up, if that has changed since it was last asked.
    pub fn health(&mut self) -> Option<bool> {
        if !self.keeps {
            return None;
        }
        let backlog = self.shared.backlog.load(Ordering::SeqCst);
        let octets = self.shared.backlog_octets.load(Ordering::SeqCst);
        // Well again only at half the bound, so that it does not change with every message.
        let share = if self.is_well { 1 } else { 2 };
        let is_well = !self.shared.is_failing.load(Ordering::SeqCst)
            && backlog <= STORE_BACKLOG_MAX / share
            && octets <= STORE_BACKLOG_OCTETS_MAX / share;
        let has_changed = is_well != self.is_well;
        self.is_well = is_well;
        has_changed.then_some(is_well)
    }
}

impl Writing {
    /// Waits until everything handed over is kept; the keepers must be gone. A store that fails
    /// now is not tried again.
    pub fn finish(&self) {
        self.shared.is_closing.store(true, Ordering::SeqCst);
        self.shared.wake();
        let thread = self.place().take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }

    /// Waits until nothing is on its way to the store, at most for `patience`, while others may
    /// still hand things over.
    pub fn drain(&self, patience: Duration) {
        const STEP: Duration = Duration::from_millis(5);
        let mut left = patience;
        while self.shared.backlog.load(Ordering::SeqCst) > 0 && !left.is_zero() {
            thread::sleep(STEP.min(left));
            left = left.saturating_sub(STEP);
        }
    }

    fn place(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.thread.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Shared {
    fn wake(&self) {
        if self.is_asleep.swap(false, Ordering::SeqCst)
            && let Some(thread) = self.thread.get()
        {
            thread.unpark();
        }
    }
}

impl Lane {
    pub fn handed(&self) -> MutexGuard<'_, Handed> {
        self.handed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

    use super::*;
    use crate::base::identity::Aor;
    use crate::shard::RecordKey;
    use crate::store::entry;

    /// A store whose commits wait for a word: true lets one succeed, false makes it fail.
    struct Obedient {
        words: Receiver<bool>,
        sizes: Sender<usize>,
    }

    impl Files for Obedient {
        fn append(&mut self, frames: &[u8]) -> Result<(), Fault> {
            self.sizes.send(changes_in(frames)).expect("the test listens");
            match self.words.recv() {
                Ok(true) => Ok(()),
                _ => Err(Fault { what: "told to fail".to_owned() }),
            }
        }

        fn tend(&mut self) {}

        fn close(&mut self) {}
    }

    /// How many changes there are in frames.
    fn changes_in(frames: &[u8]) -> usize {
        const HEAD: usize = crate::store::frame::HEAD_OCTETS;
        let (mut rest, mut count) = (frames, 0);
        while let Some((head, behind)) = rest.split_at_checked(HEAD) {
            let octets = u32::from_be_bytes(head[4..8].try_into().expect("four"));
            let (payload, behind) = behind.split_at(octets as usize);
            entry::read(&payload[1..], |_| count += 1).expect("changes");
            rest = behind;
        }
        count
    }

    struct Bench {
        keepers: Vec<Keeper>,
        writing: Writing,
        words: SyncSender<bool>,
        sizes: Receiver<usize>,
        woken: Receiver<usize>,
    }

    fn bench(durability: Durability) -> Bench {
        let (words, words_out) = sync_channel(8);
        let (sizes, sizes_out) = channel();
        let (wake, woken) = channel();
        let files = Obedient { words: words_out, sizes };
        let tell = move |shard| wake.send(shard).expect("the test listens");
        let (keepers, writing) = start_with(files, durability, 2, tell).expect("a thread");
        Bench { keepers, writing, words, sizes: sizes_out, woken }
    }

    fn changes(count: usize) -> Vec<Change> {
        let key = RecordKey::Bindings(Aor::from_parts("101", "example.com"));
        vec![Change::Remove(key); count]
    }

    #[test]
    fn a_message_waits_for_its_own_ticket_and_no_other() {
        let mut bench = bench(Durability::Acked);
        let [first, second] = &mut bench.keepers[..] else { panic!("two") };
        first.keep(Ticket(1), changes(1));
        assert_eq!(bench.sizes.recv(), Ok(1));
        first.keep(Ticket(2), changes(1));
        second.keep(Ticket(1), changes(2));
        assert!(first.must_wait(Ticket(1)) && !first.must_wait(Ticket(0)));
        bench.words.send(true).expect("heard");
        assert_eq!(bench.woken.recv(), Ok(0));
        assert!(!first.must_wait(Ticket(1)) && first.must_wait(Ticket(2)));
        assert!(second.must_wait(Ticket(1)), "tickets are each shard's own");
        assert_eq!(bench.sizes.recv(), Ok(3), "what waited went as one batch");
        bench.words.send(true).expect("heard");
        assert_eq!((bench.woken.recv(), bench.woken.recv()), (Ok(0), Ok(1)));
        assert!(!first.must_wait(Ticket(2)) && !second.must_wait(Ticket(1)));
    }

    #[test]
    fn a_store_that_fails_is_tried_again_and_everybody_knows() {
        let mut bench = bench(Durability::Acked);
        assert_eq!(bench.keepers[1].health(), None);
        bench.keepers[0].keep(Ticket(1), changes(1));
        assert!(bench.keepers[0].must_wait(Ticket(1)));
        bench.words.send(false).expect("heard");
        assert_eq!((bench.woken.recv(), bench.woken.recv()), (Ok(0), Ok(1)));
        assert_eq!(bench.keepers[1].health(), Some(false));
        assert_eq!(bench.keepers[1].health(), None, "said once");
        bench.words.send(true).expect("heard");
        assert_eq!((bench.woken.recv(), bench.woken.recv()), (Ok(0), Ok(1)));
        assert_eq!(bench.keepers[1].health(), Some(true));
        assert_eq!(bench.woken.recv(), Ok(0));
        assert!(!bench.keepers[0].must_wait(Ticket(1)));
    }

    #[test]
    fn a_store_that_falls_behind_is_not_well_until_it_has_caught_up() {
        let mut bench = bench(Durability::Relaxed);
        bench.keepers[0].keep(Ticket(1), changes(STORE_BACKLOG_MAX));
        assert_eq!(bench.keepers[0].health(), None);
        assert!(!bench.keepers[0].must_wait(Ticket(1)), "relaxed");
        bench.keepers[0].keep(Ticket(2), changes(1));
        assert_eq!(bench.keepers[0].health(), Some(false));
        bench.words.send(true).expect("heard");
        bench.words.send(true).expect("heard");
        bench.writing.drain(Duration::from_secs(20));
        assert_eq!(bench.keepers[0].health(), Some(true));
        assert!(bench.woken.try_recv().is_err(), "nobody waits");
    }

    #[test]
    fn closing_waits_for_what_was_handed_over() {
        let mut bench = bench(Durability::Acked);
        bench.keepers[0].keep(Ticket(1), changes(1));
        bench.words.send(true).expect("heard");
        drop(bench.keepers);
        bench.writing.finish();
        assert_eq!(bench.sizes.try_recv(), Ok(1));
        assert!(bench.woken.try_recv().is_err(), "nobody waits");
    }
}
