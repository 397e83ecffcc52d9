//! Fanal, a SIP/SIMPLE presence agent.

pub mod auth;
pub mod base;
pub mod cli;
pub mod dialog;
pub mod doc;
pub mod event;
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
