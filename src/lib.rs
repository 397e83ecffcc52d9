//! Fanal, a SIP/SIMPLE presence agent.

pub mod base;
pub mod doc;
pub mod sip;
