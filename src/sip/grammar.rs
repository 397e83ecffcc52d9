//! The words all headers share: tokens, quoted strings, parameters, lists (RFC 3261 §25.1).
//!
//! Folded lines were unfolded before, so white space is a space or a tab. The functions have the
//! form of nom's parsers and can be combined as such; inside they are plain loops, for every
//! octet of every message passes through here.

use std::borrow::Cow;

use memchr::{memchr, memchr2};
use nom::IResult;

use crate::base::classes::{self, Classes, with_class};

/// The outcome of one grammar function over header octets.
pub(crate) type Parsed<'a, T> = IResult<&'a [u8], T>;

/// Whether an octet may stand in a token.
pub(crate) fn is_token(b: u8) -> bool {
    CLASSES[usize::from(b)] & TOKEN != 0
}

/// Whether all octets may stand in a token, and there is one.
pub(crate) fn all_token(text: &[u8]) -> bool {
    !text.is_empty() && classes::run(text, &CLASSES, TOKEN) == text.len()
}

pub(crate) const TOKEN: u16 = 1;
/// The value of a parameter that is not quoted.
const BARE_VALUE: u16 = 1 << 1;
/// The value of a parameter of credentials that is not quoted.
pub(crate) const BARE_CREDENTIAL: u16 = 1 << 2;
/// The name of a host.
pub(crate) const HOST: u16 = 1 << 3;
/// The inside of the brackets of an IPv6 address.
pub(crate) const REFERENCE: u16 = 1 << 4;
/// Wider than the tokens of the grammar, for phones send `Smith (Sales)` unquoted; but a comma or
/// a quote could end the value for somebody else.
pub(crate) const DISPLAY: u16 = 1 << 5;
/// A URI in angle brackets.
pub(crate) const BRACKETED_URI: u16 = 1 << 6;
/// A URI in the place of a whole name and address.
pub(crate) const BARE_URI: u16 = 1 << 7;
pub(crate) const REQUEST_URI: u16 = 1 << 8;
pub(crate) const SPACE: u16 = 1 << 9;
const DIGIT: u16 = 1 << 10;
/// A Call-ID.
pub(crate) const WORD: u16 = 1 << 11;

/// What each octet may stand in.
const CLASSES: Classes = {
    let mut table = [0; 256];
    let mut b = 0;
    while b < 256 {
        let octet = b as u8;
        let is_angle = matches!(octet, b'<' | b'>');
        let is_separator = is_angle || matches!(octet, b';' | b',' | b'"');
        if octet.is_ascii_alphanumeric() {
            table[b] |= TOKEN | HOST;
        }
        if octet.is_ascii_hexdigit() {
            table[b] |= REFERENCE;
        }
        if octet >= b' ' && octet != 0x7f && !is_separator {
            table[b] |= DISPLAY;
        }
        if octet.is_ascii_graphic() {
            table[b] |= WORD;
            if !is_separator {
                table[b] |= BARE_URI;
            }
            if !is_separator && octet != b'\\' {
                table[b] |= BARE_VALUE;
            }
            if !is_angle {
                table[b] |= BRACKETED_URI;
            }
            if !is_angle && octet != b'"' {
                table[b] |= REQUEST_URI;
            }
            if !matches!(octet, b',' | b'"') {
                table[b] |= BARE_CREDENTIAL;
            }
        }
        b += 1;
    }
    table = with_class(table, b"-.!%*_+`'~", TOKEN);
    table = with_class(table, b"-._", HOST);
    table = with_class(table, b":.", REFERENCE);
    table = with_class(table, b"\t", DISPLAY | SPACE);
    table = with_class(table, b" ", SPACE);
    with_class(table, b"0123456789", DIGIT)
};

/// The octets of a class from the start, perhaps none, and the rest.
pub(crate) fn run(input: &[u8], class: u16) -> (&[u8], &[u8]) {
    input.split_at(classes::run(input, &CLASSES, class))
}

/// As [`run`], but at least one.
pub(crate) fn run1(input: &[u8], class: u16) -> Parsed<'_, &[u8]> {
    match run(input, class) {
        ([], _) => Err(failure(input)),
        (octets, rest) => Ok((rest, octets)),
    }
}

/// Without the spaces and tabs at the start.
pub(crate) fn after_space(input: &[u8]) -> &[u8] {
    let mut rest = input;
    while let [b' ' | b'\t', after @ ..] = rest {
        rest = after;
    }
    rest
}

/// A token.
pub(crate) fn token(input: &[u8]) -> Parsed<'_, &str> {
    let (rest, octets) = token_octets(input)?;
    Ok((rest, ascii(octets)))
}

/// A token, as octets.
pub(crate) fn token_octets(input: &[u8]) -> Parsed<'_, &[u8]> {
    run1(input, TOKEN)
}

/// What follows one octet with spaces around it; `None` if it does not stand there.
pub(crate) fn after_spaced(input: &[u8], octet: u8) -> Option<&[u8]> {
    match after_space(input) {
        [first, rest @ ..] if *first == octet => Some(after_space(rest)),
        _ => None,
    }
}

