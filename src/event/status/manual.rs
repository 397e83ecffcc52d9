//! What a person sets by hand.

use serde::{Deserialize, Serialize};

use super::activity::Kind;
use super::{Alternate, Availability, Note};

/// A state set by hand. One counts for a person, the newest, whatever device it was set on.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manual {
    /// The state.
    pub state: State,
    /// What the person says to be doing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub activities: Vec<Kind>,
    /// What others are told about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Note>,
    /// Who answers meanwhile.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alternates: Vec<Alternate>,
}

/// The states a person can set.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// None: whatever else is known counts.
    Automatic,
    /// Willing, whatever the calendar says. A call still shows.
    Available,
    /// Occupied.
    Busy,
    /// Away.
    Away,
    /// Away for a moment.
    Brb,
    /// Not to be disturbed.
    Dnd,
    /// No calls of queues; everything else goes on and shows.
    NoQueues,
    /// Looks offline to others; everything else goes on.
    Invisible,
}

/// The words for the states, the first of each the one we write.
const WORDS: &[(&str, State)] = &[
    ("automatic", State::Automatic),
    ("auto", State::Automatic),
    ("available", State::Available),
    ("busy", State::Busy),
    ("away", State::Away),
    ("brb", State::Brb),
    ("be-right-back", State::Brb),
    ("dnd", State::Dnd),
    ("do-not-disturb", State::Dnd),
    ("no-queues", State::NoQueues),
    ("invisible", State::Invisible),
];

impl Manual {
    /// A state without any words.
    pub fn new(state: State) -> Manual {
        Manual { state, activities: Vec::new(), note: None, alternates: Vec::new() }
    }

    /// With a note.
    #[must_use]
    pub fn with_note(self, note: Note) -> Manual {
        Manual { note: Some(note), ..self }
    }
}

impl State {
    /// From a word of a command or a document, in any case.
    pub fn from_text(text: &str) -> Option<State> {
        let found = WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(text.trim()));
        found.map(|(_, state)| *state)
    }

    /// As we write it.
    pub fn as_text(self) -> &'static str {
        WORDS.iter().find(|(_, state)| *state == self).map_or("", |(word, _)| word)
    }

    /// The availability it asks for; those that ask for none leave it to what else is known.
    pub fn availability(self) -> Option<Availability> {
        match self {
            State::Automatic | State::NoQueues | State::Invisible => None,
            State::Available => Some(Availability::Available),
            State::Busy => Some(Availability::Busy),
            State::Away => Some(Availability::Away),
            State::Brb => Some(Availability::Brb),
            State::Dnd => Some(Availability::Dnd),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_read_from_its_words() {
        for (word, state) in WORDS {
            assert_eq!(State::from_text(&word.to_uppercase()), Some(*state));
            assert_eq!(State::from_text(state.as_text()), Some(*state));
        }
        assert_eq!(State::from_text("out-of-office"), None, "an absence, not a state");
    }

    #[test]
    fn a_state_set_by_hand_may_say_more_than_its_word() {
        let text = r#"{"state":"away","activities":["meal"],"note":{"text":"Soup"}}"#;
        let manual: Manual = serde_json::from_str(text).expect("read");
        assert_eq!(manual.activities, [Kind::Meal]);
        assert_eq!(serde_json::to_string(&manual).expect("written"), text);
    }
}
