//! Octets to a message (RFC 3261 §7, §25), and the answer to octets that are none.
//!
//! Framing is strict: what two parsers could read differently is refused. What a header means is
//! read later, on demand, and there tolerance depends on the header.

use std::fmt;
use std::net::SocketAddr;

use bytes::Bytes;
use memchr::memchr;
use nom::Parser;
use nom::bytes::complete::{tag, tag_no_case, take_while1};
use nom::combinator::{recognize, verify};
use nom::sequence::terminated;
use smallvec::SmallVec;

use crate::base::limits::{HEADER_FIELDS_MAX, HEADER_OCTETS_MAX, MESSAGE_OCTETS_MAX};
use crate::base::uri::UriParts;
use crate::sip::grammar::{self, Parsed};
use crate::sip::index;
use crate::sip::loose;
use crate::sip::message::{Headers, Message, Method, Range, Request, Response};
use crate::sip::name::HeaderId;
use crate::sip::status::Status;

/// Why octets are no message, or a value not what its header wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Malformed {
    /// Where, in octets from the start of the message.
    pub offset: usize,
    /// What should have stood there, naming the header.
    pub what: &'static str,
    /// How a request is answered: 400, 501, 505 or 513.
    pub status: Status,
}

impl Malformed {
    /// A fault that is answered with 400.
    pub fn at(offset: usize, what: &'static str) -> Malformed {
        Malformed { offset, what, status: Status::BAD_REQUEST }
    }

    pub(crate) fn too_large(offset: usize, what: &'static str) -> Malformed {
        Malformed { offset, what, status: Status::MESSAGE_TOO_LARGE }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} expected at octet {}", self.what, self.offset)
    }
}

impl std::error::Error for Malformed {}

/// Reads one message, as it came in a datagram or was cut from a stream. Empty lines before it
/// are skipped, octets behind its body dropped.
pub fn message(datagram: Bytes) -> Result<Message, Malformed> {
    let raw = without_leading_lines(datagram);
    if raw.len() > MESSAGE_OCTETS_MAX {
        return Err(Malformed::too_large(MESSAGE_OCTETS_MAX, "a smaller message"));
    }
    let end = index::line_end(&raw, 0)?;
    let start = start_of(raw.get(..end).unwrap_or_default())?;
    let mut headers = Headers::bare(raw);
    index::read(&mut headers, end + 2)?;
    Ok(match start {
        Start::Request { method, uri } => {
            headers.read_essentials();
            Message::Request(Request {
                method: Method::from_text(headers.at(method)),
                method_text: method,
                uri,
                uri_parts: UriParts::of(headers.at(uri)).ok(),
                headers,
            })
        }
        Start::Response { status, reason } => {
            Message::Response(Response { status, reason, headers })
        }
    })
}

/// Whether a datagram is only there to keep a binding of a NAT open: empty, or nothing but line
/// ends, blanks and zeros. It is ignored.
pub fn is_keep_alive(datagram: &[u8]) -> bool {
    datagram.iter().all(|b| matches!(b, b'\r' | b'\n' | b' ' | b'\t' | 0))
}

enum Start {
    Request { method: Range, uri: Range },
    Response { status: Status, reason: Range },
}

fn start_of(line: &[u8]) -> Result<Start, Malformed> {
    if let Some(start) = usual_status_line(line).or_else(|| usual_request_line(line)) {
        return Ok(start);
    }
    match line.get(..4) {
        Some(prefix) if prefix.eq_ignore_ascii_case(b"SIP/") => status_line(line),
        _ => request_line(line),
    }
}

/// A request line as everybody writes it; of any other [`request_line`] tells what is wrong.
fn usual_request_line(line: &[u8]) -> Option<Start> {
    let (method, rest) = grammar::run(line, grammar::TOKEN);
    let uri = rest.strip_prefix(b" ")?.strip_suffix(b" SIP/2.0")?;
    let (_, odd) = grammar::run(uri, grammar::REQUEST_URI);
    if method.is_empty() || uri.is_empty() || !odd.is_empty() {
        return None;
    }
    let start = method.len() + " ".len();
    Some(Start::Request {
        method: Range::new(0, method.len())?,
        uri: Range::new(start, start + uri.len())?,
    })
}

