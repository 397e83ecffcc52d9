//! Responses: what they repeat of their request (RFC 3261 §8.2.6), and what they say themselves.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;

use crate::base::digits::decimal;
use crate::sip::header::via::{Edit, Via};
use crate::sip::message::{Field, Headers, Request};
use crate::sip::name::HeaderId;
use crate::sip::status::Status;
use crate::sip::write::Writer;

/// Which octets of a response its request did not say: with the request at hand they are the
/// whole of it.
#[derive(Clone, Copy, Default, Debug)]
pub struct Own {
    /// Where the status line ends.
    line: usize,
    /// Where our tag begins and ends, if we added one.
    tag: (usize, usize),
    /// Where begins what follows the repeated headers.
    rest: usize,
}

/// What a response says that its request does not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Said<'a> {
    /// The status line.
    pub line: &'a [u8],
    /// The tag added to To, empty if To had one.
    pub tag: &'a [u8],
    /// Everything after the repeated headers.
    pub rest: &'a [u8],
}

impl Own {
    /// These octets of the response.
    pub fn of(self, response: &[u8]) -> Said<'_> {
        Said {
            line: response.get(..self.line).unwrap_or_default(),
            tag: response.get(self.tag.0..self.tag.1).unwrap_or_default(),
            rest: response.get(self.rest..).unwrap_or_default(),
        }
    }
}

impl Writer {
    /// A response with the phrase of the RFC (RFC 3261 §8.2.6): every Via in order, the top one
    /// with `received` and `rport` as the source has them; From, To, Call-ID and CSeq byte by
    /// byte, To with `to_tag` if it had no tag.
    pub fn response(
        request: &Request,
        status: Status,
        to_tag: Option<&str>,
        source: SocketAddr,
    ) -> Writer {
        Writer::response_with_reason(request, status, status.reason(), to_tag, source)
    }

    /// As [`Writer::response`], with a phrase of our own, such as the header that was wrong.
    pub fn response_with_reason(
        request: &Request,
        status: Status,
        reason: &str,
        to_tag: Option<&str>,
        source: SocketAddr,
    ) -> Writer {
        let mut writer = Writer::status_line(status, reason);
        writer.own.line = writer.out.len();
        writer.echo(request.headers(), to_tag.unwrap_or_default().as_bytes(), source);
        writer.own.rest = writer.out.len();
        writer
    }

    /// The response to a request that came again, of which only that is known which the request
    /// does not say.
    pub fn again(request: &Request, said: Said<'_>, source: SocketAddr) -> Bytes {
        let mut writer = Writer::empty();
        writer.out.extend_from_slice(said.line);
        writer.echo(request.headers(), said.tag, source);
        writer.out.extend_from_slice(said.rest);
        writer.out.into()
    }

    /// The response without a body, and which of its octets are its own.
    pub fn finish_response(self) -> (Bytes, Own) {
        let own = self.own;
        (self.finish(), own)
    }

    pub(crate) fn status_line(status: Status, reason: &str) -> Writer {
        let mut writer = Writer::empty();
        writer.out.extend_from_slice(b"SIP/2.0 ");
        decimal(u64::from(status.code()), &mut writer.out);
        writer.out.push(b' ');
        writer.text(reason.as_bytes());
        writer.end_line();
        writer
    }

    /// What a response repeats of its request. The order of fields is kept, for Via counts.
    fn echo(&mut self, headers: &Headers, tag: &[u8], source: SocketAddr) {
        // Of what must be single only the first is repeated; what refused it may be its twin.
        let mut repeated = 0;
        for field in &headers.fields {
            let is_first = repeated & field.id.bit() == 0;
            match field.id {
                HeaderId::Via if is_first => match headers.via() {
                    Ok(via) => {
                        let value = headers.at(field.value);
                        let rest = value.get(via.text().len()..).unwrap_or_default();
                        self.top_via(&via, rest, source);
                    }
                    // Not readable, and so not ours to improve.
                    Err(_) => self.repeat(headers, field),
                },
                HeaderId::Via => self.repeat(headers, field),
                HeaderId::To if is_first => {
                    self.repeat(headers, field);
                    if headers.to().is_ok_and(|to| to.tag_octets().is_none()) {
                        self.add_tag(tag);
                    }
                }
                HeaderId::From | HeaderId::CallId | HeaderId::CSeq if is_first => {
                    self.repeat(headers, field);
                }
                _ => continue,
            }
            repeated |= field.id.bit();
        }
    }

    /// A field under its long name. Of a message that was read no value holds a line end.
    fn repeat(&mut self, headers: &Headers, field: &Field) {
        let name: &[u8] = match field.id {
            HeaderId::Via => b"Via: ",
            HeaderId::From => b"From: ",
            HeaderId::To => b"To: ",
            HeaderId::CallId => b"Call-ID: ",
            _ => b"CSeq: ",
        };
        self.out.extend_from_slice(name);
        self.out.extend_from_slice(headers.at(field.value));
        self.out.extend_from_slice(b"\r\n");
    }

