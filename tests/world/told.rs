//! What one watcher was told, NOTIFY by NOTIFY, as seen from the agent's door.

use std::collections::BTreeSet;
use std::time::Duration;

use fanal::base::time::{Moment, Wall};

use super::inspector::{Now, broken};
use super::letter::{Letter, parameter};
use super::shown::{self, Shown};

/// Timer F: a NOTIFY that is not answered by then never will be.
const TIMER_F: Duration = Duration::from_secs(32);

/// How late the agent may be beyond the pace: nothing, but for rounding.
const SLACK: Duration = Duration::from_millis(20);

/// How long after a restart every watcher must have been told.
const AFTER_RESTART: Duration = Duration::from_secs(10);

/// One dialog.
pub struct Told {
    pub aor: String,
    pub package: String,
    /// What the last NOTIFY said.
    pub shown: Option<Shown>,
    /// A SUBSCRIBE came since the last NOTIFY: it may be answered by another at once.
    pub may_be_replaced: bool,
    pub by_stream: bool,
    in_flight: Option<(String, Moment)>,
    /// The last NOTIFY was not answered, or could not be sent.
    is_suspended: bool,
    /// The last NOTIFY was refused: its state is lost until the next change.
    is_refused: bool,
    /// It ended as far as the agent can tell by itself; no more is known of it.
    may_be_gone: bool,
    has_ended: bool,
    quiet_until: Moment,
    free_since: Moment,
    restarted_at: Option<Moment>,
    /// Of NOTIFYs as they come out of the shard.
    cseq: u32,
    /// Of those that left the agent: branch, CSeq and version of the last.
    left: (String, u32, Option<u32>),
    /// Calls it saw live and was not told the end of.
    live: BTreeSet<(String, String)>,
    /// Ends it was told and has not said it knows: they may be told again.
    farewells: BTreeSet<(String, String)>,
}

impl Told {
    pub fn new(now: Now, aor: String, package: String) -> Told {
        Told {
            aor,
            package,
            shown: None,
            may_be_replaced: true,
            by_stream: false,
            in_flight: None,
            is_suspended: false,
            is_refused: false,
            may_be_gone: false,
            has_ended: false,
            quiet_until: Moment::ORIGIN,
            free_since: now.0,
            restarted_at: None,
            cseq: 0,
            left: (String::new(), 0, None),
            live: BTreeSet::new(),
            farewells: BTreeSet::new(),
        }
    }

    /// The agent must know of it, unless it was not refreshed.
    pub fn is_certain(&self) -> bool {
        !self.may_be_gone && !self.has_ended && !self.is_suspended
    }

    /// Whether nothing but the pace keeps it from being told.
    pub fn can_be_told(&self) -> bool {
        let unsure_path = self.by_stream && self.restarted_at.is_some();
        self.is_certain() && !self.is_refused && self.in_flight.is_none() && !unsure_path
    }

    /// When it must have been told what changed at `touched`, if ever.
    pub fn due(&self, touched: Moment) -> Option<Moment> {
        if let Some(restarted_at) = self.restarted_at {
            return Some(restarted_at + AFTER_RESTART);
        }
        let interval = if self.package == "presence" { 5 } else { 1 };
        let since = touched.max(self.free_since).max(self.quiet_until);
        Some(since + Duration::from_secs(interval) + SLACK)
    }

    /// A new NOTIFY comes out. True if it is the last.
    pub fn notify(
        &mut self,
        now: Now,
        letter: &Letter,
        granted: Option<Wall>,
        expected: Shown,
    ) -> bool {
        self.look(now.0);
        let state = letter.header("Subscription-State");
        let is_last = state.starts_with("terminated");
        if self.has_ended {
            broken(now.0, "nothing follows the last NOTIFY", letter.text());
        }
        if self.in_flight.is_some() && !self.may_be_replaced && !is_last {
            broken(now.0, "one NOTIFY is in flight at a time", letter.text());
        }
        if letter.cseq() <= self.cseq {
            broken(now.0, "CSeq goes up with every NOTIFY", letter.text());
        }
        self.check_state(now, letter, granted, &expected);
        self.check_body(now, letter, expected);
        self.cseq = letter.cseq();
        self.in_flight = Some((letter.branch().to_owned(), now.0));
        self.may_be_replaced = false;
        self.may_be_gone = self.is_suspended;
        self.has_ended = is_last;
        self.restarted_at = None;
        is_last
    }

    /// The NOTIFY in flight is repeated.
    pub fn repeated(&mut self, now: Now, letter: &Letter) {
        let in_flight = self.in_flight.as_ref().map(|(branch, _)| branch.as_str());
        if in_flight != Some(letter.branch()) {
            broken(now.0, "only the NOTIFY in flight is repeated", letter.text());
        }
    }

