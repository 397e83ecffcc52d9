//! Name and address: From, To, and the form Contact, Route and P-Asserted-Identity share
//! (RFC 3261 §20.10, §25.1).

use crate::base::limits::LIST_VALUES_MAX;
use crate::base::uri::Uri;
use crate::sip::essentials::Essentials;
use crate::sip::grammar::{self, Parameters, Parsed};
use crate::sip::message::{Headers, Range};
use crate::sip::name::HeaderId;
use crate::sip::parse::Malformed;

/// `"Display" <uri>;parameters`, or `uri;parameters` where the parameters are the header's.
#[derive(Clone, Copy, Debug)]
pub struct NameAddr<'a> {
    /// The display name as written, with its quotes and escapes, in any encoding.
    pub display: Option<&'a [u8]>,
    uri: &'a [u8],
    tag: Option<&'a [u8]>,
    parameters: Parameters<'a>,
    text: &'a [u8],
}

impl<'a> NameAddr<'a> {
    /// One value, ending where the grammar ends; a comma or the end follows.
    pub(crate) fn parse(input: &'a [u8]) -> Parsed<'a, NameAddr<'a>> {
        let start = grammar::after_space(input);
        let (rest, display, uri) = match bracketed(start)? {
            Some(parts) => parts,
            None => {
                let (rest, uri) = bare(start)?;
                (rest, None, uri)
            }
        };
        let mut tag = None;
        let (rest, parameters) = Parameters::parse_each(rest, |name, value| {
            // Of a tag given twice the first that can be read counts.
            if tag.is_none() && name.eq_ignore_ascii_case(b"tag") {
                tag = grammar::readable_octets(value);
            }
        })?;
        let text = start.get(..start.len() - rest.len()).unwrap_or_default();
        let text = grammar::trimmed(text);
        let value = NameAddr { display, uri, tag: tag.flatten(), parameters, text };
        Ok((grammar::after_space(rest), value))
    }

    /// A header value that is one name and address and nothing else.
    pub(crate) fn whole(value: &'a [u8]) -> Option<NameAddr<'a>> {
        match NameAddr::parse(value) {
            Ok(([], value)) => Some(value),
            _ => None,
        }
    }

    /// The URI; a fault tells its offset within the URI.
    pub fn uri(&self) -> Result<Uri, Malformed> {
        Uri::parse(self.uri_text())
            .map_err(|e| Malformed::at(e.offset, "a URI in a name and address"))
    }

    /// The URI as written, without angle brackets.
    pub fn uri_text(&self) -> &'a str {
        grammar::ascii(self.uri)
    }

    /// The `tag` parameter.
    pub fn tag(&self) -> Option<&'a str> {
        self.tag.map(grammar::ascii)
    }

    /// As [`NameAddr::tag`], as octets.
    pub fn tag_octets(&self) -> Option<&'a [u8]> {
        self.tag
    }

    /// A header parameter by its name in any case: `None` if absent, `Some(None)` if it has no
    /// value; a quoted value comes without its quotes.
    pub fn parameter(&self, name: &str) -> Option<Option<&'a str>> {
        self.parameters.value(name)
    }

    /// The header parameters in order.
    pub fn parameters(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> + use<'a> {
        self.parameters.iter()
    }

    /// The whole value as written.
    pub fn text(&self) -> &'a [u8] {
        self.text
    }

    /// The display name for a person: no quotes, escapes undone, `None` if empty or not UTF-8.
    pub fn display_text(&self) -> Option<std::borrow::Cow<'a, str>> {
        let inner = grammar::unquoted(self.display?);
        let text = std::str::from_utf8(inner).ok()?;
        (!text.is_empty()).then(|| grammar::unescaped(text))
    }

    /// Whether the URI is one.
    pub(crate) fn check(&self, headers: &Headers) -> Result<(), Malformed> {
        Uri::check(self.uri).map_err(|_| headers.fault(self.uri, "a URI in From or To"))
    }
}

/// A name and address that was read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NameAddrRanges {
    display: Option<Range>,
    uri: Range,
    tag: Option<Range>,
    parameters: Range,
    text: Range,
}

impl NameAddrRanges {
    pub fn of(value: &NameAddr<'_>, headers: &Headers) -> NameAddrRanges {
        NameAddrRanges {
            display: value.display.map(|display| headers.range(display)),
            uri: headers.range(value.uri),
            tag: value.tag.map(|tag| headers.range(tag)),
            parameters: headers.range(value.parameters.text()),
            text: headers.range(value.text),
        }
    }

    fn value<'a>(&self, headers: &'a Headers) -> NameAddr<'a> {
        NameAddr {
            display: self.display.map(|display| headers.at(display)),
            uri: headers.at(self.uri),
            tag: self.tag.map(|tag| headers.at(tag)),
            parameters: Parameters::read_before(headers.at(self.parameters)),
            text: headers.at(self.text),
        }
    }
}

impl Headers {
    /// From.
    pub fn from(&self) -> Result<NameAddr<'_>, Malformed> {
        if let Some(Essentials { from: Some(ranges), .. }) = &self.essentials {
            return Ok(ranges.value(self));
        }
        self.one_name_addr(HeaderId::From, "a From value")
    }

    /// To.
    pub fn to(&self) -> Result<NameAddr<'_>, Malformed> {
        if let Some(Essentials { to: Some(ranges), .. }) = &self.essentials {
            return Ok(ranges.value(self));
        }
        self.one_name_addr(HeaderId::To, "a To value")
    }

    /// The URIs of P-Asserted-Identity (RFC 3325 §9.1); what is no URI is left out.
    pub fn asserted_identities(&self) -> Vec<Uri> {
        self.values(HeaderId::PAssertedIdentity)
            .flat_map(grammar::list)
            .take(LIST_VALUES_MAX)
            .filter_map(NameAddr::whole)
            .filter_map(|identity| identity.uri().ok())
            .collect()
    }

    fn one_name_addr(&self, id: HeaderId, what: &'static str) -> Result<NameAddr<'_>, Malformed> {
        let value = self.needed(id, what)?;
        match NameAddr::parse(value) {
            Ok(([], value)) => Ok(value),
            Ok((rest, _)) => Err(self.fault(rest, what)),
            Err(error) => Err(self.unread(error, what)),
        }
    }
}

