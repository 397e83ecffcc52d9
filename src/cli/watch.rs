//! `fanal watch`: what a phone with a lamp for somebody would see.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::address::{Reach, Speaker, Target, span};
use super::publish::renewal;
use super::state::{Package, Seen};
use super::{EXIT_FALSE, EXIT_REFUSED, EXIT_WELL, Fault, Stop, remark, say};
use crate::base::span;
use crate::base::time::Wall;
use crate::ua::{Agent, Failure, Notification, Subscribe, WatchId};

/// How long a subscription lives that names no time.
const LIFETIME: &str = "1h";

/// How long the first state is awaited by who only fetches.
const FETCH_MAX: Duration = Duration::from_secs(32);

/// How long the end of a subscription may take.
const FAREWELL_MAX: Duration = Duration::from_secs(2);

/// The first wait before trying again to reach an agent that was lost, and the longest.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// Whom to watch, how, and until when.
#[derive(clap::Args)]
#[command(
    after_help = "Ends with 0 when --expect was seen, --count was reached or Ctrl-C came, with 1\n\
        when --timeout came first. States that can be expected:\n  \
        presence         open, closed, or an activity such as on-the-phone\n  \
        dialog           idle, trying, calling, ringing, busy, held; also early, confirmed, ...\n  \
        message-summary  NEW/OLD such as 2/8, waiting, none"
)]
pub struct Args {
    /// Whom to watch: 101, 101@example.com or sip:101@example.com.
    uri: String,
    /// What to watch.
    #[arg(long, value_name = "PACKAGE", default_value = "presence")]
    package: Package,
    /// End after so many NOTIFYs.
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// End after this time.
    #[arg(long, value_name = "TIME", value_parser = span)]
    timeout: Option<Duration>,
    /// End with 0 when a NOTIFY shows this state.
    #[arg(long, value_name = "STATE")]
    expect: Option<String>,
    /// How long the subscription lives before it is refreshed; 0 fetches the state once.
    #[arg(long, value_name = "TIME", value_parser = span, default_value = LIFETIME)]
    expires: Duration,
    /// Print the documents themselves.
    #[arg(long)]
    raw: bool,
    /// Save every document as a file in this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    reach: Reach,
}

/// One watch, over as many subscriptions as it takes.
struct Vigil {
    args: Args,
    json: bool,
    target: Target,
    until: Option<Instant>,
    /// NOTIFYs so far.
    count: u64,
    /// The state that is waited for, as it is compared.
    expect: Option<String>,
    last: Option<String>,
}

/// Why a subscription is watched no longer.
enum End {
    /// The condition is met, or what was asked for has come.
    Met,
    /// Time is over.
    TimedOut,
    /// The person has enough.
    Interrupted,
    /// The agent ended the subscription and may be asked anew.
    Again(Duration),
    /// The agent ended it for good.
    Refused(String),
    /// The agent was lost.
    Lost(Failure),
}

/// Watches.
pub async fn run(args: Args, json: bool) -> Result<u8, Fault> {
    let expect = args.expect.as_deref().map(|text| args.package.awaited(text)).transpose();
    let expect = expect.map_err(Fault::usage)?;
    if let Some(folder) = &args.out {
        let fault = |error| Fault::usage(format!("{}: {error}", folder.display()));
        std::fs::create_dir_all(folder).map_err(fault)?;
    }
    let target = args.reach.target(&args.uri, Speaker::Watcher)?;
    let until = args.timeout.map(|timeout| Instant::now() + timeout);
    Vigil { args, json, target, until, count: 0, expect, last: None }.watch().await
}

impl Vigil {
    async fn watch(mut self) -> Result<u8, Fault> {
        let mut patience = PATIENCE.0;
        let mut stop = Stop::listen();
        loop {
            let count_before = self.count;
            let begun = tokio::select! {
                () = stop.came() => return self.verdict(End::Interrupted),
                begun = self.begin() => begun,
            };
            let (end, agent) = match begun {
                Ok(Some((mut agent, id, granted))) => {
                    let end = self.attend(&mut agent, id, granted, &mut stop).await?;
                    (end, Some((agent, id)))
                }
                Ok(None) => (End::TimedOut, None),
                // The first try is the person's to mend, a later one ours.
                Err(Failure::Refused(refused)) => return Err(Failure::Refused(refused).into()),
                Err(failure) if self.count == 0 => return Err(failure.into()),
                Err(failure) => (End::Lost(failure), None),
            };
            if self.count > count_before {
                patience = PATIENCE.0;
            }
            let wait = match end {
                End::Again(wait) => wait.max(patience),
                End::Lost(failure) => {
                    remark(format!("{failure}; trying again in {}", span::write(patience)));
                    patience
                }
                over => {
                    if let Some((agent, id)) = agent {
                        farewell(agent, id, &over).await;
                    }
                    return self.verdict(over);
                }
            };
            patience = (patience * 2).min(PATIENCE.1);
            if !self.sleep(wait, &mut stop).await {
                return self.verdict(End::TimedOut);
            }
        }
    }

