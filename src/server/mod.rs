//! The server: reads settings, builds the house, opens the doors, drains.

mod calendars;
pub mod clock;
pub mod config;
mod desk;
pub mod drain;
mod found;
pub mod gauges;
mod ledger;
pub mod log;
pub mod notify_socket;
pub mod pulse;
mod reception;
mod redact;
mod replies;
pub mod rulebook;
pub mod rules;
pub mod run;
mod switchboard;

pub use gauges::Gauges;
pub use notify_socket::NotifySocket;
pub use pulse::Pulse;
pub use run::{Config, Launch, Running, Stopper, start};
