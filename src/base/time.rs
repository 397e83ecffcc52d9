//! The moment: a monotonic instant for timers and a wall time for documents and deadlines
//! that outlive a restart. Nothing here reads a clock; the edge hands a [`Now`] in.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// A monotonic instant, in microseconds since an origin the clock chose.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Moment(u64);

impl Moment {
    /// The clock's origin.
    pub const ORIGIN: Moment = Moment(0);

    /// The instant so many microseconds after the origin.
    pub const fn from_micros(micros: u64) -> Moment {
        Moment(micros)
    }

    /// Microseconds since the origin.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// How long ago `earlier` was; zero if it is still to come.
    pub fn since(self, earlier: Moment) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Moment {
    type Output = Moment;

    fn add(self, span: Duration) -> Moment {
        Moment(self.0.saturating_add(micros(span)))
    }
}

impl AddAssign<Duration> for Moment {
    fn add_assign(&mut self, span: Duration) {
        *self = *self + span;
    }
}

impl Sub<Duration> for Moment {
    type Output = Moment;

    fn sub(self, span: Duration) -> Moment {
        Moment(self.0.saturating_sub(micros(span)))
    }
}

/// A point of civil time, in milliseconds since the Unix epoch.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Wall(u64);

impl Wall {
    /// The wall time so many milliseconds after the Unix epoch.
    pub const fn from_unix_millis(millis: u64) -> Wall {
        Wall(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_unix_millis(self) -> u64 {
        self.0
    }

    /// How long ago `earlier` was; zero if it is still to come.
    pub fn since(self, earlier: Wall) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Wall {
    type Output = Wall;

    fn add(self, span: Duration) -> Wall {
        Wall(self.0.saturating_add(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)))
    }
}

impl From<SystemTime> for Wall {
    fn from(time: SystemTime) -> Wall {
        let span = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Wall(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
    }
}

impl Wall {
    /// As the Date header has it (RFC 3261 §20.17): `Mon, 02 Mar 2026 09:41:07 GMT`.
    pub fn to_http_date(self) -> String {
        const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
        const MONTHS: [&str; 12] =
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let seconds = self.0 / 1000;
        let (year, month, day) = civil(seconds / 86_400);
        let weekday = DAYS[(seconds / 86_400 % 7) as usize];
        let month = MONTHS[(month - 1) as usize];
        let of_day = seconds % 86_400;
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        format!("{weekday}, {day:02} {month} {year} {hour:02}:{minute:02}:{second:02} GMT")
    }
}

impl Wall {
    /// The moment an `xs:dateTime` names (RFC 3339 §5.6), cut to the millisecond; without a zone
    /// it is UTC. `None` for what is no time, and for what was before 1970.
    pub fn from_date_time(text: &str) -> Option<Wall> {
        let (date, rest) = text.split_at_checked(10)?;
        let (time, rest) = rest.strip_prefix('T')?.split_at_checked(8)?;
        let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
        let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
        let (millis, zone) = fraction(rest)?;
        let in_range = year > 0 && (1..=12).contains(&month) && (1..=31).contains(&day);
        let days = days(year, month, day)?;
        // A day that does not exist would be another one when written back.
        let exists = in_range && civil(days) == (year, month, day);
        if !exists || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let local = days * 86_400 + hour * 3600 + minute * 60 + second;
        let seconds = local.checked_add_signed(zone.checked_neg()?)?;
        Some(Wall(seconds * 1000 + millis))
    }
}

/// Numbers of so many digits each, with a mark between them.
fn numbers<const N: usize>(text: &str, mark: char, digits: [usize; N]) -> Option<[u64; N]> {
    let mut parts = text.split(mark);
    let mut found = [0; N];
    for (place, digits) in found.iter_mut().zip(digits) {
        let part = parts.next()?;
        let lawful = part.len() == digits && part.bytes().all(|octet| octet.is_ascii_digit());
        *place = lawful.then(|| part.parse().ok())??;
    }
    parts.next().is_none().then_some(found)
}

/// Milliseconds, and how many seconds the zone is ahead of UTC.
fn fraction(text: &str) -> Option<(u64, i64)> {
    let (millis, zone) = match text.strip_prefix('.') {
        Some(rest) => {
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let (digits, zone) = rest.split_at(end);
            let millis = digits.chars().chain("000".chars()).take(3).collect::<String>();
            ((1..=9).contains(&digits.len()).then(|| millis.parse().ok())??, zone)
        }
        None => (0, text),
    };
    let ahead = match zone {
        "" | "Z" => 0,
        zone => {
            let (sign, time) = zone.split_at_checked(1)?;
            let [hours, minutes] = numbers(time, ':', [2, 2])?;
            let seconds = i64::try_from(hours * 3600 + minutes * 60).ok()?;
            match sign {
                _ if minutes > 59 || seconds > 14 * 3600 => return None,
                "+" => seconds,
                "-" => -seconds,
                _ => return None,
            }
        }
    };
    Some((millis, ahead))
}

/// As a timestamp of RFC 3339, in documents for programs.
impl Serialize for Wall {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// From a timestamp of RFC 3339.
impl<'de> Deserialize<'de> for Wall {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Wall, D::Error> {
        let text = String::deserialize(from)?;
        Wall::from_date_time(&text)
            .ok_or_else(|| D::Error::custom("a time such as 2026-03-02T09:41:07Z"))
    }
}

/// RFC 3339 in UTC with capital `T` and `Z` (RFC 3863 §4.1.7), milliseconds only if there are any.
impl fmt::Display for Wall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, millis) = (self.0 / 1000, self.0 % 1000);
        let (year, month, day) = civil(seconds / 86_400);
        let of_day = seconds % 86_400;
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        if year > 9999 {
            return f.write_str("9999-12-31T23:59:59Z"); // RFC 3339 ends there.
        }
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let parts = [(0, 4, year), (5, 2, month), (8, 2, day), (11, 2, hour), (14, 2, minute)];
        for (start, digits, number) in parts.into_iter().chain([(17, 2, second), (20, 3, millis)]) {
            let mut rest = number;
            for digit in text[start..start + digits].iter_mut().rev() {
                *digit = b'0' + (rest % 10) as u8;
                rest /= 10;
            }
        }
        if millis == 0 {
            text[19] = b'Z';
        }
        let octets = if millis == 0 { &text[..20] } else { &text[..] };
        f.write_str(std::str::from_utf8(octets).expect("digits and signs"))
    }
}

/// The one clock reading of a turn.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Now {
    /// Drives timers; never goes back.
    pub instant: Moment,
    /// For documents, and for deadlines that outlive a restart; may be stepped.
    pub wall: Wall,
}

impl Now {
    /// The same reading, `span` later on both scales. Virtual time is made of this.
    #[must_use]
    pub fn after(self, span: Duration) -> Now {
        Now { instant: self.instant + span, wall: self.wall + span }
    }

