//! `fanal bench`: simulated phones against any presence server, and what they cost it.

use std::fs;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use super::address::span;
use super::{EXIT_FALSE, EXIT_NO_ANSWER, EXIT_REFUSED, EXIT_WELL, Fault};
use crate::load::bench::floor::{self, Way};
use crate::load::bench::plan::{PRESETS, Package, Phase, Plan, Transport};
use crate::load::bench::{self, Fault as BenchFault, compare};

/// What is measured, and how.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "Every phone answers every NOTIFY. Ends with 1 if a lamp stayed wrong, 3 \
    when nobody answers,\n4 when the server refuses all requests of a phase.")]
pub struct Args {
    #[command(subcommand)]
    other: Option<Other>,
    #[command(flatten)]
    load: Load,
}

#[derive(clap::Subcommand)]
enum Other {
    /// Two saved runs beside each other.
    Compare {
        /// The first.
        first: PathBuf,
        /// The second: "better by" is about it.
        second: PathBuf,
    },
    /// What the kernel alone takes here for 1,000 octets out and 300 back.
    Floor {
        /// Sockets of the other side.
        #[arg(long, value_name = "N", default_value_t = 16, value_parser = count)]
        sockets: usize,
        /// How long each way of sending is measured.
        #[arg(long = "for", value_name = "TIME", value_parser = span, default_value = "3s")]
        lasts: Duration,
        /// The server's side, started by the other one.
        #[arg(long, hide = true, value_parser = way)]
        side: Option<Way>,
    },
}

#[derive(clap::Args)]
struct Load {
    /// The office: office-200 (200 phones, 20 colleagues on each), campus-5k (5,000 people, 10
    /// watchers each), hotline (one lamp, 5,000 watchers), big-50k, million.
    #[arg(value_name = "OFFICE", default_value = "office-200")]
    office: String,
    /// People who are watched, instead of the office's number.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    presentities: Option<u32>,
    /// Watchers of each, instead of the office's number.
    #[arg(long, value_name = "N")]
    watchers: Option<u32>,
    /// Where the server listens.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:5060")]
    server: String,
    /// The domain of everybody's address.
    #[arg(long, value_name = "DOMAIN", default_value = "localhost")]
    domain: String,
    /// The server's process: its processors' time and memory are measured, with all its
    /// descendants.
    #[arg(long, value_name = "PID")]
    pid: Option<u32>,
    /// How the phones reach it.
    #[arg(long, value_name = "udp|tcp", value_parser = ["udp", "tcp"], default_value = "udp")]
    transport: String,
    /// UDP sockets the phones share, each with an address of its own on this machine.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = count)]
    sockets: usize,
    /// TCP connections the phones share; 1: all of them stand behind one edge proxy.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = count)]
    connections: usize,
    /// Name and password of the phones; * in the name is each phone's own, p000000 and so on.
    #[arg(long, value_name = "USER:PASSWORD", value_parser = digest)]
    digest: Option<String>,
    /// What the lamps are about.
    #[arg(long, value_name = "PACKAGE", value_parser = ["dialog", "presence"])]
    #[arg(default_value = "dialog")]
    event: String,
    /// Changes in flight in the phase max. Default: what gives 512 NOTIFYs in flight.
    #[arg(long, value_name = "N", value_parser = count)]
    window: Option<usize>,
    /// Other requests in flight.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = count)]
    requests: usize,
    /// Changes a second in the phase rate. Default: what gives 10,000 NOTIFYs a second.
    #[arg(long, value_name = "R", value_parser = rate)]
    rate: Option<f64>,
    /// First SUBSCRIBEs a second in the phase overload.
    #[arg(long, value_name = "R", value_parser = rate, default_value_t = 100_000.0)]
    offered: f64,
    /// Who comes anew in the phase overload asks once, instead of repeating what is not answered.
    #[arg(long)]
    once: bool,
    /// Share of the phones that the phase die takes away.
    #[arg(long, value_name = "SHARE", default_value_t = 0.3, value_parser = dead)]
    dead: f64,
    /// How long each of the phases rate, max, publish and overload is measured.
    #[arg(long = "for", value_name = "TIME", value_parser = span, default_value = "10s")]
    lasts: Duration,
    /// Lifetime asked for in SUBSCRIBE and PUBLISH, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    expires: u32,
    /// Share of messages that get lost on either way, such as 0.01.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = loss)]
    loss: f64,
    /// What is done, in this order, of: subscribe, rate, max, refresh, publish, rest (36 s of
    /// nothing, then the server's memory is looked at), overload (more SUBSCRIBEs than can be
    /// served, to an office of which an eighth subscribed before), die (some phones answer
    /// nothing from then on), unsubscribe. Each may come again.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = phase)]
    #[arg(default_value = "subscribe,rate,max,refresh,publish,unsubscribe")]
    phases: Vec<Phase>,
    /// Write every figure to this file as JSON. With --json they are printed as well.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Print nothing before the end.
    #[arg(long)]
    quiet: bool,
}

