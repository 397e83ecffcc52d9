//! A shard at its desk: its sockets, its inbox and its clock around it, one turn after the other.

use std::collections::VecDeque;
use std::net::UdpSocket;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use smallvec::SmallVec;
use tracing::error;

use super::clock::Clock;
use super::reception::Reception;
use super::redact;
use super::replies::Replies;
use crate::base::counters::Counters;
use crate::base::flow::{Flow, Hop};
use crate::base::limits::{COUNTERS_EVERY, DRAIN_MAX, TURN_INPUTS};
use crate::base::time::{Moment, Now};
use crate::shard::{Input, Output, Shard};
use crate::sip::Message;
use crate::store::Keeper;
use crate::transaction::{Ticket, Transmit};
use crate::transport::bell::Awaited;
use crate::transport::connection::{Connection, Queued};
use crate::transport::udp::Unsent;
use crate::transport::{Inbox, Names, Notice, Steering, Streams, Takings, Udp};

/// Where a shard's thread leaves its counters for others to read.
pub type Slot = Arc<Mutex<Counters>>;

/// What a desk is furnished with.
pub struct Furniture {
    /// Which of the shards.
    pub index: usize,
    /// The clock of the process.
    pub clock: Clock,
    /// The datagram sockets by listener; `None` where a listener is of another kind.
    pub sockets: Vec<Option<UdpSocket>>,
    /// What others put here.
    pub takings: Takings,
    /// Their side of it.
    pub inbox: Arc<Inbox>,
    /// The way to the other shards.
    pub steering: Arc<Steering>,
    /// The connections.
    pub streams: Arc<Streams>,
    /// The way to addresses of names.
    pub names: Arc<Names>,
    /// The way to the store.
    pub keeper: Keeper,
    /// Where the counters go.
    pub slot: Slot,
}

/// One shard and everything around it.
pub struct Desk {
    pub(super) shard: Shard,
    pub(super) with: Furniture,
    /// The sockets of the furniture with their queues.
    pub(super) sockets: Vec<Option<Udp>>,
    pub(super) reception: Reception,
    /// Messages that wait for the store, in order.
    held: VecDeque<Transmit>,
    /// Questions that are not answered yet.
    replies: Replies,
    unsent: Unsent,
    /// Connections that this turn's messages are to be written to.
    touched: Vec<Arc<Connection>>,
    /// What the edge itself counts.
    pub(super) counters: Counters,
    counted_at: Moment,
    /// When to go, held messages or not.
    leaves_by: Option<Moment>,
    /// The message being handled, for the report of a defect.
    in_hand: Bytes,
}

impl Desk {
    /// With nothing done yet.
    pub fn new(shard: Shard, mut with: Furniture) -> Desk {
        let sockets = std::mem::take(&mut with.sockets);
        Desk {
            shard,
            sockets: sockets.into_iter().map(|socket| socket.map(Udp::new)).collect(),
            with,
            reception: Reception::default(),
            held: VecDeque::new(),
            replies: Replies::default(),
            unsent: Unsent::default(),
            touched: Vec::new(),
            counters: Counters::default(),
            counted_at: Moment::ORIGIN,
            leaves_by: None,
            in_hand: Bytes::new(),
        }
    }

    /// Turn after turn, until told to go.
    pub fn work(&mut self) {
        loop {
            let now = self.with.clock.read();
            self.release();
            self.hear(now);
            let steered = self.counters.steered;
            self.take_datagrams(now);
            if self.counters.steered != steered {
                self.with.steering.ring();
            }
            self.take_inbox(now);
            self.in_hand.clear();
            self.shard.tick(now);
            self.shard.settle(now);
            self.hand_out();
            self.flush();
            if self.is_done(now) {
                return self.publish(now);
            }
            self.rest(now);
        }
    }

    /// What was being handled when a defect showed.
    pub fn in_hand(&self) -> &[u8] {
        &self.in_hand
    }

    /// Messages whose batch is kept by now may leave.
    fn release(&mut self) {
        self.replies.release(|after| self.with.keeper.must_wait(after));
        while let Some(front) = self.held.front() {
            if self.with.keeper.must_wait(front.after) {
                return;
            }
            if let Some(transmit) = self.held.pop_front() {
                self.send(transmit);
            }
        }
    }

    /// Notices, the health of the store, and what could not be sent in the last turn.
    fn hear(&mut self, now: Now) {
        for key in std::mem::take(&mut self.unsent.requests) {
            self.shard.handle(now, Input::Undeliverable(key));
        }
        if let Some(is_well) = self.with.keeper.health() {
            self.shard.handle(now, Input::StoreHealth(is_well));
        }
        while let Some(notice) = self.with.takings.notice(&self.with.inbox) {
            match notice {
                Notice::Input(input) => self.shard.handle(now, input),
                Notice::Asked(mut asked, reply) => {
                    asked.number = self.replies.expect(reply);
                    self.shard.handle(now, Input::Asked(asked));
                }
                Notice::Look(look) => look(&self.shard),
                Notice::Stop => self.leaves_by = Some(now.instant + DRAIN_MAX),
            }
        }
    }

    fn take_inbox(&mut self, now: Now) {
        for _ in 0..TURN_INPUTS {
            let Some((message, flow)) = self.with.takings.message(&self.with.inbox) else { return };
            self.take_message(now, message, flow);
        }
    }

