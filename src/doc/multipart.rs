//! Bodies of several parts (RFC 2046 §5.1), and which part to read (RFC 5621).

use crate::base::limits::{PART_HEADERS_MAX, PARTS_MAX};
use crate::base::media::MediaType;

/// One part of a body.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part<'a> {
    /// Names and values, without line folding.
    pub headers: Vec<(&'a str, String)>,
    /// What is in it.
    pub octets: &'a [u8],
}

/// Why no part was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MultipartError {
    /// The body does not keep to its boundary.
    Malformed,
    /// More parts or headers than the limits allow.
    TooLarge,
    /// A part that must be understood is not: 415.
    NotUnderstood,
}

/// The parts between the boundaries; preamble and epilogue are left aside.
pub fn split<'a>(octets: &'a [u8], boundary: &str) -> Result<Vec<Part<'a>>, MultipartError> {
    // RFC 2046 §5.1.1: 1 to 70 characters.
    if boundary.is_empty() || boundary.len() > 70 {
        return Err(MultipartError::Malformed);
    }
    let mut parts = Vec::new();
    let mut start = None;
    for line in delimiters(octets, boundary) {
        if let Some(start) = start {
            if parts.len() >= PARTS_MAX {
                return Err(MultipartError::TooLarge);
            }
            let inside = octets.get(start..line.before).unwrap_or_default();
            parts.push(part(inside)?);
        }
        start = Some(line.after);
        if line.last {
            return Ok(parts);
        }
    }
    Err(MultipartError::Malformed)
}

/// The part of a media type. Parts of other types are skipped if their handling is optional,
/// else the whole is not understood (RFC 5621 §3.4).
pub fn find<'p, 'a>(
    parts: &'p [Part<'a>],
    wanted: &MediaType,
) -> Result<&'p Part<'a>, MultipartError> {
    let unknown = |part: &&Part<'_>| part.media() != *wanted && !part.is_optional();
    if parts.iter().find(unknown).is_some() {
        return Err(MultipartError::NotUnderstood);
    }
    let found = parts.iter().find(|part| part.media() == *wanted);
    found.ok_or(MultipartError::NotUnderstood)
}

/// The part of a media type among alternatives (`multipart/alternative`), whatever the others
/// are; of several the last is the richest (RFC 2046 §5.1.4).
pub fn find_alternative<'p, 'a>(
    parts: &'p [Part<'a>],
    wanted: &MediaType,
) -> Result<&'p Part<'a>, MultipartError> {
    let found = parts.iter().rev().find(|part| part.media() == *wanted);
    found.ok_or(MultipartError::NotUnderstood)
}

impl Part<'_> {
    /// Value of the first header of that name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Media type without parameters; `text/plain` if none is given (RFC 2046 §5.2).
    pub fn media(&self) -> MediaType {
        let value = self.header("Content-Type").or_else(|| self.header("c"));
        MediaType::from_text(value.unwrap_or("text/plain").split(';').next().unwrap_or_default())
    }

    /// Parameter `charset` of the media type.
    pub fn charset(&self) -> Option<&str> {
        let value = self.header("Content-Type").or_else(|| self.header("c"))?;
        parameter(value, "charset")
    }

    /// Whether one who does not know it may skip it: `handling=optional`.
    pub fn is_optional(&self) -> bool {
        let handling = self.header("Content-Disposition").and_then(|v| parameter(v, "handling"));
        handling.is_some_and(|handling| handling.eq_ignore_ascii_case("optional"))
    }
}

/// Value of a parameter of a header such as Content-Type, without quotes.
pub fn parameter<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = value;
    while let Some(at) = unquoted_semicolon(rest) {
        rest = rest.get(at.saturating_add(1)..)?;
        let end = unquoted_semicolon(rest).unwrap_or(rest.len());
        let (own, value) = match rest.get(..end)?.split_once('=') {
            Some((own, value)) => (own.trim(), value.trim()),
            None => continue,
        };
        if own.eq_ignore_ascii_case(name) {
            let quoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
            return Some(quoted.unwrap_or(value));
        }
    }
    None
}

fn unquoted_semicolon(text: &str) -> Option<usize> {
    let mut quoted = false;
    let mut escaped = false;
    text.char_indices().find_map(|(at, c)| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ';' if !quoted => return Some(at),
            _ => {}
        }
        None
    })
}

/// A line that parts the parts.
struct Delimiter {
    /// End of what stands before, without the line end that belongs to the delimiter.
    before: usize,
    /// Start of what stands behind.
    after: usize,
    last: bool,
}

fn delimiters<'a>(octets: &'a [u8], boundary: &'a str) -> impl Iterator<Item = Delimiter> + 'a {
    let mut at = 0_usize;
    std::iter::from_fn(move || {
        while at < octets.len() {
            let start = at;
            let rest = octets.get(start..)?;
            let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end.saturating_add(1));
            at = start.saturating_add(end);
            let line = rest.get(..end)?;
            if let Some(last) = delimiter(line, boundary) {
                let before = octets.get(..start)?;
                let before = before.strip_suffix(b"\n").unwrap_or(before);
                let before = before.strip_suffix(b"\r").unwrap_or(before);
                return Some(Delimiter { before: before.len(), after: at, last });
            }
        }
        None
    })
}

