//! `fanal serve`: the agent itself, until it is told to stop.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tracing::{error, info, warn};

use super::attend::{Attended, attend};
use super::config::Source;
use super::{EXIT_FALSE, Fault};
use crate::server::config::Settings;
use crate::server::{self, Running, log};
use crate::store;

/// What to serve.
#[derive(clap::Args)]
#[command(
    after_help = "SIGTERM and SIGINT end it in order: new requests are refused, watchers learn \
    what they are\nowed; a second one ends it at once. SIGHUP makes it read the users file \
    again.\nThe log goes to standard error: for people on a terminal, JSON lines elsewhere."
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
    let mut settings = args.source.load()?;
    if args.ephemeral {
        settings.store.kind = store::Kind::Memory;
        settings.argue("store", "kind", "--ephemeral");
    }
    log::install(&settings.log).map_err(Fault::usage)?;
    let users = settings.users()?;
    warn_of_exposed(&settings.auth.users_file);
    let (domains, known) = (settings.server.domains.join(","), users.len());
    info!(event = "starting", version = env!("CARGO_PKG_VERSION"), domains, users = known);
    match server::start(settings.launch(Arc::new(users))) {
        Ok(running) => attend(running, &mut Serving { settings }),
        Err(fault) => {
            error!(event = "not_started", reason = %fault);
            Err(Fault { exit: EXIT_FALSE, what: String::new(), status: None })
        }
    }
}

/// What is being served.
struct Serving {
    settings: Settings,
}

impl Attended for Serving {
    /// The users file may have changed. One that cannot be read changes nothing.
    fn reload(&mut self, running: &Running) {
        match self.settings.users() {
            Ok(users) => {
                warn_of_exposed(&self.settings.auth.users_file);
                info!(event = "users_reloaded", users = users.len());
                running.replace_users(Arc::new(users));
            }
            Err(fault) => error!(event = "users_not_reloaded", reason = %fault),
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
