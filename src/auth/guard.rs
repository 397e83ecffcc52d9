//! Who fails to prove a password, how often, and who is not listened to for a while.
//!
//! What counts is whom a nonce was issued to, not where a datagram says it comes from: only who
//! hears our answers has a nonce, so nobody can have another locked out by a forged address. And
//! credentials without a nonce of ours are never looked at, so they tell a guesser nothing.

use std::net::IpAddr;

use tracing::warn;

use super::aging::Aging;
use super::config::Config;
use super::nonce::Source;
use crate::base::flow::Transport;
use crate::base::limits::{AUTH_FAILURES_TOLD, AUTH_PROVEN_FOR, AUTH_PROVEN_MAX, AUTH_SOURCES_MAX};
use crate::base::mint::Secret;
use crate::base::time::Moment;

/// Longest user name told in the log, in characters.
const NAME_TOLD_MAX: usize = 64;

/// Counts failures by address, and by user name and address. Each owner counts its own.
pub(super) struct Guard {
    secret: Secret,
    failures_max: u32,
    failures_of_source_max: u32,
    failures: Aging<u32>,
    refused: Aging<()>,
    proven: Aging<()>,
}

/// A user name tried from a source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Tried {
    user: u64,
    source: u64,
}

/// Who is not listened to from now on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Refused {
    /// This user name from there.
    User,
    /// Everybody from there who did not prove a password before.
    Source,
}

/// A failure for the log, its keys in their order.
pub(super) struct Report<'a> {
    pub method: &'a str,
    pub user: &'a str,
    pub source: IpAddr,
    pub transport: Transport,
    pub reason: &'static str,
}

impl Guard {
    /// Knows of no failure yet.
    pub fn new(config: &Config, secret: Secret) -> Guard {
        Guard {
            secret,
            failures_max: config.failures_max,
            failures_of_source_max: config.failures_of_source_max,
            failures: Aging::new(config.failures_within, AUTH_SOURCES_MAX),
            refused: Aging::new(config.refused_for, AUTH_SOURCES_MAX),
            proven: Aging::new(AUTH_PROVEN_FOR, AUTH_PROVEN_MAX),
        }
    }

    /// Other settings. What was counted stays.
    pub fn adopt(&mut self, config: &Config) {
        self.failures_max = config.failures_max;
        self.failures_of_source_max = config.failures_of_source_max;
        self.failures.live_for(config.failures_within);
        self.refused.live_for(config.refused_for);
    }

    /// Passwords may have changed: everybody may try again.
    pub fn forgive(&mut self) {
        self.failures.clear();
        self.refused.clear();
    }

    /// A user name tried from a source.
    pub fn tried(&self, source: Source, user: &str) -> Tried {
        let octets = source.octets();
        Tried {
            user: self.secret.hash(&[b"tried", &octets, user.as_bytes()]),
            source: self.secret.hash(&[b"tried", &octets]),
        }
    }

    /// Whether credentials are not looked at.
    pub fn refuses(&self, now: Moment, tried: Tried) -> bool {
        let Tried { user, source } = tried;
        let is_known = self.proven.get(now, user).is_some();
        self.refused.get(now, user).is_some()
            || (!is_known && self.refused.get(now, source).is_some())
    }

    /// A wrong password. Whether to tell of it, and who is refused from now on because of it.
    pub fn failed(&mut self, now: Moment, tried: Tried) -> (bool, Option<Refused>) {
        let of_source = self.count(now, tried.source);
        let of_user = self.count(now, tried.user);
        let is_reached = |count, max| max > 0 && count >= max;
        let refused = if is_reached(of_source, self.failures_of_source_max) {
            self.refused.put(now, tried.source, ());
            self.failures.remove(tried.source);
            Some(Refused::Source)
        } else if is_reached(of_user, self.failures_max) {
            self.refused.put(now, tried.user, ());
            self.failures.remove(tried.user);
            Some(Refused::User)
        } else {
            None
        };
        (of_source <= AUTH_FAILURES_TOLD, refused)
    }

    /// Credentials that could not be right, whatever the password. Whether to tell of it.
    pub fn slipped(&mut self, now: Moment, tried: Tried) -> bool {
        self.count(now, !tried.source) <= AUTH_FAILURES_TOLD
    }

    /// The right password.
    pub fn proved(&mut self, now: Moment, tried: Tried) {
        self.failures.remove(tried.user);
        if self.proven.get(now + AUTH_PROVEN_FOR / 2, tried.user).is_none() {
            self.proven.put(now, tried.user, ());
        }
    }

    fn count(&mut self, now: Moment, key: u64) -> u32 {
        let count = self.failures.entry(now, key);
        *count = count.saturating_add(1);
        *count
    }
}

impl Report<'_> {
    /// One line for one failure. Guards outside, such as fail2ban, read it.
    pub fn failed(&self) {
        let Report { method, source, transport, reason, .. } = self;
        let user = told(self.user);
        warn!(event = "auth_failed", method, user, %source, %transport, reason);
    }

    /// One line when somebody is not listened to any more.
    pub fn refused(&self, who: Refused) {
        let Report { method, source, transport, .. } = self;
        let user = told(self.user);
        let reason = match who {
            Refused::User => "failures_of_user",
            Refused::Source => "failures_of_source",
        };
        warn!(event = "auth_refused", method, user, %source, %transport, reason);
    }
}

