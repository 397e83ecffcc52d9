//! Where the parts of a URI are (RFC 3261 §25.1, RFC 3966 §3).

use std::borrow::Cow;
use std::net::IpAddr;

use nom::branch::alt;
use nom::bytes::complete::{take_while, take_while_m_n, take_while1};
use nom::character::complete::{char, digit1, satisfy};
use nom::combinator::{opt, recognize};
use nom::multi::many0_count;
use nom::sequence::{preceded, terminated};
use nom::{IResult, Parser};

use super::{Scheme, UriError};
use crate::base::limits::URI_OCTETS_MAX;

/// Where the parts are, and the values that were read on the way.
#[derive(Clone, Copy)]
pub(super) struct Parts {
    pub scheme: Scheme,
    pub scheme_end: usize,
    pub user: Option<Span>,
    pub password: Option<Span>,
    pub host: Span,
    pub ip: Option<IpAddr>,
    pub port: Option<u16>,
    pub parameters: Span,
    pub headers: Option<Span>,
}

#[derive(Clone, Copy, Default)]
pub(super) struct Span {
    pub start: u16,
    pub end: u16,
}

const _: () = assert!(URI_OCTETS_MAX <= u16::MAX as usize);

impl Parts {
    pub fn of(text: &str) -> Result<Parts, UriError> {
        if text.len() > URI_OCTETS_MAX {
            return Err(UriError {
                offset: URI_OCTETS_MAX,
                expected: "the end of a URI of bearable length",
            });
        }
        let (rest, name) = step(text, scheme_name(text), "a scheme and a colon")?;
        let mut parts = Parts {
            scheme: scheme(name),
            scheme_end: name.len(),
            user: None,
            password: None,
            host: Span::default(),
            ip: None,
            port: None,
            parameters: Span::default(),
            headers: None,
        };
        match parts.scheme {
            Scheme::Other => opaque(text, rest)?,
            Scheme::Tel => parts.telephone(text, rest)?,
            Scheme::Sip | Scheme::Sips | Scheme::Pres => parts.hierarchy(text, rest)?,
        }
        Ok(parts)
    }

    fn telephone(&mut self, text: &str, rest: &str) -> Result<(), UriError> {
        let number = take_while1(is_number_character).parse(rest);
        let (rest, number) = step(text, number, "a telephone number")?;
        self.user = Some(span(text, number));
        let rest = self.parameters(text, rest)?;
        end(text, rest, "a parameter or the end of the URI")
    }

    fn hierarchy(&mut self, text: &str, rest: &str) -> Result<(), UriError> {
        // No part after the host may hold a bare `@`, so the first one ends the user part, and a
        // second one makes the URI ambiguous and is refused below.
        let rest = match rest.split_once('@') {
            Some((userinfo, after)) => {
                self.userinfo(text, userinfo)?;
                after
            }
            None => rest,
        };
        let (rest, host) = step(text, host(rest), "a host name or address")?;
        self.host = span(text, host);
        self.ip = address(host);
        if self.ip.is_none() && host.starts_with('[') {
            return Err(fault(text, host, "an IPv6 address in brackets"));
        }
        let (after, port) = step(text, port(rest), "a port")?;
        if let Some(digits) = port {
            let number = digits.parse().ok();
            self.port = Some(number.ok_or_else(|| fault(text, digits, "a port below 65536"))?);
        }
        let rest = self.parameters(text, after)?;
        let rest = match rest.strip_prefix('?') {
            Some(headers) => {
                let (rest, headers) = step(text, header_part(headers), "a header")?;
                self.headers = Some(span(text, headers));
                rest
            }
            None => rest,
        };
        end(text, rest, "a port, a parameter or the end of the URI")
    }

