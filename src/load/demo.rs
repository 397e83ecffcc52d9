//! `fanal demo`: an agent in this very process, an office of phones on real sockets, and their
//! lamps in the terminal.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};

use super::board::{self, Advice};
use super::lamp::Lamp;
use super::office::{Agent, Office};
use super::report::{Change, Summary};
use super::script::{PEOPLE, extension};
use crate::auth::TrustedPeers;
use crate::base::flow::Transport;
use crate::server::{Launch, Running, start};
use crate::store::{self, Kind};
use crate::transport::{self, config::Listen};

/// How often the board is drawn.
const FRAME: Duration = Duration::from_millis(100);

/// Ports that are tried: one is wanted that is free for datagrams and streams alike.
const PORTS_TRIED: usize = 10;

/// How the demo is run.
#[derive(Clone, Debug, Default)]
pub struct Args {
    /// Ends by itself after this time; `None`: when told to.
    pub lasts: Option<Duration>,
    /// Prints one JSON object at the end, and nothing before.
    pub json: bool,
    /// Prints a line for every change of a lamp, although there is a terminal for the board.
    pub plain: bool,
}

/// Runs the demo. Ends with 1 if a lamp was wrong at the end, or if it could not begin.
pub fn run(args: Args) -> ExitCode {
    match begin(&args) {
        Ok(Some(summary)) => {
            let text = if args.json { summary.json().to_string() } else { summary.text() };
            // Who closed the output wants no summary.
            let _ = writeln!(io::stdout(), "{text}");
            if summary.is_well() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Ok(None) => ExitCode::SUCCESS,
        Err(fault) => {
            let _ = writeln!(io::stderr(), "fanal: {fault}");
            ExitCode::FAILURE
        }
    }
}

/// `None` if nobody reads the output any more.
fn begin(args: &Args) -> Result<Option<Summary>, Fault> {
    let until = args.lasts.map(|lasts| Instant::now() + lasts);
    let ending = Ending { until, told: told_to_end()? };
    let (running, agent) = agent()?;
    let office = Office::open(agent).map_err(|fault| Fault::of("no sockets", fault))?;
    let is_board = !args.json && !args.plain && io::stdout().is_terminal();
    let is_read = match (args.json, is_board) {
        (true, _) => wait(&ending),
        (false, true) => show(&office, &Advice::new(agent.udp), &ending)?,
        (false, false) => print(&office, agent.udp, &ending),
    };
    let (summary, last) = office.close();
    let is_read = is_read && (args.json || is_board || print_changes(&last));
    running.stop();
    Ok(is_read.then_some(summary))
}

/// Why the demo could not begin.
#[derive(Debug)]
struct Fault {
    what: String,
}

impl Fault {
    fn of(what: &str, fault: impl fmt::Display) -> Fault {
        Fault { what: format!("the demo cannot begin: {what}: {fault}") }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// When to end.
struct Ending {
    until: Option<Instant>,
    told: Arc<AtomicBool>,
}

impl Ending {
    fn is_due(&self) -> bool {
        self.told.load(Ordering::Relaxed) || self.until.is_some_and(|until| until <= Instant::now())
    }
}

/// An agent on a free port of this machine alone. It keeps nothing and trusts its neighbours.
fn agent() -> Result<(Running, Agent), Fault> {
    let mut last = None;
    for _ in 0..PORTS_TRIED {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let free = UdpSocket::bind(any).and_then(|socket| socket.local_addr());
        let free = free.map_err(|fault| Fault::of("no port on 127.0.0.1", fault))?;
        match start(launch(free)) {
            Ok(running) => return Ok((running, Agent { udp: free, tcp: Some(free) })),
            Err(fault) => last = Some(fault),
        }
    }
    let last = last.map_or_else(String::new, |fault| fault.to_string());
    Err(Fault::of("the agent", last))
}

fn launch(address: SocketAddr) -> Launch {
    let listen = [Transport::Udp, Transport::Tcp].map(|by| Listen::new(by, address));
    let neighbours = TrustedPeers::new(vec!["127.0.0.0/8".parse().expect("a range")]);
    Launch {
        transport: transport::Config {
            listen: listen.to_vec(),
            trusted: Some(neighbours),
            ..transport::Config::default()
        },
        store: store::Config { kind: Kind::Memory, ..store::Config::default() },
        ..Launch::default()
    }
}

/// Set when the person or the system asks to end.
fn told_to_end() -> Result<Arc<AtomicBool>, Fault> {
    let told = Arc::new(AtomicBool::new(false));
    let tell = Arc::clone(&told);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|fault| Fault::of("signals", fault))?;
    // It waits for signals as long as the process lives.
    let _ = thread::spawn(move || {
        runtime.block_on(async {
            use tokio::signal::unix::{SignalKind, signal};
            let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            tell.store(true, Ordering::Relaxed);
        });
    });
    Ok(told)
}

fn wait(ending: &Ending) -> bool {
    while !ending.is_due() {
        thread::sleep(FRAME);
    }
    true
}

/// A line for every change, until it is time or nobody reads them; whether somebody does.
fn print(office: &Office, address: SocketAddr, ending: &Ending) -> bool {
    let people = PEOPLE.len();
    if !say(&format!("an office of {people} people, its agent at {address} by udp and tcp")) {
        return false;
    }
    while !ending.is_due() {
        let Some(change) = office.change(FRAME) else { continue };
        if !print_changes(&[change]) {
            return false;
        }
    }
    true
}

fn print_changes(changes: &[Change]) -> bool {
    changes.iter().all(|change| say(&told(change)))
}

/// Whether somebody reads it.
fn say(line: &str) -> bool {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).is_ok()
}

/// One change in words.
fn told(change: &Change) -> String {
    let Change { at, line, lamp, with } = change;
    let name = PEOPLE.get(*line).copied().unwrap_or_default();
    let with = with.as_ref().map(|with| format!(" {} {with}", preposition(*lamp)));
    format!(
        "{:8.2} s  {} {name:<15}  {}{}",
        at.as_secs_f64(),
        extension(*line),
        lamp.as_text(),
        with.unwrap_or_default()
    )
}

/// How the other party of a call stands to a lamp.
pub(super) fn preposition(lamp: Lamp) -> &'static str {
    match lamp {
        Lamp::Ringing => "from",
        Lamp::Calling => "to",
        Lamp::Idle | Lamp::Busy | Lamp::Held => "with",
    }
}

