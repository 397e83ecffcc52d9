//! What goes into a shard and what comes out; what it needs of a store.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::config::Config;
use super::inquiry::{Answer, Asked};
use super::record::{Change, Record};
use crate::auth::Users;
use crate::base::flow::{Flow, Transport};
use crate::base::identity::Aor;
use crate::base::mint::Secret;
use crate::policy::Book;
use crate::sip::Message;
use crate::transaction::{ClientKey, Ticket, Transmit};

/// Something that happened outside.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all are messages; a box would cost each")]
pub enum Input {
    /// A message arrived.
    Message {
        /// The message.
        message: Message,
        /// The path it came by.
        flow: Flow,
    },
    /// A request of ours could not be sent: no route, connection refused or gone.
    Undeliverable(ClientKey),
    /// A name was looked up; no targets if that failed.
    Resolved {
        /// What was asked.
        question: Question,
        /// Where to try, in order.
        targets: Vec<(Transport, SocketAddr)>,
        /// How long the answer may be used.
        fresh_for: Duration,
    },
    /// The store keeps changes again, or can keep none at the moment: requests that would have
    /// to be kept are then refused with 503.
    StoreHealth(bool),
    /// The end is near: new requests are refused with 503 from now on.
    Drain,
    /// The set of users was replaced.
    Users(Arc<Users>),
    /// Settings were read anew, and the users with them. What the start was built on is the same.
    Settings {
        /// The settings.
        config: Arc<Config>,
        /// The users.
        users: Arc<Users>,
    },
    /// The rules of one person were replaced.
    Rules {
        /// What decisions are made by from now on.
        book: Arc<Book>,
        /// Whose rules are others.
        of: Aor,
    },
    /// Somebody asks by another way than SIP; answered by one [`Output::Reply`].
    Asked(Box<Asked>),
}

/// Something to be done outside.
#[derive(Clone, PartialEq, Debug)]
pub enum Output {
    /// Keep these changes, all or none; messages that carry a ticket up to this one wait for it.
    Persist {
        /// The number of the batch; they only grow.
        ticket: Ticket,
        /// The changes in order.
        changes: Vec<Change>,
    },
    /// Send this.
    Transmit(Transmit),
    /// Look this up, and tell the answer as [`Input::Resolved`].
    Resolve(Question),
    /// The answer to [`Input::Asked`]; it waits for its ticket as a message does.
    Reply {
        /// Which question.
        number: u64,
        /// The batch of changes that must be kept before it is told.
        after: Ticket,
        /// What to tell.
        answer: Box<Answer>,
    },
}

/// A host to be found (RFC 3263 §4).
#[derive(Clone, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct Question {
    /// The host name.
    pub host: String,
    /// The port, if given: then addresses only, no SRV.
    pub port: Option<u16>,
    /// The transport, if given; else each that is served, as SRV says.
    pub transport: Option<Transport>,
}

/// Keeps records. The disk depends on the agent, not the agent on the disk.
pub trait Store: Send + 'static {
    /// The secret of this installation, made at the first start.
    fn secret(&self) -> Secret;
    /// Hands back every record, in any order.
    fn load(&mut self, each: &mut dyn FnMut(Record)) -> Result<(), Fault>;
    /// All of the batch or none of it; it survives the process on return.
    fn commit(&mut self, batch: &[Change]) -> Result<(), Fault>;
}

/// Our disk, network or peer failed. What it says is for the operator.
#[derive(Debug)]
pub struct Fault {
    /// What failed, and what to do about it.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Fault {}
