//! The HTTP side of the real binary, and what phones see of it.

// A test on real sockets waits.
#![allow(clippy::disallowed_methods)]

#[path = "../common/home.rs"]
#[allow(dead_code, reason = "it serves other tests as well")]
mod home;
#[path = "../wire/phone.rs"]
#[allow(dead_code, reason = "it serves other tests as well")]
mod phone;

mod apart;
mod client;
mod command;
mod described;
mod edges;
mod life;
mod rules;
mod schema;
mod sight;
