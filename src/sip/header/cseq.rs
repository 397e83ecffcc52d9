//! CSeq and Call-ID (RFC 3261 §20.8, §20.16).

use crate::sip::essentials::Essentials;
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
        let (number, method) = self.cseq_octets()?;
        Ok(CSeq { number, method: grammar::ascii(method) })
    }

    /// The number of CSeq.
    pub fn cseq_number(&self) -> Result<u32, Malformed> {
        Ok(self.cseq_octets()?.0)
    }

    /// Number and method of CSeq, as octets.
    pub(crate) fn cseq_octets(&self) -> Result<(u32, &[u8]), Malformed> {
        const WHAT: &str = "a CSeq number and method";
        if let Some(Essentials { cseq: Some((number, method)), .. }) = &self.essentials {
            return Ok((*number, self.at(*method)));
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
        self.call_id_octets().map(grammar::ascii)
    }

    /// As [`Headers::call_id`], as octets.
    pub fn call_id_octets(&self) -> Result<&[u8], Malformed> {
        const WHAT: &str = "a Call-ID";
        if let Some(Essentials { call_id: Some(range), .. }) = &self.essentials {
            return Ok(self.at(*range));
        }
        let value = self.needed(HeaderId::CallId, WHAT)?;
        let (word, rest) = grammar::run(value, grammar::WORD);
        match rest.is_empty() && !word.is_empty() {
            true => Ok(word),
            false => Err(self.fault(value, WHAT)),
        }
    }
}

fn cseq(input: &[u8]) -> Parsed<'_, (u32, &[u8])> {
    let (rest, number) = grammar::number(input)?;
    let (rest, _) = grammar::run1(rest, grammar::SPACE)?;
    let (rest, method) = grammar::token_octets(rest)?;
    Ok((rest, (number, method)))
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
