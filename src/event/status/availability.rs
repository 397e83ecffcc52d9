//! Availability: one of eight words for what somebody may expect who wants to call.

use serde::{Deserialize, Serialize};

use crate::doc::fanal;

/// May I interrupt? Activities say why, `basic` says whether the phone would ring.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Availability {
    /// Reachable and willing.
    Available,
    /// Reachable, but no hand on any device for a while.
    Idle,
    /// Not at any device for longer, or said to be away.
    Away,
    /// Away for a moment, said by hand.
    Brb,
    /// Occupied; may be interrupted.
    Busy,
    /// Do not interrupt, do not ring.
    Dnd,
    /// No service can be reached.
    #[default]
    Offline,
    /// A source is lost, and with it what it knew.
    Unknown,
}

impl Availability {
    /// All of them.
    pub const ALL: [Availability; 8] = [
        Availability::Available,
        Availability::Idle,
        Availability::Away,
        Availability::Brb,
        Availability::Busy,
        Availability::Dnd,
        Availability::Offline,
        Availability::Unknown,
    ];

    /// The words, as documents have them, in the order of [`Availability::ALL`].
    pub const WORDS: &[&str] = fanal::AVAILABILITIES;

    /// As documents have it.
    pub fn as_text(self) -> &'static str {
        match self {
            Availability::Available => "available",
            Availability::Idle => "idle",
            Availability::Away => "away",
            Availability::Brb => "brb",
            Availability::Busy => "busy",
            Availability::Dnd => "dnd",
            Availability::Offline => "offline",
            Availability::Unknown => "unknown",
        }
    }

    /// From a word of a document, in lower case.
    pub fn from_text(text: &str) -> Option<Availability> {
        Availability::ALL.into_iter().find(|known| known.as_text() == text)
    }

    /// What to tell people who read no more than a line.
    pub fn note(self) -> &'static str {
        match self {
            Availability::Available => "Available",
            Availability::Idle => "Idle",
            Availability::Away => "Away",
            Availability::Brb => "Be right back",
            Availability::Busy => "Busy",
            Availability::Dnd => "Do not disturb",
            Availability::Offline => "Offline",
            Availability::Unknown => "Unknown",
        }
    }

    /// Whether a lamp would be green: a call is welcome, as far as this goes.
    pub fn is_inviting(self) -> bool {
        matches!(self, Availability::Available | Availability::Idle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_read_as_it_is_written() {
        for (known, word) in Availability::ALL.into_iter().zip(Availability::WORDS) {
            assert_eq!(known.as_text(), *word);
            assert_eq!(Availability::from_text(word), Some(known));
            assert_eq!(serde_json::to_string(&known).expect("a word"), format!("\"{word}\""));
        }
        assert_eq!(Availability::from_text("Busy"), None);
    }

    #[test]
    fn only_two_are_green() {
        let green: Vec<_> = Availability::ALL.into_iter().filter(|a| a.is_inviting()).collect();
        assert_eq!(green, [Availability::Available, Availability::Idle]);
    }
}
