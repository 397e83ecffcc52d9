//! Octets of a document to text: which character encoding, and lawful characters only.
//!
//! RFC 3863 §4.1, RFC 7303 §3: a byte order mark comes first, then the MIME `charset`, then
//! the XML declaration, then UTF-8.

use std::borrow::Cow;

use super::xml::{DocumentError, Kind};

enum Encoding {
    Utf8,
    Latin1,
    Utf16 { big: bool },
}

/// The document as text, with line ends as XML 1.0 §2.11 reads them, without byte order mark.
pub fn decode<'a>(octets: &'a [u8], charset: Option<&str>) -> Result<Cow<'a, str>, DocumentError> {
    let (encoding, start) = choose(octets, charset)?;
    let octets = octets.get(start..).unwrap_or_default();
    let text = match encoding {
        Encoding::Utf8 => utf8(octets)?,
        Encoding::Latin1 => latin1(octets),
        Encoding::Utf16 { big } => Cow::Owned(utf16(octets, big)?),
    };
    let text = line_ends(text);
    match unlawful(&text) {
        Some(at) => Err(DocumentError::at(&text, at, Kind::Malformed, "a character XML forbids")),
        None => Ok(text),
    }
}

fn choose(octets: &[u8], charset: Option<&str>) -> Result<(Encoding, usize), DocumentError> {
    match octets {
        [0xEF, 0xBB, 0xBF, ..] => return Ok((Encoding::Utf8, 3)),
        // UTF-32 LE begins like UTF-16 LE with a NUL character, which no document may have.
        [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] => return Err(unsupported()),
        [0xFF, 0xFE, ..] => return Ok((Encoding::Utf16 { big: false }, 2)),
        [0xFE, 0xFF, ..] => return Ok((Encoding::Utf16 { big: true }, 2)),
        _ => {}
    }
    // Without a mark, UTF-16 is told by the zero half of the first `<`.
    let seen = match octets {
        [0, b'<', ..] => Some(true),
        [b'<', 0, ..] => Some(false),
        _ => None,
    };
    if let Some(charset) = charset {
        return Ok((named(charset, seen)?, 0));
    }
    if let Some(big) = seen {
        return Ok((Encoding::Utf16 { big }, 0));
    }
    match declared(octets) {
        // A declaration that can be read octet by octet is not in UTF-16, whatever it says:
        // programs that hold text in UTF-16 inside write so and send UTF-8.
        Some(name) if name.to_ascii_lowercase().starts_with("utf-16") => Ok((Encoding::Utf8, 0)),
        Some(name) => Ok((named(name, None)?, 0)),
        None => Ok((Encoding::Utf8, 0)),
    }
}

fn named(name: &str, seen: Option<bool>) -> Result<Encoding, DocumentError> {
    match name.trim().trim_matches('"').to_ascii_lowercase().as_str() {
        // US-ASCII is a part of UTF-8, and those who say it often send UTF-8.
        "utf-8" | "utf8" | "us-ascii" | "ascii" => Ok(Encoding::Utf8),
        "iso-8859-1" | "iso_8859-1" | "latin1" => Ok(Encoding::Latin1),
        // RFC 2781 §4.3: without a mark, big endian, unless the octets show otherwise.
        "utf-16" => Ok(Encoding::Utf16 { big: seen.unwrap_or(true) }),
        "utf-16be" => Ok(Encoding::Utf16 { big: true }),
        "utf-16le" => Ok(Encoding::Utf16 { big: false }),
        _ => Err(unsupported()),
    }
}

/// The `encoding` of an XML declaration that can be read octet by octet.
fn declared(octets: &[u8]) -> Option<&str> {
    /// Longest XML declaration looked at, in octets.
    const DECLARATION_OCTETS_MAX: usize = 256;
    let head = octets.get(..octets.len().min(DECLARATION_OCTETS_MAX))?;
    let rest = head.strip_prefix(b"<?xml")?;
    let end = memchr::memmem::find(rest, b"?>")?;
    let declaration = std::str::from_utf8(rest.get(..end)?).ok()?;
    let (_, value) = declaration.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    value.get(1..)?.split(quote).next()
}

fn utf8(octets: &[u8]) -> Result<Cow<'_, str>, DocumentError> {
    std::str::from_utf8(octets).map(Cow::Borrowed).map_err(|e| {
        let valid = octets.get(..e.valid_up_to()).unwrap_or_default();
        let before = String::from_utf8_lossy(valid);
        DocumentError::at(&before, before.len(), Kind::Malformed, "octets that are not UTF-8")
    })
}

fn latin1(octets: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(octets) {
        Ok(text) if text.is_ascii() => Cow::Borrowed(text),
        _ => Cow::Owned(octets.iter().map(|&octet| char::from(octet)).collect()),
    }
}

