//! The simple types of the schemas: what a value must look like to be sent.

use std::borrow::Cow;

/// An `xs:ID` every validator takes: they differ on letters beyond ASCII, since XML Schema
/// still means the letters of XML's fourth edition.
pub fn is_id(text: &str) -> bool {
    text.is_ascii() && is_ncname(text)
}

/// A name without colon, XML 1.0 §2.3 and Namespaces in XML §3.
pub fn is_ncname(text: &str) -> bool {
    // Nearly every name is of these, and one is looked at for every element and attribute.
    let is_usual = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    let begins = text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    if begins && text.bytes().all(is_usual) {
        return true;
    }
    let mut chars = text.chars();
    chars.next().is_some_and(starts_name) && chars.all(continues_name)
}

fn starts_name(c: char) -> bool {
    matches!(c, 'A'..='Z' | 'a'..='z' | '_'
        | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}'
        | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}'
        | '\u{2070}'..='\u{218F}' | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}'
        | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}' | '\u{10000}'..='\u{EFFFF}')
}

fn continues_name(c: char) -> bool {
    starts_name(c)
        || matches!(c, '-' | '.' | '0'..='9' | '\u{B7}'
            | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

/// An `xs:dateTime` of the years 1 to 9999, the form of every timestamp (RFC 3339 §5.6).
pub fn is_date_time(text: &str) -> bool {
    date_time(text.as_bytes()).is_some()
}

fn date_time(octets: &[u8]) -> Option<()> {
    let (date, rest) = octets.split_at_checked(10)?;
    let (time, zone) = rest.strip_prefix(b"T")?.split_at_checked(8)?;
    let [y @ .., b'-', m1, m2, b'-', d1, d2] = date else {
        return None;
    };
    let [h1, h2, b':', n1, n2, b':', s1, s2] = time else {
        return None;
    };
    let (year, month, day) = (number(y)?, number(&[*m1, *m2])?, number(&[*d1, *d2])?);
    let (hour, minute) = (number(&[*h1, *h2])?, number(&[*n1, *n2])?);
    let second = number(&[*s1, *s2])?;
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        1..=12 => 31,
        _ => return None,
    };
    let lawful = year > 0 && (1..=days).contains(&day) && hour < 24 && minute < 60 && second < 60;
    lawful.then_some(())?;
    let zone = match zone.strip_prefix(b".") {
        Some(fraction) => {
            let digits = fraction.iter().take_while(|octet| octet.is_ascii_digit()).count();
            // Nanoseconds are finer than anybody means.
            (1..=9).contains(&digits).then_some(())?;
            fraction.get(digits..)?
        }
        None => zone,
    };
    match zone {
        [] | [b'Z'] => Some(()),
        [b'+' | b'-', h1, h2, b':', m1, m2] => {
            let (hour, minute) = (number(&[*h1, *h2])?, number(&[*m1, *m2])?);
            (minute < 60 && (hour < 14 || (hour == 14 && minute == 0))).then_some(())
        }
        _ => None,
    }
}

fn number(digits: &[u8]) -> Option<u32> {
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The priority of a contact: 0 to 1 with up to three decimals (RFC 3863 §4.1.5).
pub fn is_priority(text: &str) -> bool {
    let (whole, decimals) = match text.split_once('.') {
        Some((whole, decimals)) => (whole, decimals),
        None => (text, ""),
    };
    let few = decimals.len() <= 3;
    match whole {
        "0" => few && decimals.bytes().all(|octet| octet.is_ascii_digit()),
        "1" => few && decimals.bytes().all(|octet| octet == b'0'),
        _ => false,
    }
}

/// An `xs:language`, the value of `xml:lang`.
pub fn is_language(text: &str) -> bool {
    let mut parts = text.split('-');
    let lawful = |part: &str| (1..=8).contains(&part.len());
    let primary = parts.next().unwrap_or_default();
    lawful(primary)
        && primary.bytes().all(|octet| octet.is_ascii_alphabetic())
        && parts.all(|part| lawful(part) && part.bytes().all(|o| o.is_ascii_alphanumeric()))
}

/// A whole number without sign that fits 64 bits, `xs:nonNegativeInteger`.
pub fn is_count(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit()) && text.len() <= 18
}

/// An `xs:anyURI` as the strict validators take it: a URI reference of RFC 3986, with
/// characters beyond ASCII, and with the brackets SIP URIs put around IPv6 addresses.
pub fn is_uri(text: &str) -> bool {
    let before_colon = text.split_once(':').map(|(scheme, _)| scheme);
    let scheme = |s: &str| {
        s.starts_with(|c: char| c.is_ascii_alphabetic())
            && s.bytes().all(|o| o.is_ascii_alphanumeric() || matches!(o, b'+' | b'-' | b'.'))
    };
    // A colon in the first segment of a relative reference would read as a scheme.
    let scheme_or_path = before_colon.is_none_or(|s| scheme(s) || s.contains(['/', '?', '#']));
    let hashes = text.matches('#').count();
    let mut rest = text.as_bytes();
    while let Some((&octet, after)) = rest.split_first() {
        let lawful = match octet {
            b'%' => matches!(after, [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit()),
            b'<' | b'>' | b'"' | b'{' | b'}' | b'|' | b'\\' | b'^' | b'`' => false,
            octet => octet > b' ' && octet != 0x7F,
        };
        if !lawful {
            return false;
        }
        rest = after;
    }
    scheme_or_path && hashes <= 1
}

/// The text itself if it is a URI, else the nearest one: `sip:` before an address that lacks
/// a scheme, and what may not stand in a URI escaped.
pub fn uri(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    if is_uri(text) {
        return Cow::Borrowed(text);
    }
    let schemeless = !text.contains("sip:") && text.contains('@');
    let full = if schemeless { format!("sip:{text}") } else { text.to_owned() };
    if is_uri(&full) {
        return Cow::Owned(full);
    }
    let mut escaped = String::with_capacity(full.len());
    for (at, c) in full.char_indices() {
        let hex = full.as_bytes().get(at.saturating_add(1)..at.saturating_add(3));
        let escape = hex.is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
        match c {
            '%' if escape => escaped.push('%'),
            '#'
            | '%'
            | '<'
            | '>'
            | '"'
            | '{'
            | '}'
            | '|'
            | '\\'
            | '^'
            | '`'
            | '\0'..=' '
            | '\x7F' => {
                escaped.push_str(&format!("%{:02X}", u32::from(c)));
            }
            c => escaped.push(c),
        }
    }
    if !is_uri(&escaped) {
        escaped = escaped.replace(':', "%3A");
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_name_in_ascii() {
        assert!(is_id("svc-voice") && !is_id("caf\u{e9}") && !is_id("1"));
    }

    #[test]
    fn a_name_begins_with_a_letter_or_underscore() {
        for good in ["a", "_1", "svc-voice", "p1.2", "\u{e9}t\u{e9}"] {
            assert!(is_ncname(good), "{good}");
        }
        for bad in ["", "1", "-a", ".a", "a:b", "a b", "a\u{d7}"] {
            assert!(!is_ncname(bad), "{bad}");
        }
    }

    #[test]
    fn a_timestamp_is_a_date_that_exists() {
        for good in [
            "2026-03-02T09:41:07Z",
            "2024-02-29T00:00:00.123+01:00",
            "2003-08-27T11:49:29",
            "2026-12-31T23:59:59-14:00",
        ] {
            assert!(is_date_time(good), "{good}");
        }
        for bad in [
            "",
            "2026-03-02",
            "2026-3-02T09:41:07Z",
            "2025-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:00:60Z",
            "2026-01-01T00:00:00z",
            "2026-01-01t00:00:00Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00+14:01",
            "0000-01-01T00:00:00Z",
            "2026-01-01T00:00:00Z ",
        ] {
            assert!(!is_date_time(bad), "{bad}");
        }
    }

    #[test]
    fn a_priority_is_from_0_to_1_with_three_decimals_at_most() {
        for good in ["0", "1", "0.8", "0.125", "1.000", "0.", "1."] {
            assert!(is_priority(good), "{good}");
        }
        for bad in ["", "7", "1.1", "0.1234", "-0", ".5", "0,5", "01", "1e0"] {
            assert!(!is_priority(bad), "{bad}");
        }
    }

    #[test]
    fn a_language_is_a_tag() {
        assert!(is_language("en") && is_language("de-CH-1996"));
        assert!(!is_language("") && !is_language("en_US") && !is_language("verylongone"));
    }

    #[test]
    fn an_address_without_scheme_becomes_a_sip_uri() {
        assert_eq!(uri("moh@pbx.example.com:5120"), "sip:moh@pbx.example.com:5120");
        assert_eq!(uri("sip:1001@example.com;user=phone"), "sip:1001@example.com;user=phone");
        assert_eq!(uri("1001"), "1001");
    }

    #[test]
    fn what_may_not_stand_in_a_uri_is_escaped() {
        for odd in ["sip:a b@h", "sip:100%@h", "sip:*98#1#@h", "1:2", "<sip:a@h>", "a:b@h:5", ":"] {
            assert!(is_uri(&uri(odd)), "{odd} gave {}", uri(odd));
        }
    }
}