    /// A tag of ours behind the To that was just written.
    pub(super) fn add_tag(&mut self, tag: &[u8]) {
        if tag.is_empty() {
            return;
        }
        self.out.truncate(self.out.len() - "\r\n".len());
        self.out.extend_from_slice(b";tag=");
        let start = self.out.len();
        self.text(tag);
        self.own.tag = (start, self.out.len());
        self.end_line();
    }

    /// RFC 3581 §4: an `rport` that was asked for is filled in, and `received` with it. RFC 3261
    /// §18.2.1: `received` when sent-by is not the source. What the peer claimed in their place
    /// is left out.
    pub(super) fn top_via(&mut self, via: &Via<'_>, rest: &[u8], source: SocketAddr) {
        self.out.extend_from_slice(b"Via: ");
        self.out.extend_from_slice(via.before_parameters());
        match via.edit() {
            Edit::Nothing => self.out.extend_from_slice(via.parameter_text()),
            Edit::Port { after } => {
                let (before, after) = via.parameter_text().split_at(after);
                self.out.extend_from_slice(before);
                self.port(source);
                self.out.extend_from_slice(after);
            }
            Edit::Anew => self.via_parameters(via, source),
        }
        let address = source.ip().to_canonical();
        if via.rport().is_some() || via.sent_by_ip() != Some(address) {
            self.out.extend_from_slice(b";received=");
            self.address(address);
        }
        self.text(rest);
        self.end_line();
    }

    fn via_parameters(&mut self, via: &Via<'_>, source: SocketAddr) {
        for (name, written) in via.written_parameters() {
            if name.eq_ignore_ascii_case(b"received") {
                continue;
            }
            self.out.push(b';');
            if name.eq_ignore_ascii_case(b"rport") {
                self.out.extend_from_slice(b"rport");
                self.port(source);
            } else {
                self.out.extend_from_slice(written);
            }
        }
    }

    fn port(&mut self, source: SocketAddr) {
        self.out.push(b'=');
        decimal(u64::from(source.port()), &mut self.out);
    }

