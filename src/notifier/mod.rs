//! Subscriptions, and the right NOTIFY at the right time (RFC 6665 §4.2).
//!
//! One NOTIFY in flight per subscription, the newest state waiting. What is to be sent is not
//! kept as bodies but as a debt ([`Owed`]); the body is taken at the moment of sending, so it
//! is never older than the truth.

use std::collections::{HashMap, VecDeque};

use crate::base::alarms::Alarms;
use crate::base::limits;
use crate::base::mint::LocalTag;
use crate::base::slab::Slab;
use crate::base::time::{Moment, Now};
use crate::dialog::Heard;
use crate::event::Pace;
use crate::sip::{Response, Status};
use crate::transaction::Outcome;

pub mod census;
pub mod config;
pub mod notify;
pub mod pace;
pub mod path;
pub mod storm;
pub mod subscription;

pub use census::Census;
pub use config::{Config, OnTimeout};
pub use storm::Storm;
pub use subscription::{
    Accepted, Hearing, Owed, PresentityId, Reason, Subscription, SubscriptionId,
};

/// Refusals in a row after which a watcher is told to try again later (`probation`).
const FAILURES_MAX: u8 = 3;

/// All subscriptions of one owner.
pub struct Notifier {
    subscriptions: Slab<Subscription>,
    /// Those that do not stand where their tag says, by what makes it unique: only such as
    /// survived a restart.
    moved: HashMap<u64, SubscriptionId, ahash::RandomState>,
    census: Census,
    /// What is granted in a storm is spread.
    pub storm: Storm,
    /// Those that are not heard of, some of which may be again, by what names a phone's lamp.
    silent: HashMap<u64, Vec<SubscriptionId>, ahash::RandomState>,
    /// Subscriptions that are owed something and may be able to get it now.
    ready: VecDeque<SubscriptionId>,
    alarms: Alarms<SubscriptionId>,
}

/// What an answer, or its absence, means for a subscription.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum After {
    /// It goes on.
    Goes,
    /// It goes on, but the watcher is not heard of from now on.
    Suspends,
    /// It goes on, and the watcher is heard of again.
    Resumes,
    /// It is over, without another word.
    Ends,
    /// It is over, and the watcher is told to try again later.
    EndsWith(Reason),
}

/// Whether a subscription may be sent what it is owed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turn {
    /// At once.
    Now,
    /// Not before then.
    Later(Moment),
    /// Not before something else happens.
    Waits,
}

impl Notifier {
    /// Knows no subscription yet. `hash` keys the table of tags.
    pub fn new(hash: ahash::RandomState) -> Notifier {
        Notifier {
            subscriptions: Slab::default(),
            moved: HashMap::with_hasher(hash.clone()),
            census: Census::new(hash.clone()),
            storm: Storm::default(),
            silent: HashMap::with_hasher(hash),
            ready: VecDeque::new(),
            alarms: Alarms::default(),
        }
    }

    /// The place in which the next subscription will stand, for its tag.
    pub fn vacant(&mut self) -> u32 {
        self.subscriptions.vacant()
    }

    /// Takes a subscription in.
    pub fn begin(&mut self, subscription: Subscription) -> SubscriptionId {
        let tag = subscription.dialog.tag;
        self.census.enter(&subscription.watcher, subscription.path.flow().peer().ip());
        let id = SubscriptionId(self.subscriptions.insert(subscription));
        if tag.index() != id.0.index {
            self.moved.insert(tag.unique, id);
        }
        id
    }

    /// Lets a subscription go.
    pub fn end(&mut self, id: SubscriptionId) -> Option<Subscription> {
        let subscription = self.subscriptions.remove(id.0)?;
        let tag = subscription.dialog.tag;
        if tag.index() != id.0.index {
            self.moved.remove(&tag.unique);
        }
        self.census.leave(&subscription.watcher, subscription.path.flow().peer().ip());
        if let Some((alarm, _)) = subscription.alarm {
            self.alarms.cancel(alarm);
        }
        if subscription.listed_silent {
            self.unlist(id, subscription.presentity, subscription.dialog.target());
        }
        Some(subscription)
    }

    /// How many subscriptions each user and each address has.
    pub fn census(&self) -> &Census {
        &self.census
    }

    /// The watcher was heard on this path. False if that is nothing new.
    pub fn heard_on(&mut self, id: SubscriptionId, heard: Heard) -> bool {
        let Some(subscription) = self.subscriptions.get_mut(id.0) else { return false };
        let (before, after) = (subscription.path.flow().peer().ip(), heard.flow.peer().ip());
        if before != after {
            self.census.leave(&subscription.watcher, before);
            self.census.enter(&subscription.watcher, after);
        }
        subscription.heard_on(heard)
    }

