//! What inside sources have to say: facts that no PUBLISH brought.

use serde::{Deserialize, Serialize};

use super::Source;
use super::status::{Brief, Lease};

/// A fact about a presentity, from within.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Observation {
    /// How many contacts are registered for it; 0 when the last has expired.
    Registered {
        /// Live bindings.
        contacts: usize,
    },
    /// What its calls are doing.
    Lines(Lines),
    /// Everything one channel says of the person, in place of what it said before; nothing
    /// takes it back.
    Said(Vec<Lease>),
    /// The person's status, for packages that follow it.
    Person(Brief),
}

/// What rules may depend on, beside who asks and when.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Circumstances {
    /// The sphere the person is in (RFC 4480 §3.10); `None` if nobody knows or devices disagree.
    pub sphere: Option<String>,
    /// Whether the person wishes to be seen by nobody.
    pub invisible: bool,
    /// Whether the person has taken the day off.
    pub day_off: bool,
}

/// A presentity's calls in brief.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Lines {
    /// Some call is answered (held or not).
    pub confirmed: bool,
    /// Some call rings here.
    pub ringing: bool,
}

/// A way by which an edge speaks of a person: what about, and which of several such edges.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Channel {
    /// What it is about.
    pub topic: Topic,
    /// Tells apart the feeds, connectors or keys of one topic; 0 where there is one.
    pub number: u32,
}

/// What a channel is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Topic {
    /// The organisation's word.
    Organisation,
    /// The state set by hand: one for a person, whatever it was set with.
    Manual,
    /// The person's own words.
    Note,
    /// An absence announced by hand.
    Absence,
    /// Flags, keys and schedules that forbid to disturb.
    Dnd,
    /// Conferences and meetings under way.
    Conference,
    /// Calendars.
    Calendar,
    /// Hands on devices that publish nothing.
    Input,
    /// Whether who watches the lines is in touch.
    Connector,
    /// Calendars that are fetched, not sent.
    Feed,
    /// Hours that recur every week by the settings.
    Hours,
    /// Where calls go instead.
    Forwarding,
}

impl From<Channel> for Source {
    fn from(channel: Channel) -> Source {
        Source::Inside(channel)
    }
}

impl Topic {
    /// The one channel of a topic that has one for each person.
    pub const fn only(self) -> Channel {
        Channel { topic: self, number: 0 }
    }

    /// One of several channels.
    pub const fn number(self, number: u32) -> Channel {
        Channel { topic: self, number }
    }
}
