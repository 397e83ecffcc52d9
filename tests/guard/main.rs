//! What strangers can learn, guess and break: nothing, little, and nothing.

#[path = "../common/mod.rs"]
mod common;

mod enumeration;
mod guessing;
mod replay;