type Bracketed<'a> = Option<(&'a [u8], Option<&'a [u8]>, &'a [u8])>;

/// Display name, if any, and the URI in angle brackets; `None` if there are no brackets.
fn bracketed(input: &[u8]) -> Result<Bracketed<'_>, nom::Err<nom::error::Error<&[u8]>>> {
    let (rest, display) = match input.first() {
        Some(b'<') => (input, None),
        Some(b'"') => {
            let (rest, quoted) = grammar::quoted(input)?;
            (grammar::after_space(rest), Some(quoted))
        }
        _ => {
            let (name, rest) = grammar::run(input, grammar::DISPLAY);
            let name = grammar::trimmed(name);
            (rest, Some(name).filter(|name| !name.is_empty()))
        }
    };
    let [b'<', inside @ ..] = rest else {
        return match display {
            Some([b'"', ..]) => Err(grammar::failure(rest)),
            _ => Ok(None),
        };
    };
    let (rest, uri) = grammar::run1(inside, grammar::BRACKETED_URI)?;
    match rest {
        [b'>', rest @ ..] => Ok(Some((rest, display, uri))),
        _ => Err(grammar::failure(rest)),
    }
}

/// RFC 3261 §20.10: without brackets a URI has no comma, question mark or semicolon, for these
/// belong to the header.
fn bare(input: &[u8]) -> Parsed<'_, &[u8]> {
    let (rest, uri) = grammar::run1(input, grammar::BARE_URI)?;
    match uri.contains(&b'?') {
        true => Err(grammar::failure(input)),
        false => Ok((rest, uri)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::sample::headers;

    fn to(value: &str) -> Result<(Option<String>, String, Option<String>), Malformed> {
        let headers = headers(&format!("To: {value}\r\n"));
        let to = headers.to()?;
        Ok((
            to.display_text().map(|name| name.into_owned()),
            to.uri_text().to_owned(),
            to.tag().map(str::to_owned),
        ))
    }

    fn read(display: &str, uri: &str, tag: &str) -> (Option<String>, String, Option<String>) {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        (some(display), uri.to_owned(), some(tag))
    }

    #[test]
    fn the_forms_of_a_name_and_an_address() {
        let rows = [
            ("<sip:a@h>", read("", "sip:a@h", "")),
            ("sip:a@h;tag=1", read("", "sip:a@h", "1")),
            ("\"A B\" <sip:a@h;x=y>;tag=1", read("A B", "sip:a@h;x=y", "1")),
            (
                "\"A \\\"<sip:evil@h>\\\"\"<sip:a@h> ; TAG = 1",
                read("A \"<sip:evil@h>\"", "sip:a@h", "1"),
            ),
            ("Alice Smith <sip:a@h>", read("Alice Smith", "sip:a@h", "")),
            ("caller<sip:a@h>", read("caller", "sip:a@h", "")),
            ("Smith (Sales)/2 <sip:a@h>", read("Smith (Sales)/2", "sip:a@h", "")),
            ("\"\" <sip:a@h>", read("", "sip:a@h", "")),
            ("<tel:+1555;isub=1>", read("", "tel:+1555;isub=1", "")),
            ("isbn:2983792873", read("", "isbn:2983792873", "")),
        ];
        for (value, expected) in rows {
            assert_eq!(to(value), Ok(expected), "{value}");
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for bad in [
            "",
            "\"A <sip:a@h>",
            "A, B <sip:a@h>",
            "< sip:a@h >",
            "<sip:a@h",
            "<>",
            "sip:a@h?x=y",
            "sip:a@h, sip:b@h",
            "<sip:a@h> junk",
            "<sip:a@h>;;tag=1",
            "<sip:a@h>;tag=\"1",
            "\"A\" sip:a@h",
            "\"A\" \"B\" <sip:a@h>",
        ] {
            assert!(to(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_display_name_may_be_no_utf8() {
        let raw = bytes::Bytes::from_static(
            b"OPTIONS sip:h SIP/2.0\r\nFrom: \"J\xfcrgen\" <sip:j@h>;tag=1\r\n\r\n",
        );
        let message = crate::sip::parse::message(raw).unwrap();
        let from = message.headers().from().unwrap();
        assert_eq!(from.display, Some(&b"\"J\xfcrgen\""[..]));
        assert_eq!(from.display_text(), None);
        assert_eq!(from.tag(), Some("1"));
        assert_eq!(from.text(), b"\"J\xfcrgen\" <sip:j@h>;tag=1");
    }

    #[test]
    fn asserted_identities_are_read_and_junk_left_out() {
        let headers = headers(
            "P-Asserted-Identity: \"A, B\" <sip:a@h>, <tel:+1555>\r\n\
             P-Asserted-Identity: nonsense\r\n",
        );
        let identities: Vec<_> =
            headers.asserted_identities().iter().map(|uri| uri.to_string()).collect();
        assert_eq!(identities, ["sip:a@h", "tel:+1555"]);
    }
}