    pub(super) fn take_message(&mut self, now: Now, message: Message, flow: Flow) {
        self.in_hand = message.raw().clone();
        self.shard.handle(now, Input::Message { message, flow });
    }

    fn hand_out(&mut self) {
        while let Some(output) = self.shard.poll() {
            match output {
                Output::Persist { ticket, changes } => self.with.keeper.keep(ticket, changes),
                // What waits for the store stays in order: a NOTIFY never overtakes its 200.
                Output::Transmit(transmit)
                    if self.with.keeper.must_wait(transmit.after)
                        || (!self.held.is_empty() && transmit.after != Ticket::default()) =>
                {
                    self.held.push_back(transmit);
                }
                Output::Transmit(transmit) => self.send(transmit),
                Output::Reply { number, after, answer } => {
                    let waits = self.with.keeper.must_wait(after);
                    self.replies.give(number, after, *answer, waits);
                }
                Output::Resolve(question) => self.with.names.look_up(self.with.index, question),
            }
        }
    }

    pub(super) fn send(&mut self, transmit: Transmit) {
        match transmit.hop {
            Hop::Flow(Flow::Udp { listener, .. }) => {
                match self.sockets.get_mut(usize::from(listener.0)) {
                    Some(Some(udp)) => udp.queue(transmit, &mut self.unsent),
                    _ => self.unsent.note(transmit.request),
                }
            }
            _ => self.send_by_stream(transmit),
        }
    }

    fn send_by_stream(&mut self, transmit: Transmit) {
        let Furniture { streams, index, .. } = &self.with;
        let request = transmit.request;
        // Many in a row go the same way.
        let last = self.touched.last().filter(|last| last.is_way_of(&transmit.hop));
        let queued = match last {
            Some(last) => streams.queue(last, *index, transmit),
            None => match streams.connection(&transmit.hop) {
                None => Queued::Closed,
                Some(connection) => {
                    let queued = streams.queue(&connection, *index, transmit);
                    if queued == Queued::First {
                        self.touched.push(connection);
                    }
                    queued
                }
            },
        };
        if matches!(queued, Queued::Closed | Queued::Clogged) {
            self.unsent.note(request);
        }
    }

    fn flush(&mut self) {
        for udp in self.sockets.iter_mut().flatten() {
            udp.flush(&mut self.reception.buffers, &mut self.unsent);
        }
        for connection in self.touched.drain(..) {
            connection.flush();
        }
        self.counters.unsent += std::mem::take(&mut self.unsent.count);
    }

    /// Whether it is time to go: told to, and nothing is held any more, or not for much longer.
    fn is_done(&self, now: Now) -> bool {
        let holds_nothing = self.held.is_empty() && self.replies.are_out();
        self.leaves_by.is_some_and(|by| holds_nothing || by <= now.instant)
    }

    /// Waits for the next thing to do, unless there is something already.
    fn rest(&mut self, now: Now) {
        let has_more = self.sockets.iter().flatten().any(Udp::has_more);
        let is_busy = has_more || !self.unsent.requests.is_empty() || !self.reception.is_empty();
        if !is_busy || now.instant.since(self.counted_at) >= COUNTERS_EVERY {
            self.publish(now);
        }
        let span = match is_busy {
            true => Some(Duration::ZERO),
            false => self.span_until_due(),
        };
        // Places stay the listeners' own: a listener of another kind waits for nothing.
        let Furniture { takings, inbox, keeper, .. } = &mut self.with;
        let sockets = &self.sockets;
        let mut places: SmallVec<[usize; 8]> = SmallVec::new();
        let mut awaited: SmallVec<[Awaited<'_>; 8]> = SmallVec::new();
        for (place, udp) in sockets.iter().enumerate() {
            if let Some(udp) = udp {
                places.push(place);
                awaited.push(udp.awaited());
            }
        }
        let (held, replies) = (&self.held, &self.replies);
        let is_idle = || {
            let front = [held.front().map(|front| front.after), replies.next()];
            let still_held = front.into_iter().flatten().all(|after| keeper.must_wait(after));
            inbox.is_empty() && still_held
        };
        let found = takings.sleeper.sleep(&awaited, span, is_idle);
        self.reception.readable = found.at(&places);
        for (place, udp) in sockets.iter().enumerate() {
            if udp.as_ref().is_some_and(Udp::has_more) {
                self.reception.readable.add(place);
            }
        }
    }

    fn span_until_due(&self) -> Option<Duration> {
        let due = [self.shard.deadline(), self.leaves_by, self.reception.due()]
            .into_iter()
            .flatten()
            .min()?;
        Some(due.since(self.with.clock.read().instant))
    }

    /// Leaves the counters where others read them.
    fn publish(&mut self, now: Now) {
        self.counted_at = now.instant;
        let mut sum = self.shard.counters().clone();
        sum.add(&self.counters);
        *self.with.slot.lock().unwrap_or_else(PoisonError::into_inner) = sum;
    }
}

/// Reports a defect with the message that showed it.
pub fn report_defect(index: usize, in_hand: &[u8]) {
    error!(
        event = "shard_defect",
        shard = index,
        message = redact::told(in_hand),
        "a defect of this program stopped a shard; the process ends so that it is started anew"
    );
}
