//! Times as clocks on walls show them: zones with their summer time, days, hours of a day.
//!
//! Zones come with the program, so that the same text means the same on every machine.

pub use jiff::Span;
pub use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::time::Wall;

/// Where clocks show the same.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Zone(TimeZone);

/// From a time of the day to another, which is not part of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Shift {
    /// Its first moment.
    pub from: Time,
    /// `None` for midnight.
    pub until: Option<Time>,
}

impl Zone {
    /// Universal time.
    pub const UTC: Zone = Zone(TimeZone::UTC);

    /// By its name in the zone database, such as `Europe/Berlin`.
    pub fn named(name: &str) -> Option<Zone> {
        TimeZone::get(name).ok().map(Zone)
    }

    /// By rules that hold every year, as POSIX writes them: `CET-1CEST,M3.5.0,M10.5.0/3`.
    pub fn posix(rules: &str) -> Option<Zone> {
        TimeZone::posix(rules).ok().map(Zone)
    }

    /// What its clocks show; `None` for times no calendar reaches.
    pub fn local(&self, wall: Wall) -> Option<DateTime> {
        Some(self.0.to_datetime(timestamp(wall)?))
    }

    /// When its clocks show a time. One that they skip is read by the offset before the gap, one
    /// that they show twice is the first (RFC 5545 §3.3.5). What was before 1970 is 1970.
    pub fn moment(&self, time: DateTime) -> Option<Wall> {
        let moment = self.0.to_timestamp(time).ok()?;
        Some(Wall::from_unix_millis(u64::try_from(moment.as_millisecond()).unwrap_or(0)))
    }

    /// The same, as a time of UTC: it reaches back before 1970.
    pub fn universal(&self, time: DateTime) -> Option<DateTime> {
        Some(TimeZone::UTC.to_datetime(self.0.to_timestamp(time).ok()?))
    }

    /// What its clocks show when those of UTC show a time.
    pub fn local_of(&self, universal: DateTime) -> Option<DateTime> {
        Some(self.0.to_datetime(TimeZone::UTC.to_timestamp(universal).ok()?))
    }

    /// How far it is ahead of UTC, in minutes.
    pub fn offset_minutes(&self, wall: Wall) -> Option<i16> {
        let seconds = self.0.to_offset(timestamp(wall)?).seconds();
        i16::try_from(seconds.div_euclid(60)).ok()
    }

    /// When its clocks are changed next.
    pub fn next_change(&self, wall: Wall) -> Option<Wall> {
        let next = self.0.following(timestamp(wall)?).next()?.timestamp();
        u64::try_from(next.as_millisecond()).ok().map(Wall::from_unix_millis)
    }
}

/// From one time to another on the same clock.
pub fn between(from: DateTime, until: DateTime) -> SignedDuration {
    until.duration_since(from)
}

/// So many days; `None` for more than calendars hold.
pub fn days(count: i64) -> Option<Span> {
    Span::new().try_days(count).ok()
}

/// So many months.
pub fn months(count: i64) -> Option<Span> {
    Span::new().try_months(count).ok()
}

/// So many seconds.
pub fn seconds(count: i64) -> Option<Span> {
    Span::new().try_seconds(count).ok()
}

fn timestamp(wall: Wall) -> Option<Timestamp> {
    Timestamp::from_millisecond(i64::try_from(wall.as_unix_millis()).ok()?).ok()
}

impl Shift {
    /// Reads `09:00-17:30`; `24:00` ends a day.
    pub fn read(text: &str) -> Option<Shift> {
        let (from, until) = text.split_once('-')?;
        let from = time(from.trim())?;
        let until = match until.trim() {
            "24:00" => None,
            until => Some(time(until)?),
        };
        until.is_none_or(|until| from < until).then_some(Shift { from, until })
    }

    /// When it begins and ends on a day. As moments, not as times of the day: those are not in
    /// order when clocks change.
    pub fn on(self, date: Date, zone: &Zone) -> Option<(Wall, Wall)> {
        let until = match self.until {
            Some(until) => date.to_datetime(until),
            None => date.tomorrow().ok()?.to_datetime(Time::midnight()),
        };
        Some((zone.moment(date.to_datetime(self.from))?, zone.moment(until)?))
    }
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
pub fn date(text: &str) -> Option<Date> {
    (text.len() == 10).then(|| text.parse().ok()).flatten()
}

/// The place of a day in a week that begins on Monday.
pub fn monday_first(weekday: Weekday) -> usize {
    usize::try_from(weekday.to_monday_zero_offset()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Wall {
        Wall::from_date_time(text).expect(text)
    }

    fn berlin() -> Zone {
        Zone::named("Europe/Berlin").expect("a zone")
    }

    // On 29 March 2026 the clocks of Berlin skip from 02:00 to 03:00, on 25 October they show the
    // hour from 02:00 twice.
    #[test]
    fn a_time_that_clocks_skip_is_an_hour_later_and_one_shown_twice_is_the_first() {
        let moment = |text: &str| berlin().moment(text.parse().expect("a time"));
        assert_eq!(moment("2026-03-29T02:30"), Some(at("2026-03-29T01:30:00Z")));
        assert_eq!(moment("2026-10-25T02:30"), Some(at("2026-10-25T00:30:00Z")));
        assert_eq!(moment("1960-01-01T00:00"), Some(Wall::default()));
    }

    #[test]
    fn the_offset_of_a_zone_and_when_it_changes() {
        let winter = at("2026-03-02T12:00:00Z");
        assert_eq!(berlin().offset_minutes(winter), Some(60));
        assert_eq!(berlin().next_change(winter), Some(at("2026-03-29T01:00:00Z")));
        assert_eq!(Zone::UTC.next_change(winter), None);
        let kathmandu = Zone::named("Asia/Kathmandu").expect("a zone");
        assert_eq!(kathmandu.offset_minutes(winter), Some(345));
    }

    #[test]
    fn rules_of_every_year_make_a_zone() {
        let zone = Zone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a zone");
        let time: DateTime = "2026-07-01T12:00".parse().expect("a time");
        assert_eq!(zone.moment(time), berlin().moment(time));
        assert!(Zone::posix("CET").is_none() && Zone::named("Europe/Nowhere").is_none());
    }

    #[test]
    fn shifts_and_dates_are_written_one_way() {
        assert!(Shift::read("00:00-24:00").is_some());
        for bad in ["", "9-17", "09:00", "17:00-09:00", "09:00-09:00", "9:00-17:00", "09:00-25:00"]
        {
            assert_eq!(Shift::read(bad), None, "{bad}");
        }
        for bad in ["", "2026-02-30", "2026-2-3", "25.12.2026", "2026-12-25T00:00"] {
            assert_eq!(date(bad), None, "{bad}");
        }
    }
}
