//! Leases: what one source says of a person, and from when until when it says so.

use serde::{Deserialize, Serialize};

use super::activity::{Absence, Kind};
use super::input::Input;
use super::live::aftermath;
use super::manual::Manual;
use super::settings::Settings;
use super::{Alternate, Availability, Note};
use crate::base::time::Wall;
use crate::event::forwarding::Forward;

/// One statement of one source. Leases have a total order, so that two servers that know the
/// same compose the same: the newest counts, then the publisher's name, then what is said.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Lease {
    /// When it was last said.
    pub updated: Wall,
    /// Who said it.
    pub publisher: Box<str>,
    /// When it begins to hold; `None`: when it was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Wall>,
    /// When it ceases to hold; `None`: when it is taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Wall>,
    /// What is said.
    pub says: Says,
}

/// What a source can say, from the weightiest down.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Says {
    /// The organisation: this person is not to be reached here.
    Organisation(Standing),
    /// The person, by hand.
    Manual(Manual),
    /// A key, a PBX or a schedule: do not disturb.
    Dnd,
    /// Some call is answered, on hold or not. Ringing alone is nothing the person does.
    Call,
    /// In a call of many.
    Conference,
    /// The calendar.
    Event(Event),
    /// Out of office, whatever else goes on.
    OutOfOffice(OutOfOffice),
    /// The word of a device, set by its user or by itself.
    Device(Availability),
    /// An activity a device tells of.
    Doing(Kind),
    /// Hands on a device.
    Input(Input),
    /// Some service takes calls.
    Reachable,
    /// The person's own words.
    Note(Note),
    /// Who would know is out of touch; what it knew is unknown.
    Lost,
    /// How far clocks where the person is are ahead of UTC, in minutes.
    Offset(i16),
    /// Where calls go instead: told to the phones of the person, and nothing of what it does.
    Forward(Forward),
}

/// How the organisation sees a person.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// For the time being no member of it.
    Suspended,
    /// No member of it any more.
    Left,
}

/// An entry of a calendar.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// What it is; a private one is an appointment.
    pub kind: Kind,
    /// What it does to the time it takes.
    pub shown: Shown,
}

/// What an entry of a calendar does to the time it takes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shown {
    /// Taken (RFC 5545 §3.8.2.7, opaque).
    Busy,
    /// Perhaps taken: says nothing.
    Tentative,
    /// Free: says nothing.
    Free,
}

/// An absence of days.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OutOfOffice {
    /// Why.
    pub absence: Absence,
    /// What callers are told.
    pub note: Option<Note>,
    /// Who answers meanwhile.
    pub alternates: Vec<Alternate>,
}

impl Lease {
    /// A lease that holds from when it is said until it is taken back.
    pub fn new(updated: Wall, publisher: &str, says: Says) -> Lease {
        Lease { updated, publisher: publisher.into(), from: None, until: None, says }
    }

    /// From a time of its own.
    #[must_use]
    pub fn from(self, from: Wall) -> Lease {
        Lease { from: Some(from), ..self }
    }

    /// Until a time of its own.
    #[must_use]
    pub fn until(self, until: Wall) -> Lease {
        Lease { until: Some(until), ..self }
    }

    /// Whether it says what another says, whoever said it when.
    pub fn is_same(&self, other: &Lease) -> bool {
        (&self.says, self.from, self.until) == (&other.says, other.from, other.until)
    }

    /// When it began or begins.
    pub fn start(&self) -> Wall {
        self.from.unwrap_or(self.updated)
    }

    /// When it is over. What a person sets by hand is forgotten by hand, so it ends by itself.
    pub fn end(&self, settings: &Settings) -> Option<Wall> {
        match &self.says {
            Says::Manual(manual) => {
                let start = self.start();
                let usual = start + settings.manual_usual(manual.state);
                let longest = start + settings.manual_max;
                Some(self.until.unwrap_or(usual).min(longest))
            }
            _ => self.until,
        }
    }

    /// Whether it says something now. An end is the first moment at which it does not.
    pub fn holds(&self, settings: &Settings, now: Wall) -> bool {
        let begun = self.begins(settings).is_none_or(|from| from <= now);
        begun && self.end(settings).is_none_or(|until| now < until)
    }

    /// Whether it has nothing to say any more, now or later.
    pub fn is_over(&self, settings: &Settings, now: Wall) -> bool {
        let end = aftermath(self, settings).or(self.end(settings));
        end.is_some_and(|end| end <= now)
    }

    /// When it begins, if that is a time of its own.
    pub(super) fn begins(&self, settings: &Settings) -> Option<Wall> {
        match self.says {
            // A line that is torn for a moment is no news.
            Says::Lost => Some(self.start() + settings.lost_after),
            _ => self.from,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::event::status::manual::State;

    const NOON: Wall = Wall::from_unix_millis(1_772_452_800_000);

    fn at(seconds: u64) -> Wall {
        NOON + Duration::from_secs(seconds)
    }

    fn dnd() -> Lease {
        Lease::new(NOON, "alice", Says::Manual(Manual::new(State::Dnd)))
    }

    #[test]
    fn a_lease_holds_from_its_first_moment_and_not_at_its_last() {
        let settings = Settings::default();
        let lease = Lease::new(NOON, "cal", Says::Dnd).from(at(10)).until(at(20));
        for (seconds, holds) in [(9, false), (10, true), (19, true), (20, false)] {
            assert_eq!(lease.holds(&settings, at(seconds)), holds, "{seconds}");
        }
    }

    #[test]
    fn what_is_set_by_hand_ends_by_itself() {
        let settings = Settings::default();
        assert!(dnd().holds(&settings, at(3599)) && !dnd().holds(&settings, at(3600)));
        let longer = dnd().until(at(7200));
        assert!(longer.holds(&settings, at(7199)) && !longer.holds(&settings, at(7200)));
    }

    #[test]
    fn nothing_set_by_hand_outlives_what_is_allowed() {
        let settings = Settings { manual_max: Duration::from_secs(600), ..Settings::default() };
        let for_ever = dnd().until(at(1_000_000));
        assert!(for_ever.holds(&settings, at(599)) && !for_ever.holds(&settings, at(600)));
    }

    #[test]
    fn a_source_is_lost_after_a_while() {
        let settings = Settings::default();
        let lost = Lease::new(NOON, "pbx", Says::Lost);
        assert!(!lost.holds(&settings, at(89)) && lost.holds(&settings, at(90)));
    }

    #[test]
    fn a_lease_survives_being_written_down() {
        let lease = Lease::new(NOON, "alice", Says::OutOfOffice(OutOfOffice::default()));
        for lease in [dnd().until(at(7)), lease.from(at(1)), Lease::new(NOON, "x", Says::Lost)] {
            let text = serde_json::to_string(&lease).expect("text");
            assert_eq!(serde_json::from_str::<Lease>(&text).expect("read"), lease, "{text}");
        }
    }
}
