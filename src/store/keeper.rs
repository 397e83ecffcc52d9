//! The one thread that writes: takes everything queued, commits it once, tells who waited.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tracing::{error, info};

use super::config::{Config, Durability, Kind};
use crate::base::limits::{STORE_BACKLOG_MAX, STORE_BATCH_MAX, STORE_RETRY_FIRST, STORE_RETRY_MAX};
use crate::shard::{Change, Fault, Store};
use crate::transaction::Ticket;

/// A batch of one shard on its way to the store.
struct Errand {
    shard: usize,
    ticket: Ticket,
    changes: Vec<Change>,
}

/// What shards and the writing thread both look at.
struct Shared {
    /// The last ticket kept, for each shard.
    kept: Vec<AtomicU64>,
    /// Changes handed over and not yet kept.
    backlog: AtomicUsize,
    /// The store keeps nothing at the moment.
    is_failing: AtomicBool,
    /// No more is to come: what cannot be kept now is given up.
    is_closing: AtomicBool,
}

/// One shard's way to the store.
pub struct Keeper {
    shard: usize,
    /// `None` if nothing is kept anyway.
    errands: Option<Sender<Errand>>,
    shared: Arc<Shared>,
    holds: bool,
    is_well: bool,
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
    store: Box<dyn Store>,
    shards: usize,
    tell: impl Fn(usize) + Send + 'static,
) -> Result<(Vec<Keeper>, Writing), Fault> {
    let shared = Arc::new(Shared {
        kept: (0..shards).map(|_| AtomicU64::new(0)).collect(),
        backlog: AtomicUsize::new(0),
        is_failing: AtomicBool::new(false),
        is_closing: AtomicBool::new(false),
    });
    let (errands, thread) = match config.kind {
        Kind::Memory => (None, None),
        Kind::Embedded => {
            let (sender, receiver) = channel();
            let writer = Writer { store, errands: receiver, shared: Arc::clone(&shared), tell };
            let thread = thread::Builder::new().name("store".to_owned());
            let thread = thread.spawn(move || writer.run());
            let thread = thread.map_err(|fault| Fault { what: format!("no thread: {fault}") })?;
            (Some(sender), Some(thread))
        }
    };
    let holds = config.kind == Kind::Embedded && config.durability == Durability::Acked;
    let keeper = |shard| Keeper {
        shard,
        errands: errands.clone(),
        shared: Arc::clone(&shared),
        holds,
        is_well: true,
    };
    let keepers = (0..shards).map(keeper).collect();
    Ok((keepers, Writing { shared, thread: Mutex::new(thread) }))
}

impl Keeper {
    /// Hands a batch over.
    pub fn keep(&self, ticket: Ticket, changes: Vec<Change>) {
        let Some(errands) = &self.errands else { return };
        let count = changes.len();
        self.shared.backlog.fetch_add(count, Ordering::SeqCst);
        if errands.send(Errand { shard: self.shard, ticket, changes }).is_err() {
            self.shared.backlog.fetch_sub(count, Ordering::SeqCst);
        }
    }

    /// Whether a message that waits for a ticket must wait still.
    pub fn must_wait(&self, after: Ticket) -> bool {
        self.holds
            && after > Ticket::default()
            && self
                .shared
                .kept
                .get(self.shard)
                .is_some_and(|kept| kept.load(Ordering::SeqCst) < after.0)
    }

    /// Whether the store keeps up, if that has changed since it was last asked.
    pub fn health(&mut self) -> Option<bool> {
        self.errands.as_ref()?;
        let backlog = self.shared.backlog.load(Ordering::SeqCst);
        // Well again only at half the bound, so that it does not change with every message.
        let bound = if self.is_well { STORE_BACKLOG_MAX } else { STORE_BACKLOG_MAX / 2 };
        let is_well = !self.shared.is_failing.load(Ordering::SeqCst) && backlog <= bound;
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
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
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
}

struct Writer<Tell> {
    store: Box<dyn Store>,
    errands: Receiver<Errand>,
    shared: Arc<Shared>,
    tell: Tell,
}

impl<Tell: Fn(usize)> Writer<Tell> {
    fn run(mut self) {
        while let Ok(first) = self.errands.recv() {
            let (changes, tickets) = self.gather(first);
            if !self.commit(&changes) {
                return;
            }
            self.shared.backlog.fetch_sub(changes.len(), Ordering::SeqCst);
            for (shard, ticket) in tickets.into_iter().enumerate() {
                let (Some(ticket), Some(kept)) = (ticket, self.shared.kept.get(shard)) else {
                    continue;
                };
                kept.store(ticket.0, Ordering::SeqCst);
                (self.tell)(shard);
            }
        }
    }

