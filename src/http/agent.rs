//! What the API needs of the agent behind it.

use std::future::Future;
use std::pin::Pin;

use super::papers::{Filed, Filing, Unfiled};
use crate::base::counters::Counters;
use crate::base::identity::{Aor, Identity};
use crate::base::uri::Uri;
use crate::shard::{Answer, Demand};

/// Something that is there after a while.
pub type Later<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The agent as the API sees it.
pub trait Agent: Send + Sync + 'static {
    /// The domain meant where none is named.
    fn domain(&self) -> &str;
    /// Asks the shard a person is at home in; `None` if it does not answer in time.
    fn ask(&self, who: Identity, uri: Uri, demand: Demand) -> Later<Option<Answer>>;
    /// Does something with the documents of a person's rules: kept and in force on return.
    fn file(&self, person: Aor, filing: Filing) -> Later<Result<Filed, Unfiled>>;
    /// Whether every shard turns and takes requests; `None` if one does not turn.
    fn beat(&self) -> Later<Option<Beat>>;
    /// What happened so far, at most a second ago.
    fn counters(&self) -> Counters;
}

/// What there is at the moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Beat {
    /// Whether requests are taken and what they promise is kept.
    pub is_ready: bool,
    /// Presentities something is known of.
    pub presentities: usize,
    /// Subscriptions that live.
    pub subscriptions: usize,
    /// Transactions remembered.
    pub transactions: usize,
    /// Messages waiting in inboxes.
    pub waiting: usize,
    /// Stream connections.
    pub connections: usize,
}

impl Beat {
    /// Adds another shard's.
    pub fn add(&mut self, other: &Beat) {
        self.is_ready &= other.is_ready;
        self.presentities += other.presentities;
        self.subscriptions += other.subscriptions;
        self.transactions += other.transactions;
        self.waiting += other.waiting;
        self.connections += other.connections;
    }
}
