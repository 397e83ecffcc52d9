//! URIs: `sip:`, `sips:`, `pres:` and `tel:` in parts, any other by its text (RFC 3261 §19.1,
//! RFC 3966, RFC 3859).

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use self::grammar::{Parts, Span};

mod borrowed;
mod equality;
mod grammar;

pub use borrowed::{UriParts, UriRef};

/// A URI that keeps its text as written and knows where its parts are.
///
/// Equality is that of RFC 3261 §19.1.4, which is not transitive: a parameter we do not know
/// counts only when both sides have it. So a `Uri` is compared, and never hashed.
#[derive(Clone)]
pub struct Uri {
    text: Arc<str>,
    parts: Parts,
}

/// The scheme of a URI.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scheme {
    /// `sip:`, RFC 3261.
    Sip,
    /// `sips:`, RFC 3261 and 5630.
    Sips,
    /// `pres:`, RFC 3859.
    Pres,
    /// `tel:`, RFC 3966.
    Tel,
    /// Any other; [`Uri::scheme_text`] has its name.
    Other,
}

/// The host of a URI.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Host<'a> {
    /// A name, in the case it was written in; empty where the scheme has no host.
    Name(&'a str),
    /// An address; an IPv6 address was written in brackets.
    Ip(IpAddr),
}

/// Why a text is no URI.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UriError {
    /// Where the text leaves the grammar, in octets.
    pub offset: usize,
    /// What should have stood there.
    pub expected: &'static str,
}

impl Uri {
    /// Reads a URI. Strict where a lax reading could be taken for another identity, tolerant of
    /// what devices send: underscores in host names, quoted parameter values.
    pub fn parse(text: &str) -> Result<Uri, UriError> {
        let parts = Parts::of(text.as_bytes())?;
        Ok(Uri { text: text.into(), parts })
    }

    /// Whether [`Uri::parse`] would succeed; costs no allocation.
    pub fn check(text: impl AsRef<[u8]>) -> Result<(), UriError> {
        Parts::of(text.as_ref()).map(|_| ())
    }

    /// The text exactly as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The scheme.
    pub fn scheme(&self) -> Scheme {
        self.parts.scheme
    }

    /// The name of the scheme as written, without the colon.
    pub fn scheme_text(&self) -> &str {
        self.text.get(..self.parts.scheme_end).unwrap_or("")
    }

    /// What follows the colon after the scheme.
    pub fn after_scheme(&self) -> &str {
        self.text.get(self.parts.scheme_end + 1..).unwrap_or("")
    }

    /// The user part as written, escapes kept; for `tel:` the number.
    pub fn user(&self) -> Option<&str> {
        self.parts.user.map(|span| self.at(span))
    }

    /// The password, which nobody should send (RFC 3261 §19.1.1).
    pub fn password(&self) -> Option<&str> {
        self.parts.password.map(|span| self.at(span))
    }

