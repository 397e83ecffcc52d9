//! Values to octets: one buffer, appended to.
//!
//! CR and LF never leave in a start line, a header name or a header value, and NUL only where a
//! backslash escapes it: they are dropped, whatever the caller was given.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use bytes::{BufMut, Bytes, BytesMut};

use crate::sip::grammar;
use crate::sip::header::via::{self, Via};
use crate::sip::message::Request;
use crate::sip::name::HeaderId;
use crate::sip::parse::Malformed;
use crate::sip::status::Status;

/// Room for an ordinary response or the head of a NOTIFY, in octets.
const ORDINARY_OCTETS: usize = 768;

/// A message being written, head first.
#[derive(Debug)]
#[must_use]
pub struct Writer {
    out: BytesMut,
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
        writer.echo(request.headers().identified(), to_tag, source);
        writer
    }

    /// A request, its start line.
    pub fn request(method: &str, uri: &str) -> Writer {
        let mut writer = Writer::empty();
        writer.text(method.as_bytes());
        writer.out.put_u8(b' ');
        writer.text(uri.as_bytes());
        writer.out.put_slice(b" SIP/2.0\r\n");
        writer
    }

    /// A header line.
    pub fn header(&mut self, name: &str, value: impl AsRef<[u8]>) -> &mut Writer {
        self.text(name.as_bytes());
        self.out.put_slice(b": ");
        self.text(value.as_ref());
        self.end_line()
    }

    /// A header line whose value is a number.
    pub fn number(&mut self, name: &str, value: u64) -> &mut Writer {
        self.text(name.as_bytes());
        self.out.put_slice(b": ");
        self.digits(value);
        self.end_line()
    }

    /// Lines that were checked before and end in CR LF.
    pub fn raw_line(&mut self, line: &[u8]) -> &mut Writer {
        debug_assert!(line.ends_with(b"\r\n"), "a raw line ends in CR LF");
        self.out.put_slice(line);
        self
    }

    /// The message without a body.
    pub fn finish(mut self) -> Bytes {
        self.out.put_slice(b"Content-Length: 0\r\n\r\n");
        self.out.freeze()
    }

    /// The message with a body.
    pub fn finish_with(mut self, media: &str, body: &[u8]) -> Bytes {
        self.end_head(media, body.len());
        self.out.put_slice(body);
        self.out.freeze()
    }

    /// The head of a message whose body is sent after it, from elsewhere.
    pub fn finish_head(mut self, media: &str, body_octets: usize) -> Bytes {
        self.end_head(media, body_octets);
        self.out.freeze()
    }

    /// The message with a body whose type stands already, if it has one.
    pub fn finish_body(mut self, body: &[u8]) -> Bytes {
        self.number("Content-Length", body.len() as u64);
        self.out.put_slice(b"\r\n");
        self.out.put_slice(body);
        self.out.freeze()
    }

    fn empty() -> Writer {
        Writer { out: BytesMut::with_capacity(ORDINARY_OCTETS) }
    }

    pub(crate) fn status_line(status: Status, reason: &str) -> Writer {
        let mut writer = Writer::empty();
        writer.out.put_slice(b"SIP/2.0 ");
        writer.digits(u64::from(status.code()));
        writer.out.put_u8(b' ');
        writer.text(reason.as_bytes());
        writer.end_line();
        writer
    }

    /// What a response repeats of its request. The order of fields is kept, for Via counts.
    fn echo<'a>(
        &mut self,
        fields: impl Iterator<Item = (HeaderId, &'a [u8])>,
        to_tag: Option<&str>,
        source: SocketAddr,
    ) {
        let (mut is_top, mut from, mut to, mut call_id, mut cseq) = (true, true, true, true, true);
        // Of what must be single only the first is repeated; what refused it may be its twin.
        let first = |is_first: &mut bool| std::mem::replace(is_first, false);
        for (id, value) in fields {
            match id {
                HeaderId::Via if first(&mut is_top) => self.top_via(value, source),
                HeaderId::Via => self.repeat(b"Via: ", value),
                HeaderId::From if first(&mut from) => self.repeat(b"From: ", value),
                HeaderId::To if first(&mut to) => self.to(value, to_tag),
                HeaderId::CallId if first(&mut call_id) => self.repeat(b"Call-ID: ", value),
                HeaderId::CSeq if first(&mut cseq) => self.repeat(b"CSeq: ", value),
                _ => {}
            }
        }
    }

    fn repeat(&mut self, name: &[u8], value: &[u8]) {
        self.out.put_slice(name);
        self.text(value);
        self.end_line();
    }

    fn to(&mut self, value: &[u8], tag: Option<&str>) {
        self.out.put_slice(b"To: ");
        self.text(value);
        let has_tag = crate::sip::NameAddr::whole(value).is_none_or(|to| to.tag().is_some());
        if let Some(tag) = tag.filter(|_| !has_tag) {
            self.out.put_slice(b";tag=");
            self.text(tag.as_bytes());
        }
        self.end_line();
    }

    /// RFC 3581 §4: an `rport` that was asked for is filled in, and `received` with it. RFC 3261
    /// §18.2.1: `received` when sent-by is not the source. What the peer claimed in their place
    /// is left out.
    fn top_via(&mut self, value: &[u8], source: SocketAddr) {
        self.out.put_slice(b"Via: ");
        match Via::first(value) {
            Ok((rest, via)) => {
                self.text(via.before_parameters());
                self.via_parameters(&via, source);
                self.text(rest);
            }
            // Not readable, and so not ours to improve.
            Err(_) => self.text(value),
        }
        self.end_line();
    }

    fn via_parameters(&mut self, via: &Via<'_>, source: SocketAddr) {
        let asks_port = via.rport().is_some();
        for (name, written) in via.written_parameters() {
            if name.eq_ignore_ascii_case(b"received") {
                continue;
            }
            self.out.put_u8(b';');
            if name.eq_ignore_ascii_case(b"rport") {
                self.out.put_slice(b"rport=");
                self.digits(u64::from(source.port()));
            } else {
                self.text(written);
            }
        }
        let address = source.ip().to_canonical();
        if asks_port || via.sent_by_ip() != Some(address) {
            self.out.put_slice(b";received=");
            self.address(address);
        }
    }

    /// Without brackets, for `received` (RFC 5118 §4.5).
    fn address(&mut self, address: IpAddr) {
        // Writing into a buffer that grows cannot fail.
        let _ = write!(self.out, "{address}");
    }

    fn digits(&mut self, number: u64) {
        let mut digits = [0; 20];
        let mut start = digits.len();
        let mut rest = number;
        for (at, digit) in digits.iter_mut().enumerate().rev() {
            *digit = b'0' + (rest % 10) as u8;
            start = at;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        self.out.put_slice(digits.get(start..).unwrap_or_default());
    }

    fn end_head(&mut self, media: &str, body_octets: usize) {
        self.header("Content-Type", media);
        self.number("Content-Length", body_octets as u64);
        self.out.put_slice(b"\r\n");
    }

    fn end_line(&mut self) -> &mut Writer {
        self.out.put_slice(b"\r\n");
        self
    }

    /// Octets that cannot end a line.
    fn text(&mut self, octets: &[u8]) {
        if memchr::memchr3(b'\r', b'\n', 0, octets).is_none() {
            self.out.put_slice(octets);
            return;
        }
        let mut before = 0;
        for octet in octets {
            let is_kept = match octet {
                b'\r' | b'\n' => false,
                // Without it the backslash would escape what comes next.
                0 => before == b'\\',
                _ => true,
            };
            if is_kept {
                self.out.put_u8(*octet);
            }
            before = *octet;
        }
    }
}

