//! An office of simulated phones, built with the types of rsip: the demo, and what it needs.
#![allow(clippy::disallowed_methods, reason = "phones live by the clock and have sockets")]

pub mod bench;
mod board;
pub mod demo;
pub mod device;
pub mod draft;
pub mod lamp;
pub mod office;
pub mod pbx;
pub mod phone;
pub mod report;
pub mod script;
pub mod wire;
