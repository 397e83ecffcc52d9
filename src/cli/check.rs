//! `fanal check`: whether the settings would work on this machine.

use std::fs;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use serde_json::json;

use super::config::Source;
use super::serve::is_exposed;
use super::{EXIT_FALSE, EXIT_WELL, Fault, say};
use crate::auth::Users;
use crate::server::config::Settings;
use crate::shard::config::{Authentication, Presentities};
use crate::transport::{self, bind};
use crate::{auth, calendar, http, store};

/// How long a name may take to be looked up.
const LOOK_UP_MAX: Duration = Duration::from_secs(5);

/// Which settings.
#[derive(clap::Args)]
#[command(
    after_help = "Run it as the user the agent runs as, and while the agent is stopped: its \
    ports are\ntried. Ends with 1 if anything fails; a warning is none."
)]
pub struct Args {
    #[command(flatten)]
    source: Source,
}

/// One finding.
struct Finding {
    level: Level,
    /// What was looked at.
    subject: &'static str,
    what: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Ok,
    Warn,
    Fail,
}

/// Checks.
pub fn run(args: Args, json: bool) -> Result<u8, Fault> {
    let mut findings = Vec::new();
    match args.source.load() {
        Err(fault) => findings.push(fail("settings", fault.what)),
        Ok(settings) => {
            let from = args.source.config.as_deref().map_or_else(
                || "the defaults and the environment".to_owned(),
                |path| path.display().to_string(),
            );
            findings.push(ok("settings", from));
            findings.extend(listeners(&settings));
            findings.extend(http_side(&settings));
            findings.extend(settings.server.domains.iter().map(|domain| look_up(domain)));
            findings.extend(users(&settings));
            findings.extend(rules(&settings));
            findings.extend(calendars(&settings));
            findings.push(keeping(&settings));
        }
    }
    for finding in &findings {
        finding.tell(json)?;
    }
    match findings.iter().any(|finding| finding.level == Level::Fail) {
        true => Ok(EXIT_FALSE),
        false => Ok(EXIT_WELL),
    }
}

/// Each listening address is opened and closed again.
fn listeners(settings: &Settings) -> Vec<Finding> {
    let transport = &settings.transport;
    let found = transport.listen.iter().map(|listen| {
        let alone = transport::Config { listen: vec![listen.clone()], ..transport.clone() };
        match bind::open(&alone, 1) {
            Ok(_) => ok("listen", listen.to_string()),
            Err(fault) if transport.is_default_listen() && fault.what.contains("has no") => {
                warn("listen", fault.what)
            }
            Err(fault) => fail("listen", fault.what),
        }
    });
    found.collect()
}

/// The HTTP side is opened and closed again.
fn http_side(settings: &Settings) -> Option<Finding> {
    let address = settings.http.address().ok()??;
    Some(match http::bind(address) {
        Ok(_) if !address.ip().is_loopback() && !settings.http.tokens.is_empty() => warn(
            "http",
            format!("{address} is open to others, and tokens cross the network in plain text"),
        ),
        Ok(_) => ok("http", address.to_string()),
        Err(fault) => fail("http", fault.what),
    })
}

