//! What strangers can learn, guess and break: nothing, little, and nothing.

#[path = "../common/mod.rs"]
mod common;

mod amplification;
mod bombs;
mod enumeration;
mod guessing;
mod limits;
mod replay;
