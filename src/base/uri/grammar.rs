//! Where the parts of a URI are (RFC 3261 §25.1, RFC 3966 §3).

use std::borrow::Cow;
use std::net::IpAddr;

use memchr::memchr;

use super::{Scheme, UriError};
use crate::base::classes::{self, Classes, with_class};
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
    /// Of octets that leave the grammar where they are no ASCII.
    pub fn of(text: &[u8]) -> Result<Parts, UriError> {
        if text.len() > URI_OCTETS_MAX {
            return Err(UriError {
                offset: URI_OCTETS_MAX,
                expected: "the end of a URI of bearable length",
            });
        }
        let scheme_end = scheme_end(text)?;
        let mut parts = Parts {
            scheme: scheme(part(text, 0, scheme_end)),
            scheme_end,
            user: None,
            password: None,
            host: Span::default(),
            ip: None,
            port: None,
            parameters: Span::default(),
            headers: None,
        };
        let start = scheme_end + ":".len();
        match parts.scheme {
            Scheme::Other => opaque(text, start)?,
            Scheme::Tel => parts.telephone(text, start)?,
            Scheme::Sip | Scheme::Sips | Scheme::Pres => parts.hierarchy(text, start)?,
        }
        Ok(parts)
    }

    fn telephone(&mut self, text: &[u8], start: usize) -> Result<(), UriError> {
        let after = run(text, start, NUMBER);
        if after == start {
            return Err(fault(start, "a telephone number"));
        }
        self.user = Some(span(start, after));
        let after = self.parameters(text, after)?;
        end(text, after, "a parameter or the end of the URI")
    }

    fn hierarchy(&mut self, text: &[u8], start: usize) -> Result<(), UriError> {
        // No part after the host may hold a bare `@`, so the first one ends the user part, and a
        // second one makes the URI ambiguous and is refused below.
        let start = match memchr(b'@', part(text, start, text.len())) {
            Some(octets) => {
                self.userinfo(part(text, 0, start + octets), start)?;
                start + octets + "@".len()
            }
            None => start,
        };
        let after = self.host(text, start)?;
        let after = self.port(text, after)?;
        let after = self.parameters(text, after)?;
        let after = match text.get(after) {
            Some(b'?') => {
                let headers = escaped(text, after + 1, HEADER);
                if headers == after + 1 {
                    return Err(fault(headers, "a header"));
                }
                self.headers = Some(span(after + 1, headers));
                headers
            }
            _ => after,
        };
        end(text, after, "a port, a parameter or the end of the URI")
    }

    /// `text` ends before the `@`.
    fn userinfo(&mut self, text: &[u8], start: usize) -> Result<(), UriError> {
        let after = escaped(text, start, USERINFO);
        if after == start {
            return Err(fault(start, "a user before the @"));
        }
        self.user = Some(span(start, after));
        let after = match text.get(after) {
            Some(b':') => {
                let password = escaped(text, after + 1, PASSWORD);
                self.password = Some(span(after + 1, password));
                password
            }
            _ => after,
        };
        end(text, after, "an @ after the user part")
    }

    fn host(&mut self, text: &[u8], start: usize) -> Result<usize, UriError> {
        let is_reference = text.get(start) == Some(&b'[');
        let after = match is_reference {
            true => {
                let inside = run(text, start + 1, REFERENCE);
                let is_closed = inside > start + 1 && text.get(inside) == Some(&b']');
                if is_closed { inside + 1 } else { start }
            }
            false => run(text, start, HOST),
        };
        if after == start {
            return Err(fault(start, "a host name or address"));
        }
        self.host = span(start, after);
        self.ip = address(part(text, start, after));
        if self.ip.is_none() && is_reference {
            return Err(fault(start, "an IPv6 address in brackets"));
        }
        Ok(after)
    }

    fn port(&mut self, text: &[u8], start: usize) -> Result<usize, UriError> {
        if text.get(start) != Some(&b':') {
            return Ok(start);
        }
        let start = start + 1;
        let (mut after, mut port) = (start, Some(0_u16));
        while let Some(digit @ b'0'..=b'9') = text.get(after) {
            let digit = u16::from(digit - b'0');
            port = port.and_then(|port| port.checked_mul(10)?.checked_add(digit));
            after += 1;
        }
        if after == start {
            return Err(fault(start, "a port"));
        }
        self.port = Some(port.ok_or(fault(start, "a port below 65536"))?);
        Ok(after)
    }

    fn parameters(&mut self, text: &[u8], start: usize) -> Result<usize, UriError> {
        let mut after = start;
        while text.get(after) == Some(&b';') {
            let name = after + 1;
            after = parameter_name(text, name);
            if after == name {
                return Err(fault(name, "a parameter name"));
            }
            if text.get(after) == Some(&b'=') {
                after = parameter_value(text, after + 1);
            }
        }
        self.parameters = span(start, after);
        Ok(after)
    }
}

