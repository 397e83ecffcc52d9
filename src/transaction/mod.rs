//! Transactions (RFC 3261 §17, RFC 4320, RFC 6026): each request answered once, each of ours
//! sent until answered.

use bytes::Bytes;

use crate::base::flow::Hop;

mod answers;
pub mod client;
pub mod key;
pub mod server;
pub mod timers;

pub use client::{ClientKey, Clients, Ended, Outcome};
pub use key::ServerKey;
pub use server::{Arrival, Servers};

/// The number of a batch of changes in the store. A message that carries one must not leave
/// before that batch is kept.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Ticket(pub u64);

/// One message to be sent now.
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use = "a message that is not handed to the edge is never sent"]
pub struct Transmit {
    /// Where to.
    pub hop: Hop,
    /// Start line, headers, and what of the body is this watcher's alone.
    pub head: Bytes,
    /// The rest of the body, shared with others.
    pub body: Bytes,
    /// The batch of changes that must be kept first; 0 if none.
    pub after: Ticket,
    /// The request of ours that this is, so that a failure to send can be told.
    pub request: Option<ClientKey>,
}

impl Transmit {
    /// The whole message in one piece.
    pub fn to_bytes(&self) -> Bytes {
        if self.body.is_empty() {
            return self.head.clone();
        }
        [&self.head[..], &self.body[..]].concat().into()
    }

    /// Octets on the wire.
    pub fn octets(&self) -> usize {
        self.head.len() + self.body.len()
    }
}
