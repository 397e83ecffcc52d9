//! URIs: `sip:`, `sips:`, `pres:` and `tel:` in parts, any other by its text (RFC 3261 §19.1,
//! RFC 3966, RFC 3859).

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use nom::branch::alt;
use nom::bytes::complete::{take_while, take_while_m_n, take_while1};
use nom::character::complete::{char, digit1, satisfy};
use nom::combinator::{opt, recognize};
use nom::multi::many0_count;
use nom::sequence::{preceded, terminated};
use nom::{IResult, Parser};

use crate::base::limits::URI_OCTETS_MAX;

/// A URI that keeps its text as written and knows where its parts are.
///
/// Equality is that of RFC 3261 §19.1.4, which is not transitive: a parameter we do not know
/// counts only when both sides have it. So a `Uri` is compared, and never hashed.
#[derive(Clone)]
pub struct Uri {
    text: Arc<str>,
    parts: Parts,
}

/// The scheme of a URI.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scheme {
    /// `sip:`, RFC 3261.
    Sip,
    /// `sips:`, RFC 3261 and 5630.
    Sips,
    /// `pres:`, RFC 3859.
    Pres,
    /// `tel:`, RFC 3966.
    Tel,
    /// Any other; [`Uri::scheme_text`] has its name.
    Other,
}

/// The host of a URI.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Host<'a> {
    /// A name, in the case it was written in; empty where the scheme has no host.
    Name(&'a str),
    /// An address; an IPv6 address was written in brackets.
    Ip(IpAddr),
}

/// Why a text is no URI.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UriError {
    /// Where the text leaves the grammar, in octets.
    pub offset: usize,
    /// What should have stood there.
    pub expected: &'static str,
}

/// Where the parts are, and the values that were read on the way.
#[derive(Clone, Copy)]
struct Parts {
    scheme: Scheme,
    scheme_end: usize,
    user: Option<Span>,
    password: Option<Span>,
    host: Span,
    ip: Option<IpAddr>,
    port: Option<u16>,
    parameters: Span,
    headers: Option<Span>,
}

#[derive(Clone, Copy, Default)]
struct Span {
    start: u16,
    end: u16,
}

const _: () = assert!(URI_OCTETS_MAX <= u16::MAX as usize);

impl Uri {
    /// Reads a URI. Strict where a lax reading could be taken for another identity, tolerant of
    /// what devices send: underscores in host names, quoted parameter values.
    pub fn parse(text: &str) -> Result<Uri, UriError> {
        let parts = Parts::of(text)?;
        Ok(Uri {
            text: text.into(),
            parts,
        })
    }

    /// Whether [`Uri::parse`] would succeed; costs no allocation.
    pub fn check(text: &str) -> Result<(), UriError> {
        Parts::of(text).map(|_| ())
    }

    /// The text exactly as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The scheme.
    pub fn scheme(&self) -> Scheme {
        self.parts.scheme
    }

    /// The name of the scheme as written, without the colon.
    pub fn scheme_text(&self) -> &str {
        self.text.get(..self.parts.scheme_end).unwrap_or("")
    }

    /// What follows the colon after the scheme.
    pub fn after_scheme(&self) -> &str {
        self.text.get(self.parts.scheme_end + 1..).unwrap_or("")
    }

    /// The user part as written, escapes kept; for `tel:` the number.
    pub fn user(&self) -> Option<&str> {
        self.parts.user.map(|span| self.at(span))
    }

    /// The password, which nobody should send (RFC 3261 §19.1.1).
    pub fn password(&self) -> Option<&str> {
        self.parts.password.map(|span| self.at(span))
    }

