//! `fanal publish`: somebody's state, as a softphone or a PBX would tell it.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use clap::ArgGroup;
use serde_json::json;
use tokio::time::Instant;

use super::address::{Reach, Speaker, Target, span};
use super::document::{self, Call, CallState, Caller, Document};
use super::published::{CallNote, Memory, Typed};
use super::state::{Package, party};
use super::{EXIT_WELL, Fault, Stop, file, remark, say};
use crate::base::span;
use crate::doc::pidf::Basic;
use crate::sip::Status;
use crate::ua::{Agent, Failure, Publish, Published};

/// How long a publication lives that names no time.
const LIFETIME: &str = "1h";

/// How long the removal at the end may take.
const FAREWELL_MAX: Duration = Duration::from_secs(3);

/// What is published, and how.
#[derive(clap::Args)]
#[command(
    group = ArgGroup::new("document").args(["dialog", "mwi", "pidf", "dialog_info"]),
    group = ArgGroup::new("presence").args(["open", "closed", "activity", "note"]).multiple(true)
        .conflicts_with("document"),
    after_help = "What was published last for an address is remembered below $XDG_CACHE_HOME/fanal\n\
        (else ~/.cache/fanal), so that the next `publish` changes it instead of adding to it:\n\n  \
        fanal publish 101 --dialog early --remote 102   rings\n  \
        fanal publish 101 --dialog confirmed            the same call is answered\n  \
        fanal publish 101 --dialog terminated           and over; `early` begins another\n\n\
        A call keeps its Call-ID until it has ended or would go back. With --call-id several calls\n\
        of one address can be published side by side."
)]
pub struct Args {
    /// Who it is about: 101, 101@example.com or sip:101@example.com.
    uri: String,
    /// Takes calls.
    #[arg(long, conflicts_with = "closed")]
    open: bool,
    /// Takes no calls.
    #[arg(long)]
    closed: bool,
    /// What the person is doing, such as busy, away or on-the-phone. May be repeated.
    #[arg(long, value_name = "ACTIVITY", value_parser = document::activity)]
    activity: Vec<String>,
    /// A line of free text.
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// A call, this far.
    #[arg(long, value_name = "STATE")]
    dialog: Option<CallState>,
    /// The Call-ID of the call. Default: that of the call under way, else a fresh one.
    #[arg(long, value_name = "CALL-ID", requires = "dialog")]
    call_id: Option<String>,
    /// Who called, seen from URI. Default: as before, else recipient.
    #[arg(long, requires = "dialog")]
    direction: Option<Caller>,
    /// The other end of the call.
    #[arg(long, value_name = "URI", requires = "dialog")]
    remote: Option<String>,
    /// Waiting voice messages.
    #[arg(long, value_name = "NEW/OLD", value_parser = document::counts)]
    mwi: Option<(u32, u32)>,
    /// A presence document of your own; "-" is standard input.
    #[arg(long, value_name = "FILE")]
    pidf: Option<PathBuf>,
    /// A dialog-info document of your own; "-" is standard input.
    #[arg(long, value_name = "FILE")]
    dialog_info: Option<PathBuf>,
    /// How long it holds.
    #[arg(long = "for", value_name = "TIME", value_parser = span, default_value = LIFETIME)]
    lifetime: Duration,
    /// The publication to change, by its entity-tag. Default: the one remembered.
    #[arg(long, value_name = "TAG")]
    etag: Option<String>,
    /// The package, where nothing else names it: for --remove, or to refresh --etag.
    #[arg(long)]
    package: Option<Package>,
    /// Take back what was published: every package that is remembered, or --package.
    #[arg(long, conflicts_with_all = ["document", "presence", "keep"])]
    remove: bool,
    /// Stay, refresh, and take it back at Ctrl-C.
    #[arg(long)]
    keep: bool,
    #[command(flatten)]
    reach: Reach,
}

/// One publication being made.
struct Desk {
    args: Args,
    json: bool,
    target: Target,
    agent: Agent,
}

/// Publishes.
pub async fn run(args: Args, json: bool) -> Result<u8, Fault> {
    if !args.remove {
        args.package()?;
    }
    let target = args.reach.target(&args.uri, Speaker::Itself)?;
    let agent = target.agent().await?;
    let mut desk = Desk { args, json, target, agent };
    if desk.args.remove {
        desk.remove().await?;
        return Ok(EXIT_WELL);
    }
    desk.publish().await?;
    Ok(EXIT_WELL)
}