/// The answer to what was no message; see [`crate::sip::parse::answer`].
pub(crate) fn malformed_answer(
    fields: &[(HeaderId, &[u8])],
    fault: &Malformed,
    source: SocketAddr,
) -> Option<(Bytes, SocketAddr)> {
    let first = |wanted| fields.iter().find(|(id, _)| *id == wanted);
    let (_, top) = first(HeaderId::Via)?;
    for wanted in [HeaderId::From, HeaderId::To, HeaderId::CallId, HeaderId::CSeq] {
        first(wanted)?;
    }
    let reason = match fault.status {
        Status::BAD_REQUEST => format!("Bad Request: {} expected", fault.what),
        other => other.reason().to_owned(),
    };
    let mut writer = Writer::status_line(fault.status, &reason);
    let tag = stateless_tag(fields);
    writer.echo(fields.iter().copied(), Some(&tag), source);
    let target = Via::first(top).map_or(source, |(_, via)| via::reply_to(&via, source));
    Some((writer.finish(), target))
}

/// RFC 3261 §8.2.7: the same request is answered with the same tag, without remembering it.
fn stateless_tag(fields: &[(HeaderId, &[u8])]) -> String {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let octets = fields.iter().flat_map(|(_, value)| value.iter());
    let hash = octets.fold(OFFSET, |hash, b| (hash ^ u64::from(*b)).wrapping_mul(PRIME));
    format!("{hash:016x}")
}

/// Quotes a text for a header: `"` and `\` escaped.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

/// Whether a text may stand where a token is due, such as a tag we were given.
pub fn is_token(text: &str) -> bool {
    grammar::all_token(text.as_bytes())
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
    fn a_line_end_never_leaves_in_a_value() {
        let mut writer = Writer::request("NOTIFY", "sip:a@h\r\nX: y");
        writer.header("Subject", "a\r\nEvil: b\0c");
        let octets = writer.finish();
        assert_eq!(
            octets,
            "NOTIFY sip:a@hX: y SIP/2.0\r\nSubject: aEvil: bc\r\nContent-Length: 0\r\n\r\n"
        );
    }

    #[test]
    fn a_body_has_its_type_and_length() {
        let octets = Writer::request("NOTIFY", "sip:a@h").finish_with("text/plain", b"\0\r\n");
        let expected =
            "NOTIFY sip:a@h SIP/2.0\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\n\0\r\n";
        assert_eq!(octets, expected);
        let head = Writer::request("NOTIFY", "sip:a@h").finish_head("text/plain", 3);
        assert_eq!(head, expected[..expected.len() - 3]);
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
    fn a_quoted_text_escapes_quotes_and_backslashes() {
        assert_eq!(quoted("a\"b\\"), "\"a\\\"b\\\\\"");
        assert!(is_token("z9hG4bK-1"));
        assert!(!is_token("a b") && !is_token(""));
    }
}