    /// Notes that a subscription is not heard of any more.
    pub fn fall_silent(&mut self, id: SubscriptionId) {
        let Some(subscription) = self.subscriptions.get_mut(id.0) else { return };
        if std::mem::replace(&mut subscription.listed_silent, true) {
            return;
        }
        let Some(subscription) = self.subscriptions.get(id.0) else { return };
        let lamp = self.lamp(subscription.presentity, subscription.dialog.target());
        self.silent.entry(lamp).or_default().push(id);
    }

    /// One that is not heard of, watches this for who listens there, and is what is looked for.
    pub fn silent(
        &self,
        presentity: PresentityId,
        target: &str,
        is_sought: impl Fn(&Subscription) -> bool,
    ) -> Option<SubscriptionId> {
        let listed = self.silent.get(&self.lamp(presentity, target))?;
        listed.iter().copied().find(|id| {
            self.get(*id).is_some_and(|it| {
                it.hearing != Hearing::Live
                    && it.presentity == presentity
                    && it.dialog.target() == target
                    && is_sought(it)
            })
        })
    }

    /// The watcher listens elsewhere from now on (RFC 6665 §3.1). False if that is nothing new.
    pub fn retarget(&mut self, id: SubscriptionId, target: &str) -> bool {
        let Some(subscription) = self.subscriptions.get_mut(id.0) else { return false };
        if subscription.dialog.target() == target {
            return false;
        }
        let presentity = subscription.presentity;
        let was_listed = std::mem::take(&mut subscription.listed_silent);
        let before = subscription.retarget(target);
        if was_listed {
            self.unlist(id, presentity, &before);
            self.fall_silent(id);
        }
        true
    }

    fn unlist(&mut self, id: SubscriptionId, presentity: PresentityId, target: &str) {
        let lamp = self.lamp(presentity, target);
        if let Some(listed) = self.silent.get_mut(&lamp) {
            listed.retain(|other| *other != id);
            if listed.is_empty() {
                self.silent.remove(&lamp);
            }
        }
    }

    fn lamp(&self, presentity: PresentityId, target: &str) -> u64 {
        self.silent.hasher().hash_one((presentity, target))
    }

    /// A subscription by its name.
    pub fn get(&self, id: SubscriptionId) -> Option<&Subscription> {
        self.subscriptions.get(id.0)
    }

    /// A subscription by its name, to be changed.
    pub fn get_mut(&mut self, id: SubscriptionId) -> Option<&mut Subscription> {
        self.subscriptions.get_mut(id.0)
    }

    /// The subscription of a dialog, by our tag.
    pub fn tagged(&self, tag: LocalTag) -> Option<SubscriptionId> {
        match self.subscriptions.standing_at(tag.index()) {
            Some((place, there)) if there.dialog.tag == tag => Some(SubscriptionId(place)),
            _ => self.moved.get(&tag.unique).copied(),
        }
    }

    /// Every subscription, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (SubscriptionId, &Subscription)> {
        self.subscriptions.iter().map(|(place, subscription)| (SubscriptionId(place), subscription))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.subscriptions.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.subscriptions.is_empty()
    }

    /// Notes what a subscription is owed; a more urgent debt stays.
    pub fn owe(&mut self, id: SubscriptionId, owed: Owed) {
        let Some(subscription) = self.get_mut(id) else { return };
        subscription.owed = subscription.owed.max(owed);
        self.queue(id);
    }

    /// Looks at a subscription again at the next [`Notifier::next_ready`].
    pub fn queue(&mut self, id: SubscriptionId) {
        let Some(subscription) = self.get_mut(id) else { return };
        if !subscription.queued {
            subscription.queued = true;
            self.ready.push_back(id);
        }
    }

    /// Takes one subscription that is owed something.
    pub fn next_ready(&mut self) -> Option<SubscriptionId> {
        loop {
            let id = self.ready.pop_front()?;
            if let Some(subscription) = self.get_mut(id) {
                subscription.queued = false;
                return Some(id);
            }
        }
    }

    /// Takes one subscription whose alarm rang.
    pub fn tick(&mut self, now: Now) -> Option<SubscriptionId> {
        loop {
            let id = self.alarms.due(now.instant)?;
            if let Some(subscription) = self.get_mut(id) {
                subscription.alarm = None;
                return Some(id);
            }
        }
    }

    /// When to call [`Notifier::tick`] next; at once if something is ready.
    pub fn deadline(&self) -> Option<Moment> {
        if self.ready.is_empty() { self.alarms.deadline() } else { Some(Moment::ORIGIN) }
    }

    /// Sets the one alarm of a subscription: its end, its next probe, or when it may be sent
    /// what it is owed, whichever comes first.
    pub fn arm(&mut self, id: SubscriptionId, now: Now, pace: Pace) {
        let Some(subscription) = self.subscriptions.get_mut(id.0) else { return };
        let mut at = now.instant_of(subscription.until);
        if subscription.until <= now.wall {
            at = now.instant_of(subscription.until + limits::LAST_WORD_MAX);
        }
        if let Hearing::Suspended { next: Some(next), .. } = subscription.hearing {
            at = at.min(next);
        }
        if let Turn::Later(then) = subscription.turn(now.instant, pace) {
            at = at.min(then);
        }
        match subscription.alarm {
            Some((_, rings)) if rings == at => return,
            Some((alarm, _)) => drop(self.alarms.cancel(alarm)),
            None => {}
        }
        subscription.alarm = Some((self.alarms.set(at, id), at));
    }
}

