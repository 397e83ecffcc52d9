//! Closing in order: watchers are told what they are owed, turns are finished, what is to be kept
//! is kept, then connections end.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tracing::debug;

use super::pulse::Pulse;
use crate::base::limits::SETTLED_ASKED_EVERY;
use crate::shard::Shard;
use crate::store::keeper::Writing;
use crate::transport::{Inbox, Notice};

/// Stops a running agent from wherever it is held.
#[derive(Clone)]
pub struct Stopper {
    inboxes: Vec<Arc<Inbox>>,
}

impl Stopper {
    /// For the shards behind these inboxes.
    pub(super) fn new(inboxes: Vec<Arc<Inbox>>) -> Stopper {
        Stopper { inboxes }
    }

    /// Asks it to stop; whoever waits for it returns when that is done.
    pub fn stop(&self) {
        for inbox in &self.inboxes {
            inbox.tell(Notice::Stop);
        }
    }
}

/// Waits until all shards have told their watchers everything, at most for `patience`. True if they
/// have.
#[expect(clippy::disallowed_methods, reason = "an edge: it waits by the clock")]
pub(super) fn wait_until_settled(pulse: &Pulse, patience: Duration) -> bool {
    let until = Instant::now() + patience;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        match pulse.ask(left, Shard::is_settled) {
            Some(settled) if settled.iter().all(|is_settled| *is_settled) => return true,
            _ if left.is_zero() => return false,
            _ => thread::sleep(SETTLED_ASKED_EVERY.min(left)),
        }
    }
}

/// Everything that runs, in the order in which it is waited for.
pub(super) struct Works {
    pub threads: Vec<JoinHandle<()>>,
    pub writing: Arc<Writing>,
    pub runtime: Option<Runtime>,
}

impl Works {
    /// Waits until the shards have gone, then for the store, and ends the rest.
    pub fn finish(&mut self) {
        if self.threads.is_empty() {
            return;
        }
        for thread in self.threads.drain(..) {
            // A shard that has a defect ends the process; it does not get here.
            let _ = thread.join();
        }
        self.writing.finish();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
        debug!(event = "stopped");
    }
}
