//! Working hours and days off: in the zone of the people, with its summer time.
//!
//! Zones come with the program, so that the same policy means the same on every machine.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::who::{Anybody, Who};
use crate::base::identity::Aor;
use crate::base::time::Wall;
use crate::policy::rules::Applies;

/// A day of the calendar.
pub(super) type Day = Date;

/// All hours and days off of an organisation.
#[derive(Clone, Debug, Default)]
pub(super) struct Calendar {
    /// The first that means somebody counts.
    pub hours: Vec<Hours>,
    pub days_off: Vec<DayOff>,
}

/// The working hours of some people.
#[derive(Clone, Debug)]
pub(super) struct Hours {
    pub of: Who,
    pub zone: TimeZone,
    /// By weekday, Monday first; sorted.
    pub week: [Vec<Shift>; 7],
    /// Nobody works.
    pub holidays: Vec<Date>,
}

/// From a time of the day to another, which is not part of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Shift {
    pub from: Time,
    /// `None` for midnight.
    pub until: Option<Time>,
}

/// Days on which somebody does not work.
#[derive(Clone, Debug)]
pub(super) struct DayOff {
    pub of: Who,
    pub from: Date,
    /// The last of them.
    pub until: Date,
}

/// How far ahead a change is looked for, in days. The days between are asked again at each
/// midnight anyway.
const DAYS_AHEAD: i64 = 2;

impl Calendar {
    /// Whether somebody does not work now. Of whom nothing is known works always.
    pub fn off_work(&self, presentity: &Aor, now: Wall) -> Applies {
        let somebody = Anybody(presentity);
        let hours = self.hours.iter().find(|hours| hours.of.means(&somebody));
        let days_off: Vec<&DayOff> =
            self.days_off.iter().filter(|off| off.of.means(&somebody)).collect();
        let zone = hours.map_or(TimeZone::UTC, |hours| hours.zone.clone());
        let Some(today) = local(now, &zone) else {
            return Applies { now: false, until: None };
        };
        if hours.is_none() && days_off.is_empty() {
            return Applies { now: false, until: None };
        }
        let shifts = |date: Date| -> &[Shift] {
            let week = hours.filter(|hours| !hours.holidays.contains(&date)).map(|h| &h.week);
            week.and_then(|week| week.get(monday_first(date.weekday()))).map_or(&[], Vec::as_slice)
        };
        let is_off = |date: Date| days_off.iter().any(|off| (off.from..=off.until).contains(&date));
        let works = match hours {
            Some(_) => shifts(today).iter().any(|shift| shift.covers(today, now, &zone)),
            None => true,
        };
        let ahead = (0..=DAYS_AHEAD).filter_map(|days| today.checked_add(days.days()).ok());
        let bounds = ahead.flat_map(|date| {
            let times = shifts(date).iter().flat_map(|shift| [Some(shift.from), shift.until]);
            let times = times.flatten().chain([Time::midnight()]);
            times.filter_map(|time| wall(date, time, &zone)).collect::<Vec<_>>()
        });
        Applies { now: !works || is_off(today), until: bounds.filter(|bound| *bound > now).min() }
    }
}

impl Shift {
    /// Compared as moments, not as times of the day: those are not in order when clocks change.
    fn covers(self, date: Date, now: Wall, zone: &TimeZone) -> bool {
        let from = wall(date, self.from, zone);
        let until = match self.until {
            Some(until) => wall(date, until, zone),
            None => date.tomorrow().ok().and_then(|date| wall(date, Time::midnight(), zone)),
        };
        from.is_some_and(|from| from <= now) && until.is_some_and(|until| now < until)
    }
}

/// A zone by its name in the zone database, such as `Europe/Berlin`.
pub(super) fn zone(name: &str) -> Option<TimeZone> {
    TimeZone::get(name).ok()
}

fn local(now: Wall, zone: &TimeZone) -> Option<Date> {
    let millis = i64::try_from(now.as_unix_millis()).ok()?;
    Some(zone.to_datetime(Timestamp::from_millisecond(millis).ok()?).date())
}

/// A time the clocks skip is the moment they skip to; one they show twice is the first.
fn wall(date: Date, time: Time, zone: &TimeZone) -> Option<Wall> {
    let moment = zone.to_timestamp(date.to_datetime(time)).ok()?;
    u64::try_from(moment.as_millisecond()).ok().map(Wall::from_unix_millis)
}

fn monday_first(weekday: Weekday) -> usize {
    usize::try_from(weekday.to_monday_zero_offset()).unwrap_or(0)
}

/// Reads `09:00-17:30`; `24:00` ends a day.
pub(super) fn shift(text: &str) -> Option<Shift> {
    let (from, until) = text.split_once('-')?;
    let from = time(from.trim())?;
    let until = match until.trim() {
        "24:00" => None,
        until => Some(time(until)?),
    };
    until.is_none_or(|until| from < until).then_some(Shift { from, until })
}

fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let number = |digits: &str| -> Option<i8> {
        let plain = digits.len() == 2 && digits.bytes().all(|octet| octet.is_ascii_digit());
        plain.then(|| digits.parse().ok()).flatten()
    };
    Time::new(number(hour)?, number(minute)?, 0, 0).ok()
}