    /// The host.
    pub fn host(&self) -> Host<'_> {
        match self.parts.ip {
            Some(ip) => Host::Ip(ip),
            None => Host::Name(self.host_text()),
        }
    }

    /// The host as written, an IPv6 address with its brackets.
    pub fn host_text(&self) -> &str {
        self.at(self.parts.host)
    }

    /// The port, if one was written.
    pub fn port(&self) -> Option<u16> {
        self.parts.port
    }

    /// A parameter by its name in any case: `None` if absent, `Some(None)` if it has no value.
    pub fn parameter(&self, name: &str) -> Option<Option<&str>> {
        self.parameters()
            .find(|(there, _)| there.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// The parameters in order, values without surrounding quotes.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        grammar::parameters(self.at(self.parts.parameters))
            .map(|(name, value)| (name, value.map(grammar::unquoted)))
    }

    /// What follows the `?`, if there is one.
    pub fn headers_text(&self) -> Option<&str> {
        self.parts.headers.map(|span| self.at(span))
    }

    /// The text without headers: what may stand in a request line (RFC 3261 §19.1.1).
    pub fn without_headers(&self) -> &str {
        match self.headers_text() {
            Some(headers) => &self.text[..self.text.len() - headers.len() - "?".len()],
            None => &self.text,
        }
    }

    /// Whether this names a loose router (RFC 3261 §16.12).
    pub fn is_loose_route(&self) -> bool {
        self.parameter("lr").is_some()
    }

    /// The `transport` parameter.
    pub fn transport(&self) -> Option<&str> {
        self.parameter("transport").flatten()
    }

    /// The `maddr` parameter.
    pub fn maddr(&self) -> Option<&str> {
        self.parameter("maddr").flatten()
    }

    /// The user as an AoR has it (RFC 3261 §10.3 step 5): escapes are undone where the character
    /// may stand bare in a user part and written in upper case elsewhere; the case of letters is
    /// kept. Empty if there is no user.
    pub fn canonical_user(&self) -> Cow<'_, str> {
        UriRef::from(self).canonical_user()
    }

    /// The host as an AoR has it: a name in lower case without the dot of the root, an IPv6
    /// address in brackets in its shortest form, an IPv4-mapped one as IPv4.
    pub fn canonical_host(&self) -> String {
        match self.parts.ip.map(|ip| ip.to_canonical()) {
            Some(IpAddr::V4(ip)) => ip.to_string(),
            Some(IpAddr::V6(ip)) => format!("[{ip}]"),
            None => UriRef::from(self).name().to_ascii_lowercase(),
        }
    }

    /// The URI without password, parameters and headers: `sip:user@host:port`.
    pub fn bare(&self) -> String {
        let mut bare = String::with_capacity(self.text.len());
        bare.push_str(self.scheme_text());
        bare.push(':');
        match self.parts.scheme {
            Scheme::Other => bare.push_str(self.after_scheme()),
            Scheme::Tel => bare.push_str(self.user().unwrap_or("")),
            Scheme::Sip | Scheme::Sips | Scheme::Pres => {
                if let Some(user) = self.user() {
                    bare.push_str(user);
                    bare.push('@');
                }
                bare.push_str(self.host_text());
                if let Some(port) = self.port() {
                    bare.push(':');
                    bare.push_str(&port.to_string());
                }
            }
        }
        bare
    }

    /// Whether both name the same thing (RFC 3261 §19.1.4).
    pub fn same_as(&self, other: &Uri) -> bool {
        equality::same(self, other)
    }

    fn at(&self, span: Span) -> &str {
        self.text.get(usize::from(span.start)..usize::from(span.end)).unwrap_or("")
    }
}

impl PartialEq for Uri {
    fn eq(&self, other: &Uri) -> bool {
        self.same_as(other)
    }
}

impl Eq for Uri {}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uri({})", self.text)
    }
}

impl fmt::Display for UriError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} expected at octet {}", self.expected, self.offset)
    }
}

