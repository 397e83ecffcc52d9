//! Build the house, open the doors, drain.

pub mod clock;
mod desk;
pub mod gauges;
pub mod run;

pub use gauges::Gauges;
pub use run::{Config, Launch, Running, Stopper, start};
