//! What the time a calendar takes makes of its owner.

use super::config::{Meant, meant};
use crate::base::time::Wall;
use crate::doc::ical::{self, Agenda};
use crate::event::status::feed::{Entry, Span};
use crate::event::status::settings::Focus;
use crate::event::status::words::{Meaning, meaning};
use crate::event::status::{Absence, Availability, Event, Kind, OutOfOffice, Shown};

/// How the settings of a feed read it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Reading {
    /// What entries of a title are, titles in lower case.
    titles: Vec<(String, Meant)>,
    focus: Option<Focus>,
}

impl Reading {
    /// By the settings of a feed.
    pub fn of(feed: &super::config::Feed) -> Reading {
        let one = |(title, word): (&String, &String)| Some((plain(title), meant(word).ok()?));
        Reading { titles: feed.titles.iter().filter_map(one).collect(), focus: feed.focus }
    }

    /// The entries of a status, without what is over.
    pub fn entries(&self, agenda: &Agenda, now: Wall) -> Vec<(Entry, Span)> {
        let mut entries: Vec<(Entry, Span)> = Vec::new();
        for span in agenda.spans.iter().filter(|span| span.until > now) {
            let time = Span { from: Some(span.from), until: Some(span.until) };
            let Some(entry) = self.entry(span) else { continue };
            let is_focus = matches!(&entry, Entry::Event(event) if event.kind == Kind::Focusing);
            entries.push((entry, time));
            if is_focus && self.focus == Some(Focus::Dnd) {
                entries.push((Entry::Dnd, time));
            }
        }
        entries
    }

    fn entry(&self, span: &ical::Span) -> Option<Entry> {
        let shown = match span.shown {
            // Work in another place is work: nothing follows for who calls.
            ical::Shown::Free | ical::Shown::Elsewhere => return None,
            ical::Shown::Tentative => Shown::Tentative,
            ical::Shown::Busy | ical::Shown::OutOfOffice => Shown::Busy,
        };
        let said = self.said(span);
        if span.shown == ical::Shown::OutOfOffice {
            let absence = match said {
                Some(Meant::Does(Kind::OutOfOffice(absence))) => absence,
                _ => Absence::Other,
            };
            return Some(out(absence));
        }
        let kind = match said {
            Some(Meant::Free) => return None,
            Some(Meant::Dnd) if shown == Shown::Busy => return Some(Entry::Dnd),
            Some(Meant::Does(Kind::OutOfOffice(absence))) if shown == Shown::Busy => {
                return Some(out(absence));
            }
            Some(Meant::Does(Kind::Focusing)) if self.focus == Some(Focus::Busy) => {
                Kind::Appointment
            }
            Some(Meant::Does(kind)) => kind,
            Some(Meant::Dnd) => Kind::Appointment,
            None => usual(span),
        };
        Some(Entry::Event(Event { kind, shown }))
    }

    /// What the title or a category says: those of the settings first, then the words that are
    /// known of notes.
    fn said(&self, span: &ical::Span) -> Option<Meant> {
        let words = || span.title.iter().chain(&span.categories);
        let own = |word: &String| {
            let word = plain(word);
            self.titles.iter().find(|(title, _)| *title == word).map(|(_, meant)| meant.clone())
        };
        words().find_map(own).or_else(|| words().find_map(|word| known(word)))
    }
}

fn known(word: &str) -> Option<Meant> {
    match meaning(word)? {
        Meaning::Is(Availability::Dnd) => Some(Meant::Dnd),
        Meaning::Does(kind) => Some(Meant::Does(kind)),
        // "Busy" is what calendars write that say no more.
        Meaning::Is(_) | Meaning::Rings => None,
    }
}

/// Of what nothing is said: an entry with a title is a meeting, one of days or without is not.
fn usual(span: &ical::Span) -> Kind {
    let says = span.title.as_deref().is_some_and(|title| meaning(title).is_none());
    if says && !span.is_private && !span.is_all_day { Kind::InAMeeting } else { Kind::Appointment }
}

fn out(absence: Absence) -> Entry {
    Entry::OutOfOffice(OutOfOffice { absence, ..OutOfOffice::default() })
}

