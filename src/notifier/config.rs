//! Settings of the notifier.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::limits;
use crate::base::span;
use crate::event::Pace;

/// Settings of the notifier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Least lifetime a subscription may ask for; shorter is refused with 423.
    #[serde(with = "span::text")]
    pub expires_min: Duration,
    /// Longest lifetime granted; longer is shortened.
    #[serde(with = "span::text")]
    pub expires_max: Duration,
    /// Subscriptions to one presentity; the next is refused with 403.
    pub watchers_max: usize,
    /// Subscriptions of one user; the next is refused with 403.
    pub subscriptions_of_user_max: usize,
    /// Subscriptions of all users from one address; the next is refused with 403.
    pub subscriptions_of_source_max: usize,
    /// By how much lifetimes granted in a storm are shortened at most, in percent.
    pub storm_spread: u8,
    /// What becomes of a subscription whose NOTIFY nobody answers.
    pub on_timeout: OnTimeout,
    /// When a suspended subscription is probed first; each further wait is twice the last, up to
    /// ten minutes.
    #[serde(with = "span::text")]
    pub probe_first: Duration,
    /// Whether NOTIFYs are paced at all. Off only to measure.
    pub paced: bool,
    /// The pace of single packages, where it is not the package's own.
    pub pace: BTreeMap<String, PaceSetting>,
}

/// The pace of one package.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PaceSetting {
    /// One NOTIFY per this span on average.
    #[serde(with = "span::text")]
    pub interval: Duration,
    /// So many may follow each other at once after a quiet time.
    pub burst: u32,
}

/// What becomes of a subscription whose NOTIFY nobody answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnTimeout {
    /// It is left alone, probed now and then, and goes on when the watcher is heard of.
    Suspend,
    /// It ends (RFC 6665 §4.2.2).
    Remove,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            expires_min: limits::EXPIRES_MIN,
            expires_max: limits::EXPIRES_MAX,
            watchers_max: limits::WATCHERS_MAX,
            subscriptions_of_user_max: limits::SUBSCRIPTIONS_OF_USER_MAX,
            subscriptions_of_source_max: limits::SUBSCRIPTIONS_OF_SOURCE_MAX,
            storm_spread: limits::STORM_SPREAD,
            on_timeout: OnTimeout::Suspend,
            probe_first: limits::PROBE_FIRST,
            paced: true,
            pace: BTreeMap::new(),
        }
    }
}

impl Config {
    /// What is wrong with these settings, if anything.
    pub fn check(&self) -> Result<(), String> {
        if self.expires_min > self.expires_max {
            return Err("notifier.expires_min is above notifier.expires_max".to_owned());
        }
        if self.probe_first.is_zero() {
            return Err("notifier.probe_first must be longer than 0s".to_owned());
        }
        if self.storm_spread > limits::STORM_SPREAD_MAX {
            return Err(format!(
                "notifier.storm_spread: write a number from 0 to {}",
                limits::STORM_SPREAD_MAX
            ));
        }
        match self.pace.iter().find(|(_, pace)| pace.burst == 0 || pace.interval.is_zero()) {
            Some((package, _)) => Err(format!(
                "notifier.pace.{package} needs an interval above 0s and a burst of at least 1"
            )),
            None => Ok(()),
        }
    }

    /// The pace of a package, given the package's own.
    pub fn pace(&self, package: &str, own: Pace) -> Pace {
        if !self.paced {
            return Pace { interval: Duration::ZERO, burst: 1 };
        }
        match self.pace.get(package) {
            Some(&PaceSetting { interval, burst }) => Pace { interval, burst },
            None => own,
        }
    }

    /// How long after the last attempt a suspended subscription is probed.
    pub fn probe_after(&self, probes: u8) -> Duration {
        self.probe_first
            .saturating_mul(1 << probes.min(16))
            .min(limits::PROBE_MAX.max(self.probe_first))
    }
}