/// A name that a stranger chose, so that it cannot be taken for anything else in the line.
fn told(user: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '+' | '@');
    let plain = |c: char| if is_plain(c) { c } else { '?' };
    user.chars().take(NAME_TOLD_MAX).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::auth::nonce::Nonces;

    const SECRET: Secret = Secret::new([7; 16]);

    fn guard() -> Guard {
        let config = Config {
            failures_max: 3,
            failures_of_source_max: 5,
            failures_within: Duration::from_secs(60),
            refused_for: Duration::from_secs(300),
            ..Config::default()
        };
        Guard::new(&config, SECRET)
    }

    fn source(address: &str) -> Source {
        let nonces = Nonces::new(&SECRET, 0, Duration::from_secs(300));
        nonces.source(address.parse().expect("an address"))
    }

    fn at(seconds: u64) -> Moment {
        Moment::ORIGIN + Duration::from_secs(seconds)
    }

    #[test]
    fn the_third_failure_of_a_name_refuses_that_name_from_there_and_nobody_else() {
        let mut guard = guard();
        let here = |guard: &Guard, user| guard.tried(source("192.0.2.1"), user);
        let tried = here(&guard, "101");
        for refused in [None, None, Some(Refused::User)] {
            assert!(!guard.refuses(at(0), tried));
            assert_eq!(guard.failed(at(0), tried), (true, refused));
        }
        assert!(guard.refuses(at(299), tried) && !guard.refuses(at(300), tried));
        assert!(!guard.refuses(at(0), here(&guard, "102")));
        assert!(!guard.refuses(at(0), guard.tried(source("192.0.2.2"), "101")));
    }

    #[test]
    fn failures_are_forgotten_when_their_time_is_over_or_the_password_is_right() {
        let mut guard = guard();
        let tried = guard.tried(source("192.0.2.1"), "101");
        for second in [0, 30, 60, 90, 120, 150] {
            assert_eq!(guard.failed(at(second), tried).1, None, "{second}");
        }
        let mut guard = super::tests::guard();
        for _ in 0..4 {
            assert_eq!(guard.failed(at(0), tried).1, None);
            guard.proved(at(0), tried);
        }
    }

    #[test]
    fn many_names_from_one_source_refuse_it_but_not_who_is_known_there() {
        let mut guard = guard();
        let of = |guard: &Guard, user: &str| guard.tried(source("192.0.2.1"), user);
        let known = of(&guard, "alice");
        guard.proved(at(0), known);
        let refused: Vec<_> = (0..5)
            .map(|n| {
                let tried = of(&guard, &format!("u{n}"));
                guard.failed(at(0), tried).1
            })
            .collect();
        assert_eq!(refused, [None, None, None, None, Some(Refused::Source)]);
        assert!(guard.refuses(at(1), of(&guard, "bob")));
        assert!(!guard.refuses(at(1), known));
        guard.forgive();
        assert!(!guard.refuses(at(1), of(&guard, "bob")));
    }

    #[test]
    fn nobody_is_refused_where_that_is_switched_off() {
        let config = Config { failures_max: 0, failures_of_source_max: 0, ..Config::default() };
        let mut guard = Guard::new(&config, SECRET);
        let tried = guard.tried(source("192.0.2.1"), "101");
        assert!((0..1000).all(|_| guard.failed(at(0), tried).1.is_none()));
        assert!(!guard.refuses(at(0), tried));
    }

    #[test]
    fn each_source_is_told_of_a_few_times_and_none_is_hidden_by_another() {
        let config = Config { failures_max: 0, failures_of_source_max: 0, ..Config::default() };
        let mut guard = Guard::new(&config, SECRET);
        for host in 1..=9 {
            let source = source(&format!("192.0.2.{host}"));
            let tried = |n: u32| guard.tried(source, &n.to_string());
            let all: Vec<Tried> = (0..100).map(tried).collect();
            let told = all.into_iter().filter(|tried| guard.failed(at(0), *tried).0).count();
            assert_eq!(told, AUTH_FAILURES_TOLD as usize);
        }
    }

    #[test]
    fn a_household_of_ipv6_is_one_source() {
        assert_eq!(source("2001:db8:1:2::1"), source("2001:db8:1:2:ffff::9"));
        assert_ne!(source("2001:db8:1:2::1"), source("2001:db8:1:3::1"));
        assert_eq!(source("::ffff:192.0.2.1"), source("192.0.2.1"));
        assert_ne!(source("192.0.2.1"), source("192.0.2.2"));
    }

    #[test]
    fn a_name_in_the_log_is_plain_and_short() {
        assert_eq!(told("101"), "101");
        assert_eq!(told("x\" source=192.0.2.9 \n\u{1b}[2J"), "x??source?192.0.2.9????2J");
        assert_eq!(told(&"é".repeat(999)), "?".repeat(NAME_TOLD_MAX));
    }
}
