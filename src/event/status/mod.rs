//! The status of a person: one model, composed from all that is said of them and the time.
//!
//! Sources speak in [`Lease`]s, each with its own end. [`compose()`] makes one [`Status`] of them,
//! the same whatever the order they came in; [`person`] writes it into presence documents,
//! [`reading`] finds leases in those that are published.

use serde::{Deserialize, Serialize};

use crate::base::limits;
use crate::base::time::Wall;
use crate::doc::pidf::Basic;

pub mod activity;
pub mod availability;
pub mod compose;
pub mod feed;
pub mod input;
pub mod lease;
mod live;
pub mod manual;
pub mod person;
pub mod phone;
pub mod reading;
pub mod settings;
pub mod why;
pub mod words;

pub use activity::{Absence, Activity, Kind};
pub use availability::Availability;
pub use compose::{compose, explain};
pub use input::{Input, Seen};
pub use lease::{Event, Lease, OutOfOffice, Says, Shown, Standing};
pub use manual::{Manual, State};
pub use settings::Settings;
pub use why::{Reason, reasons};

/// What is known of a person at one moment.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Status {
    /// May I interrupt?
    pub availability: Availability,
    /// What it would be if any service could be reached, for somebody who is offline and said
    /// why.
    pub reason: Option<Availability>,
    /// Whether the main service takes calls; `None` says nothing.
    pub basic: Option<Basic>,
    /// What the person is doing, what matters most first.
    pub activities: Vec<Activity>,
    /// The person's own words.
    pub note: Option<Note>,
    /// Since when the availability holds, where its source says so.
    pub since: Option<Wall>,
    /// Until when it holds, where its source says so.
    pub until: Option<Wall>,
    /// When hands were last on a device.
    pub input: Option<Seen>,
    /// Who answers meanwhile.
    pub alternates: Vec<Alternate>,
    /// Absences that are known in advance, the nearest first.
    pub coming: Vec<Coming>,
    /// How far clocks where the person is are ahead of UTC, in minutes.
    pub time_offset: Option<i16>,
    /// Whether some source spoke of the person, and not only of a service.
    pub fresh: bool,
    /// The organisation's word, where it has dismissed the person: nothing else is told.
    pub dismissed: Option<Standing>,
    /// What of this is not for others to see.
    pub hidden: Hidden,
}

/// Text a person shows to others.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Note {
    /// The text.
    pub text: String,
    /// Its language (`xml:lang`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// A picture before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emoji: Option<String>,
}

/// Somebody who answers for somebody else.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Alternate {
    /// Their address.
    pub contact: String,
    /// Their name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A word of RFC 4480 §3.9, such as `assistant`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relationship: Option<String>,
}

/// An absence that is known in advance (RFC 4481).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Coming {
    /// When it begins.
    pub from: Wall,
    /// When it ends.
    pub until: Option<Wall>,
    /// What it is.
    pub kind: Kind,
    /// What callers will be told.
    pub note: Option<Note>,
}

/// What of a status is not for others to see.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Hidden {
    /// Nothing.
    #[default]
    Nothing,
    /// That the person is in a call: who must not be disturbed need not say why.
    Calls,
    /// Everything: to others the person is offline.
    Person,
}

/// A status in brief, for whom the whole is too much: lamps, and who chooses views.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Brief {
    /// May I interrupt?
    pub availability: Availability,
    /// Whether the person is not to be disturbed, reachable or not.
    pub dnd: bool,
    /// Whether others must see nothing of the person in any package.
    pub invisible: bool,
}

impl Note {
    /// Text alone, cut where it is too long.
    pub fn new(text: &str) -> Note {
        Note { text: cut(text, limits::NOTE_OCTETS_MAX).to_owned(), ..Note::default() }
    }

    /// In a language.
    #[must_use]
    pub fn in_language(self, language: &str) -> Note {
        Note { language: Some(language.to_owned()), ..self }
    }

    /// With a picture before the text.
    #[must_use]
    pub fn with_emoji(self, emoji: &str) -> Note {
        Note { emoji: Some(emoji.to_owned()), ..self }
    }

    /// Picture and text: every client shows text.
    pub fn line(&self) -> String {
        let text = cut(&self.text, limits::NOTE_OCTETS_MAX);
        match self.emoji.as_deref().filter(|emoji| !emoji.is_empty()) {
            Some(emoji) if text.is_empty() => emoji.to_owned(),
            // What was published with the picture in the text has it once.
            Some(emoji) if !text.starts_with(emoji) => format!("{emoji} {text}"),
            _ => text.to_owned(),
        }
    }
}

impl Status {
    /// What others see, who may see everything that is shown at all.
    #[must_use]
    pub fn for_others(&self) -> Status {
        let mut seen = self.clone();
        match self.hidden {
            Hidden::Nothing => {}
            Hidden::Calls => seen.activities.retain(|activity| !activity.kind.is_a_call()),
            Hidden::Person => {
                seen = Status { basic: Some(Basic::Closed), ..Status::default() };
            }
        }
        seen.hidden = Hidden::Nothing;
        seen
    }

