//! Activities: what a person is doing. Ours are finer than RPID's (RFC 4480 §3.2); each travels
//! as words that every watcher knows.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Availability;
use crate::base::time::Wall;
use crate::doc::rpid;

/// Something a person is doing, and for how long if that is known.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Activity {
    /// What it is.
    pub kind: Kind,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Wall>,
}

/// What a person may be doing, in the order it is told: what matters most to a caller first.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// In a call.
    OnThePhone,
    /// In a call of many.
    InAConference,
    /// The screen is seen by others.
    Presenting,
    /// The calendar says so.
    InAMeeting,
    /// The calendar says no more.
    Appointment,
    /// Time kept free of interruptions.
    Focusing,
    /// Between two calls of a queue.
    WrapUp,
    /// Takes calls, but none of a queue.
    NoQueues,
    /// Eating.
    Meal,
    /// On the way.
    Travelling,
    /// Absent for days, whatever else goes on.
    OutOfOffice(Absence),
    /// Outside working hours.
    OffWork,
    /// Gone for good.
    LeftTheCompany,
    /// Any other word of RFC 4480.
    Rpid(&'static str),
    /// The person's own words.
    Custom(Box<str>),
}

/// Why somebody is out of office.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Absence {
    /// A vacation.
    Vacation,
    /// A holiday.
    Holiday,
    /// A journey.
    Travel,
    /// Nobody needs to know.
    #[default]
    Other,
}

/// An activity as RPID has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Word<'a> {
    /// An element of the schema of RFC 4480.
    Known(&'a str),
    /// The text of `other`.
    Other(Cow<'a, str>),
}

/// The kinds that have a name of ours.
const NAMED: &[(Kind, &str)] = &[
    (Kind::OnThePhone, "on-the-phone"),
    (Kind::InAConference, "in-a-conference"),
    (Kind::Presenting, "presenting"),
    (Kind::InAMeeting, "in-a-meeting"),
    (Kind::Appointment, "appointment"),
    (Kind::Focusing, "focusing"),
    (Kind::WrapUp, "wrap-up"),
    (Kind::NoQueues, "no-queues"),
    (Kind::Meal, "meal"),
    (Kind::Travelling, "travelling"),
    (Kind::OutOfOffice(Absence::Other), "out-of-office"),
    (Kind::OutOfOffice(Absence::Vacation), "vacation"),
    (Kind::OutOfOffice(Absence::Holiday), "holiday"),
    (Kind::OutOfOffice(Absence::Travel), "business-trip"),
    (Kind::OffWork, "off-work"),
    (Kind::LeftTheCompany, "left-the-company"),
];

/// Kinds by their word of RFC 4480, where the word is not the kind's name.
const WORDS: &[(Kind, &str)] = &[
    (Kind::InAMeeting, "meeting"),
    (Kind::Presenting, "presentation"),
    (Kind::Travelling, "travel"),
    (Kind::LeftTheCompany, "permanent-absence"),
];

/// Kinds by the text of `other`, where the text is not the kind's name.
const TEXTS: &[(Kind, &str)] = &[(Kind::InAConference, "conference"), (Kind::Focusing, "focus")];

/// Words of RFC 4480 that mean a person is there, but taken.
const OCCUPYING: &[&str] = &["performance", "spectator", "steering", "worship"];

/// Words of RFC 4480 that mean a person is not there.
const ABSENT: &[&str] =
    &["breakfast", "dinner", "in-transit", "playing", "shopping", "sleeping", "tv"];

impl Activity {
    /// An activity without a known end.
    pub fn new(kind: Kind) -> Activity {
        Activity { kind, until: None }
    }
}

impl Kind {
    /// From a word of RFC 4480; `None` for the two that are availabilities (`busy`, `away`), for
    /// `unknown`, and for what is no such word.
    pub fn from_rpid(word: &str) -> Option<Kind> {
        if matches!(word, "busy" | "away" | "unknown" | "other") {
            return None;
        }
        let own = WORDS.iter().find(|(_, known)| *known == word);
        let own = own.or_else(|| {
            NAMED.iter().find(|(kind, name)| *name == word && kind.word() == Word::Known(word))
        });
        if let Some((kind, _)) = own {
            return Some(kind.clone());
        }
        rpid::ACTIVITIES.iter().find(|known| **known == word).map(|known| Kind::Rpid(known))
    }

    /// From the text of `other`.
    pub fn from_other(text: &str) -> Kind {
        let word = text.trim().to_ascii_lowercase();
        let own = TEXTS.iter().chain(NAMED).find(|(_, known)| *known == word);
        match own {
            Some((kind, _)) => kind.clone(),
            None => Kind::Custom(text.trim().into()),
        }
    }

    /// Its name in our own documents.
    pub fn name(&self) -> &str {
        match self {
            Kind::Rpid(word) => word,
            Kind::Custom(text) => text,
            own => NAMED.iter().find(|(kind, _)| kind == own).map_or("other", |(_, name)| name),
        }
    }

    /// The word a watcher is sent for it, beside the one that goes with the availability.
    pub fn word(&self) -> Word<'_> {
        match self {
            Kind::OnThePhone => Word::Known("on-the-phone"),
            Kind::InAConference => Word::Other("conference".into()),
            Kind::Presenting => Word::Known("presentation"),
            Kind::InAMeeting => Word::Known("meeting"),
            Kind::Appointment => Word::Known("appointment"),
            Kind::Focusing => Word::Other("focus".into()),
            Kind::WrapUp => Word::Other("wrap-up".into()),
            Kind::NoQueues => Word::Other("no-queues".into()),
            // RFC 4480 has `lunch` in its text and not in its schema; `meal` is in both.
            Kind::Meal => Word::Known("meal"),
            Kind::Travelling | Kind::OutOfOffice(Absence::Travel) => Word::Known("travel"),
            Kind::OutOfOffice(Absence::Vacation) => Word::Known("vacation"),
            Kind::OutOfOffice(Absence::Holiday) => Word::Known("holiday"),
            Kind::OutOfOffice(Absence::Other) => Word::Other("out-of-office".into()),
            Kind::OffWork => Word::Other("off-work".into()),
            Kind::LeftTheCompany => Word::Known("permanent-absence"),
            Kind::Rpid(word) => Word::Known(word),
            Kind::Custom(text) => Word::Other(Cow::Borrowed(text)),
        }
    }

    /// Whether it is done by speaking: a word of its own says so before any other.
    pub fn is_a_call(&self) -> bool {
        matches!(self, Kind::OnThePhone | Kind::InAConference)
    }

    /// What somebody is who does this, if that follows.
    pub fn implies(&self) -> Option<Availability> {
        match self {
            Kind::Presenting => Some(Availability::Dnd),
            Kind::OnThePhone
            | Kind::InAConference
            | Kind::InAMeeting
            | Kind::Appointment
            | Kind::Focusing
            | Kind::WrapUp => Some(Availability::Busy),
            Kind::Meal
            | Kind::Travelling
            | Kind::OutOfOffice(_)
            | Kind::OffWork
            | Kind::LeftTheCompany => Some(Availability::Away),
            Kind::Rpid(word) if OCCUPYING.contains(word) => Some(Availability::Busy),
            Kind::Rpid(word) if ABSENT.contains(word) => Some(Availability::Away),
            Kind::NoQueues | Kind::Rpid(_) | Kind::Custom(_) => None,
        }
    }

    /// What to tell people who read no more than a line.
    pub fn note(&self) -> Option<&str> {
        match self {
            Kind::OnThePhone => Some("On the phone"),
            Kind::InAConference => Some("In a conference"),
            Kind::Presenting => Some("Presenting"),
            Kind::InAMeeting => Some("In a meeting"),
            Kind::Focusing => Some("Focusing"),
            Kind::WrapUp => Some("Wrapping up a call"),
            Kind::NoQueues => Some("No calls of queues"),
            Kind::Meal => Some("Lunch"),
            Kind::Travelling => Some("Travelling"),
            Kind::OutOfOffice(_) => Some("Out of office"),
            Kind::OffWork => Some("Off work"),
            Kind::Custom(text) => Some(text),
            Kind::Appointment | Kind::LeftTheCompany | Kind::Rpid(_) => None,
        }
    }
}