/// The board, until it is time or somebody types q. The terminal is left as it was found.
fn show(office: &Office, advice: &Advice, ending: &Ending) -> Result<bool, Fault> {
    let no_terminal = |fault: io::Error| Fault::of("the terminal (try --plain)", fault);
    let mut terminal = ratatui::try_init().map_err(no_terminal)?;
    let shown = loop {
        let scene = office.scene();
        if let Err(fault) = terminal.draw(|frame| board::draw(frame, &scene, advice)) {
            break Err(fault);
        }
        match is_left(ending) {
            Ok(false) => {}
            Ok(true) => break Ok(()),
            Err(fault) => break Err(fault),
        }
    };
    ratatui::try_restore().map_err(no_terminal)?;
    shown.map(|()| true).map_err(no_terminal)
}

/// Waits one frame for a key; whether it is time to go.
fn is_left(ending: &Ending) -> io::Result<bool> {
    if ending.is_due() {
        return Ok(true);
    }
    if !event::poll(FRAME)? {
        return Ok(false);
    }
    let Event::Key(key) = event::read()? else { return Ok(false) };
    let is_control_c =
        key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
    let is_quit = matches!(key.code, KeyCode::Char('q' | 'Q') | KeyCode::Esc);
    Ok(key.kind == KeyEventKind::Press && (is_control_c || is_quit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_one_line() {
        let with = Some("+1 202 555 0143".to_owned());
        let at = Duration::from_millis(3210);
        let change = Change { at, line: 0, lamp: Lamp::Ringing, with };
        assert_eq!(told(&change), "    3.21 s  101 Ada Brandt       ringing from +1 202 555 0143");
        let change = Change { at, line: 23, lamp: Lamp::Idle, with: None };
        assert_eq!(told(&change), "    3.21 s  124 Yara Mendes      idle");
    }

    #[test]
    fn the_agent_of_the_demo_listens_to_this_machine_alone_and_keeps_nothing() {
        let launch = launch(SocketAddr::from((Ipv4Addr::LOCALHOST, 5060)));
        assert_eq!(launch.transport.check(), Ok(()));
        assert!(launch.transport.listen.iter().all(|listen| listen.address.ip().is_loopback()));
        assert_eq!(launch.store.kind, Kind::Memory);
    }
}