impl Args {
    /// Which package is meant by what was typed.
    fn package(&self) -> Result<Package, Fault> {
        let says_presence =
            self.open || self.closed || !self.activity.is_empty() || self.note.is_some();
        let implied = match self {
            _ if says_presence || self.pidf.is_some() => Some(Package::Presence),
            _ if self.dialog.is_some() || self.dialog_info.is_some() => Some(Package::Dialog),
            _ if self.mwi.is_some() => Some(Package::MessageSummary),
            _ => None,
        };
        match (implied, self.package, &self.etag) {
            (Some(implied), Some(named), _) if implied != named => Err(Fault::usage(format!(
                "that is a document of {}, not of {}",
                implied.name(),
                named.name()
            ))),
            (Some(implied), ..) => Ok(implied),
            (None, named, Some(_)) => Ok(named.unwrap_or(Package::Presence)),
            (None, ..) => Err(Fault::usage(
                "say what to publish: --open, --closed, --activity, --note, --dialog, --mwi, \
                 --pidf or --dialog-info; or --remove",
            )),
        }
    }
}

impl Desk {
    async fn publish(&mut self) -> Result<(), Fault> {
        let package = self.args.package()?;
        // Before the first word, so that what is published is taken back whenever the end comes.
        let stop = self.args.keep.then(Stop::listen);
        let memory = self.memory(package);
        let call = self.call(&memory)?;
        let document = self.document(call.as_ref())?;
        let tag = self.args.etag.clone().or_else(|| memory.entity_tag().map(str::to_owned));
        let mut published = self.send(package, document.as_ref(), tag.as_deref()).await;
        // Remembered here and forgotten there: published anew, it is the same.
        if tag.is_some() && self.args.etag.is_none() && published.as_ref().is_err_and(is_forgotten)
        {
            published = self.send(package, document.as_ref(), None).await;
        }
        let published = published?;
        self.remember(&memory, &published, call.as_ref());
        self.tell(package, document.as_ref(), &published, call.as_ref())?;
        if let Some(mut stop) = stop {
            let (document, call) = (document.as_ref(), call.as_ref());
            let last = self.stay(&memory, document, published, call, &mut stop).await?;
            self.take_back(package, &last).await;
            memory.forget();
        }
        Ok(())
    }

    /// Refreshes a publication until the person has enough.
    async fn stay(
        &mut self,
        memory: &Memory,
        document: Option<&Document>,
        mut published: Published,
        call: Option<&CallNote>,
        stop: &mut Stop,
    ) -> Result<Published, Fault> {
        let package = memory.package();
        remark("published until Ctrl-C");
        loop {
            let until = Instant::now() + renewal(published.expires);
            tokio::select! {
                () = stop.came() => return Ok(published),
                arrived = self.agent.notification(Some(until)) => {
                    if arrived.is_err() {
                        self.reconnect().await;
                    }
                }
            }
            let mut refreshed = self.send(package, None, published.entity_tag.as_deref()).await;
            if refreshed.as_ref().is_err_and(is_forgotten) {
                refreshed = self.send(package, document, None).await;
            }
            match refreshed {
                Ok(refreshed) => {
                    published = refreshed;
                    self.remember(memory, &published, call);
                }
                Err(Failure::Refused(refused)) => return Err(Failure::Refused(refused).into()),
                Err(failure) => {
                    remark(format!("{failure}; trying again"));
                    self.reconnect().await;
                }
            }
        }
    }

    /// Takes back all that is remembered of an address, or what is named.
    async fn remove(&mut self) -> Result<(), Fault> {
        let all = [Package::Presence, Package::Dialog, Package::MessageSummary];
        let is_meant = |package: &Package| match (self.args.package, &self.args.etag) {
            (Some(meant), _) => meant == *package,
            (None, Some(_)) => *package == Package::Presence,
            (None, None) => true,
        };
        let mut is_any = false;
        for package in all.into_iter().filter(is_meant).collect::<Vec<_>>() {
            let memory = self.memory(package);
            let tag = self.args.etag.clone().or_else(|| memory.entity_tag().map(str::to_owned));
            let Some(tag) = tag else { continue };
            is_any = true;
            let publish = Publish {
                uri: self.target.uri.as_str(),
                package: package.name(),
                document: None,
                entity_tag: Some(&tag),
                expires: Duration::ZERO,
            };
            match self.agent.publish(&publish).await {
                Ok(_) => {}
                // Gone is what it was to be.
                Err(failure) if self.args.etag.is_none() && is_forgotten(&failure) => {}
                Err(failure) => return Err(failure.into()),
            }
            memory.forget();
            let uri = self.target.uri.as_str();
            say(match self.json {
                true => {
                    json!({ "event": "removed", "uri": uri, "package": package.name() }).to_string()
                }
                false => format!("{uri} {} removed", package.name()),
            })?;
        }
        match is_any {
            true => Ok(()),
            false => Err(Fault::not_so(format!(
                "nothing published for {} is remembered; give --etag TAG and --package",
                self.target.uri.as_str()
            ))),
        }
    }

