//! One feed: looks at its calendar, keeps the last one that could be read, and tells what it holds.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use siphasher::sip::SipHasher13;
use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, sleep};
use tracing::{debug, info, warn};

use super::agent::Agent;
use super::config;
use super::entries::Reading;
use super::fact;
use super::fetch::{self, Got, Known};
use crate::base::civil::Zone;
use crate::base::limits::{CALENDAR_RENEWED_EVERY, FEED_BACK_OFF_MAX, FEED_LOST_AFTER};
use crate::base::time::Wall;
use crate::base::uri::Uri;
use crate::doc::ical::{Agenda, Calendar};
use crate::event::status::feed::{Entry, Said, Span, number_of};

/// A feed of the settings.
pub(super) struct Feed {
    /// Its place in the settings, from 1: people are not told at `info`.
    pub number: usize,
    /// Its settings.
    pub settings: config::Feed,
    /// Whose it is.
    pub user: Uri,
    /// Where the person is, if settings say so.
    pub zone: Option<Zone>,
}

/// What all feeds share.
#[derive(Clone)]
pub(super) struct Tools {
    pub agent: Arc<dyn Agent>,
    /// Who may fetch.
    pub fetches: Arc<Semaphore>,
}

/// What is held of a feed.
struct Held {
    calendar: Option<Arc<Calendar>>,
    known: Known,
    /// Of the octets that were read last.
    hash: Option<u64>,
    /// Attempts that failed since the last that did not.
    failures: u32,
    /// When it could be read last, or since when it is tried.
    good: Instant,
    /// What was told, and when.
    told: Option<(Vec<(Entry, Span)>, Instant)>,
    is_refused: bool,
}

impl Feed {
    /// Looks at it for ever.
    pub async fn keep(self, tools: Tools, look_now: Arc<Notify>) {
        let mut held = Held {
            calendar: None,
            known: Known::default(),
            hash: None,
            failures: 0,
            good: Instant::now(),
            told: None,
            is_refused: false,
        };
        loop {
            let is_new = self.look(&tools, &mut held).await;
            self.tell(&tools, &mut held, is_new).await;
            tokio::select! {
                () = sleep(wait(self.settings.poll, held.failures, tools.agent.chance())) => {}
                () = look_now.notified() => {}
            }
        }
    }

    /// The number of its channel.
    pub fn channel(&self) -> u32 {
        number_of(&self.settings.name)
    }

    /// Looks once. True if there is a calendar that was not there before.
    async fn look(&self, tools: &Tools, held: &mut Held) -> bool {
        let got = match tools.fetches.acquire().await {
            Ok(_permit) => fetch::get(&self.settings.source.place(), &held.known).await,
            Err(_) => return false,
        };
        let (octets, known) = match got {
            Ok(Got::Octets(octets, known)) => (octets, known),
            Ok(Got::Same) => return self.well(held),
            Err(reason) => return self.failed(held, &reason),
        };
        let hash = SipHasher13::new_with_keys(0, 0).hash(&octets);
        if held.hash == Some(hash) && held.calendar.is_some() {
            held.known = known;
            return self.well(held);
        }
        match read(octets).await {
            Err(reason) => self.failed(held, &reason),
            Ok(calendar) => {
                self.report(held, &calendar);
                self.well(held);
                (held.calendar, held.known, held.hash) = (Some(calendar), known, Some(hash));
                true
            }
        }
    }

    fn report(&self, held: &Held, calendar: &Calendar) {
        let (feed, name, events) = (self.number, &self.settings.name, calendar.len());
        match held.calendar {
            None => info!(event = "calendar_read", feed, name, events),
            Some(_) => debug!(event = "calendar_changed", feed, name, events),
        }
        if let Some(fault) = calendar.faults().first() {
            let entries = calendar.faults().len();
            warn!(event = "calendar_entries_skipped", feed, name, entries, reason = %fault);
        }
    }

    fn well(&self, held: &mut Held) -> bool {
        if held.failures > 0 {
            info!(event = "calendar_back", feed = self.number, name = self.settings.name);
        }
        (held.failures, held.good) = (0, Instant::now());
        false
    }

    fn failed(&self, held: &mut Held, reason: &str) -> bool {
        let (feed, name) = (self.number, &self.settings.name);
        if held.failures == 0 {
            warn!(event = "calendar_failed", feed, name, reason, "what it said last counts on");
        }
        held.failures = held.failures.saturating_add(1);
        false
    }

