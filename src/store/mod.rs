//! Find it again after a restart.

// A store waits for its disk and draws the secret of an installation.
#![allow(clippy::disallowed_methods)]

mod base;
pub mod codec;
pub mod config;
mod directory;
pub mod embedded;
mod entry;
mod fold;
mod former;
mod frame;
mod header;
pub mod keeper;
pub mod memory;
mod merge;
mod octets;
mod overlay;
mod patch;
pub mod repair;
mod segment;
mod survey;
mod walk;
mod writer;

pub use config::{Config, Durability, Kind};
pub use directory::{BASE, FORMER, JOURNAL};
pub use embedded::Embedded;
pub use keeper::Keeper;
pub use memory::Memory;
pub use walk::Damage;

use crate::base::mint::Secret;
use crate::shard::{Change, Fault, Record, Store};

/// The store the settings name.
pub fn open(config: &Config) -> Result<Kept, Fault> {
    config.check().map_err(|what| Fault { what })?;
    match config.kind {
        Kind::Memory => Ok(Kept::Memory(Memory::new()?)),
        Kind::Embedded => {
            let store = Embedded::open_with(&config.path, config.durability)?;
            Ok(Kept::Embedded(Box::new(store)))
        }
    }
}

/// A store that was opened.
#[derive(Debug)]
pub enum Kept {
    /// One that forgets.
    Memory(Memory),
    /// One of files.
    Embedded(Box<Embedded>),
}

impl Kept {
    /// The secret of this installation.
    pub fn secret(&self) -> Secret {
        match self {
            Kept::Memory(store) => store.secret(),
            Kept::Embedded(store) => store.secret(),
        }
    }
}

impl Store for Kept {
    fn secret(&self) -> Secret {
        Kept::secret(self)
    }

    fn load(&mut self, each: &mut dyn FnMut(Record)) -> Result<(), Fault> {
        match self {
            Kept::Memory(store) => store.load(each),
            Kept::Embedded(store) => store.load(each),
        }
    }

    fn commit(&mut self, batch: &[Change]) -> Result<(), Fault> {
        match self {
            Kept::Memory(store) => store.commit(batch),
            Kept::Embedded(store) => store.commit(batch),
        }
    }
}