/// The parameters of a text that was read before, in order, values as written.
pub(super) fn parameters(text: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let octets = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        if octets.get(at) != Some(&b';') {
            return None;
        }
        let start = at + 1;
        let end = parameter_name(octets, start);
        let name = text.get(start..end).filter(|name| !name.is_empty())?;
        at = end;
        if octets.get(end) != Some(&b'=') {
            return Some((name, None));
        }
        at = parameter_value(octets, end + 1);
        Some((name, text.get(end + 1..at)))
    })
}

fn parameter_name(text: &[u8], start: usize) -> usize {
    escaped(text, start, PARAMETER)
}

/// Where a value ends: a quoted text without escapes, or anything a parameter may hold, which may
/// be nothing.
fn parameter_value(text: &[u8], start: usize) -> usize {
    if let Some(b'"') = text.get(start) {
        let is_inside = |b: &&u8| !matches!(b, b'"' | b'\\');
        let inside = part(text, start + 1, text.len()).iter().take_while(is_inside);
        let end = start + 1 + inside.count();
        if text.get(end) == Some(&b'"') {
            return end + 1;
        }
    }
    escaped(text, start, VALUE)
}

/// Where the scheme ends, and its colon stands.
fn scheme_end(text: &[u8]) -> Result<usize, UriError> {
    const EXPECTED: &str = "a scheme and a colon";
    if !text.first().is_some_and(u8::is_ascii_alphabetic) {
        return Err(fault(0, EXPECTED));
    }
    let end = run(text, 0, SCHEME);
    match text.get(end) {
        Some(b':') => Ok(end),
        _ => Err(fault(end, EXPECTED)),
    }
}

/// Where the characters of a class that begin at `start` end.
fn run(text: &[u8], start: usize, class: u16) -> usize {
    start + classes::run(part(text, start, text.len()), &CLASSES, class)
}

/// As [`run`], `%HH` included.
fn escaped(text: &[u8], start: usize, class: u16) -> usize {
    let mut at = run(text, start, class);
    while let Some([b'%', high, low]) = text.get(at..at + 3)
        && high.is_ascii_hexdigit()
        && low.is_ascii_hexdigit()
    {
        at = run(text, at + 3, class);
    }
    at
}

fn scheme(name: &[u8]) -> Scheme {
    match name.len() {
        3 if name.eq_ignore_ascii_case(b"sip") => Scheme::Sip,
        3 if name.eq_ignore_ascii_case(b"tel") => Scheme::Tel,
        4 if name.eq_ignore_ascii_case(b"sips") => Scheme::Sips,
        4 if name.eq_ignore_ascii_case(b"pres") => Scheme::Pres,
        _ => Scheme::Other,
    }
}

fn opaque(text: &[u8], start: usize) -> Result<(), UriError> {
    let after = run(text, start, OPAQUE);
    if after == start {
        return Err(fault(start, "something after the scheme"));
    }
    end(text, after, "the end of the URI")
}

