//! A small user agent: asks one server, answers what it sends. For the command line, for tests
//! and for whoever wants to speak to an agent like a phone does.
#![allow(clippy::disallowed_methods, reason = "an edge: it waits for the network by the clock")]

mod agent;
mod failure;
mod publish;
mod server;
mod watch;
mod wire;

pub use agent::{Account, Agent};
pub use failure::Failure;
pub use publish::{Publish, Published, Registered};
pub use server::Server;
pub use watch::{Notification, Subscribe, WatchId};
