//! Values to octets: one buffer, appended to.
//!
//! CR and LF never leave in a start line, a header name or a header value, and NUL only where a
//! backslash escapes it: they are dropped, whatever the caller was given.

use bytes::Bytes;

use crate::base::digits::decimal;
use crate::sip::grammar;
use crate::sip::response::Own;

/// Room for an ordinary response or the head of a NOTIFY, in octets.
const ORDINARY_OCTETS: usize = 768;

/// The end of a head that no body follows.
const NO_BODY: &[u8] = b"Content-Length: 0\r\n\r\n";

/// A message being written, head first.
#[derive(Debug)]
#[must_use]
pub struct Writer {
    pub(super) out: Vec<u8>,
    /// Of a response, which octets are its own.
    pub(super) own: Own,
}

impl Writer {
    /// A request, its start line.
    pub fn request(method: &str, uri: &str) -> Writer {
        let mut writer = Writer::empty();
        writer.text(method.as_bytes());
        writer.out.push(b' ');
        writer.text(uri.as_bytes());
        writer.out.extend_from_slice(b" SIP/2.0\r\n");
        writer
    }

    /// A header line.
    pub fn header(&mut self, name: &str, value: impl AsRef<[u8]>) -> &mut Writer {
        self.text(name.as_bytes());
        self.out.extend_from_slice(b": ");
        self.text(value.as_ref());
        self.end_line()
    }

    /// A header line whose value is in parts.
    pub fn header_parts(&mut self, name: &str, parts: &[&str]) -> &mut Writer {
        self.text(name.as_bytes());
        self.out.extend_from_slice(b": ");
        parts.iter().for_each(|part| self.text(part.as_bytes()));
        self.end_line()
    }

    /// A header line whose value is a number.
    pub fn number(&mut self, name: &str, value: u64) -> &mut Writer {
        self.text(name.as_bytes());
        self.out.extend_from_slice(b": ");
        decimal(value, &mut self.out);
        self.end_line()
    }

    /// Lines that were checked before and end in CR LF.
    pub fn raw_line(&mut self, line: &[u8]) -> &mut Writer {
        debug_assert!(line.ends_with(b"\r\n"), "a raw line ends in CR LF");
        self.out.extend_from_slice(line);
        self
    }

    /// How many octets the message has without a body, once it is finished.
    pub fn finished_octets(&self) -> usize {
        self.out.len() + NO_BODY.len()
    }

    /// The message without a body.
    pub fn finish(mut self) -> Bytes {
        self.out.extend_from_slice(NO_BODY);
        self.out.into()
    }

    /// The message with a body.
    pub fn finish_with(mut self, media: &str, body: &[u8]) -> Bytes {
        self.end_head(media, body.len());
        self.out.extend_from_slice(body);
        self.out.into()
    }

    /// The head of a message whose body is sent after it, from elsewhere.
    pub fn finish_head(mut self, media: &str, body_octets: usize) -> Bytes {
        self.end_head(media, body_octets);
        self.out.into()
    }

    /// The message with a body whose type stands already, if it has one.
    pub fn finish_body(mut self, body: &[u8]) -> Bytes {
        self.number("Content-Length", body.len() as u64);
        self.out.extend_from_slice(b"\r\n");
        self.out.extend_from_slice(body);
        self.out.into()
    }

    pub(super) fn empty() -> Writer {
        Writer { out: Vec::with_capacity(ORDINARY_OCTETS), own: Own::default() }
    }

    fn end_head(&mut self, media: &str, body_octets: usize) {
        self.header("Content-Type", media);
        self.number("Content-Length", body_octets as u64);
        self.out.extend_from_slice(b"\r\n");
    }

    pub(super) fn end_line(&mut self) -> &mut Writer {
        self.out.extend_from_slice(b"\r\n");
        self
    }

    /// Octets that cannot end a line.
    pub(super) fn text(&mut self, octets: &[u8]) {
        if memchr::memchr3(b'\r', b'\n', 0, octets).is_none() {
            self.out.extend_from_slice(octets);
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
                self.out.push(*octet);
            }
            before = *octet;
        }
    }
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

    #[test]
    fn a_line_end_never_leaves_in_a_value() {
        let mut writer = Writer::request("NOTIFY", "sip:a@h\r\nX: y");
        writer.header("Subject", "a\r\nEvil: b\0c");
        writer.header_parts("Contact", &["<", "sip:a\r\n@h", ">"]);
        let octets = writer.finish();
        assert_eq!(
            octets,
            "NOTIFY sip:a@hX: y SIP/2.0\r\nSubject: aEvil: bc\r\nContact: <sip:a@h>\r\nContent-Length: 0\r\n\r\n"
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
    fn a_quoted_text_escapes_quotes_and_backslashes() {
        assert_eq!(quoted("a\"b\\"), "\"a\\\"b\\\\\"");
        assert!(is_token("z9hG4bK-1"));
        assert!(!is_token("a b") && !is_token(""));
    }
}
