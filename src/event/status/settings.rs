//! The settings of statuses: how long things last, and what beats what where people differ.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::manual::State;
use crate::base::limits;
use crate::base::span;
use crate::event::profile::{Documents, ProfileRule};

/// The settings of statuses.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// After how long without a touch on any device somebody is idle.
    #[serde(with = "span::text")]
    pub idle_after: Duration,
    /// After how long without a touch on any device somebody is away.
    #[serde(with = "span::text")]
    pub away_after: Duration,
    /// How long "do not disturb" lasts that names no end.
    #[serde(with = "span::text")]
    pub manual_dnd: Duration,
    /// How long "busy" lasts that names no end.
    #[serde(with = "span::text")]
    pub manual_busy: Duration,
    /// How long "be right back" lasts that names no end.
    #[serde(with = "span::text")]
    pub manual_brb: Duration,
    /// How long any other state set by hand lasts that names no end.
    #[serde(with = "span::text")]
    pub manual_other: Duration,
    /// Longest that a state set by hand may last.
    #[serde(with = "span::text")]
    pub manual_max: Duration,
    /// How long a source may be out of touch before what it knew counts as unknown.
    #[serde(with = "span::text")]
    pub lost_after: Duration,
    /// What shows of somebody who says to be available and is in a call.
    pub available_in_call: Winner,
    /// What focus time in the calendar makes of somebody.
    pub focus: Focus,
    /// What the services of somebody who is not to be disturbed are said to be.
    pub dnd_basic: DndBasic,
    /// Whether a note such as "Lunch" or "On the phone" is read as the state it names.
    pub read_words: bool,
    /// The presence documents for watchers that no profile speaks of.
    pub documents: Documents,
    /// Profiles for devices, by what they call themselves; the first that fits counts, then
    /// those built in.
    #[serde(rename = "profile")]
    pub profiles: Vec<ProfileRule>,
}

/// Of "available" set by hand and a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Winner {
    /// The call shows.
    #[default]
    Call,
    /// The hand wins.
    Manual,
}

/// What focus time is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Focus {
    /// As any other entry.
    #[default]
    Busy,
    /// Not to be disturbed.
    Dnd,
}

/// Whether somebody who is not to be disturbed can be reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DndBasic {
    /// Lamps and buddy lists stay as they are; the refusal is told by the answer to a call.
    #[default]
    Open,
    /// Calls would be refused, so the services are closed.
    Closed,
}

/// The settings in force; packages in use learn of others.
#[derive(Debug, Default)]
pub struct InForce(RwLock<Arc<Settings>>);

impl InForce {
    /// These.
    pub fn new(settings: Arc<Settings>) -> InForce {
        InForce(RwLock::new(settings))
    }

    /// As they are now.
    pub fn now(&self) -> Arc<Settings> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on these. False if they were before.
    pub fn replace(&self, settings: &Settings) -> bool {
        let mut now = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let differs = **now != *settings;
        if differs {
            *now = Arc::new(settings.clone());
        }
        differs
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            idle_after: limits::IDLE_AFTER,
            away_after: limits::AWAY_AFTER,
            manual_dnd: limits::MANUAL_DND,
            manual_busy: limits::MANUAL_BUSY,
            manual_brb: limits::MANUAL_BRB,
            manual_other: limits::MANUAL_OTHER,
            manual_max: limits::MANUAL_MAX,
            lost_after: limits::LOST_AFTER,
            available_in_call: Winner::default(),
            focus: Focus::default(),
            dnd_basic: DndBasic::default(),
            read_words: true,
            documents: Documents::default(),
            profiles: Vec::new(),
        }
    }
}

impl Settings {
    /// Whether the settings make sense.
    pub fn check(&self) -> Result<(), String> {
        if self.away_after < self.idle_after {
            return Err("status.away_after: not before idle_after".into());
        }
        if self.idle_after.is_zero() {
            return Err("status.idle_after: longer than nothing".into());
        }
        let spans = [
            ("manual_dnd", self.manual_dnd),
            ("manual_busy", self.manual_busy),
            ("manual_brb", self.manual_brb),
            ("manual_other", self.manual_other),
        ];
        for (name, span) in spans {
            if span.is_zero() || span > self.manual_max {
                return Err(format!("status.{name}: longer than nothing, at most manual_max"));
            }
        }
        Ok(())
    }

    /// How long a state set by hand lasts that names no end.
    pub(super) fn manual_usual(&self, state: State) -> Duration {
        match state {
            State::Dnd => self.manual_dnd,
            State::Busy => self.manual_busy,
            State::Brb => self.manual_brb,
            State::Automatic
            | State::Available
            | State::Away
            | State::NoQueues
            | State::Invisible => self.manual_other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_set_is_the_default() {
        let settings: Settings =
            serde_json::from_str(r#"{"idle_after":"2m","focus":"dnd"}"#).expect("settings");
        assert_eq!(settings.idle_after, Duration::from_secs(120));
        assert_eq!(settings.focus, Focus::Dnd);
        assert_eq!(settings.away_after, limits::AWAY_AFTER);
        assert!(serde_json::from_str::<Settings>(r#"{"idle":"2m"}"#).is_err(), "a slip");
    }

    #[test]
    fn settings_that_contradict_themselves_are_refused() {
        assert_eq!(Settings::default().check(), Ok(()));
        let wrong = Settings { away_after: Duration::from_secs(1), ..Settings::default() };
        assert!(wrong.check().is_err_and(|why| why.contains("away_after")));
        let wrong = Settings { manual_max: Duration::from_secs(1), ..Settings::default() };
        assert!(wrong.check().is_err_and(|why| why.contains("manual_dnd")));
        let wrong = Settings { idle_after: Duration::ZERO, ..Settings::default() };
        assert!(wrong.check().is_err_and(|why| why.contains("idle_after")));
    }
}