    /// Subscribes; `None` if there is no time left to.
    async fn begin(&self) -> Result<Option<(Agent, WatchId, Duration)>, Failure> {
        let begin = async {
            let mut agent = self.target.agent().await?;
            let wish = Subscribe {
                uri: self.target.uri.as_str(),
                package: self.args.package.name(),
                accept: self.args.package.media(),
                expires: self.args.expires,
            };
            let (id, granted) = agent.subscribe(&wish).await?;
            Ok((agent, id, granted))
        };
        match self.until {
            None => begin.await.map(Some),
            Some(until) => match timeout_at(until, begin).await {
                Ok(begun) => begun.map(Some),
                // Time is over and nobody said a word: that is no answer, not a wrong state.
                Err(_) if self.count == 0 => {
                    Err(Failure::NoAnswer { server: self.target.server() })
                }
                Err(_) => Ok(None),
            },
        }
    }

    /// Takes NOTIFYs and refreshes, until something ends it.
    async fn attend(
        &mut self,
        agent: &mut Agent,
        id: WatchId,
        granted: Duration,
        stop: &mut Stop,
    ) -> Result<End, Fault> {
        let is_fetch = self.args.expires.is_zero();
        let mut refresh = Instant::now() + if is_fetch { FETCH_MAX } else { renewal(granted) };
        loop {
            let wake = self.until.map_or(refresh, |until| until.min(refresh));
            let arrived = tokio::select! {
                biased;
                () = stop.came() => return Ok(End::Interrupted),
                arrived = agent.notification(Some(wake)) => arrived,
            };
            match arrived {
                Ok(Some(notification)) => {
                    let is_met = self.show(&notification)?;
                    if is_met || is_fetch {
                        return Ok(End::Met);
                    }
                    if notification.is_last() {
                        return Ok(ended(&notification));
                    }
                }
                Ok(None) if self.until.is_some_and(|until| Instant::now() >= until) => {
                    return Ok(End::TimedOut);
                }
                Ok(None) if is_fetch => return Ok(End::TimedOut),
                Ok(None) => match agent.refresh(id, self.args.expires).await {
                    Ok(granted) => refresh = Instant::now() + renewal(granted),
                    // RFC 6665 §4.1.2.2: 481 ends it; others leave it as it is for a while.
                    Err(failure) => return Ok(End::Lost(failure)),
                },
                Err(failure) => return Ok(End::Lost(failure)),
            }
        }
    }

    /// Prints one NOTIFY. True if it is the last that was asked for.
    fn show(&mut self, notification: &Notification) -> Result<bool, Fault> {
        self.count += 1;
        if notification.body.is_empty() {
            self.show_empty(notification)?;
            return Ok(self.is_counted());
        }
        if let Some(folder) = &self.args.out {
            let Args { package, .. } = self.args;
            let name = format!("{:04}-{}.{}", self.count, package.name(), package.ending());
            let path = folder.join(name);
            let fault = |error| Fault::not_so(format!("{}: {error}", path.display()));
            std::fs::write(&path, &notification.body).map_err(fault)?;
        }
        let seen = match self.args.package.read(self.target.short(), &notification.body) {
            Ok(seen) => seen,
            Err(why) => {
                remark(format!("a NOTIFY with {why}"));
                return Ok(self.is_counted());
            }
        };
        self.show_seen(notification, &seen)?;
        let is_met = self.expect.as_ref().is_some_and(|expect| seen.words.contains(expect));
        self.last = Some(seen.state);
        Ok(is_met || self.is_counted())
    }

