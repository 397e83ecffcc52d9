//! What the RFCs of events, publication, presence, busy lamps and mailboxes ask of the agent,
//! rule by rule. Each test is named for its row of docs/conformance.md.

#[path = "../common/mod.rs"]
mod common;

mod line_features;
mod rfc3842;
mod rfc3856;
mod rfc3863;
mod rfc3863_hostile;
mod rfc3903_answers;
mod rfc3903_state;
mod rfc4235;
mod rfc4235_calls;
mod rfc4479;
mod rfc6665_both;
mod rfc6665_end;
mod rfc6665_failures;
mod rfc6665_notify;
mod rfc6665_pace;
mod rfc6665_subscribe;
mod schema;

/// A person whose presence is watched.
pub const ALICE: &str = "sip:alice@example.com";
/// An extension whose lamp is watched.
pub const LINE: &str = "sip:101@example.com";
