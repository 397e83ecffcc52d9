//! One run: phase after phase, each measured by itself.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use super::drops::Drops;
use super::gauge::{Gauge, Memory};
use super::office::Office;
use super::outbox::Dice;
use super::plan::{Phase, Plan, Transport};
use super::progress::Progress;
use super::report::{Outcome, Report};
use super::tally::Tally;
use super::wire::Wire;
use super::write::Writer;

/// Before this time a phase without an end of its own is not measured.
const WARM_UP: Duration = Duration::from_secs(1);

/// How long late NOTIFYs are waited for: timer F, and a little.
const SETTLE: Duration = Duration::from_secs(35);

/// Quiet that is waited for when every lamp is right already: a late NOTIFY could still spoil one.
const QUIET: Duration = Duration::from_millis(500);

/// A server that has answered nothing for this long is not there.
const NO_ANSWER: Duration = Duration::from_secs(5);

/// Longest sleep of the phones.
const NAP: Duration = Duration::from_millis(20);

/// Why a run came to nothing.
#[derive(Debug)]
pub enum Fault {
    /// A socket could not be opened or used.
    Socket(io::Error),
    /// Nobody listens, or nobody answers.
    NoAnswer(SocketAddr, Transport),
    /// The server ended the connections.
    Closed(SocketAddr),
    /// Everybody was refused from the beginning, the first with this status line.
    Refused(Phase, String),
    /// There is no such process, or it may not be looked at.
    Process(u32),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Socket(error) => write!(f, "sockets: {error}"),
            Fault::NoAnswer(server, transport) => write!(
                f,
                "nobody answers at {server} by {}: start the server, or name its address with \
                 --server",
                transport.name()
            ),
            Fault::Closed(server) => {
                write!(f, "the server at {server} has ended every connection; see its log")
            }
            Fault::Refused(phase, line) => {
                write!(f, "{}: the server refuses everything, first with \"{line}\"", phase.name())
            }
            Fault::Process(pid) => {
                write!(f, "no process {pid} to look at: give the server's with --pid")
            }
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Fault {
        Fault::Socket(error)
    }
}

/// Does what the plan says.
pub fn run(plan: &Plan) -> Result<Report, Fault> {
    let mut bench = Bench::open(plan)?;
    let memory_at_rest = bench.memory();
    bench.prime()?;
    let memory_before = bench.memory();
    let mut outcomes = Vec::new();
    let mut memory_after = None;
    for phase in &plan.phases {
        let outcome = bench.phase(*phase)?;
        bench.progress.done(&outcome.text());
        if *phase == Phase::Subscribe {
            memory_after = bench.memory();
        }
        outcomes.push(outcome);
    }
    if plan.phases.contains(&Phase::Unsubscribe) {
        bench.withdraw()?;
    }
    let lost_on_purpose = bench.office.lost_on_purpose();
    Ok(Report {
        plan: plan.clone(),
        outcomes,
        memory_at_rest,
        memory_before,
        memory_after,
        lost_on_purpose,
        closed: bench.wire.closed,
    })
}

struct Bench<'a> {
    plan: &'a Plan,
    wire: Wire,
    office: Office,
    began: Instant,
    server: Option<Gauge>,
    own: Gauge,
    progress: Progress,
    has_heard: bool,
    /// Of the phones' sockets.
    ports: Vec<u16>,
}

/// The clocks at one moment.
struct Mark {
    at: u64,
    server: Option<Duration>,
    own: Duration,
    drops: Drops,
}

