//! `xs:dateTime` to a point of civil time and back.

use super::element::is_space;
use super::lexical::is_date_time;
use crate::base::time::Wall;

/// The moment a timestamp names. One without a zone is taken as UTC; one before 1970 is 1970.
/// `None` for what is no timestamp.
pub fn wall(text: &str) -> Option<Wall> {
    let text = text.trim_matches(is_space);
    if !is_date_time(text) {
        return None;
    }
    let number = |from: usize, to: usize| -> Option<i64> { text.get(from..to)?.parse().ok() };
    let days = days_since_1970(number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let of_day = number(11, 13)? * 3600 + number(14, 16)? * 60 + number(17, 19)?;
    let rest = text.get(19..)?;
    let (fraction, zone) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())),
        None => ("", rest),
    };
    // Milliseconds are what a Wall counts; what is finer is cut off.
    let millis: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    let offset = match zone.as_bytes() {
        [] | [b'Z'] => 0,
        [sign, ..] => {
            let span = |from, to| -> Option<i64> { zone.get(from..to)?.parse().ok() };
            let seconds = span(1, 3)? * 3600 + span(4, 6)? * 60;
            if *sign == b'-' { -seconds } else { seconds }
        }
    };
    // Years have four digits, so none of this comes near the bounds of 64 bits.
    let unix = (days * 86_400 + of_day - offset) * 1000 + millis;
    Some(Wall::from_unix_millis(u64::try_from(unix).unwrap_or(0)))
}

/// Days from 1970-01-01 to a day of the Gregorian calendar.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    // Counted from March, so that a leap day is the last day of its year.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_names_a_moment_whatever_its_zone() {
        for (text, same) in [
            ("2026-03-02T09:41:07Z", "2026-03-02T09:41:07Z"),
            ("2003-12-24T17:15:00+01:00", "2003-12-24T16:15:00Z"),
            ("2000-02-29T23:30:00-02:30", "2000-03-01T02:00:00Z"),
            (" 2026-01-01T00:00:00.5\n", "2026-01-01T00:00:00.500Z"),
            ("2026-01-01T00:00:00.123456789Z", "2026-01-01T00:00:00.123Z"),
            ("1969-07-20T20:17:00Z", "1970-01-01T00:00:00Z"),
            ("0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
            ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(wall(text).expect(text).to_string(), same);
        }
    }

    #[test]
    fn what_a_wall_writes_is_read_back() {
        for millis in [0, 951_782_399_999, 1_772_444_467_000, 4_107_542_400_001] {
            let written = Wall::from_unix_millis(millis);
            assert_eq!(wall(&written.to_string()), Some(written));
        }
    }

    #[test]
    fn what_is_no_timestamp_names_no_moment() {
        for bad in ["", "2026-03-02", "2025-02-29T00:00:00Z", "now", "2026-01-01T00:00:00+25:00"] {
            assert_eq!(wall(bad), None, "{bad}");
        }
    }
}
