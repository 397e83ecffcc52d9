//! What the events of a calendar take within a window: everything that recurs is followed, moved
//! and cancelled ones are taken into account, clocks are read where they hang.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use super::event::{End, Event, Shown, When};
use super::recur::{Purse, Window, beginnings};
use super::value::Stamp;
use super::{Calendar, zone};
use crate::base::civil::{Date, DateTime, Zone, between, days, seconds};
use crate::base::limits::{
    ICAL_SPANS_MAX, ICAL_SPANS_OF_EVENT_MAX, ICAL_STEPS_MAX, ICAL_STEPS_OF_EVENT_MAX,
};
use crate::base::time::Wall;

/// More than clocks are ever changed by, in seconds.
const CLOCKS_CHANGE: i64 = 3 * 3600;

/// What a calendar holds within a window.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Agenda {
    /// In the order in which they begin. What is free is left out.
    pub spans: Vec<Span>,
    /// Whether there was more than is ever looked at.
    pub is_cut: bool,
    /// Names of zones that nobody knows; their clocks are read where the owner is.
    pub unknown_zones: BTreeSet<String>,
}

/// Time that an event takes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Span {
    /// Its first moment.
    pub from: Wall,
    /// The first moment after it.
    pub until: Wall,
    /// How it shows.
    pub shown: Shown,
    /// Whether it is one of days, not of hours.
    pub is_all_day: bool,
    /// Whether its owner keeps what it is to himself; it has no title then.
    pub is_private: bool,
    /// What it is called.
    pub title: Option<String>,
    /// What it is sorted under.
    pub categories: Vec<String>,
}

/// Whose calendar is looked at from where, and between when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Look<'a> {
    /// What ends before it is not looked for.
    pub from: Wall,
    /// What begins after it is not looked for.
    pub until: Wall,
    /// Where the owner is; `None`: where the calendar says, else UTC.
    pub zone: Option<&'a Zone>,
    /// The owner's address, by which what was declined is known; `None`: the calendar's name, if
    /// it is one.
    pub owner: Option<&'a str>,
}

impl Calendar {
    /// What there is within a window.
    pub fn agenda(&self, look: &Look<'_>) -> Agenda {
        let floating = look.zone.or(self.zone.as_ref()).cloned().unwrap_or(Zone::UTC);
        let name = self.name.as_deref().filter(|name| name.contains('@'));
        let mut looking = Looking {
            calendar: self,
            from: look.from,
            until: look.until,
            owner: look.owner.or(name),
            floating,
            zones: HashMap::new(),
            agenda: Agenda::default(),
        };
        let mut purse = Purse::of(ICAL_STEPS_MAX);
        for series in looking.series().into_values() {
            looking.follow(&series, &mut purse);
        }
        let mut agenda = looking.agenda;
        agenda.is_cut |= purse.is_empty() || agenda.spans.len() > ICAL_SPANS_MAX;
        agenda.spans.sort_unstable();
        agenda.spans.truncate(ICAL_SPANS_MAX);
        agenda
    }
}

/// One event and those that stand for some of its recurrences, by the time they stand for, in UTC.
#[derive(Default)]
struct Series<'a> {
    first: Option<&'a Event>,
    others: BTreeMap<DateTime, &'a Event>,
}

struct Looking<'a> {
    calendar: &'a Calendar,
    from: Wall,
    until: Wall,
    owner: Option<&'a str>,
    floating: Zone,
    /// By name; `None`: nobody knows it.
    zones: HashMap<String, Option<Zone>>,
    agenda: Agenda,
}

/// How long an event lasts.
#[derive(Clone, Copy)]
struct Length {
    /// As calendars count them: a day may have 23 hours.
    days: i64,
    seconds: i64,
}

/// An event at one of the times it takes place.
struct Once<'a> {
    event: &'a Event,
    begins: DateTime,
    zone: &'a Zone,
    length: Length,
}