    async fn send(
        &mut self,
        package: Package,
        document: Option<&Document>,
        entity_tag: Option<&str>,
    ) -> Result<Published, Failure> {
        let publish = Publish {
            uri: self.target.uri.as_str(),
            package: package.name(),
            document: document.map(|d| (d.package.media(), d.octets.clone())),
            entity_tag,
            expires: self.args.lifetime,
        };
        self.agent.publish(&publish).await
    }

    /// At the end; if nobody answers it expires by itself.
    async fn take_back(&mut self, package: Package, published: &Published) {
        let publish = Publish {
            uri: self.target.uri.as_str(),
            package: package.name(),
            document: None,
            entity_tag: published.entity_tag.as_deref(),
            expires: Duration::ZERO,
        };
        let ended = tokio::time::timeout(FAREWELL_MAX, self.agent.publish(&publish)).await;
        if !matches!(ended, Ok(Ok(_))) {
            remark("the agent did not take it back; it expires by itself");
        }
    }

    async fn reconnect(&mut self) {
        const PATIENCE: Duration = Duration::from_secs(2);
        tokio::time::sleep(PATIENCE).await;
        if let Ok(agent) = self.target.agent().await {
            self.agent = agent;
        }
    }

    fn memory(&self, package: Package) -> Memory {
        let call_id = self.args.call_id.as_deref();
        Memory::open(&self.target.uri, package, &self.target.server(), call_id)
    }

    /// The call that is meant, if it is one.
    fn call(&self, memory: &Memory) -> Result<Option<CallNote>, Fault> {
        let Some(state) = self.args.dialog else { return Ok(None) };
        if state == CallState::Terminated && !memory.has_live_call() && self.args.call_id.is_none()
        {
            remark("no call of that address is remembered, so no lamp will change");
        }
        let remote = self.args.remote.as_deref();
        let remote = remote.map(|text| party(text, &self.target.uri)).transpose();
        Ok(Some(memory.call(Typed {
            state,
            call_id: self.args.call_id.as_deref(),
            caller: self.args.direction,
            remote: remote.map_err(Fault::usage)?,
        })))
    }

    /// What to publish; nothing refreshes.
    fn document(&self, call: Option<&CallNote>) -> Result<Option<Document>, Fault> {
        let (args, uri) = (&self.args, &self.target.uri);
        if let (Some(state), Some(note)) = (args.dialog, call) {
            let (caller, remote) = (note.caller(), note.remote.as_deref());
            let call = Call { id: &note.id, call_id: &note.call_id, state, caller, remote };
            return Ok(Some(document::call(uri, &call)));
        }
        if let Some(counts) = args.mwi {
            return Ok(Some(document::messages(uri, counts)));
        }
        let files = [(&args.pidf, Package::Presence), (&args.dialog_info, Package::Dialog)];
        for (path, package) in files {
            if let Some(path) = path {
                let octets = Bytes::from(file::read(path)?);
                let says = path.display().to_string();
                return Ok(Some(Document { package, octets, says }));
            }
        }
        if !args.open && !args.closed && args.activity.is_empty() && args.note.is_none() {
            return Ok(None);
        }
        let basic = if args.closed { Basic::Closed } else { Basic::Open };
        Ok(Some(document::presence(uri, basic, &args.activity, args.note.as_deref())))
    }

    fn remember(&self, memory: &Memory, published: &Published, call: Option<&CallNote>) {
        if let Err(why) = memory.keep(published, call) {
            remark(format!("not remembered for the next `publish`: {why}"));
        }
    }

    fn tell(
        &self,
        package: Package,
        document: Option<&Document>,
        published: &Published,
        call: Option<&CallNote>,
    ) -> Result<(), Fault> {
        let uri = self.target.uri.as_str();
        let says = document.map_or("refreshed", |document| &document.says);
        let tag = published.entity_tag.as_deref().unwrap_or_default();
        if self.json {
            let line = json!({
                "event": "published",
                "uri": uri,
                "package": package.name(),
                "state": says,
                "etag": tag,
                "expires": published.expires.as_secs(),
                "call_id": call.map(|call| &call.call_id),
            });
            return say(line);
        }
        let lifetime = span::write(published.expires);
        say(format!("{uri} {says}; entity-tag {tag}, for {lifetime}"))
    }
}

/// When to refresh what lives so long: early enough for one try to be lost.
pub fn renewal(expires: Duration) -> Duration {
    const LEAD_MAX: Duration = Duration::from_secs(30);
    expires.saturating_sub((expires / 5).min(LEAD_MAX)).max(Duration::from_secs(1))
}

fn is_forgotten(failure: &Failure) -> bool {
    failure.status() == Some(Status::CONDITIONAL_REQUEST_FAILED)
}