/// From a name of ours, a word of RFC 4480, or the person's own words.
impl From<String> for Kind {
    fn from(text: String) -> Kind {
        Kind::from_rpid(&text).unwrap_or_else(|| Kind::from_other(&text))
    }
}

/// By its name.
impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Kind, D::Error> {
        String::deserialize(from).map(Kind::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_read_back_from_its_name_and_from_its_word() {
        let rpid = rpid::ACTIVITIES.iter().filter_map(|word| Kind::from_rpid(word));
        for kind in NAMED.iter().map(|(kind, _)| kind.clone()).chain(rpid) {
            assert_eq!(Kind::from(kind.name().to_owned()), kind);
            let read = match kind.word() {
                Word::Known(word) => Kind::from_rpid(word).expect("a word"),
                Word::Other(text) => Kind::from_other(&text),
            };
            // One word serves two of ours.
            if kind != Kind::OutOfOffice(Absence::Travel) {
                assert_eq!(read, kind);
            }
        }
    }

    #[test]
    fn busy_and_away_are_no_activities_but_availabilities() {
        for word in ["busy", "away", "unknown", "other", "lunch", "juggling"] {
            assert_eq!(Kind::from_rpid(word), None, "{word}");
        }
    }

    #[test]
    fn every_word_that_is_sent_is_one_of_the_schema() {
        for (kind, _) in NAMED {
            if let Word::Known(word) = kind.word() {
                assert!(rpid::ACTIVITIES.contains(&word), "{word}");
            }
        }
        for word in OCCUPYING.iter().chain(ABSENT) {
            assert!(rpid::ACTIVITIES.contains(word), "{word}");
        }
    }

    #[test]
    fn own_words_stay_what_they_are() {
        let own = Kind::from_other(" Planting trees ");
        assert_eq!(own, Kind::Custom("Planting trees".into()));
        assert_eq!((own.note(), own.implies()), (Some("Planting trees"), None));
    }
}
