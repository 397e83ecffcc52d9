//! Whether every shard still turns: asked between two turns, answered by the shard itself.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use crate::shard::Shard;
use crate::transport::{Inbox, Notice};

/// Feels the pulse of a running agent from wherever it is held.
#[derive(Clone)]
pub struct Pulse {
    inboxes: Vec<Arc<Inbox>>,
}

/// What a shard says of itself with a beat.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Beat {
    /// Presentities something is known of.
    pub presentities: usize,
    /// Subscriptions that live.
    pub subscriptions: usize,
}

impl Pulse {
    /// Of the shards behind these inboxes.
    pub(super) fn new(inboxes: Vec<Arc<Inbox>>) -> Pulse {
        Pulse { inboxes }
    }

    /// All shards together; `None` if one of them does not answer within `patience`.
    pub fn feel(&self, patience: Duration) -> Option<Beat> {
        let mut sum = Beat::default();
        for beat in self.ask(patience, Beat::of)? {
            sum.presentities += beat.presentities;
            sum.subscriptions += beat.subscriptions;
        }
        Some(sum)
    }

    /// Asks every shard between two turns; `None` if one does not answer within `patience`, all
    /// of them taken together.
    #[expect(clippy::disallowed_methods, reason = "an edge: it waits by the clock")]
    pub fn ask<T: Send + 'static>(
        &self,
        patience: Duration,
        at: impl Fn(&Shard) -> T + Send + Sync + 'static,
    ) -> Option<Vec<T>> {
        let until = Instant::now() + patience;
        let at = Arc::new(at);
        let (found, all) = channel();
        for inbox in &self.inboxes {
            let (found, at) = (found.clone(), Arc::clone(&at));
            inbox.tell(Notice::Look(Box::new(move |shard| {
                // Who stopped waiting needs no answer.
                let _ = found.send(at(shard));
            })));
        }
        drop(found);
        let answer = |_| all.recv_timeout(until.saturating_duration_since(Instant::now())).ok();
        self.inboxes.iter().map(answer).collect()
    }
}

impl Beat {
    fn of(shard: &Shard) -> Beat {
        Beat { presentities: shard.presentities(), subscriptions: shard.subscriptions() }
    }
}
