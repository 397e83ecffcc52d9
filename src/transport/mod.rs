//! Datagrams and streams, in and out in batches. It never decides: what to answer and where to
//! send is said below this floor.

// An edge waits, and its waiting is measured by the runtime's own clock.
#![allow(clippy::disallowed_methods)]

pub mod batch;
pub mod bell;
pub mod bind;
pub mod config;
pub mod connection;
pub mod flows;
pub mod inbox;
pub mod lobby;
pub mod lost;
pub mod resolve;
pub mod sieve;
pub mod steering;
pub mod tcp;
pub mod udp;

pub use config::{Config, ConnectionLimits, Listen};
pub use inbox::{Inbox, Notice, Reply, Takings};
pub use lobby::Lobby;
pub use resolve::Names;
pub use steering::Steering;
pub use tcp::Streams;
pub use udp::Udp;