/// One octet with spaces around it.
pub(crate) fn spaced<'a>(octet: u8) -> impl Fn(&'a [u8]) -> Parsed<'a, ()> {
    move |input| match after_spaced(input, octet) {
        Some(rest) => Ok((rest, ())),
        None => Err(failure(after_space(input))),
    }
}

/// A quoted string, with its quotes and escapes as written.
pub(crate) fn quoted(input: &[u8]) -> Parsed<'_, &[u8]> {
    let [b'"', inside @ ..] = input else {
        return Err(failure(input));
    };
    let mut rest = inside;
    while let Some(at) = memchr2(b'"', b'\\', rest) {
        let after = rest.get(at..).unwrap_or_default();
        match after {
            [b'"', after @ ..] => {
                let octets = input.len() - after.len();
                return Ok((after, input.get(..octets).unwrap_or_default()));
            }
            // Whatever is escaped, it ends nothing.
            [_, _, after @ ..] => rest = after,
            _ => return Err(failure(after)),
        }
    }
    Err(failure(input.get(input.len()..).unwrap_or_default()))
}

/// Digits, as many as fit.
pub(crate) fn number<T: TryFrom<u64>>(input: &[u8]) -> Parsed<'_, T> {
    let (rest, digits) = run1(input, DIGIT)?;
    match decimal(digits).and_then(|number| T::try_from(number).ok()) {
        Some(number) => Ok((rest, number)),
        None => Err(failure(input)),
    }
}

fn decimal(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0_u64, |number, digit| {
        number.checked_mul(10)?.checked_add(u64::from(digit.wrapping_sub(b'0')))
    })
}

/// A failure at `input`.
pub(crate) fn failure(input: &[u8]) -> nom::Err<nom::error::Error<&[u8]>> {
    nom::Err::Error(nom::error::Error::new(input, nom::error::ErrorKind::Verify))
}

/// Text of octets that were checked to be ASCII, or are not worth reading.
pub(crate) fn ascii(octets: &[u8]) -> &str {
    std::str::from_utf8(octets).unwrap_or("")
}

/// Without the spaces and tabs on both sides.
pub(crate) fn trimmed(octets: &[u8]) -> &[u8] {
    let mut octets = octets;
    while let [b' ' | b'\t', rest @ ..] = octets {
        octets = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = octets {
        octets = rest;
    }
    octets
}

/// The parameters of a header value, from its first semicolon to the end of the value.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Parameters<'a> {
    text: &'a [u8],
}

/// One parameter as it was written: name, and value with its quotes.
type Written<'a> = (&'a [u8], Option<&'a [u8]>);

impl<'a> Parameters<'a> {
    /// Reads `;name=value` as often as it comes, with spaces between; an empty one is a fault.
    pub fn parse(input: &'a [u8]) -> Parsed<'a, Parameters<'a>> {
        Parameters::parse_each(input, |_, _| {})
    }

    /// As [`Parameters::parse`], shown each name and value on the way: what a header is asked
    /// for every time is found in the same pass.
    pub fn parse_each(
        input: &'a [u8],
        mut each: impl FnMut(&'a [u8], Option<&'a [u8]>),
    ) -> Parsed<'a, Parameters<'a>> {
        let mut rest = input;
        while let Some(after) = after_spaced(rest, b';') {
            // A half-read parameter is no end of the list.
            let (after, (name, value)) = parameter(after).map_err(|_| failure(after))?;
            each(name, value);
            rest = after;
        }
        let text = input.get(..input.len() - rest.len()).unwrap_or_default();
        Ok((rest, Parameters { text }))
    }

    /// From a text that [`Parameters::text`] gave.
    pub fn read_before(text: &'a [u8]) -> Parameters<'a> {
        Parameters { text }
    }

    /// As written, from the first semicolon on.
    pub fn text(&self) -> &'a [u8] {
        self.text
    }

    /// By name in any case: `None` if absent, `Some(None)` if without a value. A quoted value
    /// comes without its quotes, escapes as written.
    pub fn value(&self, name: &str) -> Option<Option<&'a str>> {
        self.written()
            .filter(|(there, _)| there.eq_ignore_ascii_case(name.as_bytes()))
            .find_map(|(_, value)| readable(value))
    }

    /// In order; those whose value is no UTF-8 are left out.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> + use<'a> {
        self.written().filter_map(|(name, value)| Some((ascii(name), readable(value)?)))
    }

    fn written(&self) -> impl Iterator<Item = Written<'a>> + use<'a> {
        let mut rest = self.text;
        std::iter::from_fn(move || {
            let (after, written) = parameter(after_spaced(rest, b';')?).ok()?;
            rest = after;
            Some(written)
        })
    }
}