/// Measures; `json` prints the figures as an object.
pub fn run(args: Args, json: bool) -> Result<u8, Fault> {
    match &args.other {
        None => load(&args.load, json),
        Some(Other::Compare { first, second }) => {
            let runs = (saved(first)?, saved(second)?);
            super::say(compare::table(&runs.0, &runs.1).trim_end()).map(|()| EXIT_WELL)
        }
        Some(Other::Floor { side: Some(way), lasts, .. }) => {
            floor::serve(*way, *lasts).map(|()| EXIT_WELL).map_err(Fault::not_so)
        }
        Some(Other::Floor { sockets, lasts, .. }) => floor(*sockets, *lasts, json),
    }
}

fn floor(sockets: usize, lasts: Duration, json: bool) -> Result<u8, Fault> {
    let mut figures = serde_json::Map::new();
    for way in Way::ALL {
        let floor = floor::measure(way, sockets, lasts).map_err(Fault::not_so)?;
        let micros = (floor.micros() * 1e3).round() / 1e3;
        let rate = floor.pairs as f64 / floor.lasted.as_secs_f64().max(1e-9);
        if !json {
            super::say(format!("{:<12} {micros:>6.2} us each  {rate:>8.0}/s", way.name()))?;
        }
        figures.insert(format!("{}_cpu_us_per_pair", way.name()), micros.into());
        figures.insert(format!("{}_pairs_per_second", way.name()), rate.round().into());
    }
    if json {
        super::say(serde_json::Value::Object(figures))?;
    }
    Ok(EXIT_WELL)
}

fn saved(path: &PathBuf) -> Result<serde_json::Value, Fault> {
    let fault = |error: &dyn std::fmt::Display| {
        Fault::usage(format!("{}: {error}; give a file written with --save", path.display()))
    };
    let text = fs::read_to_string(path).map_err(|error| fault(&error))?;
    serde_json::from_str(&text).map_err(|error| fault(&error))
}

fn load(args: &Load, json: bool) -> Result<u8, Fault> {
    let plan = args.plan()?;
    let report = bench::run(&plan).map_err(fault)?;
    let figures = report.json();
    if let Some(path) = &args.save {
        fs::write(path, format!("{figures:#}\n"))
            .map_err(|error| Fault::not_so(format!("{}: {error}", path.display())))?;
    }
    if json {
        super::say(&figures)?;
    } else if args.quiet {
        for outcome in &report.outcomes {
            super::say(outcome.text())?;
        }
    }
    Ok(match report.stale() {
        _ if report.has_refused_phase() => EXIT_REFUSED,
        0 => EXIT_WELL,
        _ => EXIT_FALSE,
    })
}