    /// The host.
    pub fn host(&self) -> Host<'_> {
        match self.parts.ip {
            Some(ip) => Host::Ip(ip),
            None => Host::Name(self.host_text()),
        }
    }

    /// The host as written, an IPv6 address with its brackets.
    pub fn host_text(&self) -> &str {
        self.at(self.parts.host)
    }

    /// The port, if one was written.
    pub fn port(&self) -> Option<u16> {
        self.parts.port
    }

    /// A parameter by its name in any case: `None` if absent, `Some(None)` if it has no value.
    pub fn parameter(&self, name: &str) -> Option<Option<&str>> {
        self.parameters()
            .find(|(there, _)| there.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// The parameters in order, values without surrounding quotes.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        let mut rest = self.at(self.parts.parameters);
        std::iter::from_fn(move || {
            let (after, (name, value)) = parameter(rest).ok()?;
            rest = after;
            Some((name, value.map(unquoted)))
        })
    }

    /// What follows the `?`, if there is one.
    pub fn headers_text(&self) -> Option<&str> {
        self.parts.headers.map(|span| self.at(span))
    }

    /// Whether this names a loose router (RFC 3261 §16.12).
    pub fn is_loose_route(&self) -> bool {
        self.parameter("lr").is_some()
    }

    /// The `transport` parameter.
    pub fn transport(&self) -> Option<&str> {
        self.parameter("transport").flatten()
    }

    /// The `maddr` parameter.
    pub fn maddr(&self) -> Option<&str> {
        self.parameter("maddr").flatten()
    }

    /// The user as an AoR has it (RFC 3261 §10.3 step 5): escapes are undone where the character
    /// may stand bare in a user part and written in upper case elsewhere; the case of letters is
    /// kept. Empty if there is no user.
    pub fn canonical_user(&self) -> String {
        let user = self.user().unwrap_or("");
        let mut canonical = String::with_capacity(user.len());
        for octet in unescaped(user.as_bytes()) {
            match octet {
                Octet::Plain(b) | Octet::Escaped(b) if is_user_character(b as char) => {
                    canonical.push(b as char)
                }
                Octet::Plain(b) | Octet::Escaped(b) => {
                    canonical.push('%');
                    canonical.push(hex_digit(b >> 4));
                    canonical.push(hex_digit(b & 0x0f));
                }
            }
        }
        canonical
    }

    /// The host as an AoR has it: a name in lower case without the dot of the root, an IPv6
    /// address in brackets in its shortest form, an IPv4-mapped one as IPv4.
    pub fn canonical_host(&self) -> String {
        match self.parts.ip.map(|ip| ip.to_canonical()) {
            Some(IpAddr::V4(ip)) => ip.to_string(),
            Some(IpAddr::V6(ip)) => format!("[{ip}]"),
            None => {
                let name = self.host_text();
                name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
            }
        }
    }

    /// The URI without password, parameters and headers: `sip:user@host:port`.
    pub fn bare(&self) -> String {
        let mut bare = String::with_capacity(self.text.len());
        bare.push_str(self.scheme_text());
        bare.push(':');
        match self.parts.scheme {
            Scheme::Other => bare.push_str(self.after_scheme()),
            Scheme::Tel => bare.push_str(self.user().unwrap_or("")),
            Scheme::Sip | Scheme::Sips | Scheme::Pres => {
                if let Some(user) = self.user() {
                    bare.push_str(user);
                    bare.push('@');
                }
                bare.push_str(self.host_text());
                if let Some(port) = self.port() {
                    bare.push(':');
                    bare.push_str(&port.to_string());
                }
            }
        }
        bare
    }

    /// Whether both name the same thing (RFC 3261 §19.1.4).
    pub fn same_as(&self, other: &Uri) -> bool {
        if self.scheme() != other.scheme() {
            return false;
        }
        match self.scheme() {
            Scheme::Other => {
                self.scheme_text().eq_ignore_ascii_case(other.scheme_text())
                    && self.after_scheme() == other.after_scheme()
            }
            Scheme::Tel => same_number(self, other) && same_parameters(self, other),
            Scheme::Sip | Scheme::Sips | Scheme::Pres => {
                same_part(self.user(), other.user())
                    && same_part(self.password(), other.password())
                    && same_host(self, other)
                    && self.port() == other.port()
                    && same_parameters(self, other)
                    && same_headers(self.headers_text(), other.headers_text())
            }
        }
    }

    fn at(&self, span: Span) -> &str {
        self.text
            .get(usize::from(span.start)..usize::from(span.end))
            .unwrap_or("")
    }
}

impl PartialEq for Uri {
    fn eq(&self, other: &Uri) -> bool {
        self.same_as(other)
    }
}

impl Eq for Uri {}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uri({})", self.text)
    }
}

