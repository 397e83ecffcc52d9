//! `fanal bench`: an open-loop office of simulated phones against any presence server, and what
//! it cost the server. It knows of the server only what phones know.

pub mod compare;
mod datagrams;
mod drops;
pub mod floor;
pub mod gauge;
pub mod histogram;
mod office;
mod outbox;
mod passwords;
mod phases;
pub mod plan;
mod progress;
mod publishing;
mod repeats;
pub mod report;
mod run;
mod scan;
mod stream;
mod tally;
mod watching;
mod wire;
mod write;

pub use plan::Plan;
pub use report::Report;
pub use run::{Fault, run};