    /// Everything that waits, as one batch, with the last ticket of each shard in it.
    fn gather(&self, first: Errand) -> (Vec<Change>, Vec<Option<Ticket>>) {
        let mut changes = Vec::new();
        let mut tickets = vec![None; self.shared.kept.len()];
        let mut next = Some(first);
        while let Some(errand) = next {
            changes.extend(errand.changes);
            if let Some(ticket) = tickets.get_mut(errand.shard) {
                *ticket = Some(errand.ticket);
            }
            if changes.len() >= STORE_BATCH_MAX {
                break;
            }
            next = self.errands.try_recv().ok();
        }
        (changes, tickets)
    }

    /// Commits, again and again until it works. False if it was given up because all is closing.
    fn commit(&mut self, changes: &[Change]) -> bool {
        let mut wait = STORE_RETRY_FIRST;
        loop {
            let Err(fault) = self.store.commit(changes) else {
                if self.shared.is_failing.swap(false, Ordering::SeqCst) {
                    info!(event = "store_back");
                    self.tell_all();
                }
                return true;
            };
            if !self.shared.is_failing.swap(true, Ordering::SeqCst) {
                error!(event = "store_failed", reason = %fault, "requests to keep get 503 now");
                self.tell_all();
            }
            if self.shared.is_closing.load(Ordering::SeqCst) {
                error!(event = "store_given_up", changes = changes.len());
                return false;
            }
            thread::sleep(wait);
            wait = (wait * 2).min(STORE_RETRY_MAX);
        }
    }

    fn tell_all(&self) {
        (0..self.shared.kept.len()).for_each(&self.tell);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::SyncSender;
    use std::sync::mpsc::sync_channel;

    use super::*;
    use crate::base::identity::Aor;
    use crate::base::mint::Secret;
    use crate::shard::{Record, RecordKey};

    /// A store whose commits wait for a word: true lets one succeed, false makes it fail.
    struct Obedient {
        words: Receiver<bool>,
        sizes: Sender<usize>,
    }

    impl Store for Obedient {
        fn secret(&self) -> Secret {
            Secret::new([0; 16])
        }

        fn load(&mut self, _each: &mut dyn FnMut(Record)) -> Result<(), Fault> {
            Ok(())
        }

        fn commit(&mut self, batch: &[Change]) -> Result<(), Fault> {
            self.sizes.send(batch.len()).expect("the test listens");
            match self.words.recv() {
                Ok(true) => Ok(()),
                _ => Err(Fault { what: "told to fail".to_owned() }),
            }
        }
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
        let store = Box::new(Obedient { words: words_out, sizes });
        let config = Config { kind: Kind::Embedded, durability, ..Config::default() };
        let tell = move |shard| wake.send(shard).expect("the test listens");
        let (keepers, writing) = start(&config, store, 2, tell).expect("a thread");
        Bench { keepers, writing, words, sizes: sizes_out, woken }
    }

    fn changes(count: usize) -> Vec<Change> {
        let key = RecordKey::Bindings(Aor::from_parts("101", "example.com"));
        vec![Change::Remove(key); count]
    }

    #[test]
    fn a_message_waits_for_its_own_ticket_and_no_other() {
        let bench = bench(Durability::Acked);
        let [first, second] = &bench.keepers[..] else { panic!("two") };
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
        assert_eq!(bench.woken.recv(), Ok(0));
        assert_eq!(bench.keepers[0].health(), Some(true));
    }

    #[test]
    fn closing_waits_for_what_was_handed_over() {
        let bench = bench(Durability::Acked);
        bench.keepers[0].keep(Ticket(1), changes(1));
        bench.words.send(true).expect("heard");
        drop(bench.keepers);
        bench.writing.finish();
        assert_eq!(bench.sizes.try_recv(), Ok(1));
        assert_eq!(bench.woken.try_recv(), Ok(0));
    }
}
