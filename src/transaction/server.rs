//! Server transactions (RFC 3261 §17.2): a request that comes again gets the answer it got.
//!
//! Non-INVITE: the final response is kept for timer J over datagrams and not at all over
//! streams. INVITE, which this agent always refuses: the refusal is repeated over datagrams
//! until the ACK or timer H.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;

use super::timers::{H, J, T1, doubled};
use super::{Ticket, Transmit};
use crate::base::alarms::{AlarmId, Alarms};
use crate::base::flow::{Flow, Hop};
use crate::base::mint::{MAGIC_COOKIE, Secret};
use crate::base::time::{Moment, Now};
use crate::sip::{Malformed, Method, Request};

/// The name of one server transaction: a keyed hash of what RFC 3261 §17.2.3 compares.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ServerKey(u64);

/// What a request is to the transaction layer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arrival {
    /// Never seen; to be handed up.
    New(ServerKey),
    /// Seen before; answered again if it has been answered.
    Repeated,
    /// The same request by another path (RFC 3261 §8.2.2.2): 482.
    Merged,
}

/// All server transactions of one owner.
pub struct Servers {
    secret: Secret,
    table: HashMap<ServerKey, Server, ahash::RandomState>,
    /// From tag, Call-ID and CSeq of requests without a To tag, to find merged ones.
    merged: HashMap<u64, ServerKey, ahash::RandomState>,
    alarms: Alarms<ServerKey>,
}

struct Server {
    merged: Option<u64>,
    answer: Option<Answer>,
    alarm: Option<AlarmId>,
}

struct Answer {
    hop: Hop,
    octets: Bytes,
    after: Ticket,
    until: Moment,
    /// The interval at which the refusal of an INVITE is repeated; `None` for other requests.
    interval: Option<Duration>,
}

impl Servers {
    /// Knows no transaction yet.
    pub fn new(secret: Secret) -> Servers {
        let [a, b] = [b"table", b"merge"].map(|what| secret.hash(&[what]));
        let state = ahash::RandomState::with_seeds(a, b, !a, !b);
        Servers {
            secret,
            table: HashMap::with_hasher(state.clone()),
            merged: HashMap::with_hasher(state),
            alarms: Alarms::default(),
        }
    }

    /// The name of the transaction a request belongs to. CANCEL and ACK name the one they are
    /// about if `method` is that one's.
    pub fn key(&self, request: &Request, method: &str, flow: Flow) -> Result<ServerKey, Malformed> {
        let headers = request.headers();
        let via = headers.via()?;
        let branch = via.branch().unwrap_or_default();
        let cookie = MAGIC_COOKIE.len();
        let unique = branch.len() > cookie
            && branch.as_bytes()[..cookie].eq_ignore_ascii_case(MAGIC_COOKIE.as_bytes());
        let port = via.sent_by_port().unwrap_or(0).to_be_bytes();
        let host = via.sent_by_host().to_ascii_lowercase();
        let branch = branch.to_ascii_lowercase();
        let hash = if unique {
            self.secret.hash(&[branch.as_bytes(), host.as_bytes(), &port, method.as_bytes()])
        } else {
            // RFC 2543 peers: everything that names the request, and where it came from.
            let cseq = headers.cseq()?.number.to_be_bytes();
            self.secret.hash(&[
                request.uri_text().as_bytes(),
                headers.to()?.tag().unwrap_or_default().as_bytes(),
                headers.from()?.tag().unwrap_or_default().as_bytes(),
                headers.call_id()?.as_bytes(),
                &cseq,
                via.text(),
                method.as_bytes(),
                flow.peer().to_string().as_bytes(),
            ])
        };
        Ok(ServerKey(hash))
    }

