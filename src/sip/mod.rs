//! Octets to messages and back; which status refuses what.
//!
//! A message is one `Bytes` with an index of its header fields; typed headers are read from it
//! on demand, and nothing is copied that was not folded.
//!
//! ```
//! use fanal::sip::{Message, Refusal, parse};
//!
//! let datagram = "SUBSCRIBE sip:alice.smith@example.com SIP/2.0\r\n\
//!     Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK776;rport\r\n\
//!     From: <sip:bob@example.com>;tag=1928\r\n\
//!     To: <sip:alice.smith@example.com>\r\n\
//!     Call-ID: a84b4c76e66710\r\n\
//!     CSeq: 1 SUBSCRIBE\r\n\
//!     Event: nonsense\r\n\r\n";
//! let Ok(Message::Request(request)) = parse::message(datagram.into()) else {
//!     panic!("a request");
//! };
//! assert_eq!(request.check(), Ok(()));
//! assert_eq!(request.uri().unwrap().user(), Some("alice.smith"));
//!
//! let source = "192.0.2.1:5060".parse().unwrap();
//! let answer = Refusal::BadEvent("presence, dialog".into()).answer(&request, Some("x"), source);
//! assert!(answer.starts_with(b"SIP/2.0 489 Bad Event\r\n"));
//! ```

mod essentials;
pub mod glance;
mod grammar;
pub mod header;
mod index;
pub mod interop;
mod loose;
pub mod message;
pub mod name;
pub mod parse;
pub mod refusal;
pub mod response;
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
pub use response::{Own, Said};
pub use status::Status;
pub use write::Writer;
