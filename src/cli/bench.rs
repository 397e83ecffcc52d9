//! `fanal bench`: simulated phones against any presence server, and what they cost it.

use std::fs;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use super::address::span;
use super::{EXIT_FALSE, EXIT_NO_ANSWER, EXIT_REFUSED, EXIT_WELL, Fault};
use crate::load::bench::plan::{PRESETS, Package, Phase, Plan, Transport};
use crate::load::bench::{self, Fault as BenchFault};

/// What is measured, and how.
#[derive(clap::Args)]
#[command(after_help = "Offices: office-200, campus-5k, hotline, big-50k, million.\n\
        Every phone answers every NOTIFY. Ends with 1 if a lamp stayed wrong, 3 when nobody\n\
        answers, 4 when the server refuses everything.")]
pub struct Args {
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
    /// Sockets the phones share, each with an address of its own on this machine.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = count)]
    sockets: usize,
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
    /// How long each of the phases rate, max and publish is measured.
    #[arg(long = "for", value_name = "TIME", value_parser = span, default_value = "10s")]
    lasts: Duration,
    /// Lifetime asked for in SUBSCRIBE and PUBLISH, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    expires: u32,
    /// Share of messages that get lost on either way, such as 0.01.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = loss)]
    loss: f64,
    /// What is done, in this order: subscribe, rate, max, refresh, publish, unsubscribe.
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
    Ok(if report.stale() == 0 { EXIT_WELL } else { EXIT_FALSE })
}

impl Args {
    fn plan(&self) -> Result<Plan, Fault> {
        let preset = PRESETS.iter().find(|preset| preset.name == self.office);
        let preset = preset.ok_or_else(|| {
            let names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
            Fault::usage(format!("no office {:?}: there are {}", self.office, names.join(", ")))
        })?;
        let is_own = self.presentities.is_some() || self.watchers.is_some();
        Ok(Plan {
            preset: if is_own { "own".to_owned() } else { preset.name.to_owned() },
            presentities: self.presentities.unwrap_or(preset.presentities),
            watchers: self.watchers.unwrap_or(preset.watchers),
            server: server(&self.server)?,
            domain: self.domain.clone(),
            transport: Transport::Udp,
            links: self.sockets,
            package: match self.event.as_str() {
                "presence" => Package::Presence,
                _ => Package::Dialog,
            },
            expires: self.expires,
            window: self.window,
            requests: self.requests,
            rate: self.rate,
            lasts: self.lasts,
            loss: self.loss,
            pid: self.pid,
            phases: self.phases.clone(),
            quiet: self.quiet,
        })
    }
}

fn fault(fault: BenchFault) -> Fault {
    let exit = match &fault {
        BenchFault::NoAnswer(_) => EXIT_NO_ANSWER,
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

fn phase(text: &str) -> Result<Phase, String> {
    Phase::ALL.into_iter().find(|phase| phase.name() == text).ok_or_else(|| {
        let names = Phase::ALL.map(Phase::name).join(", ");
        format!("the phases are {names}")
    })
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

fn loss(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(loss) if (0.0..=0.5).contains(&loss) => Ok(loss),
        _ => Err("write a share from 0 to 0.5, such as 0.01".to_owned()),
    }
}
