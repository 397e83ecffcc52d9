//! Non-INVITE client transactions (RFC 3261 §17.1.2): sent until answered, at most for timer F.
//!
//! A transaction is found by its branch alone: the lower half of what makes the branch unique is
//! the place where it is kept. There is no Completed state: a final response that comes again
//! finds no transaction and is dropped, as timer K would have had it.

use std::num::NonZeroU64;
use std::time::Duration;

use bytes::Bytes;

use super::timers::{F, T1, T2, doubled};
use super::{Ticket, Transmit};
use crate::base::alarms::{AlarmId, Alarms};
use crate::base::flow::Hop;
use crate::base::mint::{Branch, HomeHash, Mint};
use crate::base::time::{Moment, Now};
use crate::sip::Response;

/// The name of one client transaction: what makes its branch unique.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ClientKey(NonZeroU64);

impl ClientKey {
    fn place(self) -> usize {
        self.0.get() as u32 as usize
    }
}

impl From<Branch> for ClientKey {
    fn from(branch: Branch) -> ClientKey {
        // No branch of ours is zero; a forged one may well name a place that is not there.
        ClientKey(NonZeroU64::new(branch.unique).unwrap_or(NonZeroU64::MAX))
    }
}

/// How a request of ours ended.
#[derive(Clone, Copy, Debug)]
pub enum Outcome<'a> {
    /// A final response came.
    Answered(&'a Response),
    /// Timer F fired (RFC 3261 §8.1.3.1: as if 408 had come).
    TimedOut,
    /// It could not be sent (as if 503 had come).
    Undeliverable,
}

/// The end of a transaction: whose it was, and how.
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a, Owner> {
    /// Who sent the request.
    pub owner: Owner,
    /// Where it was sent.
    pub hop: Hop,
    /// What became of it.
    pub outcome: Outcome<'a>,
}

/// All client transactions of one owner.
pub struct Clients<Owner> {
    slots: Vec<Slot<Owner>>,
    free: Vec<u32>,
    alarms: Alarms<ClientKey>,
    live: usize,
}

struct Slot<Owner> {
    key: ClientKey,
    sent: Option<Sent<Owner>>,
}

struct Sent<Owner> {
    owner: Owner,
    hop: Hop,
    head: Bytes,
    body: Bytes,
    after: Ticket,
    /// When timer F fires.
    until: Moment,
    interval: Duration,
    alarm: AlarmId,
}

impl<Owner> Default for Clients<Owner> {
    fn default() -> Self {
        Clients { slots: Vec::new(), free: Vec::new(), alarms: Alarms::default(), live: 0 }
    }
}

impl<Owner: Copy> Clients<Owner> {
    /// Reserves a place and mints the branch that names it. The request is built with it and
    /// handed to [`Clients::send`].
    pub fn branch(&mut self, mint: &mut Mint, home: HomeHash) -> Branch {
        let place = self.free.pop().unwrap_or_else(|| {
            let place = u32::try_from(self.slots.len()).expect("fewer than 2^32 transactions");
            self.slots.push(Slot { key: ClientKey(NonZeroU64::MAX), sent: None });
            place
        });
        let branch = mint.branch(home, place);
        self.slots[place as usize].key = branch.into();
        branch
    }

    /// Starts the transaction of a branch: the request leaves now and again until answered.
    pub fn send(
        &mut self,
        now: Now,
        branch: Branch,
        owner: Owner,
        mut transmit: Transmit,
        out: &mut Vec<Transmit>,
    ) -> ClientKey {
        let key = ClientKey::from(branch);
        let reliable = transmit.hop.transport().is_reliable();
        let until = now.instant + F;
        let first = if reliable { until } else { now.instant + T1 };
        let alarm = self.alarms.set(first, key);
        self.slots[key.place()].sent = Some(Sent {
            owner,
            hop: transmit.hop,
            head: transmit.head.clone(),
            body: transmit.body.clone(),
            after: transmit.after,
            until,
            interval: T1,
            alarm,
        });
        self.live += 1;
        transmit.request = Some(key);
        out.push(transmit);
        key
    }

