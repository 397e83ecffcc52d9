//! The moment, the deadlines, identifiers old and fresh, and every bound.

pub mod alarms;
pub mod civil;
pub mod classes;
pub mod counters;
pub mod digits;
pub mod flow;
pub mod histogram;
pub mod identity;
pub mod limits;
pub mod media;
pub mod mint;
pub mod packed;
pub mod slab;
pub mod span;
pub mod spelling;
pub mod time;
pub mod uri;