    /// Without brackets, for `received` (RFC 5118 §4.5).
    fn address(&mut self, address: IpAddr) {
        match address {
            IpAddr::V4(address) => {
                for (place, octet) in address.octets().into_iter().enumerate() {
                    if place > 0 {
                        self.out.push(b'.');
                    }
                    decimal(u64::from(octet), &mut self.out);
                }
            }
            IpAddr::V6(address) => self.out.extend_from_slice(address.to_string().as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::sample::{request, request_with, response};

    fn source() -> SocketAddr {
        "192.0.2.1:40000".parse().unwrap()
    }

    fn asked(via: &str, to: &str) -> Request {
        request(&format!(
            "OPTIONS sip:h SIP/2.0\r\n{via}f: \"\\\"A\\\\\" <sip:a@h>;x=y;tag=1\r\n\
             t: {to}\r\ni: c\r\nCSeq: 0000000007 OPTIONS\r\n\r\n"
        ))
    }

    fn answered(via: &str, source: &str) -> String {
        let request = asked(via, "<sip:b@h>");
        let source = source.parse().unwrap();
        let octets = Writer::response(&request, Status::OK, None, source).finish();
        let text = String::from_utf8(octets.to_vec()).unwrap();
        let via = text.lines().find(|line| line.starts_with("Via")).unwrap();
        via.to_owned()
    }

    #[test]
    fn a_response_repeats_what_identifies_its_request() {
        let request = asked(
            "v: SIP/2.0/UDP a ;branch=1 , SIP / 2.0 / TCP b\r\nVia: SIP/2.0/UDP c\r\n",
            "\"B\" <sip:b@h> ; p = q",
        );
        let octets = Writer::response(&request, Status::OK, Some("t1"), source()).finish();
        assert_eq!(
            octets,
            "SIP/2.0 200 OK\r\n\
             Via: SIP/2.0/UDP a;branch=1;received=192.0.2.1 , SIP / 2.0 / TCP b\r\n\
             Via: SIP/2.0/UDP c\r\n\
             From: \"\\\"A\\\\\" <sip:a@h>;x=y;tag=1\r\n\
             To: \"B\" <sip:b@h> ; p = q;tag=t1\r\n\
             Call-ID: c\r\n\
             CSeq: 0000000007 OPTIONS\r\n\
             Content-Length: 0\r\n\r\n"
        );
    }

    #[test]
    fn a_to_that_has_a_tag_keeps_it() {
        let request = asked("v: SIP/2.0/UDP a\r\n", "<sip:b@h>;tag=old");
        let octets = Writer::response(&request, Status::OK, Some("new"), source()).finish();
        let answer = response(octets);
        assert_eq!(answer.headers().to().unwrap().tag(), Some("old"));
    }

    #[test]
    fn an_rport_that_is_asked_for_is_filled_and_received_with_it() {
        let via = "Via: SIP/2.0/UDP 192.0.2.1:40000;rport;branch=z9hG4bK1\r\n";
        assert_eq!(
            answered(via, "192.0.2.1:40000"),
            "Via: SIP/2.0/UDP 192.0.2.1:40000;rport=40000;branch=z9hG4bK1;received=192.0.2.1"
        );
    }

    #[test]
    fn received_is_added_when_sent_by_is_another_or_a_name() {
        let own = "Via: SIP/2.0/UDP 192.0.2.1;branch=1\r\n";
        assert_eq!(answered(own, "192.0.2.1:9"), "Via: SIP/2.0/UDP 192.0.2.1;branch=1");
        assert_eq!(
            answered(own, "192.0.2.2:9"),
            "Via: SIP/2.0/UDP 192.0.2.1;branch=1;received=192.0.2.2"
        );
        let name = "Via: SIP/2.0/TCP pc.invalid\r\n";
        assert!(answered(name, "[2001:db8::1]:9").ends_with(";received=2001:db8::1"));
        let v6 = "Via: SIP/2.0/UDP [2001:db8:0::1]:5060;branch=1\r\n";
        assert!(!answered(v6, "[2001:db8::1]:5060").contains("received"));
    }

    #[test]
    fn what_the_peer_claims_of_its_source_is_replaced() {
        let lie = "Via: SIP/2.0/UDP a;received=203.0.113.1;rport=1;branch=1\r\n";
        assert_eq!(
            answered(lie, "192.0.2.1:9"),
            "Via: SIP/2.0/UDP a;rport=9;branch=1;received=192.0.2.1"
        );
    }

    #[test]
    fn an_ipv4_source_in_ipv6_dress_is_told_as_ipv4() {
        let via = "Via: SIP/2.0/UDP 192.0.2.1;branch=1\r\n";
        assert!(!answered(via, "[::ffff:192.0.2.1]:9").contains("received"));
    }

    #[test]
    fn a_phrase_of_our_own_stands_in_the_status_line() {
        let octets = Writer::response_with_reason(
            &request_with(""),
            Status::BAD_REQUEST,
            "Bad Request: a CSeq number expected",
            Some("1"),
            source(),
        )
        .finish();
        assert!(octets.starts_with(b"SIP/2.0 400 Bad Request: a CSeq number expected\r\n"));
    }

    #[test]
    fn of_what_must_be_single_only_the_first_is_repeated() {
        let request = asked("v: SIP/2.0/UDP a\r\nTo: <sip:c@h>\r\ni: d\r\n", "<sip:b@h>");
        let octets = Writer::response(&request, Status::BAD_REQUEST, None, source()).finish();
        let answer = response(octets);
        assert_eq!(answer.check(), Ok(()));
        assert_eq!(answer.headers().to().unwrap().uri_text(), "sip:c@h");
    }

    #[test]
    fn a_response_is_whole_again_from_its_request_and_what_it_said_itself() {
        for (via, to, tag) in [
            ("v: SIP/2.0/UDP a;rport;branch=1\r\n", "<sip:b@h>", "t1"),
            ("v: SIP/2.0/UDP a;branch=1\r\nVia: SIP/2.0/UDP c\r\n", "<sip:b@h>;tag=own", "t1"),
            ("v: junk\r\n", "<junk", "t1"),
        ] {
            let request = asked(via, to);
            let mut writer = Writer::response(&request, Status::OK, Some(tag), source());
            writer.header("SIP-ETag", "x1");
            let (octets, own) = writer.finish_response();
            let said = own.of(&octets);
            assert_eq!(said.line, b"SIP/2.0 200 OK\r\n");
            assert_eq!(said.tag, if to == "<sip:b@h>" { tag.as_bytes() } else { b"" });
            assert_eq!(said.rest, b"SIP-ETag: x1\r\nContent-Length: 0\r\n\r\n");
            assert_eq!(Writer::again(&request, said, source()), octets);
        }
    }

    #[test]
    fn a_via_without_spaces_is_repeated_as_one_with_them() {
        for parameters in [
            "",
            ";branch=1",
            ";rport",
            ";rport;branch=1",
            ";branch=1;RPort;x=\"y\"",
            ";rport=7;branch=1",
            ";rport;rport",
            ";received=1.2.3.4;rport",
            ";maddr=h;ttl",
        ] {
            let plain = answered(&format!("v: SIP/2.0/UDP h{parameters}\r\n"), "192.0.2.1:9");
            let spaced = parameters.replace(';', " ; ");
            let spaced = answered(&format!("v: SIP/2.0/UDP h{spaced}\r\n"), "192.0.2.1:9");
            assert_eq!(plain, spaced, "{parameters}");
        }
    }
}