    /// What is left for those who may see nothing but whether services take calls.
    #[must_use]
    pub fn bare(&self) -> Status {
        let availability = match self.basic {
            Some(Basic::Open) => Availability::Available,
            Some(Basic::Closed) => Availability::Offline,
            None => Availability::Unknown,
        };
        Status { availability, basic: self.basic, ..Status::default() }
    }

    /// The status in brief.
    pub fn brief(&self) -> Brief {
        let meant = self.reason.unwrap_or(self.availability);
        Brief {
            availability: self.availability,
            dnd: meant == Availability::Dnd && self.hidden != Hidden::Person,
            invisible: self.hidden == Hidden::Person,
        }
    }

    /// The one line for people who read no more, if there is anything to tell.
    pub fn line(&self) -> Option<Note> {
        if let Some(note) = &self.note {
            return Some(note.clone());
        }
        let meant = self.reason.unwrap_or(self.availability);
        let silent = match meant {
            Availability::Available => !self.fresh,
            Availability::Offline => self.activities.is_empty(),
            _ => false,
        };
        if silent {
            return None;
        }
        // The first activity that explains the availability; others would belie it.
        let fits = |kind: &Kind| match (meant, kind.implies()) {
            (Availability::Available | Availability::Offline, None) => true,
            (Availability::Dnd | Availability::Brb | Availability::Unknown, _) => false,
            (meant, implied) => implied == Some(meant),
        };
        let kinds = self.activities.iter().map(|activity| &activity.kind);
        let words = kinds.filter(|kind| fits(kind)).find_map(Kind::note);
        Some(Note::new(words.unwrap_or(meant.note())))
    }
}

/// The beginning of a text that has so many octets at most.
pub(super) fn cut(text: &str, octets_max: usize) -> &str {
    let end = (0..=octets_max.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_stands_before_the_text_once() {
        let note = Note::new("Back on Friday").with_emoji("\u{1F3D6}");
        assert_eq!(note.line(), "\u{1F3D6} Back on Friday");
        assert_eq!(Note::new(&note.line()).with_emoji("\u{1F3D6}").line(), note.line());
        assert_eq!(Note::new("").with_emoji("\u{1F3D6}").line(), "\u{1F3D6}");
        assert_eq!(Note::new("plain").line(), "plain");
    }

    #[test]
    fn a_note_is_cut_between_two_letters() {
        let long = "\u{e9}".repeat(limits::NOTE_OCTETS_MAX);
        assert_eq!(Note::new(&long).text.len(), limits::NOTE_OCTETS_MAX);
        assert_eq!(cut("\u{1F3D6}", 3), "");
    }

    #[test]
    fn an_invisible_person_is_offline_to_others() {
        let hidden = Status {
            availability: Availability::Busy,
            basic: Some(Basic::Open),
            activities: vec![Activity::new(Kind::OnThePhone)],
            note: Some(Note::new("x")),
            fresh: true,
            hidden: Hidden::Person,
            ..Status::default()
        };
        let offline = Status { basic: Some(Basic::Closed), ..Status::default() };
        assert_eq!(hidden.for_others(), offline);
        assert!(hidden.brief().invisible && !hidden.brief().dnd);
    }

    #[test]
    fn of_a_bare_status_only_the_services_are_seen() {
        let busy = Status {
            availability: Availability::Busy,
            basic: Some(Basic::Open),
            note: Some(Note::new("x")),
            fresh: true,
            ..Status::default()
        };
        let bare = busy.bare();
        assert_eq!((bare.availability, bare.line()), (Availability::Available, None));
        assert_eq!(Status::default().bare().availability, Availability::Unknown);
    }

    #[test]
    fn the_line_is_the_note_or_what_explains_the_availability() {
        let status = |availability, kinds: &[Kind]| Status {
            availability,
            activities: kinds.iter().cloned().map(Activity::new).collect(),
            fresh: true,
            ..Status::default()
        };
        for (status, line) in [
            (status(Availability::Available, &[]), "Available"),
            (status(Availability::Busy, &[]), "Busy"),
            (status(Availability::Busy, &[Kind::InAMeeting]), "In a meeting"),
            (status(Availability::Dnd, &[Kind::OnThePhone]), "Do not disturb"),
            (status(Availability::Away, &[Kind::InAMeeting, Kind::Meal]), "Lunch"),
            (status(Availability::Away, &[Kind::Custom("Garden".into())]), "Away"),
            (status(Availability::Available, &[Kind::Custom("Garden".into())]), "Garden"),
        ] {
            assert_eq!(status.line().map(|note| note.text).as_deref(), Some(line));
        }
        assert_eq!(status(Availability::Offline, &[]).line(), None);
    }
}