fn utf16(octets: &[u8], big: bool) -> Result<String, DocumentError> {
    let (pairs, odd) = octets.as_chunks::<2>();
    let units = pairs.iter().map(|&pair| match big {
        true => u16::from_be_bytes(pair),
        false => u16::from_le_bytes(pair),
    });
    let mut text = String::with_capacity(octets.len());
    for unit in char::decode_utf16(units) {
        match unit {
            Ok(c) => text.push(c),
            Err(_) => return Err(not_utf16(&text)),
        }
    }
    match odd.is_empty() {
        true => Ok(text),
        false => Err(not_utf16(&text)),
    }
}

fn not_utf16(before: &str) -> DocumentError {
    DocumentError::at(before, before.len(), Kind::Malformed, "octets that are not UTF-16")
}

fn unsupported() -> DocumentError {
    DocumentError::at("", 0, Kind::Encoding, "a character encoding not supported")
}

fn line_ends(text: Cow<'_, str>) -> Cow<'_, str> {
    match memchr::memchr(b'\r', text.as_bytes()) {
        None => text,
        Some(_) => Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")),
    }
}

/// Offset of the first character outside the `Char` production of XML 1.0 §2.2.
fn unlawful(text: &str) -> Option<usize> {
    let octets = text.as_bytes();
    let control = |octet: u8| octet < 0x20 && !matches!(octet, b'\t' | b'\n');
    // Without an early end it is looked at many octets at once.
    let is_plain = octets.iter().fold(true, |plain, &b| plain & !control(b) & b.is_ascii());
    if is_plain {
        return None;
    }
    let first = octets.iter().position(|&octet| control(octet));
    // U+FFFE and U+FFFF.
    let last = memchr::memmem::find_iter(octets, b"\xEF\xBF")
        .find(|at| matches!(octets.get(at.saturating_add(2)), Some(0xBE | 0xBF)));
    match (first, last) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(text: &str, big: bool) -> Vec<u8> {
        let octets = |unit: u16| {
            if big { unit.to_be_bytes() } else { unit.to_le_bytes() }
        };
        text.encode_utf16().flat_map(octets).collect()
    }

    #[test]
    fn the_mime_charset_beats_the_declaration() {
        let text = "<?xml version='1.0' encoding='ISO-8859-1'?><a>\u{e9}</a>".as_bytes();
        assert!(decode(text, Some("UTF-8")).expect("UTF-8").contains('\u{e9}'));
        assert!(decode(text, None).expect("ISO-8859-1").contains("\u{c3}\u{a9}"));
        assert!(decode(b"<a>\xe9</a>", Some("iso-8859-1")).expect("Latin").contains('\u{e9}'));
    }

    #[test]
    fn utf_16_is_read_with_and_without_a_mark() {
        for big in [false, true] {
            let marked = units("\u{feff}<a>\u{1F3D6}</a>", big);
            assert_eq!(decode(&marked, None).expect("marked"), "<a>\u{1F3D6}</a>");
            let plain = units("<a/>", big);
            assert_eq!(decode(&plain, None).expect("plain"), "<a/>");
            assert_eq!(decode(&plain, Some("utf-16")).expect("charset"), "<a/>");
        }
    }

    #[test]
    fn a_broken_utf_16_document_is_refused() {
        let mut odd = units("\u{feff}<a/>", true);
        odd.push(0);
        assert_eq!(decode(&odd, None).map_err(|e| e.kind), Err(Kind::Malformed));
        let alone = [0xFE, 0xFF, 0, b'<', 0xD8, 0x00];
        assert_eq!(decode(&alone, None).map_err(|e| e.kind), Err(Kind::Malformed));
    }

    #[test]
    fn another_encoding_is_named_as_such() {
        let declared = b"<?xml version='1.0' encoding='KOI8-R'?><a/>";
        assert_eq!(decode(declared, None).map_err(|e| e.kind), Err(Kind::Encoding));
        assert_eq!(decode(b"<a/>", Some("windows-1252")).map_err(|e| e.kind), Err(Kind::Encoding));
        let utf32 = [0xFF, 0xFE, 0, 0, b'<', 0, 0, 0];
        assert_eq!(decode(&utf32, None).map_err(|e| e.kind), Err(Kind::Encoding));
    }

    #[test]
    fn a_declaration_of_utf_16_read_octet_by_octet_is_utf_8() {
        let text = "<?xml version='1.0' encoding='utf-16'?><a>\u{e9}</a>";
        assert_eq!(decode(text.as_bytes(), None).expect("UTF-8"), text);
    }

    #[test]
    fn forbidden_characters_are_refused_with_their_place() {
        for bad in ["<a>\0</a>", "<a>\u{1}</a>", "<a>\u{b}</a>", "<a>\u{ffff}</a>"] {
            let error = decode(bad.as_bytes(), None).expect_err("forbidden");
            assert_eq!((error.kind, error.line, error.column), (Kind::Malformed, 1, 4));
        }
        assert_eq!(decode(b"<a>\xff</a>", None).map_err(|e| e.kind), Err(Kind::Malformed));
    }

    #[test]
    fn line_ends_become_one_line_feed() {
        assert_eq!(decode(b"a\r\nb\rc\n", None).expect("text"), "a\nb\nc\n");
    }
}
