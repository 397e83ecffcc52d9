//! One event of a calendar as it is written (RFC 5545 §3.6.1).

use super::line::Line;
use super::rule::Rule;
use super::value::{Lasts, Stamp};
use crate::base::limits::{ICAL_ATTENDEES_MAX, ICAL_DATES_MAX};

/// A time, and the name of the zone whose clocks show it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct When {
    pub stamp: Stamp,
    pub zone: Option<String>,
}

/// When an event ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum End {
    At(When),
    After(Lasts),
}

/// A date of a list: a beginning, and the end where it is not the usual one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Listed {
    pub when: When,
    pub end: Option<End>,
}

/// How an event shows on the time it takes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Shown {
    /// Taken.
    Busy,
    /// Taken, and not here.
    OutOfOffice,
    /// Perhaps taken.
    Tentative,
    /// At work in another place.
    Elsewhere,
    /// Free.
    Free,
}

/// One `VEVENT`.
#[derive(Clone, Debug, Default)]
pub(super) struct Event {
    /// Where it begins in the text.
    pub line: usize,
    pub uid: String,
    pub sequence: u32,
    pub start: Option<When>,
    pub end: Option<End>,
    pub rule: Option<Rule>,
    pub more: Vec<Listed>,
    pub without: Vec<When>,
    /// Which of the recurring ones it stands for.
    pub stands_for: Option<When>,
    /// Also for all that come after that one.
    pub and_later: bool,
    pub is_cancelled: bool,
    is_tentative: bool,
    is_transparent: bool,
    /// What Outlook says, which is finer.
    busy_status: Option<Shown>,
    pub is_private: bool,
    pub summary: Option<String>,
    pub categories: Vec<String>,
    /// Addresses of attendees and what they answered.
    attendees: Vec<(String, Answer)>,
    /// The first value that makes no sense.
    pub fault: Option<(usize, &'static str)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Answer {
    Declined,
    Tentative,
    Other,
}

impl Event {
    /// One that begins at a line.
    pub fn at(line: usize) -> Event {
        Event { line, ..Event::default() }
    }

    /// A property of the event.
    pub fn take(&mut self, line: &Line) {
        let read = match line.name.as_str() {
            "DTSTART" => put(&mut self.start, when(line)),
            "DTEND" => put(&mut self.end, when(line).map(End::At)),
            "DURATION" => put(&mut self.end, Lasts::read(&line.value).map(End::After)),
            "RRULE" => put(&mut self.rule, Rule::read(&line.value)),
            "RDATE" => list(&mut self.more, line, listed),
            "EXDATE" => list(&mut self.without, line, one),
            "RECURRENCE-ID" => {
                let range = line.parameter("RANGE").unwrap_or_default();
                self.and_later = range.eq_ignore_ascii_case("THISANDFUTURE");
                put(&mut self.stands_for, when(line))
            }
            _ => {
                self.take_word(line);
                true
            }
        };
        if !read && self.fault.is_none() {
            self.fault = Some((line.number, property(&line.name)));
        }
    }

    fn take_word(&mut self, line: &Line) {
        let word = line.value.trim().to_ascii_uppercase();
        match line.name.as_str() {
            "UID" => self.uid = line.text(),
            "SEQUENCE" => self.sequence = word.parse().unwrap_or(0),
            "SUMMARY" => self.summary = Some(line.text()),
            "STATUS" => {
                (self.is_cancelled, self.is_tentative) = (word == "CANCELLED", word == "TENTATIVE");
            }
            "TRANSP" => self.is_transparent = word == "TRANSPARENT",
            "CLASS" => self.is_private = matches!(word.as_str(), "PRIVATE" | "CONFIDENTIAL"),
            "X-MICROSOFT-CDO-BUSYSTATUS" => {
                self.busy_status = match word.as_str() {
                    "BUSY" => Some(Shown::Busy),
                    "OOF" => Some(Shown::OutOfOffice),
                    "TENTATIVE" => Some(Shown::Tentative),
                    "WORKINGELSEWHERE" => Some(Shown::Elsewhere),
                    "FREE" => Some(Shown::Free),
                    _ => None,
                };
            }
            "CATEGORIES" => {
                let words = line.value.split(',').map(|word| word.trim().to_owned());
                self.categories.extend(words.take(ICAL_DATES_MAX - self.categories.len()));
            }
            "ATTENDEE" if self.attendees.len() < ICAL_ATTENDEES_MAX => {
                let answer = match line.parameter("PARTSTAT").unwrap_or_default() {
                    word if word.eq_ignore_ascii_case("DECLINED") => Answer::Declined,
                    word if word.eq_ignore_ascii_case("TENTATIVE") => Answer::Tentative,
                    _ => Answer::Other,
                };
                self.attendees.push((address(&line.value), answer));
            }
            _ => {}
        }
    }

    /// How it shows to its owner, whose address may be known.
    pub fn shown(&self, owner: Option<&str>) -> Shown {
        let own = owner.map(address);
        let answer = self.attendees.iter().find(|(known, _)| Some(known) == own.as_ref());
        match (answer.map(|(_, answer)| *answer), self.busy_status) {
            (Some(Answer::Declined), _) => Shown::Free,
            (_, Some(status)) if status != Shown::Busy => status,
            (Some(Answer::Tentative), _) => Shown::Tentative,
            // Outlook says free by both; who only sets the standard one means it.
            (_, None) if self.is_transparent => Shown::Free,
            _ if self.is_tentative => Shown::Tentative,
            _ => Shown::Busy,
        }
    }

