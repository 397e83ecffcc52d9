//! What the tests share: an office in virtual time, whose phones speak SIP octets to a shard,
//! and the binary in a home of its own.
#![allow(dead_code, unused_imports, reason = "each test file uses its own part of the office")]

pub mod digest;
pub mod documents;
pub mod home;
pub mod message;
pub mod office;
pub mod phone;
pub mod samples;
pub mod scenes;

pub use message::Got;
pub use office::Office;
pub use phone::{Phone, Req};
