//! The agent as a service: what its manager hears, how it ends, what it reads anew, what it tells
//! those who guard it.
#![allow(clippy::disallowed_methods, reason = "a real program takes real time")]

#[path = "../common/mod.rs"]
mod common;
#[allow(dead_code, reason = "shared with the tests on real sockets")]
#[path = "../wire/phone.rs"]
mod phone;

mod ending;
mod fail2ban;
mod manager;
mod package;
mod reload;
mod secrets;