    /// Whether it is one of days, not of hours.
    pub fn is_all_day(&self) -> bool {
        self.start.as_ref().is_some_and(|when| matches!(when.stamp, Stamp::Date(_)))
    }
}

fn property(name: &str) -> &'static str {
    match name {
        "DTSTART" => "DTSTART",
        "DTEND" => "DTEND",
        "DURATION" => "DURATION",
        "RRULE" => "RRULE",
        "RDATE" => "RDATE",
        "EXDATE" => "EXDATE",
        _ => "RECURRENCE-ID",
    }
}

fn put<T>(place: &mut Option<T>, read: Option<T>) -> bool {
    let is_read = read.is_some();
    *place = read.or(place.take());
    is_read
}

fn list<T>(into: &mut Vec<T>, line: &Line, read: impl Fn(&str, &Line) -> Option<T>) -> bool {
    for value in line.value.split(',') {
        let Some(value) = read(value, line) else { return false };
        if into.len() < ICAL_DATES_MAX {
            into.push(value);
        }
    }
    true
}

fn when(line: &Line) -> Option<When> {
    one(&line.value, line)
}

fn one(value: &str, line: &Line) -> Option<When> {
    Some(When { stamp: Stamp::read(value)?, zone: line.parameter("TZID").map(str::to_owned) })
}

/// A date, or a period of RDATE.
fn listed(value: &str, line: &Line) -> Option<Listed> {
    let Some((from, end)) = value.split_once('/') else {
        return Some(Listed { when: one(value, line)?, end: None });
    };
    let end = match end.starts_with(['P', '+']) {
        true => End::After(Lasts::read(end)?),
        false => End::At(one(end, line)?),
    };
    Some(Listed { when: one(from, line)?, end: Some(end) })
}

/// An address without its scheme, to compare by.
fn address(text: &str) -> String {
    let text = text.trim().to_ascii_lowercase();
    text.strip_prefix("mailto:").unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::line::lines;
    use super::*;

    fn event(text: &str) -> Event {
        let mut event = Event::default();
        lines(text).for_each(|line| event.take(&line.expect("a line")));
        event
    }

    #[test]
    fn what_outlook_says_is_finer_than_the_standard() {
        for (text, shown) in [
            ("", Shown::Busy),
            ("TRANSP:TRANSPARENT\n", Shown::Free),
            ("STATUS:TENTATIVE\n", Shown::Tentative),
            ("TRANSP:TRANSPARENT\nX-MICROSOFT-CDO-BUSYSTATUS:OOF\n", Shown::OutOfOffice),
            ("TRANSP:OPAQUE\nX-MICROSOFT-CDO-BUSYSTATUS:FREE\n", Shown::Free),
            ("X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE\n", Shown::Tentative),
            ("X-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE\n", Shown::Elsewhere),
            ("TRANSP:TRANSPARENT\nX-MICROSOFT-CDO-BUSYSTATUS:BUSY\n", Shown::Busy),
            ("TRANSP:TRANSPARENT\nX-MICROSOFT-CDO-BUSYSTATUS:?\n", Shown::Free),
        ] {
            assert_eq!(event(text).shown(None), shown, "{text}");
        }
    }

    #[test]
    fn what_its_owner_declined_is_free_and_what_others_declined_is_not() {
        let text = "ATTENDEE;PARTSTAT=DECLINED:mailto:Alice@example.com\n\
                    ATTENDEE;PARTSTAT=TENTATIVE:MAILTO:bob@example.com\n\
                    ATTENDEE;PARTSTAT=ACCEPTED:mailto:carol@example.com\n";
        let event = event(text);
        for (owner, shown) in [
            (None, Shown::Busy),
            (Some("alice@example.com"), Shown::Free),
            (Some("mailto:bob@example.com"), Shown::Tentative),
            (Some("carol@example.com"), Shown::Busy),
            (Some("dave@example.com"), Shown::Busy),
        ] {
            assert_eq!(event.shown(owner), shown, "{owner:?}");
        }
    }

    #[test]
    fn periods_have_an_end_of_their_own() {
        let event = event("RDATE;VALUE=PERIOD:20260302T090000Z/PT1H,20260303T090000Z\n");
        assert_eq!(event.more.len(), 2);
        assert!(matches!(event.more[0].end, Some(End::After(Lasts { seconds: 3600, .. }))));
        assert_eq!(event.more[1].end, None);
    }

    #[test]
    fn a_value_that_makes_no_sense_is_told_with_its_line() {
        assert_eq!(event("UID:1\nDTSTART:soon\n").fault, Some((2, "DTSTART")));
        assert_eq!(event("RRULE:FREQ=NEVER\n").fault, Some((1, "RRULE")));
        assert_eq!(event("EXDATE:20260302,x\n").fault, Some((1, "EXDATE")));
        assert_eq!(event("PRIORITY:high\n").fault, None);
    }
}
