//! Accept, Content-Type, Content-Encoding and Content-Disposition (RFC 3261 §20.1, §20.11 to
//! §20.15).

use std::borrow::Cow;

use nom::Parser;
use nom::sequence::separated_pair;
use smallvec::SmallVec;

use crate::base::limits::LIST_VALUES_MAX;
use crate::base::media::MediaType;
use crate::sip::grammar::{self, Parameters, Parsed};
use crate::sip::message::Headers;
use crate::sip::name::HeaderId;
use crate::sip::parse::Malformed;

/// What a watcher can read, over all its Accept fields.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Accept {
    ranges: SmallVec<[Accepted; 4]>,
}

/// One media range and how much it is liked, in thousandths.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Accepted {
    range: MediaRange,
    quality: u16,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum MediaRange {
    Any,
    /// A type in lower case, any subtype.
    Type(Box<str>),
    Exactly(MediaType),
}

/// The type of a body.
#[derive(Clone, Copy, Debug)]
pub struct ContentType<'a> {
    kind: &'a str,
    subtype: &'a str,
    parameters: Parameters<'a>,
    text: &'a str,
}

impl Accept {
    /// Which of the offered types is liked best, as a place in `offered`; of two liked alike the
    /// one offered first. `None` if nothing is acceptable, as with an empty Accept.
    pub fn best(&self, offered: &[MediaType]) -> Option<usize> {
        let liked = offered
            .iter()
            .enumerate()
            .map(|(place, media)| (place, self.quality(media)))
            .filter(|(_, quality)| *quality > 0);
        let best = liked.reduce(|best, next| if next.1 > best.1 { next } else { best });
        best.map(|(place, _)| place)
    }

    /// Whether a type is acceptable at all.
    pub fn accepts(&self, media: &MediaType) -> bool {
        self.quality(media) > 0
    }

    /// Whether a type is named, rather than only covered by a wildcard.
    pub fn names(&self, media: &MediaType) -> bool {
        self.ranges.iter().any(|accepted| {
            accepted.quality > 0
                && matches!(&accepted.range, MediaRange::Exactly(there) if there == media)
        })
    }

    /// RFC 2616 §14.1: the most specific range that covers a type decides, `q=0` included.
    fn quality(&self, media: &MediaType) -> u16 {
        let covering = self
            .ranges
            .iter()
            .map(|accepted| (accepted.range.rank(media), accepted.quality))
            .filter(|(rank, _)| *rank > 0);
        covering.max().map_or(0, |(_, quality)| quality)
    }

    fn take(&mut self, item: &[u8]) -> Result<(), nom::Err<nom::error::Error<()>>> {
        // As most phones write it.
        if let Some(media) = MediaType::known(grammar::ascii(item)) {
            self.ranges.push(Accepted { range: MediaRange::Exactly(media), quality: 1000 });
            return Ok(());
        }
        let read = (media_type, Parameters::parse).parse(item);
        let (rest, ((kind, subtype), parameters)) = read.map_err(|e| e.map_input(|_| ()))?;
        if !grammar::trimmed(rest).is_empty() {
            return Err(grammar::failure(rest).map_input(|_| ()));
        }
        let range = match (kind, subtype) {
            ("*", _) => MediaRange::Any,
            (kind, "*") => MediaRange::Type(kind.to_ascii_lowercase().into()),
            (kind, subtype) => MediaRange::Exactly(media(kind, subtype)),
        };
        let quality = parameters.value("q").flatten().map_or(1000, quality);
        self.ranges.push(Accepted { range, quality });
        Ok(())
    }
}

