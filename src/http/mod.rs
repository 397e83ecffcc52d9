//! The HTTP side: an API for states set by hand and for what is seen of people, health, metrics.
//! It decides nothing about people: what may be set and seen is said by the shards, as it is for
//! SIP.

// An edge waits, and its waiting is measured by the runtime's own clock.
#![allow(clippy::disallowed_methods)]

mod access;
pub mod agent;
pub mod api;
pub mod config;
mod contacts;
mod fault;
mod features;
mod groups;
mod metrics;
pub mod openapi;
pub mod papers;
mod reasons;
mod rings;
pub mod routes;
mod rules;
mod schemas;
mod seen;
pub mod serve;
mod set;

pub use agent::{Agent, Beat};
pub use config::Config;
pub use serve::{bind, serve};
