//! XPIDF: presence as it was written before RFC 3863, for phones of that age. One address and
//! two words.

use super::body::Body;
use super::lexical::uri;
use super::write::{DECLARATION, escape_attribute};
use crate::base::media::MediaType;

/// The word of `status`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// Takes calls.
    Open,
    /// In a call, or taken.
    InUse,
    /// Nobody is there.
    Inactive,
    /// Takes none.
    Closed,
}

impl Status {
    /// As it is written.
    pub fn as_text(self) -> &'static str {
        match self {
            Status::Open => "open",
            Status::InUse => "inuse",
            Status::Inactive => "inactive",
            Status::Closed => "closed",
        }
    }
}

/// A document with a slot for the entity. `substatus` is the word these phones show: `online`,
/// `busy`, `onthephone`, `away`, `berightback`, `outtolunch`, `idle`, `offline`.
pub fn body(address: &str, status: Status, substatus: &str) -> Body {
    // The type definition is part of what these phones expect; nobody fetches it.
    let mid = format!(
        "{DECLARATION}<!DOCTYPE presence PUBLIC \"-//IETF//DTD RFCxxxx XPIDF 1.0//EN\" \
         \"xpidf.dtd\">\n<presence>\n<presentity uri=\""
    );
    let address = uri(address);
    let address = escape_attribute(&address);
    let status = status.as_text();
    let substatus = escape_attribute(substatus);
    let rest = format!(
        ";method=SUBSCRIBE\"/>\n<atom id=\"a1\">\n<address uri=\"{address};user=ip\" \
         priority=\"0.800000\">\n<status status=\"{status}\"/>\n\
         <msnsubstatus substatus=\"{substatus}\"/>\n</address>\n</atom>\n</presence>\n"
    );
    Body::with_slots(MediaType::Xpidf, bytes::Bytes::new(), false, mid.into(), true, rest.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_phone_reads_one_address_and_two_words() {
        let body = body("sip:101@example.com", Status::InUse, "onthephone");
        let text = body.to_bytes(0, "sip:101@example.com");
        let text = std::str::from_utf8(&text).expect("UTF-8");
        assert!(text.contains("<presentity uri=\"sip:101@example.com;method=SUBSCRIBE\"/>"));
        assert!(
            text.contains("<status status=\"inuse\"/>\n<msnsubstatus substatus=\"onthephone\"/>")
        );
    }

    #[test]
    fn nothing_breaks_out_of_an_attribute() {
        let body = body("sip:\"<&>@h", Status::Open, "\"<");
        let text = body.to_bytes(0, "sip:\"<x>@h");
        let text = std::str::from_utf8(&text).expect("UTF-8");
        assert_eq!(text.matches('<').count(), 11, "{text}");
    }
}
