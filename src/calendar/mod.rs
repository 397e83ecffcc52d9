//! Calendars of persons that are fetched, and hours that recur every week: sources of a status
//! that nobody has to send.
//!
//! A feed is a file or an address that is looked at now and then. What it holds is read by
//! `doc::ical` and told to the person's shard as leases, with a beginning and an end each, so that
//! the shard needs nobody when a meeting begins. Nothing here waits on a thread of a shard.

// An edge waits, and its waiting is measured by the runtime's own clock.
#![allow(clippy::disallowed_methods)]

pub mod agent;
pub mod config;
mod entries;
pub mod fact;
mod feed;
mod fetch;
mod hours;
mod keep;
mod probe;
mod tls;

pub use agent::Agent;
pub use config::Config;
pub use keep::Keeper;
pub use probe::{Probed, probe};
