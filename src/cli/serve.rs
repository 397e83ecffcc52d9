//! `fanal serve`: the agent itself, until it is told to stop.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tracing::{error, info, warn};

use super::attend::{Attended, attend};
use super::config::Source;
use super::{EXIT_FALSE, Fault};
use crate::auth::Users;
use crate::policy::Book;
use crate::server::config::{Change, Settings, SettingsError};
use crate::server::log::{self, Log};
use crate::server::{self, Launch, Running};
use crate::store;

/// What to serve.
#[derive(clap::Args)]
#[command(
    after_help = "SIGTERM and SIGINT end it in order: new requests are refused, watchers learn \
    what they are\nowed; a second one ends it at once. SIGHUP makes it read settings, users, \
    rules and\npolicy anew; what is wrong with them changes nothing.\nThe log goes to standard error: for people on a terminal, JSON lines elsewhere."
)]
pub struct Args {
    #[command(flatten)]
    source: Source,
    /// Keep everything in memory: nothing survives the end.
    #[arg(long)]
    ephemeral: bool,
}

/// Serves.
pub fn run(args: Args) -> Result<u8, Fault> {
    let settings = args.settings()?;
    let log = log::install(&settings.log).map_err(Fault::usage)?;
    let users = settings.users()?;
    let rules = settings.rules()?;
    rules.faults.iter().for_each(hidden);
    warn_of_exposed(&settings.auth.users_file);
    let (domains, known) = (settings.server.domains.join(","), users.len());
    info!(event = "starting", version = env!("CARGO_PKG_VERSION"), domains, users = known);
    let launch = launch(&settings, users, rules.book);
    match server::start(launch) {
        Ok(running) => attend(running, &mut Serving { args, settings, log }),
        Err(fault) => {
            error!(event = "not_started", reason = %fault);
            Err(Fault { exit: EXIT_FALSE, what: String::new(), status: None })
        }
    }
}

impl Args {
    /// As they stand now.
    fn settings(&self) -> Result<Settings, SettingsError> {
        let mut settings = self.source.read()?;
        if self.ephemeral {
            settings.store.kind = store::Kind::Memory;
            settings.argue("store", "kind", "--ephemeral");
        }
        Ok(settings)
    }
}

/// What is being served.
struct Serving {
    args: Args,
    /// What is in force.
    settings: Settings,
    log: Log,
}

impl Serving {
    /// Reads settings and users anew and puts them in force, all of it or nothing.
    fn renew(&mut self, running: &Running) -> Result<Renewed, String> {
        let wanted = self.args.settings().map_err(|fault| fault.to_string())?;
        let change = self.settings.change_to(wanted);
        change.settings.check().map_err(|fault| fault.to_string())?;
        let _turn = running.rulebook().turn();
        let users = change.settings.users().map_err(|fault| fault.to_string())?;
        let rules = change.settings.rules().map_err(|fault| fault.to_string())?;
        if let Some(fault) = rules.faults.first() {
            let more = match rules.faults.len() - 1 {
                0 => String::new(),
                more => format!("; and {more} more"),
            };
            return Err(format!("{fault}{more}"));
        }
        let known = users.len();
        let persons = rules.book.as_ref().map_or(0, |book| book.persons());
        self.log.set_level(&change.settings.log)?;
        if !running.adopt(&launch(&change.settings, users, rules.book)) {
            warn!(event = "reload_slow", "a shard is busy and takes the settings over later");
        }
        self.settings = change.settings.clone();
        Ok(Renewed { change, users: known, persons })
    }
}

/// What is in force since settings were read anew.
struct Renewed {
    change: Change,
    users: usize,
    /// How many persons have rules.
    persons: usize,
}

/// What the agent is started with, or taken over to.
fn launch(settings: &Settings, users: Users, book: Option<Arc<Book>>) -> Launch {
    let mut launch = settings.launch(Arc::new(users));
    launch.agent.book = book;
    launch
}

/// A person's rules cannot be read at the start, so nothing of that person is shown.
fn hidden(fault: &SettingsError) {
    error!(event = "rules_unreadable", reason = %fault, "nothing of this person is shown");
}

impl Attended for Serving {
    fn reload(&mut self, running: &Running) {
        match self.renew(running) {
            Ok(Renewed { change, users, persons }) => {
                warn_of_exposed(&self.settings.auth.users_file);
                if !change.waiting.is_empty() {
                    let keys = change.waiting.join(",");
                    warn!(event = "restart_needed", keys, "these take effect at a restart");
                }
                let changed = change.changed.join(",");
                info!(event = "reloaded", changed, users, persons);
            }
            Err(reason) => error!(event = "not_reloaded", reason, "all is as it was"),
        }
    }

    fn drain_patience(&self) -> Duration {
        self.settings.server.drain_patience
    }
}

/// The hashes are worth the passwords.
fn warn_of_exposed(path: &Path) {
    if is_exposed(path) {
        let file = path.display();
        warn!(event = "users_file_exposed", %file, "others may read it; chmod 600 it");
    }
}

/// Whether others than its owner and group may read a file, or others than its owner write it.
pub fn is_exposed(path: &Path) -> bool {
    const READ_BY_OTHERS_WRITTEN_BY_GROUP: u32 = 0o027;
    std::fs::metadata(path)
        .is_ok_and(|about| about.permissions().mode() & READ_BY_OTHERS_WRITTEN_BY_GROUP != 0)
}
