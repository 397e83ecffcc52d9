//! The verdict on a watcher (RFC 5025 §3.2.1).

/// What becomes of a watcher's subscription.
pub use crate::doc::rules::SubHandling as Verdict;
pub use crate::doc::rules::SubHandling;