/// An IPv4 address, or an IPv6 address in brackets. The grammar of RFC 3261 allowed a third
/// colon before an embedded IPv4 address; RFC 5118 §4.10 asks to read it.
fn address(host: &[u8]) -> Option<IpAddr> {
    match host {
        [b'[', inner @ .., b']'] => {
            let inner = std::str::from_utf8(inner).ok()?;
            let inner: Cow<'_, str> = match inner.contains(":::") {
                true => inner.replacen(":::", "::", 1).into(),
                false => inner.into(),
            };
            inner.parse().ok().map(IpAddr::V6)
        }
        // Most hosts are names.
        [first, ..] if first.is_ascii_digit() => {
            std::str::from_utf8(host).ok()?.parse().ok().map(IpAddr::V4)
        }
        _ => None,
    }
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
    CLASSES[usize::from(b)] & RESERVED != 0
}

pub(super) fn is_user_octet(b: u8) -> bool {
    CLASSES[usize::from(b)] & USER != 0
}

/// Whether a user part holds nothing that an AoR writes otherwise.
pub(super) fn is_plain_user(user: &[u8]) -> bool {
    run(user, 0, USER) == user.len()
}

const RESERVED: u16 = 1;
const USER: u16 = 1 << 1;
const PASSWORD: u16 = 1 << 2;
const PARAMETER: u16 = 1 << 3;
const HEADER: u16 = 1 << 4;
const SCHEME: u16 = 1 << 5;
const HOST: u16 = 1 << 6;
const REFERENCE: u16 = 1 << 7;
const NUMBER: u16 = 1 << 8;
const OPAQUE: u16 = 1 << 9;
/// A user with what is not in the grammar, and yet in the user parts of phones.
const USERINFO: u16 = 1 << 10;
/// The value of a parameter.
const VALUE: u16 = 1 << 11;

/// What each octet may stand in.
const CLASSES: Classes = {
    let mut table = [0; 256];
    let anywhere = USER | USERINFO | PASSWORD | PARAMETER | VALUE | HEADER;
    let mut b = 0;
    while b < 128 {
        let octet = b as u8;
        if octet.is_ascii_alphanumeric() {
            table[b] = anywhere | SCHEME | HOST;
        }
        if octet.is_ascii_hexdigit() {
            table[b] |= REFERENCE | NUMBER;
        }
        if octet.is_ascii_graphic() && !matches!(octet, b'<' | b'>' | b'"') {
            table[b] |= OPAQUE;
        }
        b += 1;
    }
    table = with_class(table, b"-_.!~*'()", anywhere);
    table = with_class(table, b";/?:@&=+$,", RESERVED);
    table = with_class(table, b"&=+$,;?/", USER | USERINFO);
    table = with_class(table, b"#", USERINFO);
    table = with_class(table, b"&=+$,", PASSWORD);
    table = with_class(table, b"[]/:&+$", PARAMETER | VALUE);
    table = with_class(table, b"=", VALUE);
    table = with_class(table, b"[]/?:+$=&;,", HEADER);
    table = with_class(table, b"+-.", SCHEME);
    table = with_class(table, b"-._", HOST);
    table = with_class(table, b":.", REFERENCE);
    with_class(table, b"+*#-.()", NUMBER)
};

fn end(text: &[u8], at: usize, expected: &'static str) -> Result<(), UriError> {
    match at == text.len() {
        true => Ok(()),
        false => Err(fault(at, expected)),
    }
}

fn fault(offset: usize, expected: &'static str) -> UriError {
    UriError { offset, expected }
}

fn part(text: &[u8], start: usize, end: usize) -> &[u8] {
    text.get(start..end).unwrap_or_default()
}

fn span(start: usize, end: usize) -> Span {
    Span { start: narrow(start), end: narrow(end) }
}

fn narrow(offset: usize) -> u16 {
    u16::try_from(offset).unwrap_or(u16::MAX)
}
