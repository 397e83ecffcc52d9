//! Hands on devices: who has touched nothing for a while is idle, and later away.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Availability;
use super::settings::Settings;
use crate::base::time::Wall;

/// What one device knows of the hands on it (`user-input` of RFC 4480 §3.13).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// What it says of now.
    pub now: Hands,
    /// When it was touched last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Wall>,
    /// After how many seconds without a touch the device itself says idle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_threshold: Option<u64>,
}

/// What a device says of now.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hands {
    /// In use. The device tells when that is over.
    Active,
    /// Not in use.
    Idle,
    /// It only tells when it was touched last; the clock says the rest.
    Clock,
}

/// What all devices together know.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Seen {
    /// Whether some device is in use.
    pub active: bool,
    /// When the person was last seen at any of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Wall>,
}

/// What one device's word means now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Meaning {
    /// Available, idle or away.
    pub availability: Availability,
    /// Since when; `None` where the device does not say.
    pub since: Option<Wall>,
    /// When the clock alone makes it something else.
    pub next: Option<Wall>,
}

impl Input {
    /// A device that tells when it was touched last.
    pub fn touched(last: Wall) -> Input {
        Input { now: Hands::Clock, last: Some(last), idle_threshold: None }
    }

    /// A device in use.
    pub fn active(last: Option<Wall>) -> Input {
        Input { now: Hands::Active, last, idle_threshold: None }
    }

    /// A device nobody touches.
    pub fn idle(last: Option<Wall>) -> Input {
        Input { now: Hands::Idle, last, idle_threshold: None }
    }

    /// What it means now, if it was said at `updated`.
    pub(super) fn means(&self, updated: Wall, settings: &Settings, now: Wall) -> Meaning {
        let available = Meaning { availability: Availability::Available, since: None, next: None };
        if self.now == Hands::Active {
            return available;
        }
        // Who says idle without saying since when has waited for its threshold.
        let threshold = self.idle_threshold.map_or(settings.idle_after, Duration::from_secs);
        let last = self.last.unwrap_or_else(|| before(updated, threshold));
        let (idle, away) = (last + settings.idle_after, last + settings.away_after);
        if away <= now {
            return Meaning { availability: Availability::Away, since: Some(away), next: None };
        }
        if idle <= now {
            let next = Some(away);
            return Meaning { availability: Availability::Idle, since: Some(idle), next };
        }
        Meaning { next: Some(idle.min(away)), ..available }
    }
}

fn before(wall: Wall, span: Duration) -> Wall {
    let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    Wall::from_unix_millis(wall.as_unix_millis().saturating_sub(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Wall = Wall::from_unix_millis(1_772_452_800_000);

    fn at(seconds: u64) -> Wall {
        NOON + Duration::from_secs(seconds)
    }

    fn after(input: &Input, seconds: u64) -> (Availability, Option<Wall>) {
        let meaning = input.means(NOON, &Settings::default(), at(seconds));
        (meaning.availability, meaning.next)
    }

    #[test]
    fn the_clock_makes_idle_and_then_away() {
        let input = Input::touched(NOON);
        assert_eq!(after(&input, 299), (Availability::Available, Some(at(300))));
        assert_eq!(after(&input, 300), (Availability::Idle, Some(at(600))));
        assert_eq!(after(&input, 599), (Availability::Idle, Some(at(600))));
        assert_eq!(after(&input, 600), (Availability::Away, None));
    }

    #[test]
    fn a_device_that_says_active_is_believed() {
        assert_eq!(after(&Input::active(Some(NOON)), 3600), (Availability::Available, None));
    }

    #[test]
    fn a_device_that_says_idle_has_waited_for_its_threshold() {
        assert_eq!(after(&Input::idle(None), 0), (Availability::Idle, Some(at(300))));
        let hasty = Input { idle_threshold: Some(60), ..Input::idle(None) };
        assert_eq!(after(&hasty, 0), (Availability::Available, Some(at(240))));
        assert_eq!(after(&hasty, 240).0, Availability::Idle);
    }

    #[test]
    fn a_touch_in_the_future_is_a_touch() {
        assert_eq!(after(&Input::touched(at(50)), 0), (Availability::Available, Some(at(350))));
    }
}
