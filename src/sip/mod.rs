//! Octets to messages and back; which status refuses what.
//!
//! A message is one `Bytes` with an index of its header fields; typed headers are read from it
//! on demand, and nothing is copied that was not folded.

mod grammar;
pub mod header;
pub mod interop;
pub mod message;
pub mod name;
pub mod parse;
pub mod refusal;
#[cfg(test)]
mod sample;
pub mod status;
pub mod stream;
pub mod write;

pub use header::contact::Contacts;
pub use header::credentials::Credentials;
pub use header::cseq::CSeq;
pub use header::event::Event;
pub use header::media::{Accept, ContentType};
pub use header::name_addr::NameAddr;
pub use header::subscription_state::SubscriptionState;
pub use header::via::Via;
pub use message::{Headers, Message, Method, Request, Response};
pub use name::HeaderId;
pub use parse::Malformed;
pub use refusal::Refusal;
pub use status::Status;
pub use write::Writer;
