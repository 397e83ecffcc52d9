//! What a message wants, at a glance: enough to choose whose turn it is when more has come than
//! can be read. What a glance gets wrong costs its sender some patience, nothing else.

use memchr::memchr;

/// Lines of a header section that are looked at.
const LINES_MAX: usize = 64;

/// Whether octets ask for something new: a request outside a dialog that changes no lamp. Answers,
/// requests within a dialog and PUBLISH are of somebody who is here already.
pub fn asks_anew(octets: &[u8]) -> bool {
    let octets = octets.trim_ascii_start();
    let begins = |word: &[u8]| octets.get(..word.len()) == Some(word);
    if begins(b"SIP/") || begins(b"PUBLISH ") || begins(b"ACK ") {
        return false;
    }
    let mut rest = octets;
    for _ in 0..LINES_MAX {
        let Some(end) = memchr(b'\n', rest) else { return true };
        rest = rest.get(end + 1..).unwrap_or_default();
        match rest.first() {
            Some(b'T' | b't') => {
                let line = memchr(b'\n', rest).and_then(|end| rest.get(..end)).unwrap_or(rest);
                if to(line).is_some_and(has_tag) {
                    return false;
                }
            }
            // The end of the header.
            None | Some(b'\r' | b'\n') => return true,
            _ => {}
        }
    }
    true
}

/// The value of a To line.
fn to(line: &[u8]) -> Option<&[u8]> {
    let (name, value) = line.split_at_checked(memchr(b':', line)?)?;
    let name = name.trim_ascii_end();
    (name.eq_ignore_ascii_case(b"to") || name.eq_ignore_ascii_case(b"t")).then_some(value)
}

fn has_tag(value: &[u8]) -> bool {
    // RFC 3261 §25.1: SEMI and EQUAL may have space around them.
    let mut parts = value.split(|octet| *octet == b';').skip(1);
    parts.any(|part| {
        let name = part.split(|octet| *octet == b'=').next().unwrap_or_default();
        name.len() < part.len() && name.trim_ascii().eq_ignore_ascii_case(b"tag")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, to: &str) -> String {
        format!(
            "{method} sip:101@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n\
             From: <sip:a@h>;tag=1\r\n{to}\r\nCall-ID: 1\r\n\r\nTo: <sip:b@h>;tag=2"
        )
    }

    #[test]
    fn who_is_here_already_is_told_from_who_comes_anew() {
        for (octets, is_anew) in [
            (request("SUBSCRIBE", "To: <sip:101@h>"), true),
            (request("REGISTER", "t: <sip:101@h>"), true),
            (request("OPTIONS", "To : <sip:tag@h>"), true),
            (request("SUBSCRIBE", "To: <sip:101@h>;tag=9"), false),
            (request("SUBSCRIBE", "t\t: <sip:101@h> ;x;TAG=9"), false),
            (request("SUBSCRIBE", "To: <sip:101@h> ; tag = 9"), false),
            (request("SUBSCRIBE", "To: <sip:101@h>;tag"), true),
            (request("PUBLISH", "To: <sip:101@h>"), false),
            ("SIP/2.0 200 OK\r\nTo: <sip:101@h>\r\n\r\n".to_owned(), false),
            ("\r\nSIP/2.0 481 Gone\r\n\r\n".to_owned(), false),
            ("GET / HTTP/1.1\r\n\r\n".to_owned(), true),
            (String::new(), true),
        ] {
            assert_eq!(asks_anew(octets.as_bytes()), is_anew, "{octets}");
        }
    }
}
