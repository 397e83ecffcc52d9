//! The agent on real sockets, on loopback, with ports of its own.

mod agent;
mod datagrams;
mod phone;
