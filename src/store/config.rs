//! Settings of the store.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Where state is kept, and how surely.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What keeps it.
    pub kind: Kind,
    /// The data directory; unused by `memory`.
    pub path: PathBuf,
    /// When an answer may leave.
    pub durability: Durability,
}

/// What keeps state.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A file in the data directory.
    #[default]
    Embedded,
    /// Nothing: a restart forgets.
    Memory,
}

/// When an answer may leave.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// When what it promises was handed to the system: it survives the end of the process.
    #[default]
    Acked,
    /// When what it promises is on the disk: it survives a loss of power.
    Synced,
    /// At once; a crash forgets the last moments, which phones repair by publishing anew.
    Relaxed,
}

impl Config {
    /// What is wrong with these settings, naming the key.
    pub fn check(&self) -> Result<(), String> {
        if self.kind == Kind::Embedded && self.path.as_os_str().is_empty() {
            return Err("store.path is not set: name a directory for the data, or set store.kind \
                        = \"memory\" to keep nothing"
                .to_owned());
        }
        Ok(())
    }
}
