//! Fanal, a SIP/SIMPLE presence agent: phones subscribe to busy lamps, softphones publish their
//! status, the agent composes one document per person and sends every watcher the right NOTIFY.
//!
//! Rooms stand on floors, and import from lower floors only (`ARCHITECTURE.md`, `tests/house.rs`):
//! [`base`] holds time, identifiers and bounds; [`sip`] and [`doc`] turn octets into values;
//! [`transaction`], [`dialog`], [`auth`], [`policy`] and [`event`] are protocol machines;
//! [`presentity`], [`notifier`] and [`registrar`] are the presence agent; [`shard`] owns them all
//! and is the door of the pure world. Above it are the edges: [`transport`], [`store`], [`http`] and [`ua`],
//! then [`server`], which wires everything, [`load`] and [`cli`].
//!
//! Programs that embed the agent begin at [`server::start`]; those that bring sockets and clocks of
//! their own begin at [`shard::Shard`].

#![forbid(unsafe_code)]

pub mod auth;
pub mod base;
pub mod calendar;
pub mod cli;
pub mod dialog;
pub mod doc;
pub mod event;
pub mod http;
pub mod load;
pub mod notifier;
pub mod policy;
pub mod presentity;
pub mod registrar;
pub mod server;
pub mod shard;
pub mod sip;
pub mod store;
pub mod transaction;
pub mod transport;
pub mod ua;