/// Whether a line is a delimiter, and the last one.
fn delimiter(line: &[u8], boundary: &str) -> Option<bool> {
    let rest = line.strip_prefix(b"--")?.strip_prefix(boundary.as_bytes())?;
    let (rest, last) = match rest.strip_prefix(b"--") {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    rest.iter().all(u8::is_ascii_whitespace).then_some(last)
}

fn part(octets: &[u8]) -> Result<Part<'_>, MultipartError> {
    let mut headers: Vec<(&str, String)> = Vec::new();
    let mut rest = octets;
    while !rest.is_empty() {
        let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end.saturating_add(1));
        let (line, after) = rest.split_at_checked(end).ok_or(MultipartError::Malformed)?;
        let line = std::str::from_utf8(line).map_err(|_| MultipartError::Malformed)?;
        rest = after;
        if line.trim().is_empty() {
            return Ok(Part { headers, octets: rest });
        }
        if headers.len() >= PART_HEADERS_MAX {
            return Err(MultipartError::TooLarge);
        }
        match (line.starts_with([' ', '\t']), headers.last_mut(), line.split_once(':')) {
            (true, Some((_, value)), _) => {
                value.push(' ');
                value.push_str(line.trim());
            }
            (false, _, Some((name, value))) => headers.push((name.trim(), value.trim().to_owned())),
            _ => return Err(MultipartError::Malformed),
        }
    }
    Ok(Part { headers, octets: rest })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &[u8] =
        b"preamble\r\n--b\r\nContent-Type: application/pidf+xml;\r\n charset=\"UTF-8\"\r\n\
        \r\n<presence/>\r\n--b  \r\nContent-Type: x/y\r\nContent-Disposition: render; \
        handling=optional\r\n\r\nline\r\n--bb\r\n\r\n--b--\r\nepilogue";

    #[test]
    fn parts_stand_between_the_boundaries() {
        let parts = split(TWO, "b").expect("two parts");
        assert_eq!(parts.len(), 2);
        let octets: Vec<&[u8]> = parts.iter().map(|part| part.octets).collect();
        assert_eq!(octets, [&b"<presence/>"[..], b"line\r\n--bb\r\n"]);
        let first = parts.first().expect("two");
        assert_eq!(first.media(), MediaType::Pidf);
        assert_eq!(first.charset(), Some("UTF-8"));
        assert!(!first.is_optional());
    }

    #[test]
    fn an_optional_part_is_skipped_and_a_required_one_is_not() {
        let parts = split(TWO, "b").expect("two parts");
        assert_eq!(find(&parts, &MediaType::Pidf).map(|part| part.octets), Ok(&b"<presence/>"[..]));
        let required: Vec<Part<'_>> = parts
            .into_iter()
            .map(|mut part| {
                part.headers.retain(|(name, _)| *name != "Content-Disposition");
                part
            })
            .collect();
        assert_eq!(find(&required, &MediaType::Pidf), Err(MultipartError::NotUnderstood));
        assert_eq!(find(&[], &MediaType::Pidf), Err(MultipartError::NotUnderstood));
    }

    #[test]
    fn of_alternatives_the_last_that_is_understood_counts() {
        let body =
            b"--b\nContent-Type: application/pidf+xml\n\n1\n--b\nc: application/pidf+xml\n\n2\n\
            --b\nContent-Type: x/y\n\n3\n--b--";
        let parts = split(body, "b").expect("three parts");
        assert_eq!(find(&parts, &MediaType::Pidf), Err(MultipartError::NotUnderstood));
        let found = find_alternative(&parts, &MediaType::Pidf).map(|part| part.octets);
        assert_eq!(found, Ok(&b"2"[..]));
        assert!(find_alternative(&parts, &MediaType::DialogInfo).is_err());
    }

    #[test]
    fn a_part_may_have_no_headers_and_bare_line_feeds() {
        let parts = split(b"--b\n\nx\n--b--", "b").expect("one part");
        let part = parts.first().expect("one");
        assert_eq!((part.octets, part.headers.len()), (&b"x"[..], 0));
        assert_eq!(part.media(), MediaType::Other("text/plain".into()));
    }

    #[test]
    fn a_body_that_breaks_its_boundary_is_refused() {
        for bad in [&b""[..], b"--b\r\n\r\nx", b"no boundary", b"--b\r\nno colon\r\n\r\n\r\n--b--"]
        {
            assert_eq!(split(bad, "b"), Err(MultipartError::Malformed));
        }
        assert_eq!(split(b"--\r\n", ""), Err(MultipartError::Malformed));
        assert_eq!(split(b"", &"b".repeat(71)), Err(MultipartError::Malformed));
    }

    #[test]
    fn the_numbers_of_parts_and_headers_are_bounded() {
        let many = |n: usize| format!("{}--b--", "--b\r\n\r\n\r\n".repeat(n));
        assert_eq!(split(many(PARTS_MAX).as_bytes(), "b").map(|p| p.len()), Ok(PARTS_MAX));
        assert_eq!(split(many(PARTS_MAX + 1).as_bytes(), "b"), Err(MultipartError::TooLarge));
        let headers = "a: b\r\n".repeat(PART_HEADERS_MAX + 1);
        let body = format!("--b\r\n{headers}\r\n\r\n--b--");
        assert_eq!(split(body.as_bytes(), "b"), Err(MultipartError::TooLarge));
    }

    #[test]
    fn a_parameter_is_found_outside_quotes_only() {
        let value = "multipart/related; type=\"a;boundary=no\"; Boundary=\"x y\" ; z=1";
        assert_eq!(parameter(value, "boundary"), Some("x y"));
        assert_eq!(parameter(value, "type"), Some("a;boundary=no"));
        assert_eq!(parameter(value, "z"), Some("1"));
        assert_eq!(parameter(value, "absent"), None);
    }
}