    fn userinfo(&mut self, text: &str, userinfo: &str) -> Result<(), UriError> {
        let allowed = |c| is_user_character(c) || c == '#';
        let (rest, user) = step(text, escaped(allowed, userinfo), "a user part")?;
        if user.is_empty() {
            return Err(fault(text, userinfo, "a user before the @"));
        }
        self.user = Some(span(text, user));
        let rest = match rest.strip_prefix(':') {
            Some(password) => {
                let (rest, password) =
                    step(text, escaped(is_password_character, password), "a password")?;
                self.password = Some(span(text, password));
                rest
            }
            None => rest,
        };
        end(text, rest, "an @ after the user part")
    }

    fn parameters<'t>(&mut self, text: &'t str, mut rest: &'t str) -> Result<&'t str, UriError> {
        let start = offset(text, rest);
        while rest.starts_with(';') {
            rest = step(text, parameter(rest), "a parameter name")?.0;
        }
        self.parameters = Span { start: narrow(start), end: narrow(offset(text, rest)) };
        Ok(rest)
    }
}

type Parsed<'a, T> = IResult<&'a str, T>;

fn scheme_name(input: &str) -> Parsed<'_, &str> {
    let name = (
        satisfy(|c| c.is_ascii_alphabetic()),
        take_while(|c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')),
    );
    terminated(recognize(name), char(':')).parse(input)
}

fn host(input: &str) -> Parsed<'_, &str> {
    let reference = (
        char('['),
        take_while1(|c: char| c.is_ascii_hexdigit() || matches!(c, ':' | '.')),
        char(']'),
    );
    let name = take_while1(|c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'));
    alt((recognize(reference), name)).parse(input)
}

fn port(input: &str) -> Parsed<'_, Option<&str>> {
    if !input.starts_with(':') {
        return Ok((input, None));
    }
    preceded(char(':'), digit1).map(Some).parse(input)
}

pub(super) fn parameter(input: &str) -> Parsed<'_, (&str, Option<&str>)> {
    let name = escaped1(is_parameter_character);
    let quoted = recognize((char('"'), take_while(|c| !matches!(c, '"' | '\\')), char('"')));
    let bare = |input| escaped(|c| is_parameter_character(c) || c == '=', input);
    preceded(char(';'), (name, opt(preceded(char('='), alt((quoted, bare)))))).parse(input)
}

fn header_part(input: &str) -> Parsed<'_, &str> {
    escaped1(is_header_character).parse(input)
}

/// Allowed characters and `%HH`, perhaps none at all.
fn escaped<'a>(allowed: impl Fn(char) -> bool, input: &'a str) -> Parsed<'a, &'a str> {
    let escape = (char('%'), take_while_m_n(2, 2, |c: char| c.is_ascii_hexdigit()));
    recognize(many0_count(alt((recognize(take_while1(allowed)), recognize(escape))))).parse(input)
}

fn escaped1<'a>(
    allowed: impl Fn(char) -> bool,
) -> impl Parser<&'a str, Output = &'a str, Error = nom::error::Error<&'a str>> {
    nom::combinator::verify(move |input| escaped(&allowed, input), |text: &str| !text.is_empty())
}

fn scheme(name: &str) -> Scheme {
    const KNOWN: [(&str, Scheme); 4] = [
        ("sip", Scheme::Sip),
        ("sips", Scheme::Sips),
        ("pres", Scheme::Pres),
        ("tel", Scheme::Tel),
    ];
    KNOWN
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map_or(Scheme::Other, |(_, scheme)| *scheme)
}

fn opaque(text: &str, rest: &str) -> Result<(), UriError> {
    let mut visible = take_while1(|c: char| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '"'));
    let (rest, _) = step(text, visible.parse(rest), "something after the scheme")?;
    end(text, rest, "the end of the URI")
}

/// An IPv4 address, or an IPv6 address in brackets. The grammar of RFC 3261 allowed a third
/// colon before an embedded IPv4 address; RFC 5118 §4.10 asks to read it.
fn address(host: &str) -> Option<IpAddr> {
    let Some(inner) = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) else {
        return host.parse().ok().map(IpAddr::V4);
    };
    let inner: Cow<'_, str> = match inner.contains(":::") {
        true => inner.replacen(":::", "::", 1).into(),
        false => inner.into(),
    };
    inner.parse().ok().map(IpAddr::V6)
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Octet {
    Plain(u8),
    Escaped(u8),
}

