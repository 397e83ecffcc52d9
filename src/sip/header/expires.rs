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
