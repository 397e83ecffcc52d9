//! Via, and where an answer goes (RFC 3261 §18.2, §20.42, RFC 3581).

use std::net::{IpAddr, SocketAddr};

use crate::base::limits::LIST_VALUES_MAX;
use crate::sip::essentials::Essentials;
use crate::sip::grammar::{self, Parameters, Parsed};
use crate::sip::message::{Headers, Range};
use crate::sip::name::HeaderId;
use crate::sip::parse::Malformed;

/// Where a response goes that names no port (RFC 3261 §18.2.2).
const DEFAULT_PORT: u16 = 5060;

/// One hop of the way a request came.
#[derive(Clone, Copy, Debug)]
pub struct Via<'a> {
    transport: &'a [u8],
    host: &'a [u8],
    port: Option<u16>,
    parameters: Parameters<'a>,
    branch: Option<&'a [u8]>,
    rport: Option<Option<&'a [u8]>>,
    maddr: Option<&'a [u8]>,
    edit: Edit,
    head: &'a [u8],
    text: &'a [u8],
}

/// What must be done to the parameters of a Via that is repeated in a response (RFC 3581 §4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Edit {
    /// Nothing.
    Nothing,
    /// The port of the source stands behind this many octets of the parameters, which end in
    /// `rport`.
    Port { after: usize },
    /// They are written anew, without what the peer claimed of its source.
    Anew,
}

impl<'a> Via<'a> {
    /// The first value of a Via field, and what follows it, comma included.
    pub(crate) fn first(input: &'a [u8]) -> Parsed<'a, Via<'a>> {
        let (rest, transport) = protocol(input)?;
        let (rest, host) = host(rest)?;
        let (rest, port) = port(rest);
        let head = input.get(..input.len() - rest.len()).unwrap_or_default();
        let (mut branch, mut rport, mut maddr) = (None, None, None);
        let (mut edit, mut octets) = (Edit::Nothing, 0);
        let (rest, parameters) = Parameters::parse_each(rest, |name, value| {
            let after = octets + ";".len() + name.len();
            octets = after + value.map_or(0, |value| "=".len() + value.len());
            let found = match name.len() {
                5 if name.eq_ignore_ascii_case(b"rport") => {
                    let is_bare = edit == Edit::Nothing && value.is_none() && name == b"rport";
                    edit = if is_bare { Edit::Port { after } } else { Edit::Anew };
                    &mut rport
                }
                5 if name.eq_ignore_ascii_case(b"maddr") => &mut maddr,
                6 if name.eq_ignore_ascii_case(b"branch") => &mut branch,
                8 if name.eq_ignore_ascii_case(b"received") => return edit = Edit::Anew,
                _ => return,
            };
            // Of a parameter given twice the first that can be read counts.
            if found.is_none() {
                *found = grammar::readable_octets(value);
            }
        })?;
        let text = input.get(..input.len() - rest.len()).unwrap_or_default();
        let via = Via {
            transport,
            host,
            port,
            parameters,
            branch: branch.flatten(),
            rport,
            maddr: maddr.flatten(),
            // Of spaces between parameters none is repeated.
            edit: if octets == parameters.text().len() { edit } else { Edit::Anew },
            head: grammar::trimmed(head),
            text: grammar::trimmed(text),
        };
        match grammar::after_space(rest) {
            [] | [b',', ..] => Ok((rest, via)),
            junk => Err(grammar::failure(junk)),
        }
    }

