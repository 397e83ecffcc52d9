//! Calendars as programs export them (iCalendar, RFC 5545): octets to events, events to the spans
//! they take within a window.
//!
//! Nothing is written here, and of an event nothing is read but what its owner's time is told by.
//! The grammar is read by hand, as an entry that makes no sense has to be told with its line and
//! must not cost the others.

mod event;
mod line;
mod recur;
mod rule;
mod spans;
mod value;
mod windows;
mod zone;

use std::fmt;

pub use event::Shown;
pub use spans::{Agenda, Look, Span};

use self::event::Event;
use self::line::Line;
use self::zone::{Described, Observance};
use crate::base::civil::Zone;
use crate::base::limits::{
    ICAL_DEPTH_MAX, ICAL_EVENTS_MAX, ICAL_FAULTS_MAX, ICAL_OCTETS_MAX, ICAL_ZONES_MAX,
};

/// What a calendar says, read.
#[derive(Clone, Debug, Default)]
pub struct Calendar {
    events: Vec<Event>,
    zones: Vec<Described>,
    /// The zone of its owner, where the program says so.
    zone: Option<Zone>,
    /// What it is called; Google calls the first of a person by the person's address.
    name: Option<String>,
    /// Entries that are left out, the first few.
    faults: Vec<Fault>,
}

/// What is wrong with a calendar or one of its entries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// From 1.
    pub line: usize,
    /// What is wrong there.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for Fault {}

/// The zone a name means, of the database or of Windows.
pub fn zone_named(name: &str) -> Option<Zone> {
    zone::known(name)
}

impl Calendar {
    /// Reads a calendar. One that is not whole is no calendar: half of it could be missing.
    pub fn read(octets: &[u8]) -> Result<Calendar, Fault> {
        if octets.len() > ICAL_OCTETS_MAX {
            let what = format!("a calendar of more than {ICAL_OCTETS_MAX} octets");
            return Err(Fault { line: 1, what });
        }
        let octets = octets.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(octets);
        Reading::default().whole(&String::from_utf8_lossy(octets))
    }

    /// How many events it has.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether it has no events.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Entries that make no sense and are left out, the first few.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// The zone of its owner, where the program that wrote it says so.
    pub fn zone(&self) -> Option<&Zone> {
        self.zone.as_ref()
    }

    fn complain(&mut self, line: usize, what: String) {
        if self.faults.len() < ICAL_FAULTS_MAX {
            self.faults.push(Fault { line, what });
        }
    }
}

/// A calendar that is being read.
#[derive(Default)]
struct Reading {
    calendar: Calendar,
    /// The components that are open, the outermost first.
    open: Vec<Component>,
    /// Whether any calendar has begun.
    has_begun: bool,
}

enum Component {
    Calendar,
    Zone(Described),
    Observance(Box<Observance>),
    Event(Box<Event>),
    /// One whose properties are of no interest, by its name.
    Other(String),
}

impl Component {
    fn of(name: &str, line: usize) -> Component {
        match name {
            "VCALENDAR" => Component::Calendar,
            "VTIMEZONE" => Component::Zone(Described::default()),
            "STANDARD" => Component::Observance(Box::new(Observance::new(false))),
            "DAYLIGHT" => Component::Observance(Box::new(Observance::new(true))),
            "VEVENT" => Component::Event(Box::new(Event::at(line))),
            other => Component::Other(other.to_owned()),
        }
    }

    fn is_named(&self, name: &str) -> bool {
        match self {
            Component::Calendar => name == "VCALENDAR",
            Component::Zone(_) => name == "VTIMEZONE",
            Component::Observance(_) => matches!(name, "STANDARD" | "DAYLIGHT"),
            Component::Event(_) => name == "VEVENT",
            Component::Other(own) => own == name,
        }
    }
}

impl Reading {
    fn whole(mut self, text: &str) -> Result<Calendar, Fault> {
        for line in line::lines(text) {
            let known = match line {
                Ok(line) => self.take(&line),
                // A line that is none is passed over within a calendar: programs do write such.
                Err(number) if self.open.is_empty() => Err(no_calendar(number)),
                Err(number) => {
                    self.calendar.complain(number, "no content line".to_owned());
                    Ok(())
                }
            };
            known?;
        }
        let last = text.lines().count().max(1);
        match (self.has_begun, self.open.is_empty()) {
            (false, _) => Err(no_calendar(last)),
            (true, false) => Err(Fault { line: last, what: "it ends in the middle".to_owned() }),
            (true, true) => Ok(self.calendar),
        }
    }

    fn take(&mut self, line: &Line) -> Result<(), Fault> {
        match line.name.as_str() {
            "BEGIN" => self.begin(line),
            "END" => self.end(line),
            _ => {
                match self.open.last_mut() {
                    Some(Component::Event(event)) => event.take(line),
                    Some(Component::Zone(zone)) => zone.take(line),
                    Some(Component::Observance(observance)) => observance.take(line),
                    Some(Component::Calendar) => self.take_own(line),
                    Some(Component::Other(_)) => {}
                    None => return Err(no_calendar(line.number)),
                }
                Ok(())
            }
        }
    }

