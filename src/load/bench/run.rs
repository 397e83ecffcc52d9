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
use super::report::Report;
use super::wire::Wire;
use super::write::Writer;

/// Messages of one link that are taken to have come at the same time: some microseconds' worth.
const CLOCK_EVERY: u32 = 16;

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
        if matches!(phase, Phase::Subscribe | Phase::Rest) {
            memory_after = outcome.memory;
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

/// A run under way.
pub(super) struct Bench<'a> {
    pub(super) plan: &'a Plan,
    pub(super) wire: Wire,
    pub(super) office: Office,
    began: Instant,
    pub(super) server: Option<Gauge>,
    pub(super) own: Gauge,
    pub(super) progress: Progress,
    pub(super) has_heard: bool,
    /// Of the phones' sockets.
    ports: Vec<u16>,
}

/// The clocks at one moment.
pub(super) struct Mark {
    pub(super) at: u64,
    pub(super) server: Option<Duration>,
    pub(super) own: Duration,
    pub(super) drops: Drops,
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

    /// Sends, waits at most so long, listens, answers.
    pub(super) fn turn(&mut self, wait: Duration) -> Result<(), Fault> {
        self.send()?;
        self.wire.wait(wait)?;
        while let Some(link) = self.wire.next_ready() {
            let Bench { wire, office, has_heard, began, .. } = self;
            let (mut count, mut now) = (0_u32, 0);
            wire.receive(link, |octets| {
                *has_heard = true;
                if count.is_multiple_of(CLOCK_EVERY) {
                    now = nanos(began.elapsed());
                }
                count += 1;
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

    pub(super) fn mark(&self) -> Mark {
        let server = self.server.as_ref().and_then(Gauge::cpu);
        let own = self.own.cpu().unwrap_or_default();
        let drops = Drops::read(self.plan.server.port(), &self.ports);
        Mark { at: self.now(), server, own, drops }
    }

    pub(super) fn memory(&self) -> Option<Memory> {
        self.server.as_ref().map(Gauge::memory)
    }

    /// Nanoseconds since the beginning.
    pub(super) fn now(&self) -> u64 {
        nanos(self.began.elapsed())
    }
}

/// Whole nanoseconds.
pub(super) fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}