    /// `UDP`, `TCP`, or whatever was written.
    pub fn transport_text(&self) -> &'a str {
        grammar::ascii(self.transport)
    }

    /// The host of sent-by as written, an IPv6 address with its brackets.
    pub fn sent_by_host(&self) -> &'a str {
        grammar::ascii(self.host)
    }

    /// As [`Via::sent_by_host`], as octets.
    pub fn sent_by_host_octets(&self) -> &'a [u8] {
        self.host
    }

    /// The port of sent-by.
    pub fn sent_by_port(&self) -> Option<u16> {
        self.port
    }

    /// The host of sent-by, if it is an address; an IPv4-mapped one as IPv4.
    pub fn sent_by_ip(&self) -> Option<IpAddr> {
        address(self.sent_by_host())
    }

    /// The `branch` parameter.
    pub fn branch(&self) -> Option<&'a str> {
        self.branch.map(grammar::ascii)
    }

    /// As [`Via::branch`], as octets.
    pub fn branch_octets(&self) -> Option<&'a [u8]> {
        self.branch
    }

    /// The `rport` parameter: `None` if absent, `Some(None)` if asked for and not yet filled in
    /// (RFC 3581 §3).
    pub fn rport(&self) -> Option<Option<u16>> {
        Some(self.rport?.and_then(|digits| grammar::ascii(digits).parse().ok()))
    }

    /// The `received` parameter, with or without brackets (RFC 5118 §4.5).
    pub fn received(&self) -> Option<IpAddr> {
        address(self.parameter("received").flatten()?)
    }

    /// The `maddr` parameter.
    pub fn maddr(&self) -> Option<&'a str> {
        self.maddr.map(grammar::ascii)
    }

    /// A parameter by its name in any case: `None` if absent, `Some(None)` if without a value.
    pub fn parameter(&self, name: &str) -> Option<Option<&'a str>> {
        self.parameters.value(name)
    }

    /// The whole value as written.
    pub fn text(&self) -> &'a [u8] {
        self.text
    }

    /// Whether the field it is the first value of has more.
    fn ends_before(&self, field: &[u8]) -> bool {
        self.text.len() < field.len()
    }

    /// Protocol and sent-by as written.
    pub(crate) fn before_parameters(&self) -> &'a [u8] {
        self.head
    }

    /// The parameters as written.
    pub(crate) fn parameter_text(&self) -> &'a [u8] {
        self.parameters.text()
    }

    /// What must be done to the parameters in a response.
    pub(crate) fn edit(&self) -> Edit {
        self.edit
    }

    /// Each parameter's name, and its whole text as written.
    pub(crate) fn written_parameters(
        &self,
    ) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        let mut rest = self.parameters.text();
        std::iter::from_fn(move || {
            let start = grammar::after_spaced(rest, b';')?;
            let (after, (name, _)) = grammar::parameter(start).ok()?;
            rest = after;
            Some((name, start.get(..start.len() - after.len())?))
        })
    }
}

/// A topmost Via that was read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ViaRanges {
    transport: Range,
    host: Range,
    port: Option<u16>,
    parameters: Range,
    branch: Option<Range>,
    rport: Option<Option<Range>>,
    maddr: Option<Range>,
    edit: Edit,
    head: Range,
    text: Range,
}

impl ViaRanges {
    pub fn of(via: &Via<'_>, headers: &Headers) -> ViaRanges {
        let range = |part: &[u8]| headers.range(part);
        ViaRanges {
            transport: range(via.transport),
            host: range(via.host),
            port: via.port,
            parameters: range(via.parameters.text()),
            branch: via.branch.map(range),
            rport: via.rport.map(|value| value.map(range)),
            maddr: via.maddr.map(range),
            edit: via.edit,
            head: range(via.head),
            text: range(via.text),
        }
    }

    fn via<'a>(&self, headers: &'a Headers) -> Via<'a> {
        let at = |range| headers.at(range);
        Via {
            transport: at(self.transport),
            host: at(self.host),
            port: self.port,
            parameters: Parameters::read_before(at(self.parameters)),
            branch: self.branch.map(at),
            rport: self.rport.map(|value| value.map(at)),
            maddr: self.maddr.map(at),
            edit: self.edit,
            head: at(self.head),
            text: at(self.text),
        }
    }
}

