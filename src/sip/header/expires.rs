//! Numbers of seconds and hops: Expires, Min-Expires, Retry-After, Max-Forwards
//! (RFC 3261 §20.19, §20.22, §20.23, §20.33).

use crate::sip::grammar;
use crate::sip::message::Headers;
use crate::sip::name::HeaderId;
use crate::sip::parse::Malformed;

impl Headers {
    /// Expires in seconds. `None` if absent, and also if it is no number or too large a one: such
    /// a value asks for the default (RFC 4475 §3.1.2.4).
    pub fn expires(&self) -> Result<Option<u32>, Malformed> {
        let value = self.single(HeaderId::Expires, "one Expires")?;
        Ok(value.and_then(seconds))
    }

    /// Min-Expires in seconds.
    pub fn min_expires(&self) -> Option<u32> {
        self.value(HeaderId::MinExpires).and_then(seconds)
    }

    /// Retry-After in seconds; a comment or parameters may follow the number.
    pub fn retry_after(&self) -> Option<u32> {
        let value = self.value(HeaderId::RetryAfter)?;
        let (rest, seconds) = grammar::number(value).ok()?;
        let ends = matches!(grammar::trimmed(rest), [] | [b';' | b'(', ..]);
        ends.then_some(seconds)
    }

    /// Max-Forwards; `None` if absent or no number.
    pub fn max_forwards(&self) -> Option<u32> {
        self.value(HeaderId::MaxForwards).and_then(seconds)
    }
}

fn seconds(value: &[u8]) -> Option<u32> {
    match grammar::number(value) {
        Ok(([], number)) => Some(number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::sip::sample::headers;

    #[test]
    fn a_malformed_or_overlarge_expires_asks_for_the_default() {
        let expires = |value: &str| headers(&format!("Expires: {value}\r\n")).expires();
        assert_eq!(expires("0"), Ok(Some(0)));
        assert_eq!(expires("4294967295"), Ok(Some(u32::MAX)));
        for odd in ["4294967296", "99999999999999999999", "-1", "soon", "", "1 h"] {
            assert_eq!(expires(odd), Ok(None), "{odd}");
        }
        assert_eq!(headers("").expires(), Ok(None));
    }

    #[test]
    fn two_expires_are_one_too_many() {
        assert!(headers("Expires: 1\r\nExpires: 1\r\n").expires().is_err());
    }

    #[test]
    fn retry_after_may_carry_a_comment_and_parameters() {
        let retry = |value: &str| headers(&format!("Retry-After: {value}\r\n")).retry_after();
        assert_eq!(retry("120 (I'm in a meeting)"), Some(120));
        assert_eq!(retry("18000;duration=3600"), Some(18_000));
        assert_eq!(retry("later"), None);
        assert_eq!(headers("Min-Expires: 60\r\n").min_expires(), Some(60));
        assert_eq!(headers("Max-Forwards: 0\r\n").max_forwards(), Some(0));
    }
}
