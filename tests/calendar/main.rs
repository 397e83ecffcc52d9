//! Calendars of persons: what exports of programs hold, and what phones see of a running agent
//! that looks at a file and at a web server.

// A test on real sockets waits.
#![allow(clippy::disallowed_methods)]

#[path = "../http/client.rs"]
#[allow(dead_code, reason = "it serves other tests as well")]
mod client;
#[path = "../common/home.rs"]
#[allow(dead_code, reason = "it serves other tests as well")]
mod home;
#[path = "../wire/phone.rs"]
#[allow(dead_code, reason = "it serves other tests as well")]
mod phone;

mod exports;
mod life;
mod random;
mod web;