impl Headers {
    /// The topmost Via value.
    pub fn via(&self) -> Result<Via<'_>, Malformed> {
        const WHAT: &str = "a Via value";
        if let Some(Essentials { via: Some(ranges), .. }) = &self.essentials {
            return Ok(ranges.via(self));
        }
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

/// What names the request of ours that a response answers (RFC 3261 §17.1.3), and nothing else
/// of it.
#[derive(Clone, Copy, Debug)]
pub struct AnswerKey<'a> {
    /// The topmost Via, which should be the one we wrote.
    pub via: Via<'a>,
    /// Whether another Via follows: then the response is not for us (RFC 3261 §8.1.3.3).
    pub has_second_via: bool,
    /// The method of CSeq.
    pub method: &'a [u8],
}

impl Headers {
    /// What a response is matched by; `None` if it cannot be matched.
    pub fn answer_key(&self) -> Option<AnswerKey<'_>> {
        let mut values = self.values(HeaderId::Via);
        let (rest, via) = Via::first(values.next()?).ok()?;
        let has_second_via = !rest.is_empty() || values.next().is_some();
        let method = self.cseq_octets().ok()?.1;
        Some(AnswerKey { via, has_second_via, method })
    }

    /// Whether something stands below the topmost Via, readable or not.
    pub fn has_second_via(&self) -> bool {
        if let Some(read) = &self.essentials {
            return read.has_second_via;
        }
        let mut values = self.values(HeaderId::Via);
        let (top, second) = (values.next(), values.next());
        second.is_some() || top.is_some_and(|top| self.via().is_ok_and(|via| via.ends_before(top)))
    }

    /// Whether there is a Via, and every one can be read.
    pub(crate) fn check_vias(&self) -> Result<(), Malformed> {
        if let Some(Essentials { via: Some(_), has_second_via: false, .. }) = self.essentials {
            return Ok(());
        }
        self.via()?;
        self.vias().try_for_each(|via| via.map(|_| ()))
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

/// The same for whom nobody knows: never another host than the very source, or anybody could aim
/// our answers at a victim.
pub fn reply_near(via: &Via<'_>, source: SocketAddr) -> SocketAddr {
    let named = reply_to(via, source);
    if named.ip().to_canonical() == source.ip().to_canonical() { named } else { source }
}

/// `SIP / 2.0 / UDP` and the white space after it.
fn protocol(input: &[u8]) -> Parsed<'_, &[u8]> {
    let rest = match input.strip_prefix(b"SIP/2.0/") {
        Some(rest) => grammar::after_space(rest),
        None => {
            let (rest, _) = grammar::token_octets(grammar::after_space(input))?;
            let (rest, _) = grammar::spaced(b'/')(rest)?;
            let (rest, _) = grammar::token_octets(rest)?;
            grammar::spaced(b'/')(rest)?.0
        }
    };
    let (rest, transport) = grammar::token_octets(rest)?;
    match rest {
        [b' ' | b'\t', ..] => Ok((grammar::after_space(rest), transport)),
        _ => Err(grammar::failure(rest)),
    }
}

/// The host of sent-by: a name, or an address, an IPv6 one in brackets.
fn host(input: &[u8]) -> Parsed<'_, &[u8]> {
    let [b'[', inside @ ..] = input else {
        return grammar::run1(input, grammar::HOST);
    };
    let (_, rest) = grammar::run(inside, grammar::REFERENCE);
    match rest {
        [b']', after @ ..] if rest.len() < inside.len() => {
            Ok((after, input.get(..input.len() - after.len()).unwrap_or_default()))
        }
        _ => Err(grammar::failure(input)),
    }
}

/// The port of sent-by, if one stands there.
fn port(input: &[u8]) -> (&[u8], Option<u16>) {
    match grammar::after_spaced(input, b':').map(grammar::number) {
        Some(Ok((rest, port))) => (rest, Some(port)),
        _ => (input, None),
    }
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
