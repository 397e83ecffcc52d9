//! Via, and where an answer goes (RFC 3261 §18.2, §20.42, RFC 3581).

use std::net::{IpAddr, SocketAddr};

use nom::Parser;
use nom::branch::alt;
use nom::bytes::complete::{tag, take_while1};
use nom::combinator::{opt, recognize};
use nom::sequence::preceded;

use crate::base::limits::LIST_VALUES_MAX;
use crate::sip::grammar::{self, Parameters, Parsed};
use crate::sip::message::Headers;
use crate::sip::name::HeaderId;
use crate::sip::parse::Malformed;

/// Where a response goes that names no port (RFC 3261 §18.2.2).
const DEFAULT_PORT: u16 = 5060;

/// One hop of the way a request came.
#[derive(Clone, Copy, Debug)]
pub struct Via<'a> {
    transport: &'a str,
    host: &'a str,
    port: Option<u16>,
    parameters: Parameters<'a>,
    parameter_text: &'a [u8],
    head: &'a [u8],
    text: &'a [u8],
}

impl<'a> Via<'a> {
    /// The first value of a Via field, and what follows it, comma included.
    pub(crate) fn first(input: &'a [u8]) -> Parsed<'a, Via<'a>> {
        let (rest, transport) = protocol(input)?;
        let (rest, (host, port)) = sent_by(rest)?;
        let parameter_start = rest;
        let head = input.get(..input.len() - rest.len()).unwrap_or_default();
        let (rest, parameters) = Parameters::parse(rest)?;
        let octets = parameter_start.len() - rest.len();
        let text = input.get(..input.len() - rest.len()).unwrap_or_default();
        let via = Via {
            transport,
            host,
            port,
            parameters,
            parameter_text: parameter_start.get(..octets).unwrap_or_default(),
            head: grammar::trimmed(head),
            text: grammar::trimmed(text),
        };
        let (after, _) = grammar::space(rest)?;
        match after.first() {
            None | Some(b',') => Ok((rest, via)),
            Some(_) => Err(grammar::failure(after)),
        }
    }

    /// `UDP`, `TCP`, or whatever was written.
    pub fn transport_text(&self) -> &'a str {
        self.transport
    }

    /// The host of sent-by as written, an IPv6 address with its brackets.
    pub fn sent_by_host(&self) -> &'a str {
        self.host
    }

    /// The port of sent-by.
    pub fn sent_by_port(&self) -> Option<u16> {
        self.port
    }

    /// The host of sent-by, if it is an address; an IPv4-mapped one as IPv4.
    pub fn sent_by_ip(&self) -> Option<IpAddr> {
        address(self.host)
    }

    /// The `branch` parameter.
    pub fn branch(&self) -> Option<&'a str> {
        self.parameter("branch").flatten()
    }

    /// The `rport` parameter: `None` if absent, `Some(None)` if asked for and not yet filled in
    /// (RFC 3581 §3).
    pub fn rport(&self) -> Option<Option<u16>> {
        let value = self.parameter("rport")?;
        Some(value.and_then(|digits| digits.parse().ok()))
    }

    /// The `received` parameter, with or without brackets (RFC 5118 §4.5).
    pub fn received(&self) -> Option<IpAddr> {
        address(self.parameter("received").flatten()?)
    }

    /// The `maddr` parameter.
    pub fn maddr(&self) -> Option<&'a str> {
        self.parameter("maddr").flatten()
    }

    /// A parameter by its name in any case: `None` if absent, `Some(None)` if without a value.
    pub fn parameter(&self, name: &str) -> Option<Option<&'a str>> {
        self.parameters.value(name)
    }

    /// The whole value as written.
    pub fn text(&self) -> &'a [u8] {
        self.text
    }

    /// Protocol and sent-by as written.
    pub(crate) fn before_parameters(&self) -> &'a [u8] {
        self.head
    }

    /// Each parameter's name, and its whole text as written.
    pub(crate) fn written_parameters(&self) -> impl Iterator<Item = (&'a str, &'a [u8])> + use<'a> {
        let mut rest = self.parameter_text;
        std::iter::from_fn(move || {
            let (start, _) = grammar::spaced(";").parse(rest).ok()?;
            let (after, (name, _)) = grammar::parameter(start).ok()?;
            rest = after;
            Some((name, start.get(..start.len() - after.len())?))
        })
    }
}

impl Headers {
    /// The topmost Via value.
    pub fn via(&self) -> Result<Via<'_>, Malformed> {
        const WHAT: &str = "a Via value";
        let value = self.needed(HeaderId::Via, WHAT)?;
        match Via::first(value) {
            Ok((_, via)) => Ok(via),
            Err(error) => Err(self.unread(error, WHAT)),
        }
    }

    /// All Via values from the top; after a fault there is nothing more.
    pub fn vias(&self) -> impl Iterator<Item = Result<Via<'_>, Malformed>> {
        let mut fields = self.values(HeaderId::Via);
        let mut rest: Option<&[u8]> = None;
        let mut is_over = false;
        let next = move || {
            let value = match rest.take() {
                _ if is_over => return None,
                Some(value) => value,
                None => fields.next()?,
            };
            match Via::first(value) {
                Ok((after, via)) => {
                    rest = match grammar::trimmed(after) {
                        [b',', next @ ..] => Some(grammar::trimmed(next)),
                        _ => None,
                    };
                    Some(Ok(via))
                }
                Err(error) => {
                    is_over = true;
                    Some(Err(self.unread(error, "a Via value")))
                }
            }
        };
        std::iter::from_fn(next).take(LIST_VALUES_MAX)
    }
}