/// As [`usual_request_line`], of a response.
fn usual_status_line(line: &[u8]) -> Option<Start> {
    let [a @ b'1'..=b'6', b @ b'0'..=b'9', c @ b'0'..=b'9', b' ', reason @ ..] =
        line.strip_prefix(b"SIP/2.0 ")?
    else {
        return None;
    };
    let [a, b, c] = [a, b, c].map(|digit| u16::from(digit - b'0'));
    let reason = Range::new(line.len() - reason.len(), line.len())?;
    Some(Start::Response { status: Status(a * 100 + b * 10 + c), reason })
}

/// Method SP Request-URI SP SIP-Version, single spaces, nothing else.
fn request_line(line: &[u8]) -> Result<Start, Malformed> {
    let (rest, method) = start_step(line, terminated(grammar::token, tag(" ")), "a method")?;
    let uri_start = line.len() - rest.len();
    let uri = terminated(|rest| grammar::run1(rest, grammar::REQUEST_URI), tag(" "));
    let (rest, uri) = start_step_at(line, rest, uri, "a Request-URI")?;
    sip_version(line, rest)?;
    let bounds = || Malformed::too_large(0, "a shorter Request-URI");
    Ok(Start::Request {
        method: Range::new(0, method.len()).ok_or_else(bounds)?,
        uri: Range::new(uri_start, uri_start + uri.len()).ok_or_else(bounds)?,
    })
}

fn sip_version(line: &[u8], rest: &[u8]) -> Result<(), Malformed> {
    let (rest_after, version) = start_step_at(line, rest, version, "a SIP version")?;
    let offset = line.len() - rest.len();
    if !rest_after.is_empty() {
        return Err(Malformed::at(line.len() - rest_after.len(), "the end of the request line"));
    }
    if !version.eq_ignore_ascii_case(b"SIP/2.0") {
        return Err(Malformed {
            offset,
            what: "SIP version 2.0",
            status: Status::VERSION_NOT_SUPPORTED,
        });
    }
    Ok(())
}

/// SIP-Version SP three digits SP phrase; the phrase is opaque and may be empty.
fn status_line(line: &[u8]) -> Result<Start, Malformed> {
    let (rest, _) = start_step(line, tag_no_case("SIP/2.0 "), "a SIP version")?;
    let code = terminated(take_while1(|b: u8| b.is_ascii_digit()), tag(" "));
    let code = verify(code, |digits: &[u8]| digits.len() == 3);
    let (rest, digits) = start_step_at(line, rest, code, "a status code")?;
    let number = grammar::ascii(digits).parse::<u16>().unwrap_or(0);
    if !(100..700).contains(&number) {
        return Err(Malformed::at(8, "a status code from 100 to 699"));
    }
    let reason = Range::new(line.len() - rest.len(), line.len());
    Ok(Start::Response {
        status: Status(number),
        reason: reason.ok_or(Malformed::too_large(12, "a shorter reason phrase"))?,
    })
}

fn version(input: &[u8]) -> Parsed<'_, &[u8]> {
    let digits = || take_while1(|b: u8| b.is_ascii_digit());
    recognize((tag_no_case("SIP/"), digits(), tag("."), digits())).parse(input)
}

fn start_step<'a, T>(
    line: &'a [u8],
    parser: impl Parser<&'a [u8], Output = T, Error = nom::error::Error<&'a [u8]>>,
    what: &'static str,
) -> Result<(&'a [u8], T), Malformed> {
    start_step_at(line, line, parser, what)
}

fn start_step_at<'a, T>(
    line: &[u8],
    rest: &'a [u8],
    mut parser: impl Parser<&'a [u8], Output = T, Error = nom::error::Error<&'a [u8]>>,
    what: &'static str,
) -> Result<(&'a [u8], T), Malformed> {
    parser.parse(rest).map_err(|error| {
        let left = match &error {
            nom::Err::Error(e) | nom::Err::Failure(e) => e.input.len(),
            nom::Err::Incomplete(_) => 0,
        };
        Malformed::at(line.len().saturating_sub(left), what)
    })
}

