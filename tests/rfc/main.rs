//! What the RFCs ask of a server, rule by rule: transport, messages, transactions, dialogs, the
//! registrar, digest and asserted identities. A test is named after its row of the conformance
//! table.

#[path = "../common/mod.rs"]
mod common;

mod rfc3261_dialog;
mod rfc3261_message;
mod rfc3261_registrar;
mod rfc3261_transaction;
mod rfc3261_transport;
mod rfc3261_uas;
mod rfc3263;
mod rfc3325;
mod rfc3581;
mod rfc4475;
mod rfc5626;
mod rfc5630;
mod rfc7616;
