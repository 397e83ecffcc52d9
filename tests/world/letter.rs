//! Messages as octets: read with plain string tools rather than with the parser under test, and
//! written as a phone would.

use bytes::Bytes;

/// One message.
#[derive(Clone)]
pub struct Letter {
    pub octets: Bytes,
    head_octets: usize,
}

impl std::fmt::Debug for Letter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.text())
    }
}

impl Letter {
    pub fn new(octets: Bytes) -> Letter {
        let text = std::str::from_utf8(&octets).expect("everybody here writes UTF-8");
        let head_octets = text.find("\r\n\r\n").expect("a blank line after the head") + 2;
        Letter { head_octets, octets }
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.octets).expect("read as UTF-8 above")
    }

    pub fn body(&self) -> &str {
        &self.text()[self.head_octets + 2..]
    }

    pub fn is_request(&self) -> bool {
        !self.octets.starts_with(b"SIP/2.0 ")
    }

    /// The start line.
    pub fn start(&self) -> &str {
        self.text().split("\r\n").next().unwrap_or_default()
    }

    pub fn status(&self) -> u16 {
        self.text()[8..11].parse().expect("a status")
    }

    /// The method, of a response that of its request.
    pub fn method(&self) -> &str {
        self.header("CSeq").split(' ').nth(1).unwrap_or_default()
    }

    /// The first value of a header, with its name as the agent writes it; empty without it.
    pub fn header(&self, name: &str) -> &str {
        let head = &self.text()[..self.head_octets];
        let mut from = 0;
        while let Some(place) = head[from..].find(name) {
            let start = from + place;
            let rest = &head[start + name.len()..];
            if head[..start].ends_with("\r\n")
                && let Some(value) = rest.strip_prefix(':')
            {
                return value.split("\r\n").next().unwrap_or_default().trim();
            }
            from = start + name.len();
        }
        ""
    }

    pub fn cseq(&self) -> u32 {
        let number = self.header("CSeq").split(' ').next().unwrap_or_default();
        number.parse().expect("a CSeq number")
    }

    pub fn call_id(&self) -> &str {
        self.header("Call-ID")
    }

    pub fn branch(&self) -> &str {
        parameter(self.header("Via"), "branch")
    }

    pub fn sender_tag(&self) -> &str {
        parameter(self.header("From"), "tag")
    }

    pub fn to_tag(&self) -> &str {
        parameter(self.header("To"), "tag")
    }

    /// Seconds of the Expires header.
    pub fn expires(&self) -> Option<u64> {
        self.header("Expires").parse().ok()
    }

    /// The response of a phone to this request, with further header lines.
    pub fn answer(&self, status: u16, more: &str) -> Bytes {
        let mut text = format!("SIP/2.0 {status} So\r\n");
        for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
            text.push_str(&format!("{name}: {}\r\n", self.header(name)));
        }
        Bytes::from(text + more + "Content-Length: 0\r\n\r\n")
    }
}

/// A parameter of a header value, outside angle brackets; empty without it.
pub fn parameter<'a>(value: &'a str, name: &str) -> &'a str {
    let after = value.rfind('>').map_or(0, |end| end + 1);
    value[after..]
        .split(';')
        .find_map(|said| said.trim().strip_prefix(name)?.strip_prefix('='))
        .unwrap_or_default()
}

/// A request being written.
pub struct Draft<'a> {
    pub method: &'a str,
    pub uri: &'a str,
    /// `UDP` or `TCP`, and what Via names.
    pub via: (&'a str, &'a str),
    pub branch: &'a str,
    pub from: &'a str,
    pub to: &'a str,
    pub call_id: &'a str,
    pub cseq: u32,
    /// Whole lines, each with its end.
    pub more: &'a str,
    pub body: &'a str,
}

impl Draft<'_> {
    pub fn write(&self) -> Bytes {
        let Draft { method, uri, via, branch, from, to, call_id, cseq, more, body } = self;
        let (transport, sent_by) = via;
        let octets = body.len();
        Bytes::from(format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/{transport} {sent_by};branch={branch};rport\r\n\
             Max-Forwards: 70\r\nFrom: {from}\r\nTo: {to}\r\nCall-ID: {call_id}\r\n\
             CSeq: {cseq} {method}\r\n{more}Content-Length: {octets}\r\n\r\n{body}"
        ))
    }
}
