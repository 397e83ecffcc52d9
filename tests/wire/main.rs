//! The agent on real sockets, on loopback, with ports of its own.

// A test on real sockets waits.
#![allow(clippy::disallowed_methods)]

mod agent;
mod child;
mod datagrams;
mod faults;
mod line;
mod overload;
mod phone;
mod pressure;
mod restart;
mod streams;
mod watcher;