impl std::error::Error for UriError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::limits::URI_OCTETS_MAX;

    fn uri(text: &str) -> Uri {
        Uri::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    #[test]
    fn the_parts_of_a_sip_uri() {
        let u = uri("SIP:alice.smith:secret@Example.COM:5070;transport=TCP;lr?Subject=a%20b");
        assert_eq!(u.scheme(), Scheme::Sip);
        assert_eq!(u.scheme_text(), "SIP");
        assert_eq!(u.user(), Some("alice.smith"));
        assert_eq!(u.password(), Some("secret"));
        assert_eq!(u.host(), Host::Name("Example.COM"));
        assert_eq!(u.port(), Some(5070));
        assert_eq!(u.transport(), Some("TCP"));
        assert_eq!(u.parameter("LR"), Some(None));
        assert!(u.is_loose_route());
        assert_eq!(u.headers_text(), Some("Subject=a%20b"));
        assert_eq!(u.bare(), "SIP:alice.smith@Example.COM:5070");
    }

    #[test]
    fn a_user_part_may_hold_semicolons_and_escapes() {
        let u = uri("sip:user;par=u%40example.net@example.com");
        assert_eq!(u.user(), Some("user;par=u%40example.net"));
        assert_eq!(u.host_text(), "example.com");
        assert_eq!(u.parameters().count(), 0);
        assert_eq!(u.canonical_user(), "user;par=u%40example.net");
        assert_eq!(uri("sip:a;b@host").user(), Some("a;b"));
    }

    #[test]
    fn a_canonical_user_undoes_needless_escapes_only() {
        assert_eq!(uri("sip:%61lice@h").canonical_user(), "alice");
        assert_eq!(uri("sip:Alice@h").canonical_user(), "Alice");
        assert_eq!(uri("sip:null-%00-null@h").canonical_user(), "null-%00-null");
        assert_eq!(uri("sip:a%c3%a9@h").canonical_user(), "a%C3%A9");
        assert_eq!(uri("sip:%2b1555@h").canonical_user(), "+1555");
        assert_eq!(uri("sip:*8#1@h").canonical_user(), "*8%231");
    }

    #[test]
    fn a_canonical_host_is_lower_case_and_ipv6_shortest() {
        assert_eq!(uri("sip:EXAMPLE.com.").canonical_host(), "example.com");
        assert_eq!(uri("sip:[2001:DB8:0:0::1]:5070").canonical_host(), "[2001:db8::1]");
        assert_eq!(uri("sip:[::ffff:192.0.2.10]").canonical_host(), "192.0.2.10");
    }

    #[test]
    fn a_port_inside_the_brackets_belongs_to_the_address() {
        let u = uri("sip:[2001:db8::10:5070]");
        assert_eq!((u.host_text(), u.port()), ("[2001:db8::10:5070]", None));
        assert_eq!(uri("sip:[2001:db8::10]:5070").port(), Some(5070));
        assert!(Uri::parse("sip:2001:db8::10").is_err());
        assert!(matches!(uri("sip:user@[2001:db8:::192.0.2.1]").host(), Host::Ip(_)));
    }

    #[test]
    fn tel_pres_and_others() {
        let tel = uri("tel:+1-201-555-0123;phone-context=example.com");
        assert_eq!(tel.scheme(), Scheme::Tel);
        assert_eq!(tel.user(), Some("+1-201-555-0123"));
        assert_eq!(tel.host(), Host::Name(""));
        assert_eq!(tel.parameter("phone-context"), Some(Some("example.com")));
        let pres = uri("pres:alice@example.com");
        assert_eq!((pres.scheme(), pres.user()), (Scheme::Pres, Some("alice")));
        let urn = uri("urn:service:sos");
        assert_eq!((urn.scheme(), urn.scheme_text()), (Scheme::Other, "urn"));
        assert_eq!(urn.bare(), "urn:service:sos");
    }

    #[test]
    fn what_is_no_uri_is_refused_with_its_offset() {
        for bad in [
            "",
            "sip",
            "sip:",
            "sip:@host",
            "sip:a b@host",
            "<sip:a@host>",
            "sip:a@host ",
            "sip:a%4@host",
            "sip:a@b@c",
            "sip:a@host:99999",
            "sip:a@host:",
            "sip:a@host;;lr",
            "sip:a@[::1",
            "sip:a@[1:2]",
            "tel:",
            "foo:",
            "sip:a\"@h",
            "sip:ä@h",
        ] {
            assert!(Uri::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(Uri::parse("sip:a@b@c").unwrap_err().offset, 7);
        let long = format!("sip:{}@h", "a".repeat(URI_OCTETS_MAX));
        assert!(Uri::parse(&long).is_err());
    }

    #[test]
    fn devices_quote_parameters_and_underline_hosts() {
        let u = uri("sip:a@my_pbx.local;transport=\"tcp\";+sip.instance=\"<urn:uuid:1>\"");
        assert_eq!(u.transport(), Some("tcp"));
        assert_eq!(u.parameter("+sip.instance"), Some(Some("<urn:uuid:1>")));
    }
}