impl MediaRange {
    /// How closely this range covers a type; 0 if it does not.
    fn rank(&self, media: &MediaType) -> u8 {
        match self {
            MediaRange::Exactly(there) if there == media => 3,
            // Who reads it reads it whatever parts it.
            MediaRange::Exactly(MediaType::Multipart(subtype))
                if **subtype == *"mixed" && *media == MediaType::AsFeatures =>
            {
                3
            }
            MediaRange::Type(kind) => {
                let text = media.as_text();
                let covers = text.split_once('/').is_some_and(|(k, _)| *k == **kind);
                2 * u8::from(covers)
            }
            MediaRange::Any => 1,
            MediaRange::Exactly(_) => 0,
        }
    }
}

impl<'a> ContentType<'a> {
    /// The media type without parameters.
    pub fn media(&self) -> MediaType {
        media(self.kind, self.subtype)
    }

    /// A parameter by its name in any case, without quotes and escapes: `charset`, `boundary`.
    pub fn parameter(&self, name: &str) -> Option<Cow<'a, str>> {
        let value = self.parameters.value(name).flatten()?;
        Some(grammar::unescaped(value))
    }

    /// The whole value as written; empty if it is no UTF-8.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// From the value of a Content-Type field, also of a part of a multipart body.
    pub fn from_value(value: &'a [u8]) -> Option<ContentType<'a>> {
        let value = grammar::trimmed(value);
        let (rest, ((kind, subtype), parameters)) =
            (media_type, Parameters::parse).parse(value).ok()?;
        // A stray semicolon at the end is common, and hides nothing.
        let ends = matches!(grammar::trimmed(rest), [] | b";");
        ends.then_some(ContentType { kind, subtype, parameters, text: grammar::ascii(value) })
    }
}

impl Headers {
    /// Accept; `None` if absent, when the default of the event package counts.
    pub fn accept(&self) -> Result<Option<Accept>, Malformed> {
        const WHAT: &str = "a media range in Accept";
        let mut accept: Option<Accept> = None;
        for value in self.values(HeaderId::Accept) {
            let accept = accept.get_or_insert_default();
            for item in grammar::list(value) {
                if value.is_empty() {
                    continue;
                }
                let is_room = accept.ranges.len() < LIST_VALUES_MAX;
                if !is_room || accept.take(item).is_err() {
                    return Err(self.fault(item, WHAT));
                }
            }
        }
        Ok(accept)
    }

    /// Content-Type, `None` if absent.
    pub fn content_type(&self) -> Result<Option<ContentType<'_>>, Malformed> {
        const WHAT: &str = "one Content-Type";
        let Some(value) = self.single(HeaderId::ContentType, WHAT)? else {
            return Ok(None);
        };
        let content_type = ContentType::from_value(value);
        content_type.map(Some).ok_or_else(|| self.fault(value, WHAT))
    }

    /// Content-Encoding as written; `identity` means as much as none.
    pub fn content_encoding(&self) -> Option<&str> {
        let value = self.value(HeaderId::ContentEncoding)?;
        Some(std::str::from_utf8(value).unwrap_or("?"))
    }

    /// Whether the body may be ignored if it is not understood (RFC 3261 §20.11).
    pub fn content_disposition_optional(&self) -> bool {
        self.value(HeaderId::ContentDisposition).is_some_and(is_optional)
    }
}

/// Whether the value of a Content-Disposition field says `handling=optional`, also in a part of
/// a multipart body.
pub fn is_optional(disposition: &[u8]) -> bool {
    let read = (grammar::token, Parameters::parse).parse(disposition);
    let handling = read.ok().and_then(|(_, (_, p))| p.value("handling"));
    handling.flatten().is_some_and(|handling| handling.eq_ignore_ascii_case("optional"))
}

fn media_type(input: &[u8]) -> Parsed<'_, (&str, &str)> {
    separated_pair(grammar::token, grammar::spaced(b'/'), grammar::token).parse(input)
}

fn media(kind: &str, subtype: &str) -> MediaType {
    let mut text = String::with_capacity(kind.len() + subtype.len() + 1);
    text.push_str(kind);
    text.push('/');
    text.push_str(subtype);
    MediaType::from_text(&text)
}