    /// Takes a response. `None` if it is provisional or belongs to no request of ours.
    pub fn answer<'a>(
        &mut self,
        now: Now,
        branch: Branch,
        response: &'a Response,
    ) -> Option<Ended<'a, Owner>> {
        let key = ClientKey::from(branch);
        if response.status().is_provisional() {
            self.proceed(now, key);
            return None;
        }
        let (owner, hop) = self.forget(key)?;
        Some(Ended { owner, hop, outcome: Outcome::Answered(response) })
    }

    /// Whether a transaction of this branch waits for its answer.
    pub fn is_waiting(&self, branch: Branch) -> bool {
        self.sent(branch.into()).is_some()
    }

    /// The edge could not send it.
    pub fn undeliverable(&mut self, key: ClientKey) -> Option<Ended<'static, Owner>> {
        let (owner, hop) = self.forget(key)?;
        Some(Ended { owner, hop, outcome: Outcome::Undeliverable })
    }

    /// Gives a transaction up: nothing is repeated, whatever comes is stray.
    pub fn abandon(&mut self, key: ClientKey) {
        self.forget(key);
    }

    /// Takes one transaction whose time is over; repeats on the way what is due to be repeated.
    /// `None` when nothing more is due; `repeated` counts the repeats.
    pub fn tick(
        &mut self,
        now: Now,
        out: &mut Vec<Transmit>,
        repeated: &mut u64,
    ) -> Option<Ended<'static, Owner>> {
        while let Some(key) = self.alarms.due(now.instant) {
            let Some(slot) = self.slots.get_mut(key.place()).filter(|slot| slot.key == key) else {
                continue;
            };
            let Some(sent) = slot.sent.as_mut() else { continue };
            if now.instant >= sent.until {
                let (owner, hop) = (sent.owner, sent.hop);
                slot.sent = None;
                self.release(key);
                return Some(Ended { owner, hop, outcome: Outcome::TimedOut });
            }
            out.push(Transmit {
                hop: sent.hop,
                head: sent.head.clone(),
                body: sent.body.clone(),
                after: sent.after,
                request: Some(key),
            });
            *repeated += 1;
            sent.interval = doubled(sent.interval);
            sent.alarm = self.alarms.set((now.instant + sent.interval).min(sent.until), key);
        }
        None
    }

    /// When to call [`Clients::tick`] next.
    pub fn deadline(&self) -> Option<Moment> {
        self.alarms.deadline()
    }

    /// Requests that wait for an answer.
    pub fn len(&self) -> usize {
        self.live
    }

    /// Whether nothing waits for an answer.
    pub fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// A provisional response: over datagrams repeat every T2 from now on.
    fn proceed(&mut self, now: Now, key: ClientKey) {
        let Some(slot) = self.slots.get_mut(key.place()).filter(|slot| slot.key == key) else {
            return;
        };
        let Some(sent) = slot.sent.as_mut() else { return };
        sent.interval = T2;
        if !sent.hop.transport().is_reliable() && self.alarms.cancel(sent.alarm).is_some() {
            sent.alarm = self.alarms.set((now.instant + T2).min(sent.until), key);
        }
    }

    fn sent(&self, key: ClientKey) -> Option<&Sent<Owner>> {
        self.slots.get(key.place()).filter(|slot| slot.key == key)?.sent.as_ref()
    }

    fn forget(&mut self, key: ClientKey) -> Option<(Owner, Hop)> {
        let slot = self.slots.get_mut(key.place()).filter(|slot| slot.key == key)?;
        let sent = slot.sent.take()?;
        self.alarms.cancel(sent.alarm);
        self.release(key);
        Some((sent.owner, sent.hop))
    }

    fn release(&mut self, key: ClientKey) {
        self.live -= 1;
        self.free.push(key.place() as u32);
    }
}