fn plain(title: &str) -> String {
    title.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::config::Config;

    fn span(title: Option<&str>, shown: ical::Shown) -> ical::Span {
        ical::Span {
            from: Wall::from_unix_millis(1000),
            until: Wall::from_unix_millis(2000),
            shown,
            is_all_day: false,
            is_private: false,
            title: title.map(str::to_owned),
            categories: Vec::new(),
        }
    }

    fn reading(rest: &str) -> Reading {
        let text = format!("[[feed]]\nuser = \"101\"\nsource = \"a.ics\"\n{rest}");
        let config: Config = toml::from_str(&text).expect("settings");
        Reading::of(&config.feeds[0])
    }

    fn entries(reading: &Reading, span: ical::Span) -> Vec<Entry> {
        let agenda = Agenda { spans: vec![span], ..Agenda::default() };
        let entries = reading.entries(&agenda, Wall::from_unix_millis(1000));
        entries.into_iter().map(|(entry, _)| entry).collect()
    }

    fn event(kind: Kind, shown: Shown) -> Entry {
        Entry::Event(Event { kind, shown })
    }

    #[test]
    fn every_way_an_entry_shows_makes_something_of_its_owner() {
        use ical::Shown::{Busy, Elsewhere, OutOfOffice, Tentative};
        let meeting = event(Kind::InAMeeting, Shown::Busy);
        for (title, shown, expected) in [
            (Some("Budget"), Busy, Some(meeting)),
            (Some("Budget"), Tentative, Some(event(Kind::InAMeeting, Shown::Tentative))),
            (Some("Budget"), Elsewhere, None),
            (Some("Sea"), OutOfOffice, Some(out(Absence::Other))),
            (Some("Vacation"), OutOfOffice, Some(out(Absence::Vacation))),
            (Some("Out of office"), Busy, Some(out(Absence::Other))),
            (Some("Focus time"), Busy, Some(event(Kind::Focusing, Shown::Busy))),
            (Some("Lunch"), Busy, Some(event(Kind::Meal, Shown::Busy))),
            (Some("Do not disturb"), Busy, Some(Entry::Dnd)),
            (Some("Do not disturb"), Tentative, Some(event(Kind::Appointment, Shown::Tentative))),
            (Some("Busy"), Busy, Some(event(Kind::Appointment, Shown::Busy))),
            (None, Busy, Some(event(Kind::Appointment, Shown::Busy))),
        ] {
            let found = entries(&Reading::default(), span(title, shown));
            assert_eq!(found, Vec::from_iter(expected), "{title:?} {shown:?}");
        }
    }

    #[test]
    fn of_what_is_private_or_of_days_no_more_is_said_than_that_it_takes_time() {
        let appointment = [event(Kind::Appointment, Shown::Busy)];
        let private = ical::Span { is_private: true, ..span(None, ical::Shown::Busy) };
        assert_eq!(entries(&Reading::default(), private), appointment);
        let all_day = ical::Span { is_all_day: true, ..span(Some("Fair"), ical::Shown::Busy) };
        assert_eq!(entries(&Reading::default(), all_day), appointment);
    }

    #[test]
    fn a_category_speaks_where_the_title_does_not() {
        let sorted = ical::Span {
            categories: vec!["Blue".into(), "Vacation".into()],
            ..span(Some("Sea"), ical::Shown::Busy)
        };
        assert_eq!(entries(&Reading::default(), sorted), [out(Absence::Vacation)]);
    }

    #[test]
    fn settings_may_name_titles_and_what_focus_is() {
        let titles = reading("titles = { \"Fokuszeit\" = \"focus\", Kita = \"free\" }\n");
        let of = |reading: &Reading, title| entries(reading, span(Some(title), ical::Shown::Busy));
        assert_eq!(of(&titles, "FOKUSZEIT "), [event(Kind::Focusing, Shown::Busy)]);
        assert_eq!(of(&titles, "kita"), []);
        let focus = event(Kind::Focusing, Shown::Busy);
        assert_eq!(of(&reading("focus = \"dnd\"\n"), "Focus"), [focus, Entry::Dnd]);
        let busy = [event(Kind::Appointment, Shown::Busy)];
        assert_eq!(of(&reading("focus = \"busy\"\n"), "Focus"), busy);
    }

    #[test]
    fn what_is_over_is_not_told() {
        let agenda = Agenda { spans: vec![span(None, ical::Shown::Busy)], ..Agenda::default() };
        let at = |millis| Reading::default().entries(&agenda, Wall::from_unix_millis(millis)).len();
        assert_eq!((at(1999), at(2000)), (1, 0));
    }
}