/// A quality of `0.xyz` or `1` in thousandths; what is none counts as 1, as if absent.
fn quality(text: &str) -> u16 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = matches!(whole, "0" | "1")
        && fraction.len() <= 3
        && fraction.bytes().all(|b| b.is_ascii_digit());
    if !is_number || whole == "1" {
        return 1000;
    }
    format!("{fraction:0<3}").parse().unwrap_or(1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::sample::headers;

    fn best(accept: &str, offered: &[&str]) -> Option<usize> {
        let h = headers(&format!("Accept: {accept}\r\n"));
        let offered: Vec<_> = offered.iter().map(|o| MediaType::from_text(o)).collect();
        h.accept().unwrap().unwrap().best(&offered)
    }

    const BOTH: [&str; 2] = ["application/pidf+xml", "application/xpidf+xml"];

    #[test]
    fn the_best_liked_type_is_taken_and_ours_first_among_equals() {
        assert_eq!(best("application/xpidf+xml, application/pidf+xml", &BOTH), Some(0));
        assert_eq!(best("application/pidf+xml;q=0.5, Application/XPIDF+xml", &BOTH), Some(1));
        assert_eq!(best("*/*", &BOTH), Some(0));
        assert_eq!(best("application/*;q=0.3, application/xpidf+xml;q=0.30", &BOTH), Some(0));
        assert_eq!(best("text/*", &BOTH), None);
    }

    #[test]
    fn a_quality_of_zero_excludes_and_the_closest_range_decides() {
        assert_eq!(best("*/*, application/pidf+xml;q=0", &BOTH), Some(1));
        assert_eq!(best("application/*;q=0.000, */*", &BOTH), None);
        assert_eq!(best("application/pidf+xml ; q = 0.0", &BOTH), None);
    }

    #[test]
    fn an_empty_accept_accepts_nothing_and_none_says_nothing() {
        assert_eq!(best("", &BOTH), None);
        assert_eq!(headers("").accept(), Ok(None));
        let two = headers("Accept: text/plain\r\nAccept: application/pidf+xml\r\n");
        let accept = two.accept().unwrap().unwrap();
        assert!(accept.accepts(&MediaType::Pidf));
        assert!(accept.names(&MediaType::Pidf));
        assert!(!accept.names(&MediaType::DialogInfo));
    }

    #[test]
    fn a_comma_in_a_quoted_parameter_separates_nothing() {
        assert_eq!(best("a/b;x=\"1,2\", application/pidf+xml", &BOTH), Some(0));
    }

    #[test]
    fn a_range_that_is_none_is_refused() {
        for bad in ["text", "text/plain,", "text/plain text/html", "/", "a/b;"] {
            let h = headers(&format!("Accept: {bad}\r\n"));
            assert!(h.accept().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_content_type_has_spaces_quotes_and_escapes() {
        let h = headers("c: Multipart / Related ;boundary=\"a\\\"b\" ; charset = UTF-8 \r\n");
        let content_type = h.content_type().unwrap().unwrap();
        assert_eq!(content_type.media(), MediaType::Multipart("related".into()));
        assert_eq!(content_type.parameter("BOUNDARY").unwrap(), "a\"b");
        assert_eq!(content_type.parameter("charset").unwrap(), "UTF-8");
        assert!(headers("c: text\r\n").content_type().is_err());
        assert!(headers("c: a/b\r\nc: a/b\r\n").content_type().is_err());
        assert!(headers("").content_type().unwrap().is_none());
    }

    #[test]
    fn a_body_is_optional_if_it_says_so() {
        let optional = |value: &str| {
            headers(&format!("Content-Disposition: {value}\r\n")).content_disposition_optional()
        };
        assert!(optional("render;handling=OPTIONAL"));
        assert!(!optional("render;handling=required"));
        assert!(!optional("recipient-list"));
        assert_eq!(headers("e: gzip\r\n").content_encoding(), Some("gzip"));
    }
}