    /// Tells what it holds if that is new, or if time has gone on for long enough. What it held is
    /// taken back when nobody can know any more whether it is still true.
    async fn tell(&self, tools: &Tools, held: &mut Held, is_new: bool) {
        let is_lost = held.failures > 0 && held.good.elapsed() >= FEED_LOST_AFTER;
        if is_lost && (held.calendar.is_some() || held.told.is_none()) {
            warn!(event = "calendar_lost", feed = self.number, name = self.settings.name);
            (held.calendar, held.known, held.hash) = (None, Known::default(), None);
            return self.say(tools, held, Vec::new()).await;
        }
        let Some(calendar) = held.calendar.clone() else { return };
        let is_due =
            held.told.as_ref().is_none_or(|(_, at)| at.elapsed() >= CALENDAR_RENEWED_EVERY);
        if !is_new && !is_due {
            return;
        }
        let now = tools.agent.now();
        let Ok(agenda) = self.agenda(calendar, now).await else { return };
        if is_new && (agenda.is_cut || !agenda.unknown_zones.is_empty()) {
            let zones = agenda.unknown_zones.iter().take(4).cloned().collect::<Vec<_>>().join(",");
            let (feed, name, cut) = (self.number, &self.settings.name, agenda.is_cut);
            warn!(event = "calendar_not_all_understood", feed, name, cut, zones);
        }
        let entries = Reading::of(&self.settings).entries(&agenda, now);
        match &mut held.told {
            Some((told, at)) if *told == entries => *at = Instant::now(),
            _ => self.say(tools, held, entries).await,
        }
    }

    /// What there is from now on; it may take a while, so no worker of the edges does it.
    async fn agenda(
        &self,
        calendar: Arc<Calendar>,
        now: Wall,
    ) -> Result<Agenda, tokio::task::JoinError> {
        let (zone, mail) = (self.zone.clone(), self.settings.mail.clone());
        let follow = move || fact::agenda(&calendar, &mail, zone.as_ref(), now);
        tokio::task::spawn_blocking(follow).await
    }

    async fn say(&self, tools: &Tools, held: &mut Held, entries: Vec<(Entry, Span)>) {
        let fact = Said::WHEN_ASKED.feed(self.channel(), &entries);
        match tools.agent.say(self.user.clone(), fact).await {
            Some(Ok(())) => {
                (held.told, held.is_refused) = (Some((entries, Instant::now())), false);
            }
            Some(Err(refusal)) => {
                if !held.is_refused {
                    let (feed, status) = (self.number, refusal.status().code());
                    warn!(event = "calendar_refused", feed, name = self.settings.name, status);
                }
                held.is_refused = true;
                held.told = None;
            }
            // It is told at the next look.
            None => held.told = None,
        }
    }
}

async fn read(octets: Bytes) -> Result<Arc<Calendar>, String> {
    let read = tokio::task::spawn_blocking(move || Calendar::read(&octets)).await;
    match read {
        Ok(Ok(calendar)) => Ok(Arc::new(calendar)),
        Ok(Err(fault)) => Err(fault.to_string()),
        Err(fault) => Err(fault.to_string()),
    }
}

/// How long to wait for the next look. Feeds that began together do not stay together.
fn wait(poll: Duration, failures: u32, chance: f64) -> Duration {
    let longest = FEED_BACK_OFF_MAX.max(poll);
    let usual = poll.saturating_mul(1 << failures.min(12)).min(longest);
    usual.mul_f64(0.9 + 0.2 * chance.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_fails_is_looked_at_more_and_more_rarely() {
        let minutes = |count: u64| Duration::from_secs(60 * count);
        let waits: Vec<Duration> =
            [0, 1, 2, 4, 40].iter().map(|failures| wait(minutes(5), *failures, 0.5)).collect();
        assert_eq!(waits, [5, 10, 20, 60, 60].map(minutes));
        assert_eq!(wait(minutes(120), 3, 0.5), minutes(120), "never more often than asked for");
        assert_eq!(wait(minutes(10), 0, 0.0), minutes(9));
        assert_eq!(wait(minutes(10), 0, 1.0), minutes(11));
    }
}
