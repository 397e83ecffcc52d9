//! Content lines (RFC 5545 §3.1): folded octets to names, parameters and values.

use crate::base::limits::ICAL_LINE_OCTETS_MAX;

/// One content line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Line {
    /// Where it begins, from 1.
    pub number: usize,
    /// In upper case, without a group.
    pub name: String,
    /// Names in upper case, values without quotes; of several values only the first is needed.
    pub parameters: Vec<(String, String)>,
    /// As it stands, escapes and all.
    pub value: String,
}

impl Line {
    /// The value of a parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The value as text (§3.3.11).
    pub fn text(&self) -> String {
        let mut text = String::with_capacity(self.value.len());
        let mut rest = self.value.chars();
        while let Some(next) = rest.next() {
            text.push(match next {
                '\\' => match rest.next() {
                    Some('n' | 'N') => '\n',
                    Some(other) => other,
                    None => '\\',
                },
                other => other,
            });
        }
        text
    }
}

/// Every content line of a text, unfolded. What is longer than any value we read is cut; `Err` is
/// the number of a line that is none.
pub(super) fn lines(text: &str) -> impl Iterator<Item = Result<Line, usize>> {
    let mut physical = (1..).zip(text.split('\n')).peekable();
    std::iter::from_fn(move || {
        loop {
            let (number, first) = physical.next()?;
            let mut whole = first.strip_suffix('\r').unwrap_or(first).to_owned();
            while let Some((_, folded)) =
                physical.next_if(|(_, next)| next.starts_with([' ', '\t']))
            {
                let folded = folded.strip_suffix('\r').unwrap_or(folded);
                if whole.len() + folded.len() <= ICAL_LINE_OCTETS_MAX {
                    whole.push_str(folded.get(1..).unwrap_or_default());
                }
            }
            if !whole.trim().is_empty() {
                return Some(line(number, &whole).ok_or(number));
            }
        }
    })
}

fn line(number: usize, whole: &str) -> Option<Line> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let end = whole.find(|c| !is_name(c))?;
    let (name, mut rest) = whole.split_at_checked(end)?;
    let name = name.rsplit('.').next().filter(|name| !name.is_empty())?.to_ascii_uppercase();
    let mut parameters = Vec::new();
    while let Some(after) = rest.strip_prefix(';') {
        let (key, after) = after.split_once('=')?;
        let (value, after) = parameter_value(after)?;
        parameters.push((key.to_ascii_uppercase(), value.to_owned()));
        // Of further values none is needed; a quoted one may hold what would end the line's head.
        rest = after;
        while let Some(after) = rest.strip_prefix(',') {
            rest = parameter_value(after)?.1;
        }
    }
    let value = rest.strip_prefix(':')?.to_owned();
    Some(Line { number, name, parameters, value })
}

fn parameter_value(text: &str) -> Option<(&str, &str)> {
    if let Some(quoted) = text.strip_prefix('"') {
        return quoted.split_once('"');
    }
    text.split_at_checked(text.find([',', ';', ':'])?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Line {
        let mut all = lines(text);
        let first = all.next().expect("a line").expect("a content line");
        assert!(all.next().is_none(), "one line");
        first
    }

    #[test]
    fn folded_lines_are_one_and_count_as_their_first() {
        let text = "A:1\r\nSUMMARY:Plan\r\n ning \r\n\tday\r\n\r\nB:2\n";
        let all: Vec<Line> = lines(text).map(|line| line.expect("a line")).collect();
        let told: Vec<_> = all.iter().map(|line| (line.number, line.value.as_str())).collect();
        assert_eq!(told, [(1, "1"), (2, "Planning day"), (6, "2")]);
    }

    #[test]
    fn parameters_may_be_quoted_and_may_be_several() {
        let line = one("dtstart;TZID=\"W. Europe: Standard\";X=a,\"b;c\";VALUE=DATE:20260302");
        assert_eq!((line.name.as_str(), line.value.as_str()), ("DTSTART", "20260302"));
        assert_eq!(line.parameter("TZID"), Some("W. Europe: Standard"));
        assert_eq!((line.parameter("X"), line.parameter("VALUE")), (Some("a"), Some("DATE")));
    }

    #[test]
    fn text_loses_its_escapes() {
        assert_eq!(one("SUMMARY:a\\, b\\; c\\\\d\\ne\\").text(), "a, b; c\\d\ne\\");
    }

    #[test]
    fn what_is_no_content_line_is_told_by_its_number() {
        for text in ["no colon", "A;B:1", "A;B=\"1:2", ":1", "<html>", "\u{e9}:1"] {
            assert_eq!(lines(text).next(), Some(Err(1)), "{text}");
        }
    }

    #[test]
    fn what_is_longer_than_any_value_is_cut() {
        let attachment = format!("ATTACH:{}", "0123456789\r\n ".repeat(ICAL_LINE_OCTETS_MAX / 5));
        assert!(one(&attachment).value.len() <= ICAL_LINE_OCTETS_MAX);
    }
}
