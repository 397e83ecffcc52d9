//! SIP-If-Match, SIP-ETag and Suppress-If-Match (RFC 3903 §11.3, RFC 5839).

use crate::sip::grammar;
use crate::sip::message::Headers;
use crate::sip::name::HeaderId;
use crate::sip::parse::Malformed;

impl Headers {
    /// SIP-If-Match: exactly one token (RFC 3903 §6 step 3); `*`, a list and a quoted tag are none.
    pub fn if_match(&self) -> Result<Option<&str>, Malformed> {
        const WHAT: &str = "one entity-tag in SIP-If-Match";
        match self.single(HeaderId::SipIfMatch, WHAT)? {
            None => Ok(None),
            Some(value) if value != b"*" && grammar::all_token(value) => {
                Ok(Some(grammar::ascii(value)))
            }
            Some(value) => Err(self.fault(value, WHAT)),
        }
    }

    /// Suppress-If-Match (RFC 5839 §5.2): an entity-tag, or `*` for any.
    pub fn suppress_if_match(&self) -> Result<Option<&str>, Malformed> {
        const WHAT: &str = "one entity-tag in Suppress-If-Match";
        match self.single(HeaderId::SuppressIfMatch, WHAT)? {
            None => Ok(None),
            Some(value) if grammar::all_token(value) => Ok(Some(grammar::ascii(value))),
            Some(value) => Err(self.fault(value, WHAT)),
        }
    }

    /// SIP-ETag of an answer.
    pub fn sip_etag(&self) -> Option<&str> {
        let value = self.value(HeaderId::SipEtag)?;
        grammar::all_token(value).then(|| grammar::ascii(value))
    }
}

#[cfg(test)]
mod tests {
    use crate::sip::sample::headers;

    #[test]
    fn a_condition_is_exactly_one_token() {
        let with = |lines: &str| headers(lines).if_match().map(|tag| tag.map(str::to_owned));
        assert_eq!(with(""), Ok(None));
        assert_eq!(with("SIP-If-Match: a.b-1*\r\n"), Ok(Some("a.b-1*".to_owned())));
        for bad in [
            "SIP-If-Match:\r\n",
            "SIP-If-Match: *\r\n",
            "SIP-If-Match: a, b\r\n",
            "SIP-If-Match: \"a\"\r\n",
            "SIP-If-Match: a b\r\n",
            "SIP-If-Match: a\r\nsip-if-match: a\r\n",
        ] {
            assert!(with(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_suppressing_condition_may_be_a_star() {
        let h = headers("Suppress-If-Match: *\r\n");
        assert_eq!(h.suppress_if_match(), Ok(Some("*")));
        assert_eq!(headers("SIP-ETag: x1\r\n").sip_etag(), Some("x1"));
        assert_eq!(headers("SIP-ETag: \"x1\"\r\n").sip_etag(), None);
    }
}