impl fmt::Display for UriError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} expected at octet {}", self.expected, self.offset)
    }
}

impl std::error::Error for UriError {}

impl Parts {
    fn of(text: &str) -> Result<Parts, UriError> {
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
        self.parameters = Span {
            start: narrow(start),
            end: narrow(offset(text, rest)),
        };
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

fn parameter(input: &str) -> Parsed<'_, (&str, Option<&str>)> {
    let name = escaped1(is_parameter_character);
    let quoted = recognize((
        char('"'),
        take_while(|c| !matches!(c, '"' | '\\')),
        char('"'),
    ));
    let bare = |input| escaped(|c| is_parameter_character(c) || c == '=', input);
    preceded(
        char(';'),
        (name, opt(preceded(char('='), alt((quoted, bare))))),
    )
    .parse(input)
}

fn header_part(input: &str) -> Parsed<'_, &str> {
    escaped1(|c| is_unreserved(c) || "[]/?:+$=&;,".contains(c)).parse(input)
}

/// Allowed characters and `%HH`, perhaps none at all.
fn escaped<'a>(allowed: impl Fn(char) -> bool, input: &'a str) -> Parsed<'a, &'a str> {
    let escape = (
        char('%'),
        take_while_m_n(2, 2, |c: char| c.is_ascii_hexdigit()),
    );
    recognize(many0_count(alt((
        recognize(take_while1(allowed)),
        recognize(escape),
    ))))
    .parse(input)
}

fn escaped1<'a>(
    allowed: impl Fn(char) -> bool,
) -> impl Parser<&'a str, Output = &'a str, Error = nom::error::Error<&'a str>> {
    nom::combinator::verify(
        move |input| escaped(&allowed, input),
        |text: &str| !text.is_empty(),
    )
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

fn same_part(one: Option<&str>, other: Option<&str>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => same_text(one, other, false),
        (None, None) => true,
        _ => false,
    }
}

/// RFC 3261 §19.1.4: an escape equals its character unless the character is reserved.
fn same_text(one: &str, other: &str, any_case: bool) -> bool {
    let plain = |octet| match octet {
        Octet::Escaped(b) if !is_reserved(b) => Octet::Plain(b),
        octet => octet,
    };
    let folded = |octet| match octet {
        Octet::Plain(b) if any_case => Octet::Plain(b.to_ascii_lowercase()),
        octet => octet,
    };
    let octets = |text: &'_ str| -> Vec<Octet> {
        unescaped(text.as_bytes()).map(plain).map(folded).collect()
    };
    one == other || octets(one) == octets(other)
}

fn same_host(one: &Uri, other: &Uri) -> bool {
    match (one.parts.ip, other.parts.ip) {
        (Some(one), Some(other)) => one == other,
        (None, None) => one.host_text().eq_ignore_ascii_case(other.host_text()),
        _ => false,
    }
}

fn same_number(one: &Uri, other: &Uri) -> bool {
    let digits = |uri: &Uri| -> String {
        let number = uri.user().unwrap_or("");
        let visual = |c: &char| !matches!(c, '-' | '.' | '(' | ')');
        number
            .chars()
            .filter(visual)
            .map(|c| c.to_ascii_lowercase())
            .collect()
    };
    digits(one) == digits(other)
}

/// Parameters both have must agree; these must be in both or in none.
fn same_parameters(one: &Uri, other: &Uri) -> bool {
    const COUNTED: [&str; 6] = [
        "user",
        "ttl",
        "method",
        "maddr",
        "transport",
        "phone-context",
    ];
    let agrees = |a: &Uri, b: &Uri| {
        a.parameters().all(|(name, value)| match b.parameter(name) {
            Some(there) => match (value, there) {
                (Some(value), Some(there)) => same_text(value, there, true),
                (None, None) => true,
                _ => false,
            },
            None => !COUNTED.iter().any(|c| c.eq_ignore_ascii_case(name)),
        })
    };
    agrees(one, other) && agrees(other, one)
}

