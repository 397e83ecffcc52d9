//! Find it again after a restart.

// A store waits for its disk and draws the secret of an installation.
#![allow(clippy::disallowed_methods)]

pub mod codec;
pub mod config;
pub mod embedded;
pub mod keeper;
pub mod memory;
mod octets;

pub use config::{Config, Durability, Kind};
pub use embedded::Embedded;
pub use keeper::Keeper;
pub use memory::Memory;

use crate::shard::{Fault, Store};

/// The store the settings name.
pub fn open(config: &Config) -> Result<Box<dyn Store>, Fault> {
    config.check().map_err(|what| Fault { what })?;
    match config.kind {
        Kind::Memory => Ok(Box::new(Memory::new()?)),
        Kind::Embedded => Ok(Box::new(Embedded::open(&config.path)?)),
    }
}