impl<'a> Looking<'a> {
    /// The events of the calendar, those of one series together. Of two of the same the one that
    /// was changed later counts.
    fn series(&mut self) -> BTreeMap<String, Series<'a>> {
        let mut all: BTreeMap<String, Series<'a>> = BTreeMap::new();
        let calendar = self.calendar;
        for event in &calendar.events {
            let key = match event.uid.is_empty() {
                true => format!("\n{}", event.line),
                false => event.uid.clone(),
            };
            let stands_for = match &event.stands_for {
                Some(when) => match self.universal(when) {
                    Some(time) => Some(time),
                    None => continue,
                },
                None => None,
            };
            let series = all.entry(key).or_default();
            let known = match stands_for {
                Some(time) => series.others.get(&time).copied(),
                None => series.first,
            };
            if known.is_some_and(|known| known.sequence > event.sequence) {
                continue;
            }
            match stands_for {
                Some(time) => drop(series.others.insert(time, event)),
                None => series.first = Some(event),
            }
        }
        all
    }

    fn follow(&mut self, series: &Series<'a>, purse: &mut Purse) {
        if let Some(first) = series.first.filter(|first| !first.is_cancelled) {
            let given = purse.part(ICAL_STEPS_OF_EVENT_MAX);
            let mut own = given;
            self.recur(first, series, &mut own);
            self.agenda.is_cut |= own.is_empty();
            purse.settle(given, own);
        }
        // What stands for a recurrence takes place when it says itself, wherever that one was.
        for event in series.others.values().filter(|event| !event.is_cancelled) {
            let Some(start) = &event.start else { continue };
            let zone = self.zone_of(start);
            let length = self.length(event, start, event.end.as_ref());
            self.add(&Once { event, begins: start.stamp.civil(), zone: &zone, length });
        }
    }

    fn recur(&mut self, first: &'a Event, series: &Series<'a>, purse: &mut Purse) {
        let Some(start) = &first.start else { return };
        let zone = self.zone_of(start);
        let length = self.length(first, start, first.end.as_ref());
        let begins = start.stamp.civil();
        let Some(window) = self.window(&zone, length) else { return };
        let mut times: Vec<(DateTime, Length)> = match &first.rule {
            None => vec![(begins, length)],
            Some(rule) => {
                let end = rule.until.and_then(|until| Self::last(until, &zone));
                let found = beginnings(rule, begins, end, window, purse);
                found.into_iter().map(|time| (time, length)).collect()
            }
        };
        for listed in &first.more {
            let own = self.length(first, &listed.when, listed.end.as_ref());
            let length = if listed.end.is_some() { own } else { length };
            let time = self.universal(&listed.when).and_then(|time| zone.local_of(time));
            let time = match listed.when.stamp {
                Stamp::Date(date) => Some(date.to_datetime(begins.time())),
                _ => time,
            };
            times.extend(time.map(|time| (time, length)));
        }
        times.sort_unstable_by_key(|(time, _)| *time);
        times.dedup_by_key(|(time, _)| *time);
        let without = self.without(first);
        let mut added = 0;
        for (time, length) in times {
            let Some(universal) = zone.universal(time) else { continue };
            if without.has(time, universal) || series.others.contains_key(&universal) {
                continue;
            }
            let changed = series.others.range(..universal).rev().find(|(_, other)| other.and_later);
            let is_added = match changed {
                Some((stood_for, other)) => self.add_changed(other, *stood_for, universal),
                None => self.add(&Once { event: first, begins: time, zone: &zone, length }),
            };
            added += usize::from(is_added);
            if added >= ICAL_SPANS_OF_EVENT_MAX {
                self.agenda.is_cut = true;
                return;
            }
        }
    }

    /// One that comes after a change of "this and all later": as far from it as before.
    fn add_changed(&mut self, event: &'a Event, stood_for: DateTime, time: DateTime) -> bool {
        let Some(start) = event.start.as_ref().filter(|_| !event.is_cancelled) else {
            return false;
        };
        let zone = self.zone_of(start);
        let apart = between(stood_for, time).as_secs();
        let Some(begins) =
            seconds(apart).and_then(|apart| start.stamp.civil().checked_add(apart).ok())
        else {
            return false;
        };
        let length = self.length(event, start, event.end.as_ref());
        self.add(&Once { event, begins, zone: &zone, length })
    }

    /// Adds what is within the window and not free. True if that is so.
    fn add(&mut self, once: &Once<'_>) -> bool {
        let Once { event, begins, zone, length } = once;
        let Some(from) = zone.moment(*begins) else { return false };
        let last_day = days(length.days).and_then(|days| begins.checked_add(days).ok());
        let Some(until) = last_day.and_then(|day| zone.moment(day)) else { return false };
        let until = until + Duration::from_secs(u64::try_from(length.seconds).unwrap_or(0));
        let shown = event.shown(self.owner);
        if shown == Shown::Free || until <= from || until <= self.from || from >= self.until {
            return false;
        }
        let title = event.summary.as_deref().map(str::trim).filter(|title| !title.is_empty());
        let is_private = event.is_private;
        self.agenda.spans.push(Span {
            from,
            until,
            shown,
            is_all_day: event.is_all_day(),
            is_private,
            title: title.filter(|_| !is_private).map(str::to_owned),
            categories: if is_private { Vec::new() } else { event.categories.clone() },
        });
        true
    }

    /// How long an event lasts from its beginning to its end. One that is given as a time is so
    /// many seconds, whatever clocks do meanwhile; days are days (RFC 5545 §3.8.5.3).
    fn length(&mut self, event: &Event, start: &When, end: Option<&End>) -> Length {
        let is_all_day = event.is_all_day();
        match end {
            Some(End::After(lasts)) => Length { days: lasts.days, seconds: lasts.seconds },
            Some(End::At(end)) if is_all_day => {
                let apart = between(start.stamp.civil(), end.stamp.civil()).as_hours() / 24;
                Length { days: apart.max(1), seconds: 0 }
            }
            Some(End::At(end)) => {
                let (from, until) = (self.universal(start), self.universal(end));
                let apart = from.zip(until).map(|(from, until)| between(from, until).as_secs());
                Length { days: 0, seconds: apart.unwrap_or(0).max(0) }
            }
            None => Length { days: i64::from(is_all_day), seconds: 0 },
        }
    }

    /// The window as the clocks of a zone show it, wide enough for what began before it.
    fn window(&self, zone: &Zone, length: Length) -> Option<Window> {
        let (from, until) = (zone.local(self.from)?, zone.local(self.until)?);
        let before = seconds(length.seconds.checked_add(CLOCKS_CHANGE)?)
            .and_then(|lasts| from.checked_sub(lasts).ok())
            .and_then(|from| from.checked_sub(days(length.days)?).ok());
        let until = until.checked_add(seconds(CLOCKS_CHANGE)?).ok()?;
        Some(Window { from: before.unwrap_or(DateTime::MIN), until })
    }

    /// The last time at which a rule may begin something, as the clocks of its zone show it.
    fn last(until: Stamp, zone: &Zone) -> Option<DateTime> {
        match until {
            Stamp::Date(date) => Some(date.at(23, 59, 59, 0)),
            Stamp::Local(time) => Some(time),
            Stamp::Utc(time) => zone.local_of(time),
        }
    }

    fn without(&mut self, event: &Event) -> Without {
        let mut without = Without::default();
        for when in &event.without {
            match when.stamp {
                Stamp::Date(date) => drop(without.days.insert(date)),
                stamp if event.is_all_day() => drop(without.days.insert(stamp.civil().date())),
                _ => without.times.extend(self.universal(when)),
            }
        }
        without
    }

    fn universal(&mut self, when: &When) -> Option<DateTime> {
        self.zone_of(when).universal(when.stamp.civil())
    }

    /// Where the clock hangs that shows a time.
    fn zone_of(&mut self, when: &When) -> Zone {
        let name = match (when.stamp, when.zone.as_deref()) {
            (Stamp::Utc(_), _) => return Zone::UTC,
            // A day has no clock; it is a day where the owner is.
            (Stamp::Date(_), _) | (Stamp::Local(_), None) => return self.floating.clone(),
            (Stamp::Local(_), Some(name)) => name,
        };
        if let Some(known) = self.zones.get(name) {
            return known.clone().unwrap_or_else(|| self.floating.clone());
        }
        let zone = zone::meant(name, &self.calendar.zones);
        if zone.is_none() {
            self.agenda.unknown_zones.insert(name.to_owned());
        }
        self.zones.insert(name.to_owned(), zone.clone());
        zone.unwrap_or_else(|| self.floating.clone())
    }
}

