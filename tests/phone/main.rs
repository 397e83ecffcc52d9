//! What desk phones and softphones need of an agent, point by point as docs/phones.md tells it,
//! and the troubles others had, each with the test that keeps it away.

#[path = "../common/mod.rs"]
mod common;

mod corpus;
mod faults;
mod lamp;
mod pains_lamps;
mod pains_subscriptions;
mod pains_truth;
mod watcher;

/// An extension whose lamp is watched.
pub const LINE: &str = "sip:101@example.com";