    /// Takes a request. One that is new is remembered from now on.
    pub fn receive(
        &mut self,
        request: &Request,
        key: ServerKey,
        out: &mut Vec<Transmit>,
    ) -> Result<Arrival, Malformed> {
        if self.repeat(key, out) {
            return Ok(Arrival::Repeated);
        }
        let headers = request.headers();
        let merged = match headers.to()?.tag() {
            Some(_) => None,
            None => {
                let cseq = headers.cseq()?;
                Some(self.secret.hash(&[
                    headers.from()?.tag().unwrap_or_default().as_bytes(),
                    headers.call_id()?.as_bytes(),
                    &cseq.number.to_be_bytes(),
                    cseq.method.as_bytes(),
                ]))
            }
        };
        if let Some(merged) = merged {
            if self.merged.contains_key(&merged) {
                return Ok(Arrival::Merged);
            }
            self.merged.insert(merged, key);
        }
        self.table.insert(key, Server { merged, answer: None, alarm: None });
        Ok(Arrival::New(key))
    }

    /// Answers again a request that was answered. True if the request is known.
    pub fn repeat(&mut self, key: ServerKey, out: &mut Vec<Transmit>) -> bool {
        let Some(server) = self.table.get(&key) else { return false };
        if let Some(answer) = &server.answer {
            out.push(answer.transmit());
        }
        true
    }

    /// Whether the transaction is known, answered or not.
    pub fn is_known(&self, key: ServerKey) -> bool {
        self.table.contains_key(&key)
    }

    /// Sends the one final response of a transaction, and keeps it as long as it may be asked
    /// for again.
    pub fn respond(
        &mut self,
        now: Now,
        key: ServerKey,
        method: Method,
        transmit: Transmit,
        out: &mut Vec<Transmit>,
    ) {
        let Some(server) = self.table.get_mut(&key) else { return out.push(transmit) };
        let reliable = transmit.hop.transport().is_reliable();
        let invite = method == Method::Invite;
        let (kept, interval) = match (invite, reliable) {
            (true, false) => (H, Some(T1)),
            (true, true) => (H, None),
            (false, false) => (J, None),
            (false, true) => (Duration::ZERO, None),
        };
        if kept.is_zero() {
            out.push(transmit);
            return self.forget(key);
        }
        let until = now.instant + kept;
        let first = interval.map_or(until, |interval| now.instant + interval);
        server.alarm = Some(self.alarms.set(first, key));
        server.answer = Some(Answer {
            hop: transmit.hop,
            octets: transmit.head.clone(),
            after: transmit.after,
            until,
            interval,
        });
        out.push(transmit);
    }

    /// The ACK of a refused INVITE: the refusal is not repeated any more.
    pub fn acknowledge(&mut self, key: ServerKey) {
        self.forget(key);
    }

    /// Repeats refusals of INVITE that are due and forgets transactions whose time is over.
    pub fn tick(&mut self, now: Now, out: &mut Vec<Transmit>) {
        while let Some(key) = self.alarms.due(now.instant) {
            let Some(server) = self.table.get_mut(&key) else { continue };
            server.alarm = None;
            let Some(answer) = &mut server.answer else { continue };
            match answer.interval {
                Some(interval) if now.instant < answer.until => {
                    out.push(answer.transmit());
                    let interval = doubled(interval);
                    answer.interval = Some(interval);
                    let next = (now.instant + interval).min(answer.until);
                    server.alarm = Some(self.alarms.set(next, key));
                }
                _ => self.forget(key),
            }
        }
    }

    /// When to call [`Servers::tick`] next.
    pub fn deadline(&self) -> Option<Moment> {
        self.alarms.deadline()
    }

    /// Transactions remembered.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether none is remembered.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    fn forget(&mut self, key: ServerKey) {
        let Some(server) = self.table.remove(&key) else { return };
        if let Some(merged) = server.merged {
            self.merged.remove(&merged);
        }
        if let Some(alarm) = server.alarm {
            self.alarms.cancel(alarm);
        }
    }
}

impl Answer {
    fn transmit(&self) -> Transmit {
        Transmit {
            hop: self.hop,
            head: self.octets.clone(),
            body: Bytes::new(),
            after: self.after,
            request: None,
        }
    }
}
