//! Rules of what recurs, followed (RFC 5545 §3.3.10): when it begins within a window.
//!
//! A rule that counts is followed from its beginning, any other from the window on, so that what
//! recurs for years costs no more than what is new. Everything that is looked at is paid for by a
//! purse, so that no rule costs more than is allowed.

use super::rule::{Frequency, Rule};
use crate::base::civil::{Date, DateTime, Time, Weekday, between, days, months, seconds};

/// What may still be spent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Purse {
    left: usize,
}

/// Between which times something is looked for, both included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Window {
    pub from: DateTime,
    pub until: DateTime,
}

impl Purse {
    pub fn of(steps: usize) -> Purse {
        Purse { left: steps }
    }

    /// What is left, at most `steps` of it, in a purse of its own.
    pub fn part(&self, steps: usize) -> Purse {
        Purse { left: self.left.min(steps) }
    }

    /// Pays for what was spent of a part.
    pub fn settle(&mut self, given: Purse, left: Purse) {
        self.left = self.left.saturating_sub(given.left.saturating_sub(left.left));
    }

    pub fn is_empty(&self) -> bool {
        self.left == 0
    }

    fn pay(&mut self) -> Option<()> {
        self.left = self.left.checked_sub(1)?;
        Some(())
    }
}

/// When something begins that first begins at `start` and recurs until `end`: all beginnings within
/// the window, in order. Less than all if the purse is empty afterwards.
pub(super) fn beginnings(
    rule: &Rule,
    start: DateTime,
    end: Option<DateTime>,
    window: Window,
    purse: &mut Purse,
) -> Vec<DateTime> {
    let last = end.map_or(window.until, |end| end.min(window.until));
    let mut left = rule.count.unwrap_or(u32::MAX);
    let mut found = Vec::new();
    // The first is one of them whether or not the rule would have it (§3.8.5.3).
    let mut take = |time: DateTime| {
        if left == 0 || time > last {
            return false;
        }
        left -= 1;
        if time >= window.from {
            found.push(time);
        }
        true
    };
    if !take(start) {
        return found;
    }
    let mut periods = Periods::of(rule, start, window.from);
    while let Some(times) = periods.next_times(last, purse) {
        for time in times.into_iter().filter(|time| *time > start) {
            if purse.pay().is_none() || !take(time) {
                return found;
            }
        }
    }
    found
}

/// The periods of a rule, one after the other.
struct Periods<'a> {
    rule: &'a Rule,
    start: DateTime,
    /// The number of the next.
    next: i64,
}