    fn show_seen(&self, notification: &Notification, seen: &Seen) -> Result<(), Fault> {
        if self.json {
            let mut line = self.object(notification);
            line["version"] = seen.version.into();
            line["state"] = seen.state.clone().into();
            line["summary"] = seen.line.clone().into();
            for (name, value) in seen.detail.as_object().into_iter().flatten() {
                line[name] = value.clone();
            }
            if self.args.raw {
                line["body"] = String::from_utf8_lossy(&notification.body).into();
            }
            return say(line);
        }
        if self.args.raw {
            return say(String::from_utf8_lossy(&notification.body));
        }
        let version = seen.version.map(|version| format!("  version {version}"));
        let pending = match notification.substate.as_str() {
            "active" => String::new(),
            other => format!("  ({other})"),
        };
        let (time, version) = (clock(notification.at), version.unwrap_or_default());
        say(format!("{time}{version}  {}{pending}", seen.line))
    }

    /// A NOTIFY without a document, as they come while pending and at the end.
    fn show_empty(&self, notification: &Notification) -> Result<(), Fault> {
        if self.json {
            return say(self.object(notification));
        }
        let reason = notification.reason.as_deref().map(|reason| format!(": {reason}"));
        let (time, who) = (clock(notification.at), self.target.short());
        say(format!("{time}  {who} {}{}", notification.substate, reason.unwrap_or_default()))
    }

    fn object(&self, notification: &Notification) -> Value {
        json!({
            "event": "notify",
            "time": Wall::from(notification.at).to_string(),
            "uri": self.target.uri.as_str(),
            "package": self.args.package.name(),
            "count": self.count,
            "cseq": notification.cseq,
            "substate": notification.substate,
            "reason": notification.reason,
            "expires": notification.expires,
        })
    }

    fn is_counted(&self) -> bool {
        self.args.count.is_some_and(|count| self.count >= count)
    }

    /// False if time is over first.
    async fn sleep(&self, wait: Duration, stop: &mut Stop) -> bool {
        let wake = Instant::now() + wait;
        let is_in_time = self.until.is_none_or(|until| wake < until);
        let wake = self.until.map_or(wake, |until| wake.min(until));
        tokio::select! {
            () = stop.came() => false,
            () = tokio::time::sleep_until(wake) => is_in_time,
        }
    }

    /// What the command ends with.
    fn verdict(&self, end: End) -> Result<u8, Fault> {
        let has_condition = self.expect.is_some() || self.args.count.is_some();
        let who = self.target.short();
        match end {
            End::Met => Ok(EXIT_WELL),
            End::Refused(reason) => {
                let what = format!("the agent ended the subscription: {reason}");
                Err(Fault { exit: EXIT_REFUSED, what, status: None })
            }
            End::TimedOut if self.args.expires.is_zero() && self.count == 0 => {
                Err(Failure::NoAnswer { server: self.target.server() }.into())
            }
            _ if !has_condition => Ok(EXIT_WELL),
            _ => {
                let last = self.last.as_deref().unwrap_or("nothing");
                let what = match &self.expect {
                    Some(expect) => format!("{who} was not {expect} in time; last seen: {last}"),
                    None => format!("{} NOTIFYs came, not {}", self.count, self.wanted_count()),
                };
                Err(Fault { exit: EXIT_FALSE, what, status: None })
            }
        }
    }

    fn wanted_count(&self) -> u64 {
        self.args.count.unwrap_or_default()
    }
}

/// What the agent meant by ending a subscription (RFC 6665 §4.1.3).
fn ended(notification: &Notification) -> End {
    let wait = Duration::from_secs(notification.retry_after.unwrap_or(0).into());
    match notification.reason.as_deref() {
        Some(reason @ ("rejected" | "noresource" | "invariant")) => End::Refused(reason.to_owned()),
        _ => End::Again(wait),
    }
}

/// Unsubscribes, and answers the NOTIFY that says so.
async fn farewell(mut agent: Agent, id: WatchId, end: &End) {
    if matches!(end, End::Refused(_)) {
        return;
    }
    let last_words = async {
        if agent.refresh(id, Duration::ZERO).await.is_err() {
            return;
        }
        while let Ok(Some(notification)) = agent.notification(None).await {
            if notification.is_last() {
                return;
            }
        }
    };
    // An agent that is not there any more needs no farewell.
    let _ = tokio::time::timeout(FAREWELL_MAX, last_words).await;
}

/// The time of day, in UTC, to the millisecond.
fn clock(at: SystemTime) -> String {
    let millis = Wall::from(at).as_unix_millis() % 86_400_000;
    let (seconds, millis) = (millis / 1000, millis % 1000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}
