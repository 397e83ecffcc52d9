//! Who asks, and how often: tokens and their rates.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use axum::http::{HeaderMap, header};

use super::config::{Scope, Token};
use super::fault::Fault;
use crate::auth::Bearer;
use crate::base::identity::{Aor, Identity};
use crate::base::limits::{HTTP_BURST, HTTP_RATE, HTTP_STRANGERS_BURST, HTTP_STRANGERS_RATE};
use crate::base::uri::Uri;

/// Everybody who may ask.
pub struct Access {
    known: Vec<Known>,
    /// For all together who show no token, or a wrong one.
    strangers: Mutex<Bucket>,
}

/// One who may ask.
pub struct Known {
    token: Token,
    watcher: Aor,
    bucket: Mutex<Bucket>,
}

impl Access {
    /// For these tokens.
    pub fn new(tokens: &[Token]) -> Access {
        let known = |token: &Token| {
            let bucket = Mutex::new(Bucket::full(HTTP_RATE, HTTP_BURST));
            Some(Known { watcher: token.watcher()?, token: token.clone(), bucket })
        };
        Access {
            known: tokens.iter().filter_map(known).collect(),
            strangers: Mutex::new(Bucket::full(HTTP_STRANGERS_RATE, HTTP_STRANGERS_BURST)),
        }
    }

    /// Who asks, if that one may do this, and not too often.
    pub fn of(&self, headers: &HeaderMap, scope: Scope) -> Result<&Known, Fault> {
        let known = self.known(headers)?;
        match known.token.may(scope) {
            true => Ok(known),
            false => Err(Fault::forbidden(format!(
                "the token \"{}\" lacks the scope {}",
                known.token.name,
                name(scope)
            ))),
        }
    }

    /// Who asks, not too often.
    pub fn known(&self, headers: &HeaderMap) -> Result<&Known, Fault> {
        let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let shown = shown.and_then(|value| value.split_once(' '));
        let shown = shown.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let known = shown.and_then(|(_, token)| {
            let shown = Bearer::of(token.trim());
            // Every token is looked at, so that time tells nothing.
            self.known.iter().fold(None, |found, known| match known.token.secret.is(&shown) {
                true => Some(known),
                false => found,
            })
        });
        match known {
            Some(known) if take(&known.bucket) => Ok(known),
            Some(_) => Err(Fault::too_many()),
            None => match self.let_stranger() {
                Ok(()) => Err(Fault::unknown_token()),
                Err(fault) => Err(fault),
            },
        }
    }

    /// One more of those who show no token, if there are not too many.
    pub fn let_stranger(&self) -> Result<(), Fault> {
        if take(&self.strangers) { Ok(()) } else { Err(Fault::too_many()) }
    }
}

impl Known {
    /// As whom it watches.
    pub fn watcher(&self) -> Identity {
        Identity::User(self.watcher.clone())
    }

    /// As whom it sets states: itself, or one who speaks for everybody.
    pub fn setter(&self) -> Result<Identity, Fault> {
        self.speaker(Scope::Set, Scope::SetAny)
    }

    /// As whom it speaks by these scopes: for itself, or for everybody.
    pub fn speaker(&self, own: Scope, any: Scope) -> Result<Identity, Fault> {
        if self.token.may(any) {
            let address = std::net::Ipv4Addr::LOCALHOST.into();
            return Ok(Identity::Peer { address, asserted: Some(self.watcher.clone()) });
        }
        match self.token.may(own) {
            true => Ok(self.watcher()),
            false => {
                let what =
                    format!("the token \"{}\" lacks the scope {}", self.token.name, name(own));
                Err(Fault::forbidden(what))
            }
        }
    }

    /// The domain of bare numbers, if it has one of its own.
    pub fn domain(&self) -> Option<&str> {
        self.token.domains.first().map(String::as_str)
    }

    /// Whether it may speak of anybody there.
    pub fn reaches(&self, uri: &Uri) -> bool {
        let host = uri.canonical_host();
        let domains = &self.token.domains;
        domains.is_empty() || domains.iter().any(|domain| domain.eq_ignore_ascii_case(&host))
    }

    /// Whether it may look at what was set for somebody.
    pub fn may_look_at(&self, aor: &Aor) -> bool {
        self.watcher == *aor || self.token.may(Scope::SetAny) || self.token.may(Scope::Why)
    }
}

fn name(scope: Scope) -> &'static str {
    match scope {
        Scope::Read => "read",
        Scope::Set => "set",
        Scope::SetAny => "set-any",
        Scope::Why => "why",
        Scope::Rules => "rules",
        Scope::RulesAny => "rules-any",
    }
}

/// So many at once after a quiet time, so many a second on average.
struct Bucket {
    rate: f64,
    burst: f64,
    left: f64,
    at: Instant,
}

impl Bucket {
    fn full(rate: u32, burst: u32) -> Bucket {
        let (rate, burst) = (f64::from(rate), f64::from(burst));
        Bucket { rate, burst, left: burst, at: Instant::now() }
    }

    fn take(&mut self, now: Instant) -> bool {
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        self.left = (self.left + since * self.rate).min(self.burst);
        self.at = now;
        let has = self.left >= 1.0;
        self.left -= f64::from(u8::from(has));
        has
    }
}

fn take(bucket: &Mutex<Bucket>) -> bool {
    bucket.lock().unwrap_or_else(PoisonError::into_inner).take(Instant::now())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate_counts() {
        let mut bucket = Bucket::full(2, 3);
        let now = bucket.at;
        assert_eq!((0..9).filter(|_| bucket.take(now)).count(), 3);
        let later = now + Duration::from_secs(1);
        assert_eq!((0..9).filter(|_| bucket.take(later)).count(), 2);
        let long = later + Duration::from_secs(3600);
        assert_eq!((0..9).filter(|_| bucket.take(long)).count(), 3);
    }

    #[test]
    fn who_shows_no_token_is_nobody_and_a_token_does_what_it_may() {
        let token = Token {
            name: "a".to_owned(),
            secret: Bearer::of("0123456789abcdef"),
            identity: "102@example.com".to_owned(),
            scopes: vec![Scope::Read],
            domains: Vec::new(),
        };
        let access = Access::new(&[token]);
        let with = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, value.parse().expect("a value"));
            headers
        };
        assert!(access.of(&HeaderMap::new(), Scope::Read).is_err());
        assert!(access.of(&with("Bearer 0123456789abcdee"), Scope::Read).is_err());
        assert!(access.of(&with("Basic 0123456789abcdef"), Scope::Read).is_err());
        let good = with("bearer 0123456789abcdef");
        assert!(access.of(&good, Scope::Read).is_ok());
        assert!(access.of(&good, Scope::Why).is_err());
        assert!(access.known(&good).is_ok_and(|known| known.setter().is_err()));
    }
}