impl Subscription {
    /// Whether it may be sent what it is owed.
    pub fn turn(&self, now: Moment, pace: Pace) -> Turn {
        match (self.owed, self.hearing) {
            (Owed::Nothing, _) => Turn::Waits,
            // A request of the watcher's own is answered whatever else is going on.
            (Owed::Answer | Owed::End(_), _) => Turn::Now,
            (Owed::Change, Hearing::Suspended { next: Some(next), .. }) => {
                if next <= now {
                    Turn::Now
                } else {
                    Turn::Later(next)
                }
            }
            (Owed::Change, Hearing::Suspended { next: None, .. }) => Turn::Waits,
            (Owed::Change, Hearing::Live) if self.in_flight.is_some() => Turn::Waits,
            (Owed::Change, Hearing::Live) => {
                let opens = self.account.opens(pace).max(self.not_before);
                if opens <= now { Turn::Now } else { Turn::Later(opens) }
            }
        }
    }

    /// A message of the watcher came: it is heard of. True if it was not before.
    pub fn heard(&mut self) -> bool {
        let was_silent = self.hearing != Hearing::Live;
        self.hearing = Hearing::Live;
        self.failures = 0;
        self.detours = 0;
        if std::mem::take(&mut self.is_quiet) {
            self.not_before = Moment::ORIGIN;
        }
        was_silent
    }

    /// What the end of the NOTIFY in flight means (RFC 6665 §4.2.2, RFC 5057 §5.1).
    pub fn answered(&mut self, now: Now, config: &Config, outcome: Outcome<'_>) -> After {
        self.in_flight = None;
        match outcome {
            // RFC 5057 §5.1: a proxy's 408 says what our own timer would have said.
            Outcome::Answered(response) if response.status().code() == 408 => {
                self.silence(now, config)
            }
            Outcome::Answered(response) => self.response(now, response),
            Outcome::TimedOut | Outcome::Undeliverable => self.silence(now, config),
        }
    }

    fn response(&mut self, now: Now, response: &Response) -> After {
        let status = response.status();
        if status.is_success() {
            self.seen.hear();
            return if self.heard() { After::Resumes } else { After::Goes };
        }
        if ends_it(status) {
            return After::Ends;
        }
        // The watcher lives, but this state is lost for it: the next change is sent, not this
        // one again, so that a failure never causes a NOTIFY by itself.
        let failures = self.failures.saturating_add(1);
        let was_silent = self.heard();
        self.failures = failures;
        if let Some(seconds) = response.headers().retry_after() {
            let pause = std::time::Duration::from_secs(u64::from(seconds)).max(limits::QUIET_MIN);
            (self.is_quiet, self.not_before) = (true, now.instant + pause);
            // RFC 3261 §21.5.4: told to wait, not told no; what it missed is still owed.
            self.owed = self.owed.max(Owed::Change);
            self.told = 0;
        } else if failures >= FAILURES_MAX {
            return After::EndsWith(Reason::Probation);
        }
        if was_silent { After::Resumes } else { After::Goes }
    }

    /// Nobody answered. RFC 6665 §4.2.2 would end it; a phone that was only busy or rebooting
    /// would then show an old lamp until its next refresh, so by default it is left alone and
    /// probed.
    fn silence(&mut self, now: Now, config: &Config) -> After {
        if config.on_timeout == OnTimeout::Remove {
            return After::Ends;
        }
        let probes = match self.hearing {
            Hearing::Live => 0,
            Hearing::Suspended { probes, .. } => probes.saturating_add(1),
        };
        let next = now.instant + config.probe_after(probes);
        self.hearing = Hearing::Suspended { probes, next: Some(next) };
        self.owed = self.owed.max(Owed::Change);
        // What it was last sent may never have reached it.
        self.told = 0;
        if probes == 0 { After::Suspends } else { After::Goes }
    }
}

/// Final responses that end a subscription (RFC 6665 §4.2.2, RFC 5057 §5.1, RFC 3261 §12.2.1.2).
fn ends_it(status: Status) -> bool {
    matches!(
        status.0,
        404 | 405 | 410 | 416 | 480 | 481 | 482 | 483 | 484 | 485 | 489 | 501 | 502 | 604
    )
}
