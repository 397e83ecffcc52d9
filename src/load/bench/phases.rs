//! The phases, one after the other: what the phones are told to do, and how it is measured.

use std::time::Duration;

use super::plan::Phase;
use super::report::Outcome;
use super::run::{Bench, Fault, Mark, nanos};
use super::tally::Tally;

/// Before this time a phase without an end of its own is not measured.
const WARM_UP: Duration = Duration::from_secs(1);

/// How long late NOTIFYs are waited for: timer F, and a little.
const SETTLE: Duration = Duration::from_secs(35);

/// The same where nobody asks again: whoever is not answered by then is not.
const SETTLE_ONCE: Duration = Duration::from_secs(5);

/// Quiet that is waited for when every lamp is right already: a late NOTIFY could still spoil one.
const QUIET: Duration = Duration::from_millis(500);

/// A server that has answered nothing for this long is not there.
const NO_ANSWER: Duration = Duration::from_secs(5);

/// How long a rest is: timer J is 32 s at a server that keeps to it, and a little.
const REST: Duration = Duration::from_secs(36);

/// In an overload, one refresh for so many first SUBSCRIBEs.
const REFRESH_ONE_IN: u32 = 50;

/// After so many things done at their time the phones listen.
const LISTEN_EVERY: u64 = 16;

/// Longest sleep of the phones.
const NAP: Duration = Duration::from_millis(20);