    fn take_own(&mut self, line: &Line) {
        match line.name.as_str() {
            "X-WR-TIMEZONE" => self.calendar.zone = zone::known(&line.text()),
            "X-WR-CALNAME" => self.calendar.name = Some(line.text()),
            _ => {}
        }
    }

    fn begin(&mut self, line: &Line) -> Result<(), Fault> {
        let name = line.value.trim().to_ascii_uppercase();
        if self.open.is_empty() && name != "VCALENDAR" {
            return Err(no_calendar(line.number));
        }
        if self.open.len() >= ICAL_DEPTH_MAX {
            return Err(Fault { line: line.number, what: "too deep".to_owned() });
        }
        self.has_begun = true;
        self.open.push(Component::of(&name, line.number));
        Ok(())
    }

    fn end(&mut self, line: &Line) -> Result<(), Fault> {
        let name = line.value.trim().to_ascii_uppercase();
        let fault = || Fault { line: line.number, what: "an END without its BEGIN".to_owned() };
        let ended = self.open.pop().filter(|open| open.is_named(&name)).ok_or_else(fault)?;
        match ended {
            Component::Event(event) => self.keep(*event),
            Component::Zone(zone) if self.calendar.zones.len() < ICAL_ZONES_MAX => {
                self.calendar.zones.push(zone);
            }
            Component::Observance(observance) => {
                if let Some(Component::Zone(zone)) = self.open.last_mut() {
                    zone.add(*observance);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn keep(&mut self, event: Event) {
        if let Some((line, property)) = event.fault {
            return self.calendar.complain(line, format!("{property} makes no sense"));
        }
        if event.start.is_none() && !(event.is_cancelled && event.stands_for.is_some()) {
            return self.calendar.complain(event.line, "an event without DTSTART".to_owned());
        }
        if self.calendar.events.len() >= ICAL_EVENTS_MAX {
            return self.calendar.complain(event.line, "one event too many".to_owned());
        }
        self.calendar.events.push(event);
    }
}

fn no_calendar(line: usize) -> Fault {
    let what = "this is no calendar: BEGIN:VCALENDAR is missing";
    Fault { line, what: what.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Calendar, Fault> {
        Calendar::read(text.as_bytes())
    }

    const EVENT: &str = "BEGIN:VEVENT\nUID:1\nDTSTART:20260302T090000Z\nDTEND:20260302T100000Z\n\
                         BEGIN:VALARM\nTRIGGER:-PT5M\nDURATION:soon\nEND:VALARM\nEND:VEVENT\n";

    #[test]
    fn a_calendar_is_whole_or_none() {
        let whole = format!("BEGIN:VCALENDAR\r\n{EVENT}END:VCALENDAR\r\n");
        assert_eq!(read(&whole).map(|calendar| calendar.len()), Ok(1));
        assert!(read("BEGIN:VCALENDAR\nEND:VCALENDAR").expect("a calendar").is_empty());
        for (text, line, what) in [
            (String::new(), 1, "no calendar"),
            ("<html>\n<body>Sign in".to_owned(), 1, "no calendar"),
            ("BEGIN:VCARD\nEND:VCARD\n".to_owned(), 1, "no calendar"),
            (format!("BEGIN:VCALENDAR\n{EVENT}"), 10, "ends in the middle"),
            ("BEGIN:VCALENDAR\nEND:VEVENT\n".to_owned(), 2, "without its BEGIN"),
            ("BEGIN:VCALENDAR\n".repeat(9), 9, "too deep"),
        ] {
            let fault = read(&text).expect_err(&text);
            assert_eq!(fault.line, line, "{text}");
            assert!(fault.what.contains(what), "{fault}");
        }
        let large = vec![b' '; ICAL_OCTETS_MAX + 1];
        assert!(Calendar::read(&large).is_err_and(|fault| fault.what.contains("octets")));
    }

    #[test]
    fn an_entry_that_makes_no_sense_is_told_and_costs_no_other() {
        let wrong = EVENT.replace("20260302T090000Z", "20260302T9");
        let none = "BEGIN:VEVENT\nUID:2\nEND:VEVENT\n";
        let text = format!("BEGIN:VCALENDAR\n{wrong}{EVENT}{none}rubbish\nEND:VCALENDAR\n");
        let calendar = read(&text).expect("a calendar");
        assert_eq!(calendar.len(), 1);
        let told: Vec<String> = calendar.faults().iter().map(Fault::to_string).collect();
        let expected = [
            "line 4: DTSTART makes no sense",
            "line 20: an event without DTSTART",
            "line 23: no content line",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn events_that_are_too_many_are_left_out() {
        let text = EVENT.repeat(ICAL_EVENTS_MAX + 1);
        let calendar = read(&format!("BEGIN:VCALENDAR\n{text}END:VCALENDAR\n"));
        let calendar = calendar.expect("a calendar");
        assert_eq!((calendar.len(), calendar.faults().len()), (ICAL_EVENTS_MAX, 1));
    }
}