/// Headers are never ignored, and their order never counts.
fn same_headers(one: Option<&str>, other: Option<&str>) -> bool {
    let (Some(one), Some(other)) = (one, other) else {
        return one == other;
    };
    let list = |text: &'_ str| -> Vec<(String, String)> {
        let field = |field: &str| {
            let (name, value) = field.split_once('=').unwrap_or((field, ""));
            (name.to_ascii_lowercase(), value.to_owned())
        };
        text.split('&').map(field).collect()
    };
    let (one, mut other) = (list(one), list(other));
    let all_found = one.iter().all(|(name, value)| {
        let same = |(n, v): &(String, String)| n == name && same_text(v, value, false);
        other
            .iter()
            .position(same)
            .map(|at| other.swap_remove(at))
            .is_some()
    });
    all_found && other.is_empty()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Octet {
    Plain(u8),
    Escaped(u8),
}

fn unescaped(text: &[u8]) -> impl Iterator<Item = Octet> {
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

fn hex_digit(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).map_or('0', |digit| digit.to_ascii_uppercase())
}

fn unquoted(value: &str) -> &str {
    value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'))
        .unwrap_or(value)
}

fn is_unreserved(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.!~*'()".contains(c)
}

fn is_reserved(b: u8) -> bool {
    b";/?:@&=+$,".contains(&b)
}

fn is_user_character(c: char) -> bool {
    is_unreserved(c) || "&=+$,;?/".contains(c)
}

fn is_password_character(c: char) -> bool {
    is_unreserved(c) || "&=+$,".contains(c)
}

fn is_parameter_character(c: char) -> bool {
    is_unreserved(c) || "[]/:&+$".contains(c)
}

fn is_number_character(c: char) -> bool {
    c.is_ascii_hexdigit() || "+*#-.()".contains(c)
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
    UriError {
        offset: offset(text, rest).min(text.len()),
        expected,
    }
}

/// Where `part`, a slice of `text`, begins in it.
fn offset(text: &str, part: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize)
}

fn span(text: &str, part: &str) -> Span {
    let start = offset(text, part);
    Span {
        start: narrow(start),
        end: narrow(start + part.len()),
    }
}