/// What a rule would begin and does not.
#[derive(Default)]
struct Without {
    days: BTreeSet<Date>,
    /// In UTC.
    times: BTreeSet<DateTime>,
}

impl Without {
    fn has(&self, time: DateTime, universal: DateTime) -> bool {
        self.days.contains(&time.date()) || self.times.contains(&universal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Wall {
        Wall::from_date_time(text).expect(text)
    }

    fn calendar(events: &[&str]) -> Calendar {
        let each = |event: &&str| format!("BEGIN:VEVENT\n{event}\nEND:VEVENT\n");
        let events: String = events.iter().map(each).collect();
        let text = format!("BEGIN:VCALENDAR\nX-WR-TIMEZONE:Europe/Berlin\n{events}END:VCALENDAR\n");
        let calendar = Calendar::read(text.as_bytes()).expect("a calendar");
        assert_eq!(calendar.faults(), []);
        calendar
    }

    fn look<'a>(from: &str, until: &str) -> Look<'a> {
        Look { from: at(from), until: at(until), zone: None, owner: None }
    }

    /// Beginnings and ends within a window.
    #[track_caller]
    fn check(events: &[&str], from: &str, until: &str, expected: &[&str]) {
        let agenda = calendar(events).agenda(&look(from, until));
        let told: Vec<String> =
            agenda.spans.iter().map(|span| format!("{}/{}", span.from, span.until)).collect();
        assert_eq!(told, expected);
    }

    const WEEK: (&str, &str) = ("2026-03-02T00:00:00Z", "2026-03-09T00:00:00Z");

    #[test]
    fn clocks_are_read_where_they_hang() {
        let events = [
            "UID:1\nDTSTART:20260302T090000Z\nDURATION:PT1H",
            "UID:2\nDTSTART;TZID=Eastern Standard Time:20260302T090000\nDURATION:PT1H",
            "UID:3\nDTSTART:20260302T090000\nDURATION:PT1H",
            "UID:4\nDTSTART;TZID=Asia/Tokyo:20260302T090000\n\
             DTEND;TZID=Europe/Berlin:20260302T020000",
        ];
        let spans = [
            "2026-03-02T00:00:00Z/2026-03-02T01:00:00Z",
            "2026-03-02T08:00:00Z/2026-03-02T09:00:00Z",
            "2026-03-02T09:00:00Z/2026-03-02T10:00:00Z",
            "2026-03-02T14:00:00Z/2026-03-02T15:00:00Z",
        ];
        check(&events, WEEK.0, WEEK.1, &spans);
    }

    #[test]
    fn a_zone_that_nobody_knows_is_that_of_the_owner_and_is_told() {
        let calendar = calendar(&["UID:1\nDTSTART;TZID=Mars:20260302T090000\nDURATION:PT1H"]);
        let agenda = calendar.agenda(&look(WEEK.0, WEEK.1));
        assert_eq!(agenda.spans[0].from, at("2026-03-02T08:00:00Z"));
        assert_eq!(agenda.unknown_zones.into_iter().collect::<Vec<_>>(), ["Mars"]);
        let tokyo = Zone::named("Asia/Tokyo").expect("a zone");
        let elsewhere = Look { zone: Some(&tokyo), ..look(WEEK.0, WEEK.1) };
        assert_eq!(calendar.agenda(&elsewhere).spans[0].from, at("2026-03-02T00:00:00Z"));
    }

    // On 29 March 2026 the clocks of Berlin skip from 02:00 to 03:00, on 25 October they show the
    // hour from 02:00 twice.
    #[test]
    fn what_begins_while_clocks_change_has_its_hour() {
        let daily = "UID:1\nDTSTART;TZID=Europe/Berlin:20260301T023000\n\
                     DTEND;TZID=Europe/Berlin:20260301T033000\nRRULE:FREQ=DAILY";
        let spring = [
            "2026-03-28T01:30:00Z/2026-03-28T02:30:00Z",
            "2026-03-29T01:30:00Z/2026-03-29T02:30:00Z",
            "2026-03-30T00:30:00Z/2026-03-30T01:30:00Z",
        ];
        check(&[daily], "2026-03-28T00:00:00Z", "2026-03-30T12:00:00Z", &spring);
        let autumn = [
            "2026-10-24T00:30:00Z/2026-10-24T01:30:00Z",
            "2026-10-25T00:30:00Z/2026-10-25T01:30:00Z",
            "2026-10-26T01:30:00Z/2026-10-26T02:30:00Z",
        ];
        check(&[daily], "2026-10-24T00:00:00Z", "2026-10-26T12:00:00Z", &autumn);
    }

    #[test]
    fn a_day_is_from_midnight_to_midnight_where_the_owner_is() {
        let short = "UID:1\nDTSTART;VALUE=DATE:20260329\nDTEND;VALUE=DATE:20260330";
        let from = ("2026-03-27T00:00:00Z", "2026-04-03T00:00:00Z");
        let day = ["2026-03-28T23:00:00Z/2026-03-29T22:00:00Z"];
        check(&[short], from.0, from.1, &day);
        check(&["UID:1\nDTSTART;VALUE=DATE:20260329"], from.0, from.1, &day);
        let days = "UID:1\nDTSTART;VALUE=DATE:20260328\nDURATION:P3D";
        check(&[days], from.0, from.1, &["2026-03-27T23:00:00Z/2026-03-30T22:00:00Z"]);
    }

    const SERIES: &str = "UID:s\nDTSTART;TZID=Europe/Berlin:20250106T090000\n\
                          DTEND;TZID=Europe/Berlin:20250106T093000\n\
                          RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH";

    #[test]
    fn one_of_a_series_may_be_moved_cancelled_or_left_out() {
        let series = format!("{SERIES}\nEXDATE;TZID=Europe/Berlin:20260303T090000");
        let moved = "UID:s\nRECURRENCE-ID;TZID=Europe/Berlin:20260302T090000\n\
                     DTSTART;TZID=Europe/Berlin:20260306T150000\nDURATION:PT1H";
        let cancelled = "UID:s\nRECURRENCE-ID:20260304T080000Z\nSTATUS:CANCELLED";
        let left = [
            "2026-03-05T08:00:00Z/2026-03-05T08:30:00Z",
            "2026-03-06T14:00:00Z/2026-03-06T15:00:00Z",
        ];
        check(&[&series, moved, cancelled], WEEK.0, WEEK.1, &left);
        let whole = format!("{SERIES}\nSTATUS:CANCELLED");
        check(&[&whole], WEEK.0, WEEK.1, &[]);
        let by_days = format!("{SERIES}\nEXDATE;VALUE=DATE:20260302,20260303,20260304");
        check(&[&by_days], WEEK.0, WEEK.1, &left[..1]);
    }

    #[test]
    fn one_may_change_all_that_come_later() {
        let later = "UID:s\nRECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:20260303T090000\n\
                     DTSTART;TZID=Europe/Berlin:20260303T100000\nDURATION:PT2H";
        let spans = [
            "2026-03-02T08:00:00Z/2026-03-02T08:30:00Z",
            "2026-03-03T09:00:00Z/2026-03-03T11:00:00Z",
            "2026-03-04T09:00:00Z/2026-03-04T11:00:00Z",
            "2026-03-05T09:00:00Z/2026-03-05T11:00:00Z",
        ];
        check(&[SERIES, later], WEEK.0, WEEK.1, &spans);
    }

    #[test]
    fn of_two_of_the_same_the_later_change_counts() {
        let one = "UID:1\nSEQUENCE:2\nDTSTART:20260302T090000Z\nDURATION:PT1H";
        let old = "UID:1\nSEQUENCE:1\nDTSTART:20260303T090000Z\nDURATION:PT1H";
        let spans = ["2026-03-02T09:00:00Z/2026-03-02T10:00:00Z"];
        check(&[one, old], WEEK.0, WEEK.1, &spans);
        check(&[old, one], WEEK.0, WEEK.1, &spans);
    }

    #[test]
    fn dates_may_be_added_one_by_one() {
        let event = "UID:1\nDTSTART:20260101T090000Z\nDURATION:PT1H\n\
                     RDATE:20260302T100000Z\nRDATE;VALUE=PERIOD:20260303T100000Z/PT3H";
        let spans = [
            "2026-03-02T10:00:00Z/2026-03-02T11:00:00Z",
            "2026-03-03T10:00:00Z/2026-03-03T13:00:00Z",
        ];
        check(&[event], WEEK.0, WEEK.1, &spans);
    }

    #[test]
    fn what_is_free_ended_or_lasts_no_time_is_left_out() {
        let free = "UID:1\nTRANSP:TRANSPARENT\nDTSTART:20260302T090000Z\nDURATION:PT1H";
        let ended = "UID:2\nDTSTART:20260301T230000Z\nDTEND:20260302T000000Z";
        let moment = "UID:3\nDTSTART:20260302T090000Z";
        let back = "UID:4\nDTSTART:20260302T090000Z\nDTEND:20260302T080000Z";
        let later = "UID:5\nDTSTART:20260309T000000Z\nDURATION:PT1H";
        check(&[free, ended, moment, back, later], WEEK.0, WEEK.1, &[]);
    }

    #[test]
    fn who_keeps_it_to_himself_tells_no_title() {
        let event = |class: &str| {
            format!(
                "UID:1\n{class}SUMMARY: Doctor \nCATEGORIES:Health\n\
                 DTSTART:20260302T090000Z\nDURATION:PT1H"
            )
        };
        let told = |class: &str| {
            let agenda = calendar(&[&event(class)]).agenda(&look(WEEK.0, WEEK.1));
            (agenda.spans[0].title.clone(), agenda.spans[0].categories.len())
        };
        assert_eq!(told(""), (Some("Doctor".to_owned()), 1));
        assert_eq!(told("CLASS:PRIVATE\n"), (None, 0));
        assert_eq!(told("CLASS:CONFIDENTIAL\n"), (None, 0));
    }

    #[test]
    fn a_bomb_costs_what_is_allowed() {
        let bomb = "UID:1\nDTSTART:20200101T000000Z\nDURATION:PT1M\nRRULE:FREQ=SECONDLY";
        let meeting = "UID:2\nDTSTART:20260302T090000Z\nDURATION:PT1H";
        let agenda = calendar(&[bomb, meeting]).agenda(&look(WEEK.0, WEEK.1));
        assert!(agenda.is_cut);
        assert_eq!(agenda.spans.len(), ICAL_SPANS_OF_EVENT_MAX + 1, "the meeting is there");
    }
}
