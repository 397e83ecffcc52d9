//! The agent as a service: what its manager hears, how it ends, what it reads anew, what it tells
//! those who guard it.
#![allow(clippy::disallowed_methods, reason = "a real program takes real time")]

#[path = "../common/mod.rs"]
mod common;
#[allow(dead_code, reason = "shared with the tests on real sockets")]
#[path = "../wire/line.rs"]
mod line;
#[allow(dead_code, reason = "shared with the tests on real sockets")]
#[path = "../wire/phone.rs"]
mod phone;
#[path = "../wire/watcher.rs"]
mod watcher;

mod clock;
mod ending;
mod fail2ban;
mod faults;
mod manager;
mod package;
mod reload;
mod secrets;
