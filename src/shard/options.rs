//! OPTIONS (RFC 3261 §11.2), and a NOTIFY that nobody asked for.

use super::Shard;
use super::exchange::Exchange;
use crate::base::mint::LocalTag;
use crate::base::time::Now;
use crate::base::uri::Scheme;
use crate::sip::refusal::ALLOW;
use crate::sip::{Refusal, Request, Status};
use crate::transaction::Ticket;

impl Shard {
    /// Tells what we can; also answers pings and leaves dialogs alone.
    pub(super) fn options(&mut self, now: Now, exchange: Exchange<'_>) -> Result<(), Refusal> {
        let request = exchange.request;
        if let Some(tag) = request.headers().to()?.tag() {
            let tag = LocalTag::from_text(tag.as_bytes());
            let known = tag.and_then(|tag| self.notifier.tagged(tag));
            known.ok_or(Refusal::NoSuchSubscription)?;
        } else {
            let uri = request.uri_ref()?;
            if uri.scheme() == Scheme::Other {
                return Err(Refusal::UnsupportedScheme);
            }
            if !self.served.serves(uri) {
                return Err(Refusal::NotServed);
            }
        }
        self.known_extensions(request)?;
        let (accept, events) = (self.registry.accept(), self.registry.allow_events().to_owned());
        self.reply(now, exchange, Status(200), Ticket::default(), |writer| {
            writer.header("Allow", ALLOW);
            writer.header("Accept", accept);
            writer.header("Accept-Encoding", "identity");
            writer.header("Accept-Language", "en");
            writer.header("Supported", "");
            writer.header("Allow-Events", events);
        });
        Ok(())
    }

    /// We subscribe to nothing: 481, or 489 for a package nobody here knows (keep-alives of
    /// some phones are content with any final answer).
    pub(super) fn unasked_notify(&self, request: &Request) -> Result<(), Refusal> {
        self.named_package(request)?; // 489
        Err(Refusal::NoSuchSubscription)
    }
}
