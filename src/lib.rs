//! Fanal, a SIP/SIMPLE presence agent.

pub mod base;
