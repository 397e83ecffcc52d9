//! The words all headers share: tokens, quoted strings, parameters, lists (RFC 3261 §25.1).
//!
//! Folded lines were unfolded before, so white space is a space or a tab.

use std::borrow::Cow;

use nom::branch::alt;
use nom::bytes::complete::{tag, take_while, take_while1};
use nom::combinator::{opt, recognize};
use nom::multi::many0_count;
use nom::sequence::{delimited, preceded};
use nom::{AsChar, IResult, Parser};

/// The outcome of one grammar function over header octets.
pub(crate) type Parsed<'a, T> = IResult<&'a [u8], T>;

/// Whether an octet may stand in a token.
pub(crate) fn is_token(b: u8) -> bool {
    TOKEN[usize::from(b)]
}

/// Whether all octets may stand in a token, and there is one.
pub(crate) fn all_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|b| is_token(*b))
}

const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut b = 0;
    while b < 256 {
        let octet = b as u8;
        table[b] = octet.is_ascii_alphanumeric()
            || matches!(
                octet,
                b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~'
            );
        b += 1;
    }
    table
};

/// Spaces and tabs, perhaps none.
pub(crate) fn space(input: &[u8]) -> Parsed<'_, &[u8]> {
    take_while(is_space).parse(input)
}

/// A token.
pub(crate) fn token(input: &[u8]) -> Parsed<'_, &str> {
    let (rest, octets) = take_while1(is_token).parse(input)?;
    Ok((rest, ascii(octets)))
}

/// One octet with spaces around it.
pub(crate) fn spaced<'a>(
    octet: &'static str,
) -> impl Parser<&'a [u8], Output = &'a [u8], Error = nom::error::Error<&'a [u8]>> {
    delimited(space, tag(octet), space)
}

/// A quoted string, with its quotes and escapes as written.
pub(crate) fn quoted(input: &[u8]) -> Parsed<'_, &[u8]> {
    let plain = take_while1(|b| b != b'"' && b != b'\\');
    let escape = (tag("\\"), nom::bytes::complete::take(1usize));
    let inside = many0_count(alt((recognize(plain), recognize(escape))));
    recognize((tag("\""), inside, tag("\""))).parse(input)
}

/// Digits, as many as fit.
pub(crate) fn number<T: std::str::FromStr>(input: &[u8]) -> Parsed<'_, T> {
    let (rest, digits) = take_while1(|b: u8| b.is_dec_digit()).parse(input)?;
    match ascii(digits).parse() {
        Ok(number) => Ok((rest, number)),
        Err(_) => Err(failure(input)),
    }
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

impl<'a> Parameters<'a> {
    /// Reads `;name=value` as often as it comes, with spaces between; an empty one is a fault.
    pub fn parse(input: &'a [u8]) -> Parsed<'a, Parameters<'a>> {
        let mut rest = input;
        while let Ok((after, _)) = spaced(";").parse(rest) {
            rest = match parameter(after) {
                Ok((after, _)) => after,
                // A half-read parameter is no end of the list.
                Err(_) => return Err(failure(after)),
            };
        }
        let text = input.get(..input.len() - rest.len()).unwrap_or_default();
        Ok((rest, Parameters { text }))
    }

    /// By name in any case: `None` if absent, `Some(None)` if without a value. A quoted value
    /// comes without its quotes, escapes as written.
    pub fn value(&self, name: &str) -> Option<Option<&'a str>> {
        self.iter().find(|(there, _)| there.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// In order; those whose value is no UTF-8 are left out.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> + use<'a> {
        let mut rest = self.text;
        std::iter::from_fn(move || {
            loop {
                let (after, _) = spaced(";").parse(rest).ok()?;
                let (after, (name, value)) = parameter(after).ok()?;
                rest = after;
                let Some(value) = value else {
                    return Some((name, None));
                };
                if let Ok(value) = std::str::from_utf8(unquoted(value)) {
                    return Some((name, Some(value)));
                }
            }
        })
    }
}

/// A parameter name and perhaps its value, quotes kept.
pub(crate) fn parameter(input: &[u8]) -> Parsed<'_, (&str, Option<&[u8]>)> {
    (token, opt(preceded(spaced("="), parameter_value))).parse(input)
}

/// A quoted string, or anything without white space, separators and brackets: tokens, hosts,
/// IPv6 addresses, URNs, base64.
fn parameter_value(input: &[u8]) -> Parsed<'_, &[u8]> {
    alt((quoted, take_while1(is_bare_value))).parse(input)
}

fn is_bare_value(b: u8) -> bool {
    b.is_ascii_graphic() && !matches!(b, b';' | b',' | b'"' | b'<' | b'>' | b'\\')
}

fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t')
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
