//! Fanal, a SIP/SIMPLE presence agent.

pub mod base;
pub mod sip;
