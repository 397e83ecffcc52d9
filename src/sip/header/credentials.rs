//! Credentials and challenges: Authorization, Proxy-Authorization, WWW-Authenticate,
//! Proxy-Authenticate (RFC 3261 §20.7, §20.44, RFC 7616).

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::base::limits::AUTH_PARAMETERS_MAX;
use crate::sip::grammar::{self, Parsed};
use crate::sip::message::Headers;
use crate::sip::name::HeaderId;
use crate::sip::parse::Malformed;

/// A scheme and its parameters. A comma never separates two of them in one field.
#[derive(Clone, Debug)]
pub struct Credentials<'a> {
    /// `Digest`, in the case it was written in.
    pub scheme: &'a str,
    parameters: SmallVec<[(&'a str, &'a [u8]); 12]>,
}

impl<'a> Credentials<'a> {
    /// Whether this is a digest.
    pub fn is_digest(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("digest")
    }

    /// A parameter by its name in any case, quoted or not; escapes are undone.
    pub fn parameter(&self, name: &str) -> Option<Cow<'a, str>> {
        let (_, value) =
            self.parameters.iter().find(|(there, _)| there.eq_ignore_ascii_case(name))?;
        match value {
            [b'"', inner @ .., b'"'] => std::str::from_utf8(inner).ok().map(grammar::unescaped),
            bare => std::str::from_utf8(bare).ok().map(Cow::Borrowed),
        }
    }

    fn parse(value: &'a [u8]) -> Parsed<'a, Credentials<'a>> {
        let (rest, scheme) = grammar::token(value)?;
        let mut credentials = Credentials { scheme, parameters: SmallVec::new() };
        let mut rest = grammar::after_space(rest);
        // Of a scheme we do not know even the form of what follows is unknown.
        if !credentials.is_digest() {
            return Ok((&[], credentials));
        }
        loop {
            let (after, (name, value)) = parameter(rest)?;
            let is_room = credentials.parameters.len() < AUTH_PARAMETERS_MAX;
            // A parameter given twice could be verified by one reader and used by another.
            if !is_room || credentials.parameter(name).is_some() {
                return Err(grammar::failure(rest));
            }
            credentials.parameters.push((name, value));
            rest = match grammar::after_spaced(after, b',') {
                Some(next) => next,
                None => return Ok((grammar::after_space(after), credentials)),
            };
        }
    }
}

impl Headers {
    /// The credentials of Authorization; those of Proxy-Authorization are a proxy's business
    /// (RFC 3261 §22.3).
    pub fn authorizations(&self) -> impl Iterator<Item = Result<Credentials<'_>, Malformed>> {
        self.values(HeaderId::Authorization)
            .map(|value| self.read_credentials(value, "credentials in Authorization"))
    }

    /// The challenges of WWW-Authenticate and Proxy-Authenticate.
    pub fn challenges(&self) -> impl Iterator<Item = Result<Credentials<'_>, Malformed>> {
        let own = self.values(HeaderId::WwwAuthenticate);
        let proxy = self.values(HeaderId::ProxyAuthenticate);
        own.chain(proxy)
            .map(|value| self.read_credentials(value, "a challenge in WWW-Authenticate"))
    }

    fn read_credentials<'a>(
        &self,
        value: &'a [u8],
        what: &'static str,
    ) -> Result<Credentials<'a>, Malformed> {
        match Credentials::parse(value) {
            Ok(([], credentials)) => Ok(credentials),
            Ok((rest, _)) => Err(self.fault(rest, what)),
            Err(error) => Err(self.unread(error, what)),
        }
    }
}

/// Name, equals sign, value; devices leave out quotes where the grammar wants them.
fn parameter(input: &[u8]) -> Parsed<'_, (&str, &[u8])> {
    let (rest, name) = grammar::token(input)?;
    let (rest, _) = grammar::spaced(b'=')(rest)?;
    let (rest, value) = match rest.first() {
        Some(b'"') => grammar::quoted(rest).map_err(|_| grammar::failure(rest))?,
        _ => grammar::run1(rest, grammar::BARE_CREDENTIAL)?,
    };
    Ok((rest, (name, value)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::sample::headers;

    #[test]
    fn a_digest_is_read_quoted_or_not() {
        let h = headers(
            "Authorization: digest username=\"a\\\"b\",realm=\"x, y\" , nonce = \"n=\",\
             uri=\"sip:h;p=1,2\", qop=\"auth\", nc=00000001, cnonce=c,algorithm=SHA-512-256,\
             response=\"\"\r\n",
        );
        let credentials = h.authorizations().next().unwrap().unwrap();
        assert!(credentials.is_digest());
        let value = |name| credentials.parameter(name).map(|value| value.into_owned());
        assert_eq!(value("username").as_deref(), Some("a\"b"));
        assert_eq!(value("Realm").as_deref(), Some("x, y"));
        assert_eq!(value("nonce").as_deref(), Some("n="));
        assert_eq!(value("uri").as_deref(), Some("sip:h;p=1,2"));
        assert_eq!(value("qop").as_deref(), Some("auth"));
        assert_eq!(value("nc").as_deref(), Some("00000001"));
        assert_eq!(value("algorithm").as_deref(), Some("SHA-512-256"));
        assert_eq!(value("response").as_deref(), Some(""));
        assert_eq!(value("opaque"), None);
    }

    #[test]
    fn a_parameter_given_twice_is_refused() {
        let h = headers("Authorization: Digest username=\"a\", Username=\"b\"\r\n");
        assert!(h.authorizations().next().unwrap().is_err());
    }

    #[test]
    fn a_digest_that_breaks_off_is_refused() {
        for bad in
            ["Digest", "Digest a", "Digest a=", "Digest a=\"b", "Digest a=b c=d", "Digest a=b,"]
        {
            let h = headers(&format!("Authorization: {bad}\r\n"));
            assert!(h.authorizations().next().unwrap().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_scheme_we_do_not_know_is_told_by_name() {
        let h = headers("Authorization: NoOneKnows opaque-data here\r\n");
        let credentials = h.authorizations().next().unwrap().unwrap();
        assert_eq!(credentials.scheme, "NoOneKnows");
        assert!(!credentials.is_digest());
    }

    #[test]
    fn challenges_come_from_all_fields() {
        let h = headers(
            "WWW-Authenticate: Digest realm=\"a\", qop=\"auth,auth-int\", algorithm=SHA-256\r\n\
             WWW-Authenticate: Digest realm=\"a\"\r\nProxy-Authenticate: Basic x\r\n",
        );
        let challenges: Vec<_> = h.challenges().map(Result::unwrap).collect();
        assert_eq!(challenges.len(), 3);
        assert_eq!(challenges[0].parameter("qop").unwrap(), "auth,auth-int");
    }

    #[test]
    fn the_most_parameters_and_one_more() {
        let with = |count: usize| {
            let list: Vec<_> = (0..count).map(|n| format!("p{n}=x")).collect();
            let h = headers(&format!("Authorization: Digest {}\r\n", list.join(",")));
            h.authorizations().next().unwrap().is_ok()
        };
        assert!(with(AUTH_PARAMETERS_MAX));
        assert!(!with(AUTH_PARAMETERS_MAX + 1));
    }
}
