//! Credentials and challenges: Authorization, Proxy-Authorization, WWW-Authenticate,
//! Proxy-Authenticate (RFC 3261 §20.7, §20.44, RFC 7616).

use std::borrow::Cow;

use nom::Parser;
use nom::branch::alt;
use nom::bytes::complete::take_while1;
use nom::sequence::separated_pair;
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
        let (_, value) = self
            .parameters
            .iter()
            .find(|(there, _)| there.eq_ignore_ascii_case(name))?;
        match value {
            [b'"', inner @ .., b'"'] => std::str::from_utf8(inner).ok().map(grammar::unescaped),
            bare => std::str::from_utf8(bare).ok().map(Cow::Borrowed),
        }
    }

    fn parse(value: &'a [u8]) -> Parsed<'a, Credentials<'a>> {
        let (rest, scheme) = grammar::token(value)?;
        let mut credentials = Credentials {
            scheme,
            parameters: SmallVec::new(),
        };
        let (mut rest, _) = grammar::space(rest)?;
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
            rest = match grammar::spaced(",").parse(after) {
                Ok((next, _)) => next,
                Err(_) => return Ok((grammar::space(after)?.0, credentials)),
            };
        }
    }
}

impl Headers {
    /// The credentials of Authorization and Proxy-Authorization.
    pub fn authorizations(&self) -> impl Iterator<Item = Result<Credentials<'_>, Malformed>> {
        let own = self.values(HeaderId::Authorization);
        let proxy = self.values(HeaderId::ProxyAuthorization);
        own.chain(proxy)
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
    let bare = take_while1(|b: u8| b.is_ascii_graphic() && !matches!(b, b',' | b'"'));
    let value = alt((grammar::quoted, bare));
    separated_pair(grammar::token, grammar::spaced("="), value).parse(input)
}
