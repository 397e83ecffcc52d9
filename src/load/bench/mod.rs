//! `fanal bench`: an open-loop office of simulated phones against any presence server, and what
//! it cost the server. It knows of the server only what phones know.

pub mod gauge;
pub mod histogram;
mod office;
pub mod plan;
mod progress;
mod repeats;
pub mod report;
mod run;
mod scan;
mod wire;
mod write;

pub use plan::Plan;
pub use report::Report;
pub use run::{Fault, run};
