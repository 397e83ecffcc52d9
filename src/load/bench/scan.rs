//! Finds in a message the few things a simulated phone needs, without keeping any.

use memchr::memchr;
use memchr::memmem::{self, Finder};

/// Via lines that are echoed; a server one hop away sends one.
const VIAS_MAX: usize = 8;

/// What a message begins with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start {
    /// A response with this status.
    Response(u16),
    /// A NOTIFY.
    Notify,
    /// Any other request.
    Request,
}

/// A message as far as a phone looks at it. Lines are whole, with their ends.
#[derive(Debug)]
pub struct Message<'a> {
    /// All of it.
    pub octets: &'a [u8],
    /// What it is.
    pub start: Start,
    /// The first line, without its end.
    pub start_line: &'a [u8],
    vias: [&'a [u8]; VIAS_MAX],
    /// From.
    pub from: &'a [u8],
    /// To.
    pub to: &'a [u8],
    /// Call-ID, the line.
    pub call_id_line: &'a [u8],
    /// Call-ID, the value.
    pub call_id: &'a [u8],
    /// CSeq, the line.
    pub cseq_line: &'a [u8],
    /// CSeq, the number.
    pub cseq: u32,
    /// The value of Contact.
    pub contact: Option<&'a [u8]>,
    /// The entity-tag of a publication.
    pub entity_tag: Option<&'a [u8]>,
    /// The lifetime granted, in seconds.
    pub expires: Option<u32>,
    /// Whether the subscription is over.
    pub is_terminated: bool,
    /// The body.
    pub body: &'a [u8],
}

impl<'a> Message<'a> {
    /// The lines of Via, in order.
    pub fn vias(&self) -> impl Iterator<Item = &'a [u8]> {
        self.vias.into_iter().take_while(|line| !line.is_empty())
    }
}

/// Looks through a message; `None` if it is not one that can be answered or matched.
pub fn scan(octets: &[u8]) -> Option<Message<'_>> {
    let end = memchr(b'\n', octets)?;
    let start_line = trim(octets.get(..end)?);
    let mut message = Message {
        octets,
        start: start(start_line)?,
        start_line,
        vias: [&[]; VIAS_MAX],
        from: &[],
        to: &[],
        call_id_line: &[],
        call_id: &[],
        cseq_line: &[],
        cseq: 0,
        contact: None,
        entity_tag: None,
        expires: None,
        is_terminated: false,
        body: &[],
    };
    let mut rest = octets.get(end + 1..)?;
    loop {
        let end = memchr(b'\n', rest)?;
        let (line, after) = rest.split_at_checked(end + 1)?;
        rest = after;
        if line.len() <= 2 && trim(line).is_empty() {
            break;
        }
        message.take(line);
    }
    message.body = rest;
    let is_whole = !message.call_id.is_empty() && !message.cseq_line.is_empty();
    is_whole.then_some(message)
}

/// The newest change counter in a document: the greatest of the eight hexadecimal digits behind
/// each mark.
pub fn counter(body: &[u8], mark: &Finder<'_>) -> Option<u32> {
    let octets = mark.needle().len();
    mark.find_iter(body).filter_map(|at| hex(body.get(at + octets..)?.get(..8)?)).max()
}

/// A number from hexadecimal digits in lower case.
pub fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |number, digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        number.checked_mul(16)?.checked_add(u32::from(value))
    })
}

/// The parameter `tag` of a From or To line.
pub fn tag(line: &[u8]) -> Option<&[u8]> {
    let after = memmem::rfind(line, b";tag=")? + 5;
    let tag = line.get(after..)?;
    let end = tag.iter().position(|octet| b" \t\r\n;,".contains(octet)).unwrap_or(tag.len());
    tag.get(..end).filter(|tag| !tag.is_empty())
}

/// The URI of a Contact value.
pub fn uri(value: &[u8]) -> Option<&[u8]> {
    match memchr(b'<', value) {
        Some(open) => {
            let inside = value.get(open + 1..)?;
            inside.get(..memchr(b'>', inside)?)
        }
        None => value.split(|octet| b";, ".contains(octet)).next(),
    }
    .filter(|uri| !uri.is_empty())
}

impl<'a> Message<'a> {
    fn take(&mut self, line: &'a [u8]) {
        let Some(colon) = memchr(b':', line) else { return };
        let Some((name, rest)) = line.split_at_checked(colon) else { return };
        let name = name.trim_ascii_end();
        let value = || trim(rest.get(1..).unwrap_or_default());
        let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
        match name.len() {
            1 => match name.first().map(u8::to_ascii_lowercase) {
                Some(b'v') => keep(&mut self.vias, line),
                Some(b'f') => self.from = line,
                Some(b't') => self.to = line,
                Some(b'i') => (self.call_id_line, self.call_id) = (line, value()),
                Some(b'm') => self.contact = Some(value()),
                _ => {}
            },
            2 if is(b"To") => self.to = line,
            3 if is(b"Via") => keep(&mut self.vias, line),
            4 if is(b"From") => self.from = line,
            4 if is(b"CSeq") => {
                if let Some(number) = decimal(value()) {
                    (self.cseq_line, self.cseq) = (line, number);
                }
            }
            7 if is(b"Call-ID") => (self.call_id_line, self.call_id) = (line, value()),
            7 if is(b"Expires") => self.expires = decimal(value()),
            7 if is(b"Contact") => self.contact = Some(value()),
            8 if is(b"SIP-ETag") => self.entity_tag = Some(value()),
            18 if is(b"Subscription-State") => {
                let state = value().get(..10);
                self.is_terminated =
                    state.is_some_and(|state| state.eq_ignore_ascii_case(b"terminated"));
            }
            _ => {}
        }
    }
}