/// A parameter name and perhaps its value, quotes kept.
pub(crate) fn parameter(input: &[u8]) -> Parsed<'_, Written<'_>> {
    let (rest, name) = token_octets(input)?;
    let value = after_spaced(rest, b'=').map(parameter_value);
    Ok(match value {
        Some(Ok((after, value))) => (after, (name, Some(value))),
        _ => (rest, (name, None)),
    })
}

/// A quoted string, or anything without white space, separators and brackets: tokens, hosts,
/// IPv6 addresses, URNs, base64.
fn parameter_value(input: &[u8]) -> Parsed<'_, &[u8]> {
    match input.first() {
        Some(b'"') => quoted(input),
        _ => run1(input, BARE_VALUE),
    }
}

/// The value of a parameter without its quotes; `None` if it is no UTF-8.
fn readable(value: Option<&[u8]>) -> Option<Option<&str>> {
    match value {
        None => Some(None),
        Some(value) => std::str::from_utf8(unquoted(value)).ok().map(Some),
    }
}

/// As [`readable`], as octets.
pub(crate) fn readable_octets(value: Option<&[u8]>) -> Option<Option<&[u8]>> {
    match value {
        Some([b'"', ..]) => Some(readable(value)?.map(str::as_bytes)),
        // Without quotes it is ASCII.
        bare => Some(bare),
    }
}

/// Without surrounding quotes, escapes kept.
pub(crate) fn unquoted(value: &[u8]) -> &[u8] {
    match value {
        [b'"', inner @ .., b'"'] => inner,
        bare => bare,
    }
}

/// The meaning of the inside of a quoted string: each escaped character bare.
pub(crate) fn unescaped(inner: &str) -> Cow<'_, str> {
    if !inner.contains('\\') {
        return inner.into();
    }
    let mut plain = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => plain.extend(characters.next()),
            c => plain.push(c),
        }
    }
    plain.into()
}

/// The values of a comma-separated list, trimmed; commas in quotes and angle brackets do not
/// separate. Empty values are given too, for the caller to judge.
pub(crate) fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(value);
    std::iter::from_fn(move || {
        let all = rest?;
        let end = separator(all);
        let item = all.get(..end).unwrap_or_default();
        rest = all.get(end + 1..).filter(|_| end < all.len());
        Some(trimmed(item))
    })
}

/// Where the first separating comma stands, or the end.
fn separator(value: &[u8]) -> usize {
    let comma = memchr(b',', value).unwrap_or(value.len());
    let before = value.get(..comma).unwrap_or_default();
    match memchr2(b'"', b'<', before) {
        None => comma,
        Some(_) => separator_outside(value),
    }
}

/// As [`separator`], where quotes and angle brackets come before the first comma.
fn separator_outside(value: &[u8]) -> usize {
    let (mut in_quotes, mut in_brackets, mut escaped) = (false, false, false);
    for (at, octet) in value.iter().enumerate() {
        match octet {
            _ if escaped => escaped = false,
            b'\\' if in_quotes => escaped = true,
            b'"' => in_quotes = !in_quotes,
            _ if in_quotes => {}
            b'<' => in_brackets = true,
            b'>' => in_brackets = false,
            b',' if !in_brackets => return at,
            _ => {}
        }
    }
    value.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_string_ends_at_the_first_bare_quote() {
        assert_eq!(quoted(b"\"a\\\"b\" c"), Ok((&b" c"[..], &b"\"a\\\"b\""[..])));
        assert!(quoted(b"\"a\\\"").is_err());
        assert_eq!(quoted(b"\"\\\\\""), Ok((&b""[..], &b"\"\\\\\""[..])));
        assert_eq!(unescaped("a\\\"b\\\\"), "a\"b\\");
    }

    #[test]
    fn parameters_have_spaces_quotes_and_no_gaps() {
        let (rest, p) = Parameters::parse(b" ; a = b;C;d=\"x;y\" ;e=[::1]:5 , next").unwrap();
        assert_eq!(rest, b" , next");
        assert_eq!(p.value("A"), Some(Some("b")));
        assert_eq!(p.value("c"), Some(None));
        assert_eq!(p.value("d"), Some(Some("x;y")));
        assert_eq!(p.value("e"), Some(Some("[::1]:5")));
        assert_eq!(p.value("f"), None);
        assert!(Parameters::parse(b";;a").is_err());
        assert!(Parameters::parse(b";").is_err());
    }

    #[test]
    fn a_list_is_split_outside_quotes_and_brackets() {
        let items: Vec<_> = list(b"\"a, b\" <sip:x,y@h> , c,,").collect();
        assert_eq!(items, [&b"\"a, b\" <sip:x,y@h>"[..], b"c", b"", b""]);
        assert_eq!(list(b"\"a\\\",b\",c").count(), 2);
    }

    #[test]
    fn a_number_that_does_not_fit_is_none() {
        assert_eq!(number::<u32>(b"0007 "), Ok((&b" "[..], 7)));
        assert!(number::<u32>(b"4294967296").is_err());
        assert!(number::<u32>(b"-1").is_err());
    }
}