impl Load {
    fn plan(&self) -> Result<Plan, Fault> {
        let preset = PRESETS.iter().find(|preset| preset.name == self.office);
        let preset = preset.ok_or_else(|| {
            let names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
            Fault::usage(format!("no office {:?}: there are {}", self.office, names.join(", ")))
        })?;
        begin_with_subscribe(&self.phases)?;
        let is_own = self.presentities.is_some() || self.watchers.is_some();
        Ok(Plan {
            preset: if is_own { "own".to_owned() } else { preset.name.to_owned() },
            presentities: self.presentities.unwrap_or(preset.presentities),
            watchers: self.watchers.unwrap_or(preset.watchers),
            server: server(&self.server)?,
            domain: self.domain.clone(),
            transport: match self.transport.as_str() {
                "tcp" => Transport::Tcp,
                _ => Transport::Udp,
            },
            links: match self.transport.as_str() {
                "tcp" => self.connections,
                _ => self.sockets,
            },
            digest: self.digest.clone(),
            package: match self.event.as_str() {
                "presence" => Package::Presence,
                _ => Package::Dialog,
            },
            expires: self.expires,
            window: self.window,
            requests: self.requests,
            rate: self.rate,
            offered: self.offered,
            asks_once: self.once,
            dead: self.dead,
            lasts: self.lasts,
            loss: self.loss,
            pid: self.pid,
            phases: self.phases.clone(),
            quiet: self.quiet,
        })
    }
}

/// Lamps can change only once somebody watches.
fn begin_with_subscribe(phases: &[Phase]) -> Result<(), Fault> {
    let needs = |phase: &&Phase| !matches!(phase, Phase::Subscribe | Phase::Publish);
    let subscribes = phases.iter().position(|phase| *phase == Phase::Subscribe);
    match phases.iter().take(subscribes.unwrap_or(phases.len())).find(needs) {
        None => Ok(()),
        Some(phase) => {
            Err(Fault::usage(format!("--phases: {} needs subscribe before it", phase.name())))
        }
    }
}

fn fault(fault: BenchFault) -> Fault {
    let exit = match &fault {
        BenchFault::NoAnswer(..) | BenchFault::Closed(_) => EXIT_NO_ANSWER,
        BenchFault::Refused(..) => EXIT_REFUSED,
        BenchFault::Socket(_) => EXIT_FALSE,
        BenchFault::Process(_) => super::EXIT_USAGE,
    };
    Fault { exit, what: fault.to_string(), status: None }
}

fn server(text: &str) -> Result<SocketAddr, Fault> {
    let found = text.to_socket_addrs().map_err(|error| {
        Fault::usage(format!("--server {text}: {error}; write it as 127.0.0.1:5060"))
    })?;
    let mut found: Vec<SocketAddr> = found.collect();
    found.sort_by_key(SocketAddr::is_ipv6);
    found.first().copied().ok_or_else(|| Fault::usage(format!("--server {text}: no address")))
}

fn way(text: &str) -> Result<Way, String> {
    let way = Way::ALL.into_iter().find(|way| way.name() == text);
    way.ok_or_else(|| "no such way".to_owned())
}

fn phase(text: &str) -> Result<Phase, String> {
    Phase::ALL.into_iter().find(|phase| phase.name() == text).ok_or_else(|| {
        let names = Phase::ALL.map(Phase::name).join(", ");
        format!("the phases are {names}")
    })
}

fn digest(text: &str) -> Result<String, String> {
    let is_whole = text.split_once(':').is_some_and(|(user, _)| !user.is_empty());
    is_whole.then(|| text.to_owned()).ok_or_else(|| "write user:password".to_owned())
}

fn count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=100_000) => Ok(count),
        _ => Err("write a number from 1 to 100000".to_owned()),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if (0.001..=1e7).contains(&rate) => Ok(rate),
        _ => Err("write changes a second, such as 100".to_owned()),
    }
}

fn dead(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(dead) if (0.0..=1.0).contains(&dead) => Ok(dead),
        _ => Err("write a share from 0 to 1, such as 0.3".to_owned()),
    }
}

fn loss(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(loss) if (0.0..=0.5).contains(&loss) => Ok(loss),
        _ => Err("write a share from 0 to 0.5, such as 0.01".to_owned()),
    }
}