    /// The instant at which the wall clock will show `wall`, if nobody steps it; now, if it is past.
    pub fn instant_of(self, wall: Wall) -> Moment {
        self.instant + wall.since(self.wall)
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

/// Days since 1970-01-01 to year, month and day of the Gregorian calendar.
fn civil(days: u64) -> (u64, u64, u64) {
    // Counted from 0000-03-01, so that a leap day is the last day of its year.
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let of_era = shifted % 146_097;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

/// Days since 1970-01-01 of a date, if it is not before that.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    // Years begin in March, as above.
    let year = if month <= 2 { year.checked_sub(1)? } else { year };
    let march_month = (month + 9) % 12;
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * march_month + 2) / 5 + day.checked_sub(1)?;
    (era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year).checked_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_was_written_is_read_back() {
        for millis in [0, 951_782_400_000, 1_772_444_467_000, 1_798_761_599_999, 4_107_542_400_000]
        {
            let wall = Wall::from_unix_millis(millis);
            assert_eq!(Wall::from_date_time(&wall.to_string()), Some(wall));
        }
        let mut day = 0;
        while day < 200 * 366 {
            let wall = Wall::from_unix_millis(day * 86_400_000);
            assert_eq!(Wall::from_date_time(&wall.to_string()), Some(wall));
            day += 1;
        }
    }

    #[test]
    fn a_time_names_its_zone_or_is_utc() {
        let noon = Wall::from_date_time("2026-03-02T12:00:00Z");
        assert!(noon.is_some());
        for same in [
            "2026-03-02T12:00:00",
            "2026-03-02T13:30:00+01:30",
            "2026-03-01T22:00:00-14:00",
            "2026-03-02T12:00:00.0001Z",
        ] {
            assert_eq!(Wall::from_date_time(same), noon, "{same}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for odd in [
            "",
            "2026-03-02",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:00:60Z",
            "2026-01-01T00:00:00+14:01",
            "2026-01-01T00:00:00*01:00",
            "2026-01-01T00:00:00.Z",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+01:00",
            "+026-01-01T00:00:00Z",
            "0000-01-01T00:00:00Z",
        ] {
            assert_eq!(Wall::from_date_time(odd), None, "{odd}");
        }
    }

    #[test]
    fn wall_time_is_written_as_rfc_3339() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399_000, "2000-02-28T23:59:59Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_772_444_467_000, "2026-03-02T09:41:07Z"),
            (1_798_761_599_999, "2026-12-31T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(Wall::from_unix_millis(millis).to_string(), text);
        }
    }

    #[test]
    fn a_date_header_names_the_day() {
        for (millis, text) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (1_772_444_467_000, "Mon, 02 Mar 2026 09:41:07 GMT"),
        ] {
            assert_eq!(Wall::from_unix_millis(millis).to_http_date(), text);
        }
    }

    #[test]
    fn a_deadline_of_the_wall_clock_becomes_an_instant() {
        let now = Now { instant: Moment::from_micros(5), wall: Wall::from_unix_millis(1000) };
        assert_eq!(now.instant_of(Wall::from_unix_millis(3000)), Moment::from_micros(2_000_005));
        assert_eq!(now.instant_of(Wall::from_unix_millis(10)), now.instant, "already past");
    }

    #[test]
    fn spans_saturate_instead_of_wrapping() {
        let end = Moment::from_micros(u64::MAX) + Duration::from_secs(1);
        assert_eq!(end.as_micros(), u64::MAX);
        assert_eq!(Moment::ORIGIN - Duration::from_secs(1), Moment::ORIGIN);
        assert_eq!(Moment::ORIGIN.since(end), Duration::ZERO);
    }
}
