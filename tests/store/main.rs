//! What is kept is found again: after a restart, after a death at any moment, beside damage.
#![allow(clippy::disallowed_methods, reason = "real files and real programs take real time")]

mod commands;
mod crash;
mod damage;
mod disk;
mod former;
mod keeping;
mod records;
