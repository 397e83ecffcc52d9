//! What people and phones write into notes, as the states they mean.

use super::Availability;
use super::activity::{Absence, Kind};

/// What a note that is one of the known words means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Meaning {
    /// How the person is.
    Is(Availability),
    /// What the person does.
    Does(Kind),
    /// It rings: nothing the person does.
    Rings,
}

/// The meaning of a note; `None` for what is not exactly one of the words.
pub fn meaning(note: &str) -> Option<Meaning> {
    let word = plain(note);
    let found = WORDS.iter().find(|(known, _)| *known == word);
    found.map(|(_, meaning)| meaning.clone())
}

/// The words, in lower case and with single spaces.
const WORDS: &[(&str, Meaning)] = &[
    ("available", Meaning::Is(Availability::Available)),
    ("online", Meaning::Is(Availability::Available)),
    ("ready", Meaning::Is(Availability::Available)),
    ("free", Meaning::Is(Availability::Available)),
    ("idle", Meaning::Is(Availability::Idle)),
    ("away", Meaning::Is(Availability::Away)),
    ("extended away", Meaning::Is(Availability::Away)),
    ("not at my desk", Meaning::Is(Availability::Away)),
    ("brb", Meaning::Is(Availability::Brb)),
    ("be right back", Meaning::Is(Availability::Brb)),
    ("berightback", Meaning::Is(Availability::Brb)),
    ("busy", Meaning::Is(Availability::Busy)),
    ("dnd", Meaning::Is(Availability::Dnd)),
    ("do not disturb", Meaning::Is(Availability::Dnd)),
    ("donotdisturb", Meaning::Is(Availability::Dnd)),
    ("offline", Meaning::Is(Availability::Offline)),
    ("unavailable", Meaning::Is(Availability::Offline)),
    ("on the phone", Meaning::Does(Kind::OnThePhone)),
    ("onthephone", Meaning::Does(Kind::OnThePhone)),
    ("on a call", Meaning::Does(Kind::OnThePhone)),
    ("in a call", Meaning::Does(Kind::OnThePhone)),
    ("talking", Meaning::Does(Kind::OnThePhone)),
    ("on hold", Meaning::Does(Kind::OnThePhone)),
    ("hold", Meaning::Does(Kind::OnThePhone)),
    ("ringing", Meaning::Rings),
    ("in a conference", Meaning::Does(Kind::InAConference)),
    ("in a meeting", Meaning::Does(Kind::InAMeeting)),
    ("meeting", Meaning::Does(Kind::InAMeeting)),
    ("presenting", Meaning::Does(Kind::Presenting)),
    ("focusing", Meaning::Does(Kind::Focusing)),
    ("focus", Meaning::Does(Kind::Focusing)),
    ("focus time", Meaning::Does(Kind::Focusing)),
    ("lunch", Meaning::Does(Kind::Meal)),
    ("at lunch", Meaning::Does(Kind::Meal)),
    ("out to lunch", Meaning::Does(Kind::Meal)),
    ("outtolunch", Meaning::Does(Kind::Meal)),
    ("travelling", Meaning::Does(Kind::Travelling)),
    ("traveling", Meaning::Does(Kind::Travelling)),
    ("out of office", Meaning::Does(Kind::OutOfOffice(Absence::Other))),
    ("out of the office", Meaning::Does(Kind::OutOfOffice(Absence::Other))),
    ("ooo", Meaning::Does(Kind::OutOfOffice(Absence::Other))),
    ("vacation", Meaning::Does(Kind::OutOfOffice(Absence::Vacation))),
    ("annual leave", Meaning::Does(Kind::OutOfOffice(Absence::Vacation))),
    ("on vacation", Meaning::Does(Kind::OutOfOffice(Absence::Vacation))),
    ("holiday", Meaning::Does(Kind::OutOfOffice(Absence::Holiday))),
    ("business trip", Meaning::Does(Kind::OutOfOffice(Absence::Travel))),
    ("off work", Meaning::Does(Kind::OffWork)),
];

/// In lower case, words with one space between them, nothing around them.
fn plain(note: &str) -> String {
    let breaks = |c: char| c.is_whitespace() || matches!(c, '-' | '_');
    let words = note.trim_matches(|c: char| breaks(c) || matches!(c, '.' | '!' | '(' | ')'));
    let words: Vec<&str> = words.split(breaks).filter(|word| !word.is_empty()).collect();
    words.join(" ").to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_known_however_it_is_written() {
        for note in ["Do Not Disturb", " do-not-disturb ", "DND", "(DnD)", "Do_not  disturb."] {
            assert_eq!(meaning(note), Some(Meaning::Is(Availability::Dnd)), "{note}");
        }
        assert_eq!(meaning("Lunch"), Some(Meaning::Does(Kind::Meal)));
        assert_eq!(meaning("Ringing"), Some(Meaning::Rings));
    }

    #[test]
    fn a_sentence_is_no_word() {
        for note in ["", "Busy until three", "At lunch with Bob", "Talk 5550123", "\u{1F3D6}"] {
            assert_eq!(meaning(note), None, "{note}");
        }
    }

    #[test]
    fn our_own_lines_are_read_as_what_they_say() {
        for availability in Availability::ALL {
            if availability != Availability::Unknown {
                assert_eq!(meaning(availability.note()), Some(Meaning::Is(availability)));
            }
        }
        for kind in [Kind::OnThePhone, Kind::InAConference, Kind::InAMeeting, Kind::Meal] {
            let note = kind.note().expect("a line");
            assert_eq!(meaning(note), Some(Meaning::Does(kind)));
        }
    }
}