impl<'a> Periods<'a> {
    fn of(rule: &'a Rule, start: DateTime, from: DateTime) -> Periods<'a> {
        let mut periods = Periods { rule, start, next: 0 };
        if rule.count.is_none() && from > start {
            // One earlier: a period may reach into the window that began before it.
            periods.next = (periods.number_of(from) - 1).max(0);
        }
        periods
    }

    /// Which period a later time is in, or the last before it.
    fn number_of(&self, time: DateTime) -> i64 {
        let days = || between(self.start, time).as_hours() / 24;
        let units = |unit: i64| between(self.start, time).as_secs() / unit;
        let (year, month) = (
            i64::from(time.year()) - i64::from(self.start.year()),
            i64::from(time.month()) - i64::from(self.start.month()),
        );
        let passed = match self.rule.frequency {
            Frequency::Yearly => year,
            Frequency::Monthly => year * 12 + month,
            Frequency::Weekly => days() / 7,
            Frequency::Daily => days(),
            Frequency::Hourly => units(3600),
            Frequency::Minutely => units(60),
            Frequency::Secondly => units(1),
        };
        passed / self.rule.interval
    }

    /// All times of the next period in order; `None` if it begins after `last`, or if it cannot be
    /// paid for.
    fn next_times(&mut self, last: DateTime, purse: &mut Purse) -> Option<Vec<DateTime>> {
        purse.pay()?;
        let passed = self.next.checked_mul(self.rule.interval)?;
        self.next += 1;
        let mut times = match self.rule.frequency {
            Frequency::Hourly | Frequency::Minutely | Frequency::Secondly => {
                self.within_a_day(passed, last, purse)?
            }
            _ => self.of_days(passed, last, purse)?,
        };
        if !self.rule.places.is_empty() {
            times = placed(&times, &self.rule.places);
        }
        Some(times)
    }

    fn of_days(&self, passed: i64, last: DateTime, purse: &mut Purse) -> Option<Vec<DateTime>> {
        let (rule, start) = (self.rule, self.start.date());
        let (first, next) = match rule.frequency {
            Frequency::Yearly => {
                let year = i64::from(start.year()) + passed;
                let first = Date::new(i16::try_from(year).ok()?, 1, 1).ok()?;
                (first, first.checked_add(months(12)?).ok()?)
            }
            Frequency::Monthly => {
                let first = start.first_of_month().checked_add(months(passed)?).ok()?;
                (first, first.checked_add(months(1)?).ok()?)
            }
            Frequency::Weekly => {
                let before = days_since(start.weekday(), rule.week_start);
                let first = start.checked_add(days(passed.checked_mul(7)? - before)?).ok()?;
                (first, first.checked_add(days(7)?).ok()?)
            }
            _ => {
                let first = start.checked_add(days(passed)?).ok()?;
                (first, first.tomorrow().ok()?)
            }
        };
        if first.to_datetime(Time::midnight()) > last {
            return None;
        }
        let mut times = Vec::new();
        let mut date = first;
        while date < next {
            purse.pay()?;
            if self.has_day(date) {
                self.add_times(date, &mut times, purse)?;
            }
            date = date.tomorrow().ok()?;
        }
        Some(times)
    }

    /// Every time of day the rule names, or that of the first.
    fn add_times(&self, date: Date, into: &mut Vec<DateTime>, purse: &mut Purse) -> Option<()> {
        let start = self.start;
        let (hours, minutes, seconds) = (
            or_own(&self.rule.hours, start.hour()),
            or_own(&self.rule.minutes, start.minute()),
            or_own(&self.rule.seconds, start.second()),
        );
        for hour in &hours {
            for minute in &minutes {
                for second in &seconds {
                    purse.pay()?;
                    into.extend(time_of(date, *hour, *minute, *second));
                }
            }
        }
        Some(())
    }

    fn within_a_day(
        &self,
        passed: i64,
        last: DateTime,
        purse: &mut Purse,
    ) -> Option<Vec<DateTime>> {
        let (rule, start) = (self.rule, self.start);
        let (hour, minute, second) = (start.hour(), start.minute(), start.second());
        let own = [hour, minute, second].map(i64::from);
        let (span, first) = match rule.frequency {
            Frequency::Hourly => (passed.checked_mul(3600)?, start.date().at(hour, 0, 0, 0)),
            Frequency::Minutely => (passed.checked_mul(60)?, start.date().at(hour, minute, 0, 0)),
            _ => (passed, start),
        };
        let first = first.checked_add(seconds(span)?).ok()?;
        if first > last {
            return None;
        }
        let has = |list: &[i64], own: i8| list.is_empty() || list.contains(&i64::from(own));
        let names_hour = has(&rule.hours, first.hour());
        let names_minute =
            rule.frequency == Frequency::Hourly || has(&rule.minutes, first.minute());
        let names_second =
            rule.frequency != Frequency::Secondly || has(&rule.seconds, first.second());
        if !names_hour || !names_minute || !names_second || !self.has_day(first.date()) {
            return Some(Vec::new());
        }
        let (minutes, seconds) = match rule.frequency {
            Frequency::Hourly => (or(&rule.minutes, own[1]), or(&rule.seconds, own[2])),
            Frequency::Minutely => (vec![i64::from(first.minute())], or(&rule.seconds, own[2])),
            _ => (vec![i64::from(first.minute())], vec![i64::from(first.second())]),
        };
        let mut times = Vec::new();
        for minute in &minutes {
            for second in &seconds {
                purse.pay()?;
                times.extend(time_of(first.date(), i64::from(first.hour()), *minute, *second));
            }
        }
        Some(times)
    }

    /// Whether the rule names a day of a period it is at.
    fn has_day(&self, date: Date) -> bool {
        let (rule, start) = (self.rule, self.start.date());
        let frequency = rule.frequency;
        let names_a_day = !rule.weeks.is_empty()
            || !rule.days_of_year.is_empty()
            || !rule.days_of_month.is_empty()
            || !rule.weekdays.is_empty();
        let month = i64::from(date.month());
        // What the rule leaves open is as it was the first time (§3.3.10).
        match frequency {
            Frequency::Yearly if !names_a_day => {
                let is_month = match rule.months.is_empty() {
                    true => date.month() == start.month(),
                    false => rule.months.contains(&month),
                };
                return is_month && date.day() == start.day();
            }
            Frequency::Monthly if !names_a_day && date.day() != start.day() => return false,
            Frequency::Weekly if rule.weekdays.is_empty() && date.weekday() != start.weekday() => {
                return false;
            }
            // A week names its days, else they are those of the first.
            Frequency::Yearly
                if !rule.weeks.is_empty()
                    && rule.weekdays.is_empty()
                    && rule.days_of_month.is_empty()
                    && rule.days_of_year.is_empty()
                    && date.weekday() != start.weekday() =>
            {
                return false;
            }
            _ => {}
        }
        let named = |list: &[i64], number: i8, of: i8| {
            let (number, of) = (i64::from(number), i64::from(of));
            list.is_empty() || list.contains(&number) || list.contains(&(number - of - 1))
        };
        let of_year = (i64::from(date.day_of_year()), i64::from(date.days_in_year()));
        (rule.months.is_empty() || rule.months.contains(&month))
            && named(&rule.days_of_month, date.day(), date.days_in_month())
            && (rule.days_of_year.is_empty()
                || rule.days_of_year.contains(&of_year.0)
                || rule.days_of_year.contains(&(of_year.0 - of_year.1 - 1)))
            && (frequency != Frequency::Yearly || self.has_week(date))
            && self.has_weekday(date)
    }

    fn has_week(&self, date: Date) -> bool {
        let weeks = &self.rule.weeks;
        if weeks.is_empty() {
            return true;
        }
        week_of(date, self.rule.week_start).is_some_and(|(number, of)| {
            weeks.contains(&number) || weeks.contains(&(number - of - 1))
        })
    }

    fn has_weekday(&self, date: Date) -> bool {
        let rule = self.rule;
        // Which of its kind a weekday is, from both ends of what it is counted in.
        let (place, from_end) = match rule.frequency {
            Frequency::Monthly => of_month(date),
            Frequency::Yearly if !rule.months.is_empty() => of_month(date),
            Frequency::Yearly if rule.weeks.is_empty() => {
                let (day, days) = (i64::from(date.day_of_year()), i64::from(date.days_in_year()));
                ((day - 1) / 7 + 1, -((days - day) / 7 + 1))
            }
            _ => (0, 0),
        };
        let is_meant = |(which, weekday): &(i64, Weekday)| {
            let counts = place != 0 && *which != 0;
            *weekday == date.weekday() && (!counts || *which == place || *which == from_end)
        };
        rule.weekdays.is_empty() || rule.weekdays.iter().any(is_meant)
    }
}

fn of_month(date: Date) -> (i64, i64) {
    let (day, days) = (i64::from(date.day()), i64::from(date.days_in_month()));
    ((day - 1) / 7 + 1, -((days - day) / 7 + 1))
}

/// The week of its year a day is in, and how many that year has. The first week is the first that
/// has four days in the year.
fn week_of(date: Date, week_start: Weekday) -> Option<(i64, i64)> {
    let first_of = |year: i16| -> Option<Date> {
        let fourth = Date::new(year, 1, 4).ok()?;
        fourth.checked_sub(days(days_since(fourth.weekday(), week_start))?).ok()
    };
    let mut year = date.year();
    if date < first_of(year)? {
        year -= 1;
    } else if date >= first_of(year.checked_add(1)?)? {
        year += 1;
    }
    let (first, next) = (first_of(year)?, first_of(year.checked_add(1)?)?);
    let weeks = |until: Date| {
        let midnight = |date: Date| date.to_datetime(Time::midnight());
        between(midnight(first), midnight(until)).as_hours() / (24 * 7)
    };
    Some((weeks(date) + 1, weeks(next)))
}

/// Days since the last day of this name.
fn days_since(day: Weekday, last: Weekday) -> i64 {
    let offset = |day: Weekday| i64::from(day.to_monday_zero_offset());
    (offset(day) - offset(last)).rem_euclid(7)
}

/// The times at these places, each once and in order.
fn placed(times: &[DateTime], places: &[i64]) -> Vec<DateTime> {
    let at = |place: &i64| {
        let place = match *place {
            place if place > 0 => usize::try_from(place - 1).ok()?,
            place => times.len().checked_sub(usize::try_from(-place).ok()?)?,
        };
        times.get(place).copied()
    };
    let mut found: Vec<DateTime> = places.iter().filter_map(at).collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn or_own(list: &[i64], own: i8) -> Vec<i64> {
    or(list, i64::from(own))
}

fn or(list: &[i64], own: i64) -> Vec<i64> {
    if list.is_empty() { vec![own] } else { list.to_vec() }
}

fn time_of(date: Date, hour: i64, minute: i64, second: i64) -> Option<DateTime> {
    let small = |number: i64| i8::try_from(number).ok();
    let time = Time::new(small(hour)?, small(minute)?, small(second)?, 0).ok()?;
    Some(date.to_datetime(time))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::limits::ICAL_STEPS_OF_EVENT_MAX;

    fn time(text: &str) -> DateTime {
        text.parse().expect(text)
    }

    fn window(from: &str, until: &str) -> Window {
        Window { from: time(from), until: time(until) }
    }

    fn found(rule: &str, start: &str, within: Window) -> Vec<String> {
        let rule = Rule::read(rule).expect(rule);
        let end = rule.until.map(super::super::value::Stamp::civil);
        let mut purse = Purse::of(ICAL_STEPS_OF_EVENT_MAX);
        let found = beginnings(&rule, time(start), end, within, &mut purse);
        found.iter().map(ToString::to_string).collect()
    }

    /// The days within ten years.
    #[track_caller]
    fn check(rule: &str, start: &str, days: &[&str]) {
        let within = window(start, "2007-01-01T00:00");
        let mut found = found(rule, start, within);
        found.truncate(days.len());
        let clock = start.split_once('T').expect("a clock").1;
        let expected: Vec<String> = days.iter().map(|day| format!("{day}T{clock}:00")).collect();
        assert_eq!(found, expected, "{rule}");
    }

    // The examples are those of RFC 5545 §3.8.5.3.
    #[test]
    fn days_weeks_and_months_recur() {
        let start = "1997-09-02T09:00";
        check("FREQ=DAILY;INTERVAL=10;COUNT=3", start, &["1997-09-02", "1997-09-12", "1997-09-22"]);
        check(
            "FREQ=WEEKLY;INTERVAL=2;COUNT=4;WKST=SU;BYDAY=TU,TH",
            start,
            &["1997-09-02", "1997-09-04", "1997-09-16", "1997-09-18"],
        );
        let start = "1997-08-05T09:00";
        let rule = "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=";
        let monday = ["1997-08-05", "1997-08-10", "1997-08-19", "1997-08-24"];
        check(&format!("{rule}MO"), start, &monday);
        let sunday = ["1997-08-05", "1997-08-17", "1997-08-19", "1997-08-31"];
        check(&format!("{rule}SU"), start, &sunday);
        let start = "1997-09-05T09:00";
        check("FREQ=MONTHLY;BYDAY=1FR", start, &["1997-09-05", "1997-10-03", "1997-11-07"]);
        let start = "1997-09-22T09:00";
        check("FREQ=MONTHLY;COUNT=6;BYDAY=-2MO", start, &["1997-09-22", "1997-10-20"]);
        let start = "1997-09-30T09:00";
        let ends = ["1997-09-30", "1997-10-31", "1997-11-30", "1997-12-31"];
        check("FREQ=MONTHLY;BYMONTHDAY=-1", start, &ends);
        let start = "1997-09-29T09:00";
        let last_but_one = ["1997-09-29", "1997-10-30", "1997-11-27", "1997-12-30"];
        check("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2", start, &last_but_one);
    }

    #[test]
    fn years_recur_by_month_week_and_day() {
        let start = "1997-06-10T09:00";
        let rule = "FREQ=YEARLY;COUNT=4;BYMONTH=6,7";
        check(rule, start, &["1997-06-10", "1997-07-10", "1998-06-10", "1998-07-10"]);
        let rule = "FREQ=YEARLY;INTERVAL=3;COUNT=4;BYYEARDAY=1,100,200";
        check(rule, "1997-01-01T09:00", &["1997-01-01", "1997-04-10", "1997-07-19", "2000-01-01"]);
        let start = "1997-05-19T09:00";
        check("FREQ=YEARLY;BYDAY=20MO", start, &["1997-05-19", "1998-05-18", "1999-05-17"]);
        let start = "1997-05-12T09:00";
        let rule = "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO";
        check(rule, start, &["1997-05-12", "1998-05-11", "1999-05-17"]);
        let rule = "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8";
        check(rule, "1996-11-05T09:00", &["1996-11-05", "2000-11-07", "2004-11-02"]);
        check("FREQ=YEARLY", "1996-02-29T09:00", &["1996-02-29", "2000-02-29", "2004-02-29"]);
    }

    #[test]
    fn hours_and_minutes_recur_within_a_day() {
        let within = window("1997-09-02T00:00", "1997-09-03T00:00");
        let hours =
            found("FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T170000", "1997-09-02T09:00", within);
        assert_eq!(hours, ["1997-09-02T09:00:00", "1997-09-02T12:00:00", "1997-09-02T15:00:00"]);
        let minutes = found("FREQ=MINUTELY;INTERVAL=90;COUNT=4", "1997-09-02T09:00", within);
        assert_eq!(minutes.last().map(String::as_str), Some("1997-09-02T13:30:00"));
        let rule = "FREQ=DAILY;BYHOUR=9,10;BYMINUTE=0,30;COUNT=3";
        let times = found(rule, "1997-09-02T09:00", within);
        assert_eq!(times, ["1997-09-02T09:00:00", "1997-09-02T09:30:00", "1997-09-02T10:00:00"]);
    }

    #[test]
    fn a_count_counts_from_the_first_and_an_end_is_part_of_it() {
        let within = window("2026-03-01T00:00", "2026-04-01T00:00");
        let counted = found("FREQ=DAILY;COUNT=3", "2026-02-27T09:00", within);
        assert_eq!(counted, ["2026-03-01T09:00:00"]);
        let ended = found("FREQ=DAILY;UNTIL=20260302T090000", "2026-02-27T09:00", within);
        assert_eq!(ended, ["2026-03-01T09:00:00", "2026-03-02T09:00:00"]);
        // The first is one of them though no Monday.
        let odd = found("FREQ=WEEKLY;BYDAY=MO;COUNT=2", "2026-03-03T09:00", within);
        assert_eq!(odd, ["2026-03-03T09:00:00", "2026-03-09T09:00:00"]);
    }

    #[test]
    fn what_recurs_for_centuries_costs_no_more_than_the_window() {
        let within = window("2026-03-02T00:00", "2026-03-09T00:00");
        for (rule, count) in [("DAILY", 7), ("WEEKLY", 1), ("MONTHLY", 0), ("HOURLY", 169)] {
            let rule = Rule::read(&format!("FREQ={rule}")).expect("a rule");
            let mut purse = Purse::of(1000);
            let found = beginnings(&rule, time("1601-01-01T09:00"), None, within, &mut purse);
            let is_spent = purse.is_empty();
            assert!(found.len() == count && !is_spent, "{rule:?}: {}", found.len());
        }
    }

    #[test]
    fn a_rule_that_names_nothing_or_everything_ends_with_the_purse() {
        let within = window("2026-03-02T00:00", "2026-03-09T00:00");
        for (rule, is_spent) in [
            ("FREQ=SECONDLY", true),
            ("FREQ=SECONDLY;COUNT=4000000000", true),
            ("FREQ=MINUTELY;COUNT=2;BYHOUR=3;BYMONTHDAY=31;BYMONTH=4", true),
            ("FREQ=DAILY;COUNT=900;BYMINUTE=1,2,3,4,5,6;BYSECOND=1,2,3,4,5,6,7,8,9", true),
            ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", false),
        ] {
            let rule = Rule::read(rule).expect(rule);
            let mut purse = Purse::of(1000);
            let found = beginnings(&rule, time("2020-01-01T09:00"), None, within, &mut purse);
            assert!(found.len() <= 1000 && purse.is_empty() == is_spent, "{rule:?}");
        }
    }
}