fn narrow(offset: usize) -> u16 {
    u16::try_from(offset).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri {
        Uri::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    #[test]
    fn the_parts_of_a_sip_uri() {
        let u = uri("SIP:alice.smith:secret@Example.COM:5070;transport=TCP;lr?Subject=a%20b");
        assert_eq!(u.scheme(), Scheme::Sip);
        assert_eq!(u.scheme_text(), "SIP");
        assert_eq!(u.user(), Some("alice.smith"));
        assert_eq!(u.password(), Some("secret"));
        assert_eq!(u.host(), Host::Name("Example.COM"));
        assert_eq!(u.port(), Some(5070));
        assert_eq!(u.transport(), Some("TCP"));
        assert_eq!(u.parameter("LR"), Some(None));
        assert!(u.is_loose_route());
        assert_eq!(u.headers_text(), Some("Subject=a%20b"));
        assert_eq!(u.bare(), "SIP:alice.smith@Example.COM:5070");
    }

    #[test]
    fn a_user_part_may_hold_semicolons_and_escapes() {
        let u = uri("sip:user;par=u%40example.net@example.com");
        assert_eq!(u.user(), Some("user;par=u%40example.net"));
        assert_eq!(u.host_text(), "example.com");
        assert_eq!(u.parameters().count(), 0);
        assert_eq!(u.canonical_user(), "user;par=u%40example.net");
        assert_eq!(uri("sip:a;b@host").user(), Some("a;b"));
    }

    #[test]
    fn a_canonical_user_undoes_needless_escapes_only() {
        assert_eq!(uri("sip:%61lice@h").canonical_user(), "alice");
        assert_eq!(uri("sip:Alice@h").canonical_user(), "Alice");
        assert_eq!(uri("sip:null-%00-null@h").canonical_user(), "null-%00-null");
        assert_eq!(uri("sip:a%c3%a9@h").canonical_user(), "a%C3%A9");
        assert_eq!(uri("sip:%2b1555@h").canonical_user(), "+1555");
        assert_eq!(uri("sip:*8#1@h").canonical_user(), "*8%231");
    }

    #[test]
    fn a_canonical_host_is_lower_case_and_ipv6_shortest() {
        assert_eq!(uri("sip:EXAMPLE.com.").canonical_host(), "example.com");
        assert_eq!(
            uri("sip:[2001:DB8:0:0::1]:5070").canonical_host(),
            "[2001:db8::1]"
        );
        assert_eq!(
            uri("sip:[::ffff:192.0.2.10]").canonical_host(),
            "192.0.2.10"
        );
    }

    #[test]
    fn a_port_inside_the_brackets_belongs_to_the_address() {
        let u = uri("sip:[2001:db8::10:5070]");
        assert_eq!((u.host_text(), u.port()), ("[2001:db8::10:5070]", None));
        assert_eq!(uri("sip:[2001:db8::10]:5070").port(), Some(5070));
        assert!(Uri::parse("sip:2001:db8::10").is_err());
        assert!(matches!(
            uri("sip:user@[2001:db8:::192.0.2.1]").host(),
            Host::Ip(_)
        ));
    }

    #[test]
    fn tel_pres_and_others() {
        let tel = uri("tel:+1-201-555-0123;phone-context=example.com");
        assert_eq!(tel.scheme(), Scheme::Tel);
        assert_eq!(tel.user(), Some("+1-201-555-0123"));
        assert_eq!(tel.host(), Host::Name(""));
        assert_eq!(tel.parameter("phone-context"), Some(Some("example.com")));
        let pres = uri("pres:alice@example.com");
        assert_eq!((pres.scheme(), pres.user()), (Scheme::Pres, Some("alice")));
        let urn = uri("urn:service:sos");
        assert_eq!((urn.scheme(), urn.scheme_text()), (Scheme::Other, "urn"));
        assert_eq!(urn.bare(), "urn:service:sos");
    }

    #[test]
    fn what_is_no_uri_is_refused_with_its_offset() {
        for bad in [
            "",
            "sip",
            "sip:",
            "sip:@host",
            "sip:a b@host",
            "<sip:a@host>",
            "sip:a@host ",
            "sip:a%4@host",
            "sip:a@b@c",
            "sip:a@host:99999",
            "sip:a@host:",
            "sip:a@host;;lr",
            "sip:a@[::1",
            "sip:a@[1:2]",
            "tel:",
            "foo:",
            "sip:a\"@h",
            "sip:ä@h",
        ] {
            assert!(Uri::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(Uri::parse("sip:a@b@c").unwrap_err().offset, 7);
        let long = format!("sip:{}@h", "a".repeat(URI_OCTETS_MAX));
        assert!(Uri::parse(&long).is_err());
    }

    #[test]
    fn devices_quote_parameters_and_underline_hosts() {
        let u = uri("sip:a@my_pbx.local;transport=\"tcp\";+sip.instance=\"<urn:uuid:1>\"");
        assert_eq!(u.transport(), Some("tcp"));
        assert_eq!(u.parameter("+sip.instance"), Some(Some("<urn:uuid:1>")));
    }

    #[test]
    fn equality_is_that_of_rfc_3261_section_19_1_4() {
        let equal = [
            (
                "sip:%61lice@atlanta.com;transport=TCP",
                "sip:alice@AtLanTa.CoM;Transport=tcp",
            ),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
            (
                "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
                "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
            ),
            (
                "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
                "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
            ),
            ("tel:+1-201-555-0123", "tel:+12015550123"),
        ];
        for (one, other) in equal {
            assert_eq!(uri(one), uri(other));
        }
        let unequal = [
            (
                "SIP:ALICE@AtLanTa.CoM;Transport=udp",
                "sip:alice@AtLanTa.CoM;Transport=UDP",
            ),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
            (
                "sip:bob@biloxi.com",
                "sip:bob@biloxi.com:6000;transport=tcp",
            ),
            (
                "sip:carol@chicago.com",
                "sip:carol@chicago.com?Subject=next%20meeting",
            ),
            ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
            ("sip:a@h;security=on", "sip:a@h;security=off"),
            ("sip:a%3bb@h", "sip:a;b@h"),
            ("sip:a@h", "sips:a@h"),
            ("sip:a@h", "sip:a@h;maddr=h"),
        ];
        for (one, other) in unequal {
            assert_ne!(uri(one), uri(other));
        }
    }
}
