//! Where the devices of an AoR can be reached: its bindings (RFC 3261 §10).

pub mod binding;
pub mod bindings;
pub mod config;

pub use binding::Binding;
pub use bindings::Bindings;
pub use config::Config;