    /// A NOTIFY leaves the agent.
    pub fn released(&mut self, now: Now, letter: &Letter) {
        let (branch, cseq, version) = &self.left;
        if branch == letter.branch() {
            return;
        }
        if letter.cseq() <= *cseq {
            broken(now.0, "CSeq never repeats or goes back on the wire", {
                format!("{cseq} was sent before\n{letter:?}")
            });
        }
        let mut newest = *version;
        if self.package == "dialog" && !letter.body().is_empty() {
            newest = Some(shown::version(letter.body()));
            if newest <= *version {
                broken(now.0, "the version of a document goes up", {
                    format!("{version:?} was sent before\n{letter:?}")
                });
            }
        }
        self.left = (letter.branch().to_owned(), letter.cseq(), newest);
    }

    /// A response to a NOTIFY of it is handed to the shard.
    pub fn answered(&mut self, now: Now, letter: &Letter) {
        self.look(now.0);
        let is_it = self.in_flight.as_ref().is_some_and(|(branch, _)| branch == letter.branch());
        let status = letter.status();
        if !is_it || status < 200 {
            return;
        }
        self.in_flight = None;
        self.free_since = now.0;
        self.is_suspended = false;
        self.is_refused = status >= 300;
        if !self.is_refused {
            self.farewells.clear();
        }
        self.may_be_gone |= self.is_refused;
        if let Ok(seconds) = letter.header("Retry-After").parse() {
            self.quiet_until = now.0 + Duration::from_secs(seconds);
            self.is_refused = false; // It is told again when it is ready.
            self.shown = None;
        }
    }

    /// A NOTIFY of it could not be sent.
    pub fn undeliverable(&mut self, now: Now, branch: &str) {
        if self.in_flight.as_ref().is_some_and(|(known, _)| known == branch) {
            self.in_flight = None;
            self.free_since = now.0;
            self.is_suspended = true;
            self.may_be_gone = true; // The next SUBSCRIBE of that phone may take its place.
        }
    }

    /// The agent started over; `granted` is what it must still know.
    pub fn restarted(&mut self, now: Now, granted: Option<Wall>) {
        self.in_flight = None;
        self.shown = None;
        self.free_since = now.0;
        self.quiet_until = Moment::ORIGIN;
        self.is_suspended = false;
        self.is_refused = false;
        if self.has_ended {
            // Its last NOTIFY left before its end was kept, and is said again with the same
            // number: nothing else is ever said in that dialog.
            self.left.1 = self.left.1.saturating_sub(1);
            self.left.2 = self.left.2.and_then(|version| version.checked_sub(1));
        }
        self.cseq = self.left.1;
        self.restarted_at = Some(now.0);
        self.has_ended = granted.is_none();
    }

    /// Time passes: a NOTIFY that nobody answered is over.
    pub fn look(&mut self, now: Moment) {
        if let Some((_, since)) = &self.in_flight
            && now.since(*since) >= TIMER_F
        {
            self.free_since = *since + TIMER_F;
            self.in_flight = None;
            self.is_suspended = true;
            self.may_be_gone = true;
        }
    }

    fn check_state(&self, now: Now, letter: &Letter, granted: Option<Wall>, expected: &Shown) {
        let state = letter.header("Subscription-State");
        if state.starts_with("terminated") {
            return;
        }
        let left = granted.map(|until| until.since(now.1).as_millis().div_ceil(1000));
        let said = parameter(state, "expires").parse::<u128>().ok();
        let substate = if *expected == Shown::Nothing { "pending" } else { "active" };
        if !state.starts_with(substate) || said != left || left == Some(0) {
            broken(now.0, "a NOTIFY says how long the subscription lasts", {
                format!("{left:?} seconds are left\n{letter:?}")
            });
        }
    }

    fn check_body(&mut self, now: Now, letter: &Letter, expected: Shown) {
        let state = letter.header("Subscription-State");
        let is_bare = state.starts_with("terminated") && parameter(state, "reason") != "timeout";
        if is_bare {
            return;
        }
        let shown = Shown::read(&self.package, letter.body());
        if shown != expected {
            broken(now.0, "a NOTIFY says what is true when it is sent", {
                format!("true is {expected:?}\nsaid is {shown:?}\n{letter:?}")
            });
        }
        if self.package == "dialog" {
            let calls = shown::calls(letter.body());
            let ids: BTreeSet<&str> = calls.iter().map(|call| call.id.as_str()).collect();
            if ids.len() < calls.len() {
                broken(now.0, "an id stands for one call in a document", letter.text());
            }
            for call in calls {
                let key = (call.id, call.call_id);
                if call.state != "terminated" {
                    self.farewells.remove(&key);
                    self.live.insert(key);
                } else if self.live.remove(&key) {
                    self.farewells.insert(key);
                } else if !self.farewells.contains(&key) {
                    broken(now.0, "a call ends only for who saw it live", letter.text());
                }
            }
        }
        self.shown = Some(shown);
    }
}