pub(super) fn unescaped(text: &[u8]) -> impl Iterator<Item = Octet> {
    let mut rest = text;
    std::iter::from_fn(move || match rest {
        [b'%', high, low, after @ ..] => {
            rest = after;
            let digit = |b: u8| (b as char).to_digit(16).unwrap_or(0) as u8;
            Some(Octet::Escaped(digit(*high) << 4 | digit(*low)))
        }
        [first, after @ ..] => {
            rest = after;
            Some(Octet::Plain(*first))
        }
        [] => None,
    })
}

pub(super) fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)
}

pub(super) fn is_reserved(b: u8) -> bool {
    is(b as char, RESERVED)
}

pub(super) fn is_user_character(c: char) -> bool {
    is(c, UNRESERVED | IN_USER)
}

fn is_password_character(c: char) -> bool {
    is(c, UNRESERVED | IN_PASSWORD)
}

fn is_parameter_character(c: char) -> bool {
    is(c, UNRESERVED | IN_PARAMETER)
}

fn is_header_character(c: char) -> bool {
    is(c, UNRESERVED | IN_HEADER)
}

fn is_number_character(c: char) -> bool {
    c.is_ascii_hexdigit() || matches!(c, '+' | '*' | '#' | '-' | '.' | '(' | ')')
}

fn is(c: char, class: u8) -> bool {
    CLASSES.get(c as usize).is_some_and(|there| there & class != 0)
}

const UNRESERVED: u8 = 1;
const RESERVED: u8 = 2;
const IN_USER: u8 = 4;
const IN_PASSWORD: u8 = 8;
const IN_PARAMETER: u8 = 16;
const IN_HEADER: u8 = 32;

/// What each character may stand in, besides the letters and digits that may stand anywhere.
const CLASSES: [u8; 128] = {
    let mut table = [0; 128];
    let mut b = 0;
    while b < 128 {
        if (b as u8).is_ascii_alphanumeric() {
            table[b] = UNRESERVED;
        }
        b += 1;
    }
    table = with_class(table, b"-_.!~*'()", UNRESERVED);
    table = with_class(table, b";/?:@&=+$,", RESERVED);
    table = with_class(table, b"&=+$,;?/", IN_USER);
    table = with_class(table, b"&=+$,", IN_PASSWORD);
    table = with_class(table, b"[]/:&+$", IN_PARAMETER);
    with_class(table, b"[]/?:+$=&;,", IN_HEADER)
};

const fn with_class(mut table: [u8; 128], characters: &[u8], class: u8) -> [u8; 128] {
    let mut at = 0;
    while at < characters.len() {
        table[characters[at] as usize] |= class;
        at += 1;
    }
    table
}

/// The outcome of one grammar step, its failure told as an offset into the whole text.
fn step<'a, T>(
    text: &str,
    outcome: Parsed<'a, T>,
    expected: &'static str,
) -> Result<(&'a str, T), UriError> {
    outcome.map_err(|error| {
        let rest = match &error {
            nom::Err::Error(e) | nom::Err::Failure(e) => e.input,
            nom::Err::Incomplete(_) => "",
        };
        fault(text, rest, expected)
    })
}

fn end(text: &str, rest: &str, expected: &'static str) -> Result<(), UriError> {
    match rest.is_empty() {
        true => Ok(()),
        false => Err(fault(text, rest, expected)),
    }
}

fn fault(text: &str, rest: &str, expected: &'static str) -> UriError {
    UriError { offset: offset(text, rest).min(text.len()), expected }
}

/// Where `part`, a slice of `text`, begins in it.
fn offset(text: &str, part: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize)
}

fn span(text: &str, part: &str) -> Span {
    let start = offset(text, part);
    Span { start: narrow(start), end: narrow(start + part.len()) }
}

fn narrow(offset: usize) -> u16 {
    u16::try_from(offset).unwrap_or(u16::MAX)
}
