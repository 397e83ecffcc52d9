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
