//! The commands a person types, and what they end with.
#![allow(clippy::disallowed_methods, reason = "an edge: it waits for people by the clock")]

use std::fmt;
use std::future::Future;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::ua::Failure;

mod address;
mod attend;
mod bench;
mod check;
mod config;
mod demo;
mod document;
mod file;
mod http;
mod openapi;
mod policy;
mod policy_cases;
mod publish;
mod published;
mod reach;
mod register;
mod rules;
mod serve;
mod state;
mod status;
mod store;
mod terminal;
mod user;
mod watch;
mod why;

/// Everything is well.
const EXIT_WELL: u8 = 0;
/// What was waited for or checked is not so.
const EXIT_FALSE: u8 = 1;
/// What was typed, or what stands in the settings, cannot be.
const EXIT_USAGE: u8 = 2;
/// Nobody answered.
const EXIT_NO_ANSWER: u8 = 3;
/// The agent refused.
const EXIT_REFUSED: u8 = 4;

/// A SIP presence agent: phones subscribe to busy lamps, softphones publish, the agent composes
/// one document per person and tells every watcher.
#[derive(Parser)]
#[command(
    name = "fanal",
    version,
    arg_required_else_help = true,
    after_help = "Five minutes to a lit lamp:\n  \
        fanal serve --ephemeral &\n  \
        fanal watch 101 --package dialog &\n  \
        fanal publish 101 --dialog early --remote 102\n  \
        fanal publish 101 --dialog terminated\n\n\
        Ends with 0 when all is well, 1 when a condition is not met, 2 for wrong usage or\n\
        settings, 3 when nobody answers, 4 when the agent refuses."
)]
struct Cli {
    /// Print for programs: one JSON object a line.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the agent.
    Serve(serve::Args),
    /// See it work: an office of simulated phones, their lamps in the terminal.
    Demo(demo::Args),
    /// Measure a presence server with an office of simulated phones.
    Bench(bench::Args),
    /// Watch somebody: print a line for every NOTIFY.
    Watch(watch::Args),
    /// Publish somebody's state: presence, a call, waiting messages.
    Publish(publish::Args),
    /// Register a contact, take one away, or list them.
    Register(register::Args),
    /// Set somebody's state by hand, or show it.
    Status(status::Args),
    /// Tell why somebody is what it is: every source, who was told, what a watcher sees.
    Why(why::Args),
    /// Show, put or remove the rules of a person while the agent runs.
    Rules(rules::Args),
    /// Show the HTTP API as programs read it.
    Http(openapi::Args),
    /// Tell whether the settings would work on this machine.
    Check(check::Args),
    /// Show the settings: the defaults, what is in force, the manual.
    Config(config::Args),
    /// Check rules and policies, tell why a watcher sees what it sees, try cases.
    Policy(policy::Args),
    /// Look at what is kept, mend it, take it elsewhere.
    Store(store::Args),
    /// Add, remove or list the users who may prove a password.
    User(user::Args),
}

/// Why a command came to nothing.
#[derive(Debug)]
struct Fault {
    exit: u8,
    what: String,
    /// The agent's status, if it answered.
    status: Option<u16>,
}

/// The whole program: reads the arguments, runs the command.
pub fn main() -> ExitCode {
    let Cli { json, command } = Cli::parse();
    let ended = match command {
        Command::Serve(args) => serve::run(args),
        Command::Demo(args) => return demo::run(args, json),
        Command::Bench(args) => bench::run(args, json),
        Command::Watch(args) => block_on(watch::run(args, json)),
        Command::Publish(args) => block_on(publish::run(args, json)),
        Command::Register(args) => block_on(register::run(args, json)),
        Command::Status(args) => block_on(status::run(args, json)),
        Command::Why(args) => block_on(why::run(args, json)),
        Command::Rules(args) => block_on(rules::run(args, json)),
        Command::Http(args) => openapi::run(args, json),
        Command::Check(args) => check::run(args, json),
        Command::Config(args) => config::run(args, json),
        Command::Policy(args) => policy::run(args, json),
        Command::Store(args) => store::run(args, json),
        Command::User(args) => user::run(args, json),
    };
    match ended {
        Ok(exit) => exit.into(),
        Err(fault) => {
            fault.tell(json);
            fault.exit.into()
        }
    }
}

impl Fault {
    fn usage(what: impl fmt::Display) -> Fault {
        Fault { exit: EXIT_USAGE, what: what.to_string(), status: None }
    }

    /// Something that should be so is not.
    fn not_so(what: impl fmt::Display) -> Fault {
        Fault { exit: EXIT_FALSE, what: what.to_string(), status: None }
    }

    fn tell(&self, json: bool) {
        if self.what.is_empty() {
            return;
        }
        // With standard error gone there is nobody left to tell.
        let _ = match json {
            true => {
                let Fault { exit, what, status } = self;
                let object = serde_json::json!({ "error": what, "exit": exit, "status": status });
                writeln!(io::stderr(), "{object}")
            }
            false => writeln!(io::stderr(), "fanal: {}", self.what),
        };
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Fault {
        let exit = match failure {
            Failure::Refused(_) => EXIT_REFUSED,
            Failure::TooLarge { .. } => EXIT_USAGE,
            _ => EXIT_NO_ANSWER,
        };
        Fault { exit, what: failure.to_string(), status: failure.status().map(|s| s.code()) }
    }
}

impl From<crate::server::config::SettingsError> for Fault {
    fn from(error: crate::server::config::SettingsError) -> Fault {
        Fault::usage(error)
    }
}

/// Prints to standard output. Who closed it, such as `head`, has seen enough: a silent end.
fn say(text: impl fmt::Display) -> Result<(), Fault> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Fault { exit: EXIT_WELL, what: String::new(), status: None },
        _ => Fault::not_so(format!("standard output: {error}")),
    })
}

/// Says something to the person beside the output.
fn remark(text: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "{text}");
}

fn block_on(command: impl Future<Output = Result<u8, Fault>>) -> Result<u8, Fault> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Fault::not_so(format!("cannot begin: {error}")))?.block_on(command)
}

/// The wish of the person or the system that a command end. What comes after [`Stop::listen`]
/// is not lost, wherever the command is.
struct Stop {
    interrupt: Option<Signal>,
    terminate: Option<Signal>,
}

impl Stop {
    /// Listens from now on; the signals end the process no longer by themselves.
    fn listen() -> Stop {
        // Without a handler the signals do what they always did.
        let [interrupt, terminate] =
            [SignalKind::interrupt(), SignalKind::terminate()].map(|kind| signal(kind).ok());
        Stop { interrupt, terminate }
    }

    /// Waits for the wish.
    async fn came(&mut self) {
        let Stop { interrupt, terminate } = self;
        tokio::select! {
            () = came(interrupt) => {}
            () = came(terminate) => {}
        }
    }
}

async fn came(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// The variables of the environment that are text.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_do_not_contradict_each_other() {
        Cli::command().debug_assert();
    }
}