/// RFC 3261 §7.5: empty lines before the start line are ignored.
fn without_leading_lines(datagram: Bytes) -> Bytes {
    let lines = datagram.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
    match lines {
        0 => datagram,
        octets => datagram.slice(octets..),
    }
}

/// The body length a header section announces, for a stream, where it is the only way to find
/// the next message (RFC 3261 §18.3). Other faults of the section are left to [`message`].
pub(crate) fn announced_octets(section: &[u8]) -> Result<usize, Malformed> {
    let mut found: Option<usize> = None;
    for (offset, name, value) in loose_fields(section) {
        let may_be = matches!(name.first(), Some(b'C' | b'c' | b'L' | b'l'));
        if !may_be || HeaderId::from_name(name) != HeaderId::ContentLength {
            continue;
        }
        let fault = Malformed::at(offset, "a Content-Length number");
        let octets = index::length(value).ok_or(fault)?;
        if found.is_some_and(|before| before != octets) {
            return Err(Malformed::at(offset, "one Content-Length"));
        }
        found = Some(octets);
    }
    found.ok_or_else(|| Malformed::at(section.len(), "a Content-Length"))
}

/// Offset, name and trimmed value of every line that looks like a header, whatever the others
/// are; a folded value is given as it stands.
fn loose_fields(raw: &[u8]) -> impl Iterator<Item = (usize, &[u8], &[u8])> {
    let next_line = |from: usize| {
        let rest = raw.get(from..)?;
        Some(from + memchr(b'\n', rest)? + 1)
    };
    let mut next = next_line(0);
    std::iter::from_fn(move || {
        loop {
            let start = next?;
            let mut end = next_line(start).unwrap_or(raw.len());
            while let Some(b' ' | b'\t') = raw.get(end) {
                end = next_line(end).unwrap_or(raw.len());
            }
            next = (end < raw.len()).then_some(end);
            let text = raw.get(start..end).unwrap_or_default();
            if matches!(text, [] | b"\n" | b"\r\n") {
                next = None;
                return None;
            }
            let Some(colon) = memchr(b':', text) else {
                continue;
            };
            let name = grammar::trimmed(text.get(..colon).unwrap_or_default());
            let (from, to) = index::value_within(raw, start + colon + 1, end);
            return Some((start, name, raw.get(from..to).unwrap_or_default()));
        }
    })
}

