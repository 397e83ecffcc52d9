//! A URI that stands in the text of somebody else, such as a request: read without a copy.

use std::borrow::Cow;
use std::net::IpAddr;

use super::grammar::{self, Octet, Parts, Span};
use super::{Scheme, Uri, UriError};

/// Where the parts of a text are that was read as a URI.
#[derive(Clone, Copy)]
pub struct UriParts(pub(super) Parts);

/// A URI in a text of which its parts are known.
#[derive(Clone, Copy)]
pub struct UriRef<'a> {
    text: &'a str,
    parts: UriParts,
}

impl UriParts {
    /// As [`Uri::parse`], without a copy of the text.
    pub fn of(text: &[u8]) -> Result<UriParts, UriError> {
        Parts::of(text).map(UriParts)
    }

    /// The scheme.
    pub fn scheme(&self) -> Scheme {
        self.0.scheme
    }

    /// Whether something follows a `?`.
    pub fn has_headers(&self) -> bool {
        self.0.headers.is_some()
    }
}

impl<'a> UriRef<'a> {
    /// The text that `parts` were read from.
    pub fn new(text: &'a str, parts: UriParts) -> UriRef<'a> {
        UriRef { text, parts }
    }

    /// A URI of its own.
    pub fn to_uri(self) -> Uri {
        Uri { text: self.text.into(), parts: self.parts.0 }
    }

    /// The scheme.
    pub fn scheme(&self) -> Scheme {
        self.parts.scheme()
    }

    /// The user part as written; see [`Uri::user`].
    pub fn user(&self) -> Option<&'a str> {
        self.parts.0.user.map(|span| self.at(span))
    }

    /// The host as written, an IPv6 address with its brackets.
    pub fn host_text(&self) -> &'a str {
        self.at(self.parts.0.host)
    }

    /// The host, if it is an address; an IPv4-mapped one as IPv4.
    pub fn ip(&self) -> Option<IpAddr> {
        self.parts.0.ip.map(|ip| ip.to_canonical())
    }

    /// The user as an AoR has it; see [`Uri::canonical_user`].
    pub fn canonical_user(&self) -> Cow<'a, str> {
        let user = self.user().unwrap_or("");
        if grammar::is_plain_user(user.as_bytes()) {
            return user.into();
        }
        let mut canonical = String::with_capacity(user.len());
        for octet in grammar::unescaped(user.as_bytes()) {
            match octet {
                Octet::Plain(b) | Octet::Escaped(b) if grammar::is_user_octet(b) => {
                    canonical.push(b as char);
                }
                Octet::Plain(b) | Octet::Escaped(b) => {
                    canonical.push('%');
                    canonical.push(hex_digit(b >> 4));
                    canonical.push(hex_digit(b & 0x0f));
                }
            }
        }
        canonical.into()
    }

    /// The host as an AoR has it, if it is a name: without the dot of the root, in the case it
    /// was written in.
    pub fn name(&self) -> &'a str {
        self.host_text().trim_end_matches('.')
    }

    fn at(&self, span: Span) -> &'a str {
        self.text.get(usize::from(span.start)..usize::from(span.end)).unwrap_or("")
    }
}

impl<'a> From<&'a Uri> for UriRef<'a> {
    fn from(uri: &'a Uri) -> UriRef<'a> {
        UriRef { text: &uri.text, parts: UriParts(uri.parts) }
    }
}

impl std::fmt::Debug for UriParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UriParts(..)")
    }
}

fn hex_digit(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).map_or('0', |digit| digit.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_borrowed_uri_has_the_parts_of_an_owned_one() {
        for text in ["sip:%61lice@EXAMPLE.com.:5070;lr", "sip:b@[::ffff:192.0.2.1]", "tel:+1-2"] {
            let owned = Uri::parse(text).expect("a URI");
            let parts = UriParts::of(text.as_bytes()).expect("a URI");
            let borrowed = UriRef::new(text, parts);
            assert_eq!(borrowed.user(), owned.user());
            assert_eq!(borrowed.host_text(), owned.host_text());
            assert_eq!(borrowed.canonical_user(), owned.canonical_user());
            assert_eq!(borrowed.to_uri().as_str(), owned.as_str());
        }
    }

    #[test]
    fn a_canonical_user_is_a_copy_only_where_it_must_be() {
        let user = |text| {
            let parts = UriParts::of(str::as_bytes(text)).expect("a URI");
            UriRef::new(text, parts).canonical_user()
        };
        assert!(matches!(user("sip:alice;x=1@h"), Cow::Borrowed("alice;x=1")));
        assert!(matches!(user("sip:h"), Cow::Borrowed("")));
        assert!(matches!(user("sip:%61@h"), Cow::Owned(_)));
        assert!(matches!(user("sip:*8#1@h"), Cow::Owned(_)));
    }
}
