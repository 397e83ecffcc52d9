//! Spans of time as people write them in settings: `90s`, `5m`, `1h30m`.

use std::fmt;
use std::time::Duration;

/// Units by name, longest first, in milliseconds.
const UNITS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// Why a text is no span.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SpanError {
    text: String,
}

impl fmt::Display for SpanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "\"{}\" is no span of time; write a number and a unit (d, h, m, s, ms), such as \
             \"90s\" or \"1h30m\"",
            self.text.escape_debug()
        )
    }
}

impl std::error::Error for SpanError {}

/// Reads numbers with units, one after the other without spaces; they add up.
pub fn parse(text: &str) -> Result<Duration, SpanError> {
    total_millis(text).map(Duration::from_millis).ok_or_else(|| SpanError { text: text.to_owned() })
}

/// Writes a span so that [`parse`] reads it back; parts of a millisecond are dropped.
pub fn write(span: Duration) -> String {
    let mut left = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    if left == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (unit, millis) in UNITS {
        let count = left / millis;
        left %= millis;
        if count > 0 {
            text.push_str(&count.to_string());
            text.push_str(unit);
        }
    }
    text
}

fn total_millis(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    let mut total: Option<u64> = None;
    while !rest.is_empty() {
        let (count, after) = rest.split_at(end_of(rest, |c| c.is_ascii_digit()));
        let (unit, after) = after.split_at(end_of(after, |c| c.is_ascii_alphabetic()));
        let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit)?;
        let part = count.parse::<u64>().ok()?.checked_mul(*millis)?;
        total = Some(total.unwrap_or(0).checked_add(part)?);
        rest = after;
    }
    total
}

fn end_of(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

/// For settings: `#[serde(with = "crate::base::span::text")]`.
pub mod text {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// Writes the span as text.
    pub fn serialize<S: Serializer>(span: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&super::write(*span))
    }

    /// Reads the span from text.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(from)?;
        super::parse(&text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_numbers_with_units() {
        for (text, millis) in [
            ("90s", 90_000),
            ("5m", 300_000),
            ("1h30m", 5_400_000),
            ("2d", 172_800_000),
            ("250ms", 250),
            ("0s", 0),
            (" 1m ", 60_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_advice() {
        for text in [
            "",
            "90",
            "s",
            "-1s",
            "1.5h",
            "1 h",
            "1S",
            "5min",
            "99999999999999999999d",
            "18446744073709551615d",
        ] {
            let error = parse(text).expect_err(text).to_string();
            assert!(error.contains("1h30m"), "{error}");
        }
    }

    #[test]
    fn a_written_span_is_read_back() {
        for millis in [0, 1, 999, 1000, 61_001, 5_400_000, 86_400_000, 90_061_001] {
            let span = Duration::from_millis(millis);
            assert_eq!(parse(&write(span)), Ok(span));
        }
        assert_eq!(write(Duration::from_secs(5400)), "1h30m");
        assert_eq!(write(Duration::from_secs(86_400)), "1d");
    }
}