/// Where a response over UDP goes (RFC 3261 §18.2.2, RFC 3581 §4): `maddr` if it is an address,
/// the very source if `rport` was asked for, else the source at the port of sent-by.
pub fn reply_to(via: &Via<'_>, source: SocketAddr) -> SocketAddr {
    let port = via.sent_by_port().unwrap_or(DEFAULT_PORT);
    if let Some(address) = via.maddr().and_then(address) {
        return SocketAddr::new(address, port);
    }
    match via.rport() {
        Some(_) => source,
        None => SocketAddr::new(source.ip(), port),
    }
}

/// `SIP / 2.0 / UDP` and the white space after it.
fn protocol(input: &[u8]) -> Parsed<'_, &str> {
    let slash = || grammar::spaced("/");
    let spaces = take_while1(|b| matches!(b, b' ' | b'\t'));
    let (rest, (_, _, _, _, _, transport, _)) =
        (grammar::space, grammar::token, slash(), grammar::token, slash(), grammar::token, spaces)
            .parse(input)?;
    Ok((rest, transport))
}

fn sent_by(input: &[u8]) -> Parsed<'_, (&str, Option<u16>)> {
    let reference = (
        tag("["),
        take_while1(|b: u8| b.is_ascii_hexdigit() || matches!(b, b':' | b'.')),
        tag("]"),
    );
    let name = take_while1(|b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'));
    let host = alt((recognize(reference), name));
    let port = preceded(grammar::spaced(":"), grammar::number::<u16>);
    let (rest, (host, port)) = (host, opt(port)).parse(input)?;
    Ok((rest, (grammar::ascii(host), port)))
}

fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().map(|ip: IpAddr| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::sample::headers;

    fn target(via: &str, source: &str) -> String {
        let h = headers(&format!("Via: {via}\r\n"));
        reply_to(&h.via().unwrap(), source.parse().unwrap()).to_string()
    }

    #[test]
    fn a_via_is_read_through_all_its_spaces() {
        let h = headers(
            "v:  SIP  / 2.0  / TCP\t spindle.example.com : 5070 ; branch  =   z9hG4bK9 , SIP/2.0/UDP [::1];ttl=1\r\n",
        );
        let via = h.via().unwrap();
        assert_eq!(via.transport_text(), "TCP");
        assert_eq!(via.sent_by_host(), "spindle.example.com");
        assert_eq!(via.sent_by_port(), Some(5070));
        assert_eq!(via.branch(), Some("z9hG4bK9"));
        let all: Vec<_> = h.vias().map(Result::unwrap).collect();
        assert_eq!(all.len(), 2);
        assert_eq!(all[1].sent_by_ip(), Some("::1".parse().unwrap()));
        assert_eq!(all[1].text(), b"SIP/2.0/UDP [::1];ttl=1");
    }

    #[test]
    fn received_is_read_with_and_without_brackets() {
        for text in ["2001:db8::9:255", "[2001:db8::9:255]", "\"2001:db8::9:255\""] {
            let h = headers(&format!("v: SIP/2.0/UDP h;received={text}\r\n"));
            let received = h.via().unwrap().received();
            assert_eq!(received, Some("2001:db8::9:255".parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn a_via_with_gaps_or_junk_is_refused() {
        for bad in [
            "SIP/2.0/UDP h;;branch=1",
            "SIP/2.0/UDP h junk",
            "SIP/2.0/UDP",
            "SIP/2.0/UDP h:port",
            "SIP/2.0/UDP h:99999",
            "SIP/2.0 h",
            "",
        ] {
            assert!(headers(&format!("v: {bad}\r\n")).via().is_err(), "{bad}");
        }
        let second = headers("v: SIP/2.0/UDP a,\r\nv: SIP/2.0/UDP b\r\n");
        assert!(second.via().is_ok());
        assert!(second.vias().any(|via| via.is_err()));
    }

    #[test]
    fn a_response_goes_to_the_source_at_the_port_of_sent_by() {
        assert_eq!(target("SIP/2.0/UDP h:5090", "192.0.2.1:40000"), "192.0.2.1:5090");
        assert_eq!(target("SIP/2.0/UDP h", "192.0.2.1:40000"), "192.0.2.1:5060");
        assert_eq!(target("SIP/2.0/UDP h:5090;rport", "192.0.2.1:40000"), "192.0.2.1:40000");
        assert_eq!(target("SIP/2.0/UDP h;rport", "[::1]:7"), "[::1]:7");
    }

    #[test]
    fn maddr_wins_if_it_is_an_address() {
        assert_eq!(
            target("SIP/2.0/UDP h:5090;rport;maddr=198.51.100.1", "192.0.2.1:40000"),
            "198.51.100.1:5090"
        );
        assert_eq!(target("SIP/2.0/UDP h:5090;maddr=name", "192.0.2.1:40000"), "192.0.2.1:5090");
    }
}
