//! Find it again after a restart.

// A store waits for its disk and draws the secret of an installation.
#![allow(clippy::disallowed_methods)]

pub mod config;
pub mod keeper;
pub mod memory;

pub use config::{Config, Durability, Kind};
pub use keeper::Keeper;
pub use memory::Memory;

use crate::shard::{Fault, Store};

/// The store the settings name.
pub fn open(config: &Config) -> Result<Box<dyn Store>, Fault> {
    match config.kind {
        Kind::Memory => Ok(Box::new(Memory::new()?)),
        Kind::Embedded => Ok(Box::new(Memory::new()?)),
    }
}
