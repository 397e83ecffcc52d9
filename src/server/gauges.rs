//! What there is at the moment, counted on demand.

use crate::shard::Shard;

/// How much of everything a shard holds, or all of them together.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Gauges {
    /// Presentities something is known of.
    pub presentities: usize,
    /// Publications that live.
    pub publications: usize,
    /// Subscriptions that live.
    pub subscriptions: usize,
    /// Subscriptions whose watcher does not answer at the moment.
    pub suspended: usize,
    /// Transactions remembered, ours and those of others.
    pub transactions: usize,
    /// Messages waiting in inboxes.
    pub waiting: usize,
    /// Stream connections.
    pub connections: usize,
}

impl Gauges {
    /// Of one shard. It looks at every subscription.
    pub fn of(shard: &Shard) -> Gauges {
        Gauges {
            presentities: shard.presentities(),
            publications: shard.publications(),
            subscriptions: shard.subscriptions(),
            suspended: shard.watchers().filter(|w| w.condition == "suspended").count(),
            transactions: shard.transactions(),
            waiting: 0,
            connections: 0,
        }
    }

    /// Adds another shard's.
    pub fn add(&mut self, other: &Gauges) {
        self.presentities += other.presentities;
        self.publications += other.publications;
        self.subscriptions += other.subscriptions;
        self.suspended += other.suspended;
        self.transactions += other.transactions;
        self.waiting += other.waiting;
        self.connections += other.connections;
    }
}
