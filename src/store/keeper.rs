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