fn start(line: &[u8]) -> Option<Start> {
    if let Some(rest) = line.strip_prefix(b"SIP/2.0 ") {
        return Some(Start::Response(u16::try_from(decimal(rest.get(..3)?)?).ok()?));
    }
    let is_request = line.ends_with(b" SIP/2.0");
    let start = if line.starts_with(b"NOTIFY ") { Start::Notify } else { Start::Request };
    is_request.then_some(start)
}

fn keep<'a, const N: usize>(places: &mut [&'a [u8]; N], line: &'a [u8]) {
    if let Some(free) = places.iter_mut().find(|place| place.is_empty()) {
        *free = line;
    }
}

fn trim(text: &[u8]) -> &[u8] {
    text.trim_ascii()
}

/// The number that a text begins with.
fn decimal(text: &[u8]) -> Option<u32> {
    let end = text.iter().position(|octet| !octet.is_ascii_digit()).unwrap_or(text.len());
    let digits = text.get(..end).filter(|digits| !digits.is_empty())?;
    digits.iter().try_fold(0_u32, |number, digit| {
        number.checked_mul(10)?.checked_add(u32::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTIFY: &[u8] = b"NOTIFY sip:p1@127.1.0.1:4000 SIP/2.0\r\n\
        Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKa\r\n\
        v: SIP/2.0/UDP 127.0.0.2;branch=z9hG4bKb\r\n\
        f: <sip:p2@localhost>;tag=abc\r\n\
        To: <sip:p1@localhost>;tag=xyz;x=y\r\n\
        Call-ID: s0000002a-1\r\n\
        CSEQ: 17 NOTIFY\r\n\
        Contact: <sip:p2@127.0.0.1:5060>\r\n\
        Subscription-State: terminated;reason=timeout\r\n\
        Content-Length: 30\r\n\r\n\
        <a>lamp-0000000a lamp-00000009";

    #[test]
    fn a_phone_finds_what_it_needs_under_long_and_short_names() {
        let message = scan(NOTIFY).expect("a message");
        assert_eq!(message.start, Start::Notify);
        assert_eq!(message.vias().count(), 2);
        assert_eq!(tag(message.from), Some(&b"abc"[..]));
        assert_eq!(tag(message.to), Some(&b"xyz"[..]));
        assert_eq!(message.call_id, b"s0000002a-1");
        assert_eq!(message.cseq, 17);
        assert_eq!(message.contact.and_then(uri), Some(&b"sip:p2@127.0.0.1:5060"[..]));
        assert!(message.is_terminated);
        assert_eq!(
            counter(message.body, &Finder::new("lamp-")),
            Some(10),
            "the newest, whatever stands beside it"
        );
    }

    #[test]
    fn a_response_tells_its_status_and_entity_tag() {
        let octets = b"SIP/2.0 401 Unauthorized\r\nCall-ID:a\r\nCSeq: 1 PUBLISH\r\n\
            SIP-ETag: e7\r\n\r\n";
        let message = scan(octets).expect("a message");
        assert_eq!(message.start, Start::Response(401));
        assert_eq!(message.entity_tag, Some(&b"e7"[..]));
    }

    #[test]
    fn what_is_no_message_is_none() {
        for octets in [
            &b""[..],
            b"\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nCall-ID: a\r\nCSeq: 1 A\r\n\r\n",
            b"SIP/2.0 200 OK\r\nCall-ID: a\r\n\r\n",
            b"SIP/2.0 200 OK\r\nCall-ID: a\r\nCSeq: 99999999999 A\r\n\r\n",
            b"NOTIFY a SIP/2.0\r\nCall-ID: a\r\nCSeq: 1 NOTIFY\r\n",
        ] {
            assert!(scan(octets).is_none(), "{}", String::from_utf8_lossy(octets));
        }
        for length in 0..NOTIFY.len() {
            let _ = scan(NOTIFY.get(..length).unwrap_or_default());
        }
    }

    #[test]
    fn a_cut_counter_is_none() {
        for body in ["lamp-0000001", "lamp-0000001g lamp-", ""] {
            assert_eq!(counter(body.as_bytes(), &Finder::new("lamp-")), None);
        }
    }
}