impl Bench<'_> {
    /// Everybody who is watched has a state before anybody watches.
    pub(super) fn prime(&mut self) -> Result<(), Fault> {
        self.publish_all(0, self.plan.presentities, "prepare")?;
        if self.plan.digest.is_some() {
            self.introduce()?;
        }
        let tally = std::mem::take(&mut self.office.tally);
        match tally.refusal {
            Some(line) if tally.published == 0 => Err(Fault::Refused(Phase::Publish, line)),
            _ => Ok(()),
        }
    }

    pub(super) fn phase(&mut self, phase: Phase) -> Result<Outcome, Fault> {
        self.office.tally = Tally::default();
        let begin = self.mark();
        let end = match phase {
            Phase::Subscribe => self.subscribe_all(phase, false)?,
            Phase::Refresh => self.subscribe_all(phase, false)?,
            Phase::Unsubscribe => self.subscribe_all(phase, true)?,
            Phase::Rest => self.rest(begin.at)?,
            Phase::Die => {
                self.office.die(self.plan.dead);
                self.mark()
            }
            Phase::Overload => return self.overload(phase),
            Phase::Rate => return self.rate(phase),
            Phase::Max => return self.max(phase),
            Phase::Publish => return self.publish(phase),
        };
        let tally = self.office.tally.clone();
        // Without subscriptions there is nothing to measure; later refusals are figures.
        if let (Phase::Subscribe, 0, Some(line)) = (phase, tally.subscribed, &tally.refusal) {
            return Err(Fault::Refused(phase, line.clone()));
        }
        Ok(self.outcome(phase, &begin, &end, tally))
    }

    /// Takes back what was published, so that the next run finds nobody there.
    pub(super) fn withdraw(&mut self) -> Result<(), Fault> {
        let all = self.plan.presentities.saturating_add(self.plan.quiet_people());
        let mut next = 0;
        while next < all || self.office.publishing > 0 {
            while next < all && self.office.publishing < self.plan.requests {
                self.office.withdraw(self.now(), next);
                next += 1;
            }
            self.turn(NAP)?;
            self.progress.at(self.now(), "withdraw", f64::from(next) / f64::from(all.max(1)));
        }
        self.progress.clear();
        Ok(())
    }

    /// Every phone with a password is challenged once, so that the phases measure requests that
    /// prove it and not the challenges.
    fn introduce(&mut self) -> Result<(), Fault> {
        let all = self.plan.subscriptions();
        let mut next = 0;
        while next < all || self.office.subscribing > 0 {
            while next < all && self.office.subscribing < self.plan.requests {
                if self.office.is_unasked(next) {
                    self.office.subscribe(self.now(), next, true);
                }
                next += 1;
            }
            self.turn(NAP)?;
            self.progress.at(self.now(), "introduce", f64::from(next) / f64::from(all.max(1)));
        }
        Ok(())
    }

    /// One SUBSCRIBE for every subscription: the first, a refresh, or the end.
    fn subscribe_all(&mut self, phase: Phase, ends: bool) -> Result<Mark, Fault> {
        let all = self.plan.known();
        let mut next = 0;
        loop {
            while next < all && self.office.subscribing < self.plan.requests {
                if phase == Phase::Subscribe || self.office.is_live(next) {
                    self.office.subscribe(self.now(), next, ends);
                }
                next += 1;
            }
            if next == all && self.office.subscribing == 0 {
                return Ok(self.mark());
            }
            self.turn(NAP)?;
            self.progress.at(self.now(), phase.name(), f64::from(next) / f64::from(all.max(1)));
        }
    }

    /// First SUBSCRIBEs at their own time, whatever the server does, and among them refreshes of
    /// who was there before. Then everybody is waited for.
    fn overload(&mut self, phase: Phase) -> Result<Outcome, Fault> {
        let (known, all) = (self.plan.known(), self.plan.subscriptions());
        let interval = 1e9 / self.plan.offered.max(1.0);
        let begin = self.mark();
        self.office.known = known;
        let (mut count, mut refreshed) = (0_u32, 0_u32);
        self.at_pace(phase, begin.at, interval, |bench, now, _| {
            if known + count >= all {
                return false;
            }
            bench.office.subscribe(now, known + count, false);
            count += 1;
            if count.is_multiple_of(REFRESH_ONE_IN) {
                let index = refreshed.checked_rem(known).unwrap_or(0);
                if bench.office.is_live(index) && bench.office.is_quiet(index) {
                    bench.office.subscribe(now, index, false);
                    bench.office.tally.known_asked += 1;
                }
                refreshed += 1;
            }
            true
        })?;
        // Rates are those of the time in which so much was offered.
        let end = self.mark();
        let measured = self.office.tally.clone();
        let settle = if self.plan.asks_once { SETTLE_ONCE } else { SETTLE };
        let until = self.now() + nanos(settle);
        while self.office.subscribing > 0 && self.now() < until {
            self.turn(NAP)?;
            self.progress.at(self.now(), "settle", share(end.at, self.now(), until));
        }
        self.office.known = 0;
        let mut outcome = self.outcome(phase, &begin, &end, measured);
        outcome.tally = self.office.tally.clone();
        outcome.offered = u64::from(count);
        Ok(outcome)
    }

    /// Nobody does anything; what arrives is answered.
    fn rest(&mut self, begin: u64) -> Result<Mark, Fault> {
        let over = begin + nanos(REST);
        while self.now() < over {
            self.turn(NAP)?;
            let now = self.now();
            self.progress.at(now, Phase::Rest.name(), share(begin, now, over));
        }
        Ok(self.mark())
    }

    /// Changes at their own time, whatever the server does.
    fn rate(&mut self, phase: Phase) -> Result<Outcome, Fault> {
        let people = u64::from(self.plan.presentities.max(1));
        let stride = stride(people);
        let interval = 1e9 / self.plan.changes_per_second();
        let begin = self.mark();
        let mut count = 0_u64;
        self.at_pace(phase, begin.at, interval, |bench, now, due| {
            let index = (count * stride) % people;
            bench.office.change(now, due, u32::try_from(index).unwrap_or(0));
            count += 1;
            true
        })?;
        self.finish(phase, begin)
    }

    /// Does something again and again, so many nanoseconds apart, until the phase is over or it
    /// has nothing more to do; it is told the time and when it was due.
    fn at_pace(
        &mut self,
        phase: Phase,
        begin: u64,
        interval: f64,
        mut each: impl FnMut(&mut Self, u64, u64) -> bool,
    ) -> Result<(), Fault> {
        let over = begin + nanos(self.plan.lasts);
        for count in 0_u64.. {
            let due = begin + (count as f64 * interval) as u64;
            let mut now = self.now();
            while now < due && due < over {
                self.turn(Duration::from_nanos(due - now).min(NAP))?;
                self.progress.at(now, phase.name(), share(begin, now, over));
                now = self.now();
            }
            if due >= over || !each(self, now, due) {
                break;
            }
            // The phones listen even when the schedule leaves no pause.
            if count.is_multiple_of(LISTEN_EVERY) {
                self.turn(Duration::ZERO)?;
            }
        }
        Ok(())
    }

    /// As many changes in flight as the window has room for.
    fn max(&mut self, phase: Phase) -> Result<Outcome, Fault> {
        let window = self.plan.changes_in_flight();
        let people = self.plan.presentities;
        let mut next = 0;
        let mut begin = None;
        let start = self.now();
        let (warm, over) = (start + nanos(WARM_UP), start + nanos(WARM_UP + self.plan.lasts));
        loop {
            let now = self.now();
            if begin.is_none() && now >= warm {
                self.office.tally = Tally::default();
                begin = Some(self.mark());
            }
            if now >= over {
                break;
            }
            let mut tried = 0;
            while self.office.changing < window && tried < people {
                if self.office.is_settled(next) {
                    let now = self.now();
                    self.office.change(now, now, next);
                }
                next = (next + 1) % people.max(1);
                tried += 1;
            }
            self.turn(NAP)?;
            self.progress.at(now, phase.name(), share(start, now, over));
        }
        self.finish(phase, begin.unwrap_or_else(|| self.mark()))
    }

    /// PUBLISHes about people whom nobody watches.
    fn publish(&mut self, phase: Phase) -> Result<Outcome, Fault> {
        let (first, count) = (self.plan.presentities, self.plan.quiet_people());
        self.publish_all(first, count, phase.name())?;
        self.office.tally = Tally::default();
        let begin = self.mark();
        let over = begin.at + nanos(self.plan.lasts);
        let mut next = 0;
        while self.now() < over {
            let mut tried = 0;
            while self.office.publishing < self.plan.requests && tried < count {
                if self.office.is_settled(first + next) {
                    let now = self.now();
                    self.office.change(now, now, first + next);
                }
                next = (next + 1) % count.max(1);
                tried += 1;
            }
            self.turn(NAP)?;
            let now = self.now();
            self.progress.at(now, phase.name(), share(begin.at, now, over));
        }
        self.finish(phase, begin)
    }

    /// One change of each of these presentities.
    fn publish_all(&mut self, first: u32, count: u32, name: &str) -> Result<(), Fault> {
        let start = self.now();
        let mut next = 0;
        loop {
            while next < count && self.office.publishing < self.plan.requests {
                let now = self.now();
                self.office.change(now, now, first + next);
                next += 1;
            }
            if next == count && self.office.publishing == 0 {
                self.office.give_up();
                return Ok(());
            }
            self.turn(NAP)?;
            let now = self.now();
            let is_late = now > start + nanos(NO_ANSWER);
            if !self.has_heard && (self.wire.unheard > 0 || is_late) {
                return Err(Fault::NoAnswer(self.plan.server, self.plan.transport));
            }
            self.progress.at(now, name, f64::from(next) / f64::from(count.max(1)));
        }
    }

    /// Ends the measurement, waits for what is under way and counts the lamps that stay wrong.
    fn finish(&mut self, phase: Phase, begin: Mark) -> Result<Outcome, Fault> {
        let end = self.mark();
        let measured = self.office.tally.clone();
        let until = end.at + nanos(SETTLE);
        let mut quiet_since = self.now();
        let mut heard = self.office.tally.notifies;
        loop {
            let now = self.now();
            let is_open = self.office.changing > 0 || self.office.publishing > 0;
            if self.office.tally.notifies != heard || is_open {
                (heard, quiet_since) = (self.office.tally.notifies, now);
            }
            // Lamps are looked at when nothing else is to come: that takes a while.
            let is_quiet = now >= quiet_since + nanos(QUIET);
            if now >= until || is_quiet && self.office.stale() == 0 {
                break;
            }
            self.turn(NAP)?;
            self.progress.at(now, "settle", share(end.at, now, until));
        }
        let stale = self.office.stale();
        let unfinished = self.office.changing as u64;
        self.office.give_up();
        let mut outcome = self.outcome(phase, &begin, &end, measured);
        outcome.tally = self.office.tally.clone();
        outcome.drops = self.mark().drops.since(begin.drops);
        outcome.stale = (phase != Phase::Publish).then_some(stale);
        outcome.unfinished = unfinished;
        Ok(outcome)
    }

    fn outcome(&self, phase: Phase, begin: &Mark, end: &Mark, measured: Tally) -> Outcome {
        let server = begin.server.zip(end.server);
        Outcome {
            phase,
            lasted: Duration::from_nanos(end.at - begin.at),
            server_cpu: server.map(|(begin, end)| end.saturating_sub(begin)),
            own_cpu: end.own.saturating_sub(begin.own),
            tally: measured.clone(),
            measured,
            drops: end.drops.since(begin.drops),
            live: self.office.live() as u64,
            memory: self.memory(),
            stale: None,
            unfinished: 0,
            offered: 0,
        }
    }
}

/// A step that meets everybody before anybody twice, and no neighbours after each other: these
/// have watchers on the same sockets.
fn stride(people: u64) -> u64 {
    let is_fair = |step: &u64| gcd(people, *step) == 1;
    (people * 5 / 8..people).find(is_fair).unwrap_or(1)
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn share(begin: u64, now: u64, end: u64) -> f64 {
    now.saturating_sub(begin) as f64 / end.saturating_sub(begin).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_changes_before_anybody_changes_twice() {
        for people in [1, 2, 3, 10, 200, 5_000, 50_000] {
            let mut changed: Vec<u64> = (0..people).map(|n| n * stride(people) % people).collect();
            changed.sort_unstable();
            changed.dedup();
            assert_eq!(changed.len() as u64, people);
        }
    }
}
