//! From where a message was read to the shard it is at home in, or to the one answer that needs
//! no shard.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::inbox::Inbox;
use crate::base::flow::Flow;
use crate::base::limits::{BUSY_RETRY, BUSY_RETRY_SPREAD, INBOX_MESSAGES_PRESSED};
use crate::base::mint::Secret;
use crate::shard::served::Served;
use crate::shard::steer;
use crate::sip::header::via::reply_near;
use crate::sip::{Message, Method, Refusal};

/// The inboxes of all shards and what it takes to choose among them.
pub struct Steering {
    secret: Secret,
    served: Served,
    inboxes: Vec<Arc<Inbox>>,
}

impl Steering {
    /// Among these shards, in their order.
    pub fn new(secret: Secret, served: Served, inboxes: Vec<Arc<Inbox>>) -> Steering {
        Steering { secret, served, inboxes }
    }

    /// The shard a message is at home in; `here` if it is at home anywhere.
    pub fn home(&self, message: &Message, here: usize) -> usize {
        if self.inboxes.len() < 2 {
            return 0;
        }
        let home = steer::home(message, &self.secret, &self.served);
        home.map_or(here, |home| home.shard(self.inboxes.len()))
    }

    /// Puts a message into the inbox of a shard; given back if that is full. Once all that
    /// arrived together is delivered, [`Steering::ring`].
    #[expect(clippy::result_large_err, reason = "a full inbox gives back what it did not take")]
    pub fn deliver(&self, shard: usize, message: Message, flow: Flow) -> Result<(), Message> {
        match self.inboxes.get(shard) {
            Some(inbox) => inbox.put(message, flow),
            None => Err(message),
        }
    }

    /// Wakes the shards that something was delivered to.
    pub fn ring(&self) {
        self.inboxes.iter().for_each(|inbox| inbox.ring());
    }

    /// The inbox of a shard.
    pub fn inbox(&self, shard: usize) -> Option<&Arc<Inbox>> {
        self.inboxes.get(shard)
    }

    /// Whether any shard has so much to do that streams should wait.
    pub fn is_pressed(&self) -> bool {
        self.inboxes.iter().any(|inbox| inbox.waiting() > INBOX_MESSAGES_PRESSED)
    }

    /// All inboxes.
    pub fn inboxes(&self) -> &[Arc<Inbox>] {
        &self.inboxes
    }

    /// The 503 for a request whose home has no room, and where it goes by datagram; `None` for
    /// what is not answered.
    pub fn busy(&self, message: &Message, source: SocketAddr) -> Option<(Bytes, SocketAddr)> {
        let Message::Request(request) = message else { return None };
        if request.method() == Method::Ack {
            return None;
        }
        let headers = request.headers();
        let via = headers.via().ok()?;
        let branch = via.branch().unwrap_or_default().as_bytes();
        let call_id = headers.call_id().unwrap_or_default().as_bytes();
        // RFC 3261 §8.2.7: the same request is answered with the same tag.
        let hash = self.secret.hash(&[b"busy", branch, call_id]);
        let tag = format!("{hash:016x}");
        let spread = hash.checked_rem(BUSY_RETRY_SPREAD.as_secs() + 1).unwrap_or(0);
        let after = BUSY_RETRY + Duration::from_secs(spread);
        let answer = Refusal::Busy { after }.answer(request, Some(&tag), source);
        Some((answer, reply_near(&via, source)))
    }
}
