//! CSeq and Call-ID (RFC 3261 §20.8, §20.16).

use nom::Parser;
use nom::sequence::separated_pair;

use crate::sip::grammar::{self, Parsed};
use crate::sip::message::Headers;
use crate::sip::name::HeaderId;
use crate::sip::parse::Malformed;

/// The sequence number and the method it counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CSeq<'a> {
    /// Any 32-bit number.
    pub number: u32,
    /// The method as written.
    pub method: &'a str,
}

impl Headers {
    /// CSeq.
    pub fn cseq(&self) -> Result<CSeq<'_>, Malformed> {
        const WHAT: &str = "a CSeq number and method";
        let value = self.needed(HeaderId::CSeq, WHAT)?;
        match cseq(value) {
            Ok(([], cseq)) => Ok(cseq),
            Ok((rest, _)) => Err(self.fault(rest, WHAT)),
            Err(error) => Err(self.unread(error, WHAT)),
        }
    }

    /// Call-ID, which is compared byte by byte.
    pub fn call_id(&self) -> Result<&str, Malformed> {
        const WHAT: &str = "a Call-ID";
        let value = self.needed(HeaderId::CallId, WHAT)?;
        let is_words = !value.is_empty() && value.iter().all(|b| b.is_ascii_graphic());
        match is_words {
            true => Ok(grammar::ascii(value)),
            false => Err(self.fault(value, WHAT)),
        }
    }
}

fn cseq(input: &[u8]) -> Parsed<'_, CSeq<'_>> {
    let spaces = nom::bytes::complete::take_while1(|b| matches!(b, b' ' | b'\t'));
    separated_pair(grammar::number::<u32>, spaces, grammar::token)
        .map(|(number, method)| CSeq { number, method })
        .parse(input)
}
