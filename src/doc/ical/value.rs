//! Values of properties: times, spans, offsets from UTC (RFC 5545 §3.3).

use crate::base::civil::{Date, DateTime, Time};

/// A time as it is written; where its clock hangs is told beside it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stamp {
    /// A whole day.
    Date(Date),
    /// What a clock shows.
    Local(DateTime),
    /// What a clock of UTC shows.
    Utc(DateTime),
}

/// How long something lasts: days as calendars count them, and seconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Lasts {
    pub days: i64,
    pub seconds: i64,
}

impl Stamp {
    /// Reads `20260302`, `20260302T094107` and `20260302T094107Z`.
    pub fn read(text: &str) -> Option<Stamp> {
        let text = text.trim();
        let Some((date, time)) = text.split_once('T') else {
            return Some(Stamp::Date(date(text)?));
        };
        let (time, utc) = match time.strip_suffix('Z') {
            Some(time) => (time, true),
            None => (time, false),
        };
        let whole = date_time(date, time)?;
        Some(if utc { Stamp::Utc(whole) } else { Stamp::Local(whole) })
    }

    /// What its clock shows; the midnight a day begins at.
    pub fn civil(self) -> DateTime {
        match self {
            Stamp::Date(date) => date.to_datetime(Time::midnight()),
            Stamp::Local(time) | Stamp::Utc(time) => time,
        }
    }
}

fn date(text: &str) -> Option<Date> {
    if text.len() != 8 {
        return None;
    }
    let year = i16::try_from(number(text.get(..4)?)?).ok()?;
    let month = i8::try_from(number(text.get(4..6)?)?).ok()?;
    Date::new(year, month, i8::try_from(number(text.get(6..)?)?).ok()?).ok()
}

fn date_time(day: &str, time: &str) -> Option<DateTime> {
    if time.len() != 6 {
        return None;
    }
    let part = |from: usize| number(time.get(from..from + 2)?);
    // A leap second is the second before it.
    let (hour, minute, second) = (part(0)?, part(2)?, part(4)?.min(59));
    let small = |number: i64| i8::try_from(number).ok();
    Some(date(day)?.to_datetime(Time::new(small(hour)?, small(minute)?, small(second)?, 0).ok()?))
}

/// Digits alone, few enough to be no surprise.
fn number(digits: &str) -> Option<i64> {
    let plain = (1..=9).contains(&digits.len()) && digits.bytes().all(|it| it.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

impl Lasts {
    /// Reads `P1DT2H30M`, `P2W`, `PT15M`. Nothing lasts less than nothing.
    pub fn read(text: &str) -> Option<Lasts> {
        let rest = text.trim();
        let rest = rest.strip_prefix('+').unwrap_or(rest).strip_prefix('P')?;
        let (days, time) = match rest.split_once('T') {
            Some((days, time)) => (days, Some(time)),
            None => (rest, None),
        };
        let mut lasts = Lasts::default();
        for (count, unit) in parts(days)? {
            lasts.days += match unit {
                'W' => count * 7,
                'D' => count,
                _ => return None,
            };
        }
        for (count, unit) in parts(time.unwrap_or_default())? {
            lasts.seconds += match unit {
                'H' => count * 3600,
                'M' => count * 60,
                'S' => count,
                _ => return None,
            };
        }
        (!rest.is_empty()).then_some(lasts)
    }
}

fn parts(text: &str) -> Option<Vec<(i64, char)>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (digits, after) = rest.split_at_checked(rest.find(|c: char| !c.is_ascii_digit())?)?;
        // Seven digits of days are more than calendars hold.
        let count = number(digits).filter(|_| digits.len() <= 7)?;
        let unit = after.chars().next()?;
        parts.push((count, unit));
        rest = after.get(unit.len_utf8()..)?;
    }
    (parts.len() <= 4).then_some(parts)
}

/// Reads an offset from UTC such as `+0100` or `-033000`, in seconds.
pub(super) fn offset(text: &str) -> Option<i32> {
    let text = text.trim();
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let part = |from: usize| number(digits.get(from..from + 2)?);
    let seconds = match digits.len() {
        4 => 0,
        6 => part(4)?,
        _ => return None,
    };
    let (hours, minutes) = (part(0)?, part(2)?);
    let lawful = hours <= 23 && minutes <= 59 && seconds <= 59;
    lawful.then(|| i32::try_from(sign * (hours * 3600 + minutes * 60 + seconds)).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_days_local_or_of_utc() {
        let noon = "2026-03-02T09:41:07".parse().expect("a time");
        assert_eq!(Stamp::read("20260302T094107"), Some(Stamp::Local(noon)));
        assert_eq!(Stamp::read("20260302T094107Z"), Some(Stamp::Utc(noon)));
        let day = Stamp::read("20260302").expect("a day");
        assert_eq!((day, day.civil().hour()), (Stamp::Date(noon.date()), 0));
        for bad in ["", "2026", "20260230", "20260302T", "20260302T2500", "20260302T250000", "x"] {
            assert_eq!(Stamp::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn days_and_hours_are_counted_apart() {
        let lasts = |days, seconds| Some(Lasts { days, seconds });
        assert_eq!(Lasts::read("P1DT2H30M"), lasts(1, 9000));
        assert_eq!((Lasts::read("P2W"), Lasts::read("PT15M")), (lasts(14, 0), lasts(0, 900)));
        for bad in ["", "P", "15M", "P1H", "PT1D", "-PT5M", "P99999999999D", "P1"] {
            assert_eq!(Lasts::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn offsets_have_a_sign() {
        assert_eq!((offset("+0530"), offset("-033000")), (Some(19_800), Some(-12_600)));
        for bad in ["0100", "+1", "+2500", "+01:00", "\u{e9}100"] {
            assert_eq!(offset(bad), None, "{bad}");
        }
    }
}
