//! CSeq and Call-ID (RFC 3261 §20.8, §20.16).

use crate::sip::grammar::{self, Parsed};
use crate::sip::message::{Headers, Range};
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

/// A CSeq that was read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CSeqRanges {
    number: u32,
    method: Range,
}

impl CSeqRanges {
    pub fn of(cseq: &CSeq<'_>, headers: &Headers) -> CSeqRanges {
        CSeqRanges { number: cseq.number, method: headers.range(cseq.method.as_bytes()) }
    }

    fn cseq(self, headers: &Headers) -> CSeq<'_> {
        CSeq { number: self.number, method: grammar::ascii(headers.at(self.method)) }
    }
}

impl Headers {
    /// CSeq.
    pub fn cseq(&self) -> Result<CSeq<'_>, Malformed> {
        const WHAT: &str = "a CSeq number and method";
        if let Some(ranges) = self.essentials.and_then(|read| read.cseq) {
            return Ok(ranges.cseq(self));
        }
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
        if let Some(range) = self.essentials.and_then(|read| read.call_id) {
            return Ok(grammar::ascii(self.at(range)));
        }
        let value = self.needed(HeaderId::CallId, WHAT)?;
        let is_words = !value.is_empty() && value.iter().all(|b| b.is_ascii_graphic());
        match is_words {
            true => Ok(grammar::ascii(value)),
            false => Err(self.fault(value, WHAT)),
        }
    }
}

fn cseq(input: &[u8]) -> Parsed<'_, CSeq<'_>> {
    let (rest, number) = grammar::number(input)?;
    let (rest, _) = grammar::run1(rest, |b| matches!(b, b' ' | b'\t'))?;
    let (rest, method) = grammar::token(rest)?;
    Ok((rest, CSeq { number, method }))
}

#[cfg(test)]
mod tests {
    use crate::sip::sample::headers;

    fn number(value: &str) -> Option<u32> {
        let h = headers(&format!("CSeq: {value}\r\n"));
        h.cseq().ok().map(|cseq| cseq.number)
    }

    #[test]
    fn the_number_is_any_of_32_bits_with_leading_zeros() {
        assert_eq!(number("0 X"), Some(0));
        assert_eq!(number("0000000007 \t X"), Some(7));
        assert_eq!(number("4294967295 X"), Some(u32::MAX));
        assert_eq!(number("4294967296 X"), None);
        assert_eq!(number("-1 X"), None);
    }

    #[test]
    fn a_cseq_is_one_number_and_one_method() {
        for bad in ["", "1", "1X", "X", "1 X Y", "1 2 X", "1 X;y"] {
            assert_eq!(number(bad), None, "{bad}");
        }
        let h = headers("CSeq: 1 su%62\r\n");
        assert_eq!(h.cseq().unwrap().method, "su%62");
    }

    #[test]
    fn a_call_id_is_one_word_of_any_signs() {
        let odd = "NGCP%x%///1-6@10.0.0.2(w)<>[]{}:\\\"?";
        assert_eq!(headers(&format!("i: {odd}\r\n")).call_id(), Ok(odd));
        assert!(headers("i: a b\r\n").call_id().is_err());
        assert!(headers("i:\r\n").call_id().is_err());
        assert!(headers("").call_id().is_err());
    }

    #[test]
    fn a_fault_tells_where_it_is() {
        let h = headers("CSeq: 1 X Y\r\n");
        // Behind the start line of 23 octets.
        assert_eq!(h.cseq().unwrap_err().offset, 23 + 9);
    }
}
