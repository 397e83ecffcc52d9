//! What may this watcher see: rules of the operator now, those of users (RFC 5025) beside them
//! when they come.

pub mod rules;
pub mod verdict;

pub use rules::{Config, Rule, Rules};
pub use verdict::Verdict;