/// Each calendar is looked at once. The agent begins without those that cannot be read.
fn calendars(settings: &Settings) -> Vec<Finding> {
    if settings.calendar.feeds.is_empty() {
        return Vec::new();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else { return Vec::new() };
    let probed = runtime.block_on(calendar::probe(&settings.calendar));
    let finding = |calendar::Probed { number, source, found }| match found {
        Ok((events, None)) => ok("calendar", format!("{number}: {source} has {events} events")),
        Ok((_, Some(fault))) => warn("calendar", format!("{number}: {source}: {fault}")),
        Err(reason) => warn("calendar", format!("{number}: {source}: {reason}")),
    };
    probed.into_iter().map(finding).collect()
}

/// Whether phones that are set to a domain find a machine by it.
fn look_up(domain: &str) -> Finding {
    let bare = domain.trim_start_matches('[').trim_end_matches(']');
    if bare.parse::<IpAddr>().is_ok() {
        return ok("domain", domain.to_owned());
    }
    let (found, finding) = mpsc::channel();
    let name = domain.to_owned();
    // The system's resolver cannot be hurried; a thread of its own can be left behind.
    std::thread::spawn(move || {
        let addresses = (name.as_str(), 5060).to_socket_addrs();
        found.send(addresses.map(Iterator::collect::<Vec<SocketAddr>>))
    });
    match finding.recv_timeout(LOOK_UP_MAX) {
        Ok(Ok(addresses)) if !addresses.is_empty() => {
            let mut texts: Vec<String> = addresses.iter().map(|a| a.ip().to_string()).collect();
            texts.dedup();
            ok("domain", format!("{domain} is {}", texts.join(", ")))
        }
        _ => warn(
            "domain",
            format!("{domain} has no address; phones need it as proxy or in DNS to find the agent"),
        ),
    }
}

/// Who will get in.
fn users(settings: &Settings) -> Vec<Finding> {
    if settings.auth.mode == Authentication::Off {
        return vec![warn("auth", "auth.mode is \"off\": anybody may watch and publish anyone")];
    }
    let users = match settings.users() {
        Ok(users) => users,
        Err(fault) => return vec![fail("users", fault)],
    };
    let path = settings.auth.users_file.display();
    let mut findings = vec![match users.is_empty() {
        false => ok("users", format!("{} in {path}", users.len())),
        true => nobody(settings),
    }];
    if is_exposed(&settings.auth.users_file) {
        let what = format!(
            "{path} may be read by others; its hashes are worth the passwords: \
                            chmod 600 {path}"
        );
        findings.push(warn("users", what));
    }
    findings.extend(useless(settings, &users));
    findings
}

/// No users: who gets in without a password, if anybody?
fn nobody(settings: &Settings) -> Finding {
    let transport = &settings.transport;
    let path = settings.auth.users_file.display();
    if settings.server.presentities == Presentities::Known {
        return fail(
            "users",
            format!("{path} has no users, and with server.presentities = \"known\" nobody exists"),
        );
    }
    let trusts_nobody = |listen| transport.trusted(listen) == auth::TrustedPeers::default();
    match transport.listen.iter().all(trusts_nobody) {
        true => warn(
            "users",
            format!(
                "{path} has no users and nobody is trusted, so nobody gets in; `fanal user add \
                 NAME`, or name the PBX in transport.trusted"
            ),
        ),
        false => ok("users", "none; trusted peers only".to_owned()),
    }
}

/// Users who could never prove their password.
fn useless(settings: &Settings, users: &Users) -> Option<Finding> {
    let realm = settings.realm();
    if let Some(user) = users.list().find(|user| user.realm != realm) {
        let (name, theirs) = (&user.username, &user.realm);
        return Some(warn(
            "users",
            format!("{name} is of realm {theirs}, but {realm} is asked for; see auth.realm"),
        ));
    }
    let (user, algorithm) = users.lacking(&settings.auth.algorithms)?;
    let name = &user.username;
    Some(warn("users", format!("{name} has no {algorithm} hash; `fanal user add {name}` again")))
}

/// Whether rules and policy can be read, where there are any.
fn rules(settings: &Settings) -> Vec<Finding> {
    let found = match settings.rules() {
        Err(fault) => return vec![fail("policy", fault)],
        Ok(found) => found,
    };
    let Some(book) = found.book else { return Vec::new() };
    let faults = found.faults.into_iter().map(|fault| fail("rules", fault));
    let policy = book.organisation().policy.as_ref();
    let policy = policy.map(|policy| ok("policy", policy.summary()));
    let rules = ok("rules", format!("{} persons have rules", book.persons()));
    faults.chain(policy).chain([rules]).collect()
}

/// Whether state can be kept.
fn keeping(settings: &Settings) -> Finding {
    if settings.store.kind == store::Kind::Memory {
        return warn("store", "store.kind is \"memory\": nothing survives a restart");
    }
    let path = &settings.store.path;
    // What is not there yet will be made in the nearest folder that is.
    let Some(folder) = path.ancestors().find(|folder| folder.exists()) else {
        return fail("store", format!("{} cannot be made", path.display()));
    };
    match try_to_write(folder) {
        Ok(()) => ok("store", path.display().to_string()),
        Err(error) => fail(
            "store",
            format!("{} cannot be written: {error}; see store.path", folder.display()),
        ),
    }
}

fn try_to_write(folder: &Path) -> std::io::Result<()> {
    let path = folder.join(format!(".fanal-check-{}", std::process::id()));
    fs::File::create_new(&path)?;
    fs::remove_file(&path)
}

fn ok(subject: &'static str, what: String) -> Finding {
    Finding { level: Level::Ok, subject, what }
}

fn warn(subject: &'static str, what: impl ToString) -> Finding {
    Finding { level: Level::Warn, subject, what: what.to_string() }
}

fn fail(subject: &'static str, what: impl ToString) -> Finding {
    Finding { level: Level::Fail, subject, what: what.to_string() }
}

impl Finding {
    fn tell(&self, json: bool) -> Result<(), Fault> {
        let Finding { level, subject, what } = self;
        let level = match level {
            Level::Ok => "ok",
            Level::Warn => "warn",
            Level::Fail => "fail",
        };
        match json {
            true => say(json!({ "level": level, "subject": subject, "what": what })),
            false => say(format!("{level:<4}  {subject}: {what}")),
        }
    }
}