impl<'a> Bench<'a> {
    fn open(plan: &'a Plan) -> Result<Bench<'a>, Fault> {
        let server = match plan.pid {
            None => None,
            Some(pid) => Some(Gauge::new(pid).ok_or(Fault::Process(pid))?),
        };
        let wire = Wire::open(plan.server, plan.transport, plan.links);
        let wire = wire.map_err(|error| match error.kind() {
            io::ErrorKind::ConnectionRefused | io::ErrorKind::TimedOut => {
                Fault::NoAnswer(plan.server, plan.transport)
            }
            _ => Fault::Socket(error),
        })?;
        let seed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let seed = seed.map_or(1, |since| since.as_nanos() as u64) ^ u64::from(std::process::id());
        let writer = Writer {
            hosts: wire.locals().map(|local| local.to_string()).collect(),
            domain: plan.domain.clone(),
            transport: plan.transport,
            package: plan.package,
            run: (seed ^ seed >> 32) as u32,
        };
        let ports = wire.locals().map(|local| local.port()).collect();
        let office = Office::new(plan, writer, Dice::new(seed, plan.loss));
        Ok(Bench {
            plan,
            wire,
            office,
            began: Instant::now(),
            server,
            own: Gauge::own(),
            progress: Progress::new(plan.quiet),
            has_heard: false,
            ports,
        })
    }

    /// Everybody who is watched has a state before anybody watches.
    fn prime(&mut self) -> Result<(), Fault> {
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

    fn phase(&mut self, phase: Phase) -> Result<Outcome, Fault> {
        self.office.tally = Tally::default();
        let begin = self.mark();
        let end = match phase {
            Phase::Subscribe => self.subscribe_all(phase, false)?,
            Phase::Refresh => self.subscribe_all(phase, false)?,
            Phase::Unsubscribe => self.subscribe_all(phase, true)?,
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

    /// One SUBSCRIBE for every subscription: the first, a refresh, or the end.
    fn subscribe_all(&mut self, phase: Phase, ends: bool) -> Result<Mark, Fault> {
        let all = self.plan.subscriptions();
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

    /// Changes at their own time, whatever the server does.
    fn rate(&mut self, phase: Phase) -> Result<Outcome, Fault> {
        let people = u64::from(self.plan.presentities.max(1));
        let stride = stride(people);
        let interval = 1e9 / self.plan.changes_per_second();
        let begin = self.mark();
        let over = begin.at + nanos(self.plan.lasts);
        let mut count = 0_u64;
        loop {
            let due = begin.at + (count as f64 * interval) as u64;
            if due >= over {
                break;
            }
            let now = self.now();
            if now < due {
                self.turn(Duration::from_nanos(due - now).min(NAP))?;
                self.progress.at(now, phase.name(), share(begin.at, now, over));
                continue;
            }
            let index = (count * stride) % people;
            self.office.change(now, due, u32::try_from(index).unwrap_or(0));
            count += 1;
            // The phones listen even when the schedule leaves no pause.
            if count.is_multiple_of(16) {
                self.turn(Duration::ZERO)?;
            }
        }
        self.finish(phase, begin)
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

    /// Takes back what was published, so that the next run finds nobody there.
    fn withdraw(&mut self) -> Result<(), Fault> {
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
            stale: None,
            unfinished: 0,
        }
    }

    /// Sends, waits at most so long, listens, answers.
    fn turn(&mut self, wait: Duration) -> Result<(), Fault> {
        self.send()?;
        self.wire.wait(wait)?;
        while let Some(link) = self.wire.next_ready() {
            let now = self.now();
            let Bench { wire, office, has_heard, .. } = self;
            wire.receive(link, |octets| {
                *has_heard = true;
                office.hear(now, link, octets);
            })?;
        }
        self.office.tick(self.now());
        if self.wire.closed > 0 && self.wire.closed >= self.plan.links as u64 {
            return Err(Fault::Closed(self.plan.server));
        }
        self.send()
    }

    fn send(&mut self) -> Result<(), Fault> {
        let Bench { wire, office, .. } = self;
        let mut full = Vec::new();
        while let Some((link, outbox)) = office.outbox() {
            wire.send(link, outbox)?;
            if !outbox.is_empty() {
                full.push(link);
            }
        }
        full.into_iter().for_each(|link| office.put_off(link));
        Ok(())
    }

    fn mark(&self) -> Mark {
        let server = self.server.as_ref().and_then(Gauge::cpu);
        let own = self.own.cpu().unwrap_or_default();
        let drops = Drops::read(self.plan.server, &self.ports);
        Mark { at: self.now(), server, own, drops }
    }

    fn memory(&self) -> Option<Memory> {
        self.server.as_ref().map(Gauge::memory)
    }

    /// Nanoseconds since the beginning.
    fn now(&self) -> u64 {
        nanos(self.began.elapsed())
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

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
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