/// The answer to octets that are no message but say enough to be answered, and where it goes.
/// `None` for a response, an ACK, and what has no Via, From, To, Call-ID or CSeq at all.
pub fn answer(raw: &[u8], fault: &Malformed, source: SocketAddr) -> Option<(Bytes, SocketAddr)> {
    let lines = raw.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
    let raw = raw.get(lines..)?;
    let method = raw.split(|b| !grammar::is_token(*b)).next()?;
    let is_response = raw.get(..4)?.eq_ignore_ascii_case(b"SIP/");
    if is_response || method.is_empty() || method == b"ACK" {
        return None;
    }
    let section = raw.get(..HEADER_OCTETS_MAX).unwrap_or(raw);
    let fields: SmallVec<[(HeaderId, &[u8]); 8]> = loose_fields(section)
        .take(HEADER_FIELDS_MAX)
        .map(|(_, name, value)| (HeaderId::from_name(name), value))
        .collect();
    loose::answer(&fields, fault, source)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::sample::{headers, request, request_with, response};

    fn fault(text: &str) -> Malformed {
        message(Bytes::copy_from_slice(text.as_bytes())).expect_err(text)
    }

    fn source() -> SocketAddr {
        "192.0.2.9:4000".parse().unwrap()
    }

    #[test]
    fn a_start_line_has_single_spaces_and_nothing_else() {
        for bad in [
            "OPTIONS  sip:h SIP/2.0",
            "OPTIONS sip:h  SIP/2.0",
            "OPTIONS sip:h SIP/2.0 ",
            " OPTIONS sip:h SIP/2.0",
            "OPTIONS <sip:h> SIP/2.0",
            "OPTIONS sip:h",
            "OPT(ONS sip:h SIP/2.0",
            "OPTIONS sip:h HTTP/1.1",
            "",
            "SIP/2.0 200",
            "SIP/2.0 20 OK",
            "SIP/2.0 4294967301 Big",
            "SIP/2.0 099 Low",
            "SIP/2.0 700 High",
        ] {
            let fault = fault(&format!("{bad}\r\nA: b\r\n\r\n"));
            assert_eq!(fault.status, Status::BAD_REQUEST, "{bad}");
        }
    }

    #[test]
    fn a_version_is_read_in_any_case_and_another_one_is_505() {
        request("OPTIONS sip:h sip/2.0\r\n\r\n");
        let fault = fault("OPTIONS sip:h SIP/7.0\r\n\r\n");
        assert_eq!(fault.status, Status::VERSION_NOT_SUPPORTED);
        assert_eq!(fault.offset, 14);
    }

    #[test]
    fn lines_end_in_cr_lf_and_the_section_in_an_empty_line() {
        for bad in [
            "OPTIONS sip:h SIP/2.0\nA: b\n\n",
            "OPTIONS sip:h SIP/2.0\r\nA: b\rc\r\n\r\n",
            "OPTIONS sip:h SIP/2.0\r\nA: b\0c\r\n\r\n",
            "OPTIONS sip:h SIP/2.0\r\nA: b\r\n",
            "OPTIONS sip:h SIP/2.0",
        ] {
            fault(bad);
        }
    }

    #[test]
    fn a_nul_is_borne_where_a_backslash_escapes_it() {
        let h = headers("To: \"a\\\0\" <sip:a@h>\r\n");
        assert_eq!(h.to().unwrap().display, Some(&b"\"a\\\0\""[..]));
    }

    #[test]
    fn folded_lines_are_one_line() {
        let h = headers("Event: presence\r\n ;id\r\n\t=7\r\nSubject:\r\n  x \r\n\r\n");
        let event = h.event().unwrap().unwrap();
        assert_eq!((event.package, event.id()), ("presence", Some("7")));
        assert_eq!(h.value(HeaderId::Subject), Some(&b"x"[..]));
    }

    #[test]
    fn a_header_name_is_a_token_with_spaces_before_its_colon() {
        assert_eq!(headers("Call-ID \t : x\r\n").call_id(), Ok("x"));
        fault("OPTIONS sip:h SIP/2.0\r\nCall ID: x\r\n\r\n");
        fault("OPTIONS sip:h SIP/2.0\r\n: x\r\n\r\n");
        fault("OPTIONS sip:h SIP/2.0\r\nCall-ID\r\n\r\n");
        // Nothing to fold onto.
        fault("OPTIONS sip:h SIP/2.0\r\n A: x\r\n\r\n");
    }

    #[test]
    fn a_body_is_as_long_as_content_length_says() {
        let with = |length: &str, body: &str| {
            let text = format!("OPTIONS sip:h SIP/2.0\r\n{length}\r\n{body}");
            message(Bytes::from(text)).map(|message| message.body())
        };
        assert_eq!(with("l: 3\r\n", "abcdef").unwrap(), "abc");
        assert_eq!(with("", "abcdef").unwrap(), "abcdef");
        assert_eq!(with("l: 2\r\nContent-Length: 02\r\n", "ab").unwrap(), "ab");
        assert!(with("l: 2\r\nContent-Length: 3\r\n", "abc").is_err());
        assert!(with("l: -1\r\n", "abc").is_err());
        assert!(with("l: +1\r\n", "abc").is_err());
        assert!(with("l: five\r\n", "abc").is_err());
        assert!(with("l:\r\n", "abc").is_err());
        assert!(with("l: 99999999999999999999999\r\n", "abc").is_err());
        assert!(with("l: 4\r\n", "abc").is_err());
    }

    #[test]
    fn empty_lines_before_a_message_are_skipped() {
        request("\r\n\r\n\r\nOPTIONS sip:h SIP/2.0\r\n\r\n");
        assert!(is_keep_alive(b"\r\n\r\n"));
        assert!(is_keep_alive(b"\0\0 "));
        assert!(is_keep_alive(b""));
        assert!(!is_keep_alive(b"x"));
    }

    #[test]
    fn the_most_header_fields_and_one_more() {
        let with = |count: usize| {
            let text = format!("OPTIONS sip:h SIP/2.0\r\n{}\r\n", "A: b\r\n".repeat(count));
            message(Bytes::from(text)).map_err(|fault| fault.status)
        };
        assert!(with(HEADER_FIELDS_MAX).is_ok());
        assert_eq!(with(HEADER_FIELDS_MAX + 1).unwrap_err(), Status::MESSAGE_TOO_LARGE);
    }

    #[test]
    fn a_header_section_beyond_the_bound_is_too_large() {
        let long = "x".repeat(HEADER_OCTETS_MAX);
        let one_line = fault(&format!("OPTIONS sip:h SIP/2.0\r\nA: {long}\r\n\r\n"));
        assert_eq!(one_line.status, Status::MESSAGE_TOO_LARGE);
        let half = "x".repeat(HEADER_OCTETS_MAX / 2);
        let lines = fault(&format!("OPTIONS sip:h SIP/2.0\r\nA: {half}\r\nB: {half}\r\n\r\n"));
        assert_eq!(lines.status, Status::MESSAGE_TOO_LARGE);
        let body = "x".repeat(MESSAGE_OCTETS_MAX);
        let message = fault(&format!("OPTIONS sip:h SIP/2.0\r\n\r\n{body}"));
        assert_eq!(message.status, Status::MESSAGE_TOO_LARGE);
    }

    #[test]
    fn what_is_no_message_is_answered_where_it_came_from() {
        let good = String::from_utf8(request_with("").raw().to_vec()).unwrap();
        let bad = good.replace("SIP/2.0\r\nVia", "SIP/7.0\r\nVia");
        let (octets, target) = answer(bad.as_bytes(), &fault(&bad), source()).unwrap();
        assert_eq!(target, source());
        let answered = response(octets.clone());
        assert_eq!(answered.status(), Status::VERSION_NOT_SUPPORTED);
        assert!(answered.headers().to().unwrap().tag().is_some());
        assert_eq!(answered.headers().via().unwrap().rport(), Some(Some(4000)));
        // The same question has the same answer, tag and all.
        let again = answer(bad.as_bytes(), &fault(&bad), source()).unwrap();
        assert_eq!(again.0, octets);
    }

    #[test]
    fn what_says_too_little_or_is_no_question_is_not_answered() {
        let good = String::from_utf8(request_with("").raw().to_vec()).unwrap();
        let any = Malformed::at(0, "anything");
        for line in ["Via", "From", "To", "Call-ID", "CSeq"] {
            let without = good.replacen(&format!("\r\n{line}:"), "\r\nX:", 1);
            assert!(answer(without.as_bytes(), &any, source()).is_none(), "{line}");
        }
        let ack = good.replacen("SUBSCRIBE", "ACK", 1);
        assert!(answer(ack.as_bytes(), &any, source()).is_none());
        let told = good.replacen("SUBSCRIBE sip:alice@example.com SIP/2.0", "SIP/2.0 20", 1);
        assert!(answer(told.as_bytes(), &any, source()).is_none());
        assert!(answer(b"", &any, source()).is_none());
    }

    #[test]
    fn an_answer_carries_no_line_end_of_the_question() {
        let raw =
            "OPTIONS sip:h SIP/9\nVia: SIP/2.0/UDP h\r;x\nf: a\n t: b\nt: c\ni: d\nCSeq: e\n\n";
        let any = Malformed::at(0, "anything");
        let (octets, _) = answer(raw.as_bytes(), &any, source()).unwrap();
        let text = String::from_utf8(octets.to_vec()).unwrap();
        assert!(text.replace("\r\n", "").bytes().all(|b| b >= b' '), "{text:?}");
        assert!(text.contains("From: a t: b\r\n"), "{text:?}");
    }
}
