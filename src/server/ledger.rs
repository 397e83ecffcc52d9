//! What happened in all parts of the agent, summed up for whoever shows it.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};

use super::desk::Slot;
use crate::base::counters::Counters;
use crate::base::flow::Transport;
use crate::transport::{Streams, lost};

/// Where the counters of all parts are.
pub(super) struct Ledger {
    pub slots: Vec<Slot>,
    pub streams: Arc<Streams>,
    /// Where datagrams are received.
    doors: Vec<SocketAddr>,
}

impl Ledger {
    /// Of so many shards that listen there.
    pub fn new(
        shards: usize,
        streams: Arc<Streams>,
        listeners: &[(Transport, SocketAddr)],
    ) -> Ledger {
        let datagrams = listeners.iter().filter(|(transport, _)| *transport == Transport::Udp);
        let doors = datagrams.map(|(_, address)| *address).collect();
        Ledger { slots: (0..shards).map(|_| Slot::default()).collect(), streams, doors }
    }

    /// What happened so far, at most a second ago.
    pub fn counters(&self) -> Counters {
        let mut sum = self.streams.counters();
        for slot in &self.slots {
            sum.add(&slot.lock().unwrap_or_else(PoisonError::into_inner));
        }
        let rows = lost::rows();
        let ours =
            rows.iter().filter(|row| row.remote.is_none() && self.doors.contains(&row.local));
        sum.datagrams_lost = ours.map(|row| u64::from(row.lost)).sum();
        sum
    }
}