/// Reads `2026-12-25`.
pub(super) fn date(text: &str) -> Option<Date> {
    (text.len() == 10).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doc::date_time;

    fn office(zone_name: &str) -> Calendar {
        let day = || vec![shift("09:00-12:00").expect("a"), shift("13:00-17:30").expect("b")];
        let hours = Hours {
            of: Who { everybody: true, ..Who::default() },
            zone: zone(zone_name).expect("a zone"),
            week: [day(), day(), day(), day(), day(), vec![], vec![]],
            holidays: vec![date("2026-12-25").expect("a date")],
        };
        let alice = Who { users: vec![alice()], ..Who::default() };
        let off = DayOff {
            of: alice,
            from: date("2026-03-04").expect("a date"),
            until: date("2026-03-05").expect("a date"),
        };
        Calendar { hours: vec![hours], days_off: vec![off] }
    }

    fn alice() -> Aor {
        Aor::from_canonical("alice@example.com")
    }

    fn bob() -> Aor {
        Aor::from_canonical("bob@example.com")
    }

    fn at(text: &str) -> Wall {
        date_time::wall(text).expect(text)
    }

    #[track_caller]
    fn check(calendar: &Calendar, who: &Aor, now: &str, off: bool, until: &str) {
        let found = calendar.off_work(who, at(now));
        assert_eq!((found.now, found.until), (off, Some(at(until))), "{now}");
    }

    #[test]
    fn work_begins_at_its_first_moment_and_is_over_at_its_last() {
        let berlin = office("Europe/Berlin");
        check(&berlin, &bob(), "2026-03-02T07:59:59.999Z", true, "2026-03-02T08:00:00Z");
        check(&berlin, &bob(), "2026-03-02T08:00:00Z", false, "2026-03-02T11:00:00Z");
        check(&berlin, &bob(), "2026-03-02T11:00:00Z", true, "2026-03-02T12:00:00Z");
        check(&berlin, &bob(), "2026-03-02T16:29:59.999Z", false, "2026-03-02T16:30:00Z");
        check(&berlin, &bob(), "2026-03-02T16:30:00Z", true, "2026-03-02T23:00:00Z");
    }

    #[test]
    fn weekends_and_holidays_are_off() {
        let berlin = office("Europe/Berlin");
        check(&berlin, &bob(), "2026-03-07T10:00:00Z", true, "2026-03-07T23:00:00Z");
        check(&berlin, &bob(), "2026-12-25T10:00:00Z", true, "2026-12-25T23:00:00Z");
        check(&berlin, &bob(), "2026-12-24T10:00:00Z", false, "2026-12-24T11:00:00Z");
    }

    #[test]
    fn a_day_off_is_off_for_its_person_from_midnight_to_midnight_of_the_zone() {
        let berlin = office("Europe/Berlin");
        check(&berlin, &alice(), "2026-03-04T10:00:00Z", true, "2026-03-04T11:00:00Z");
        check(&berlin, &alice(), "2026-03-05T22:30:00Z", true, "2026-03-05T23:00:00Z");
        check(&berlin, &alice(), "2026-03-06T10:00:00Z", false, "2026-03-06T11:00:00Z");
        check(&berlin, &bob(), "2026-03-04T10:00:00Z", false, "2026-03-04T11:00:00Z");
    }

    // On 29 March 2026 the clocks of Berlin skip from 02:00 to 03:00.
    #[test]
    fn work_begins_by_the_clock_on_the_wall_whatever_the_season() {
        let berlin = office("Europe/Berlin");
        check(&berlin, &bob(), "2026-03-27T07:30:00Z", true, "2026-03-27T08:00:00Z");
        check(&berlin, &bob(), "2026-03-30T06:30:00Z", true, "2026-03-30T07:00:00Z");
        check(&berlin, &bob(), "2026-03-28T23:30:00Z", true, "2026-03-29T22:00:00Z");
        let nights = Calendar {
            hours: vec![Hours {
                week: std::array::from_fn(|_| vec![shift("02:30-24:00").expect("a shift")]),
                ..office("Europe/Berlin").hours.remove(0)
            }],
            days_off: Vec::new(),
        };
        check(&nights, &bob(), "2026-03-29T00:59:00Z", true, "2026-03-29T01:30:00Z");
    }

    #[test]
    fn of_whom_nothing_is_known_works_always() {
        let found = Calendar::default().off_work(&bob(), at("2026-03-07T10:00:00Z"));
        assert_eq!(found, Applies { now: false, until: None });
        let only_days_off = Calendar { hours: Vec::new(), ..office("UTC") };
        let found = only_days_off.off_work(&bob(), at("2026-03-04T03:00:00Z"));
        assert_eq!(found, Applies { now: false, until: None });
        check(&only_days_off, &alice(), "2026-03-04T03:00:00Z", true, "2026-03-05T00:00:00Z");
        check(&only_days_off, &alice(), "2026-03-03T03:00:00Z", false, "2026-03-04T00:00:00Z");
    }

    #[test]
    fn shifts_and_dates_are_written_one_way() {
        assert!(shift("00:00-24:00").is_some());
        for bad in ["", "9-17", "09:00", "17:00-09:00", "09:00-09:00", "9:00-17:00", "09:00-25:00"]
        {
            assert_eq!(shift(bad), None, "{bad}");
        }
        for bad in ["", "2026-02-30", "2026-2-3", "25.12.2026", "2026-12-25T00:00"] {
            assert_eq!(date(bad), None, "{bad}");
        }
        assert!(zone("Europe/Nowhere").is_none());
    }
}
