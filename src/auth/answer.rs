//! The answer to a challenge as a request carries it, and the response it should have (RFC 7616
//! §3.4).

use std::borrow::Cow;

use super::algorithm::{Algorithm, HexDigest};
use crate::sip::{Credentials, Malformed};

/// The credentials of a request, checked for form.
pub(super) struct Answer<'a> {
    pub username: Cow<'a, str>,
    pub nonce: Cow<'a, str>,
    pub uri: Cow<'a, str>,
    pub response: Cow<'a, str>,
    /// `None` if it is none of ours.
    pub algorithm: Option<Algorithm>,
    /// `None` in the form of RFC 2069.
    pub protection: Option<Protection<'a>>,
}

/// What comes with `qop`. The texts are hashed as they were sent.
pub(super) struct Protection<'a> {
    qop: Cow<'a, str>,
    covers_body: bool,
    count_text: Cow<'a, str>,
    pub count: u32,
    cnonce: Cow<'a, str>,
}

impl<'a> Answer<'a> {
    pub fn read(credentials: &Credentials<'a>) -> Result<Answer<'a>, Malformed> {
        let needed = |name, what| credentials.parameter(name).ok_or(Malformed::at(0, what));
        Ok(Answer {
            username: needed("username", "a username in Authorization")?,
            nonce: needed("nonce", "a nonce in Authorization")?,
            uri: needed("uri", "a uri in Authorization")?,
            response: needed("response", "a response in Authorization")?,
            // RFC 7616 §3.4: without an algorithm it is MD5.
            algorithm: match credentials.parameter("algorithm") {
                None => Some(Algorithm::Md5),
                Some(name) => Algorithm::from_text(&name),
            },
            protection: match credentials.parameter("qop") {
                None => None,
                Some(qop) => Some(Protection::read(credentials, qop)?),
            },
        })
    }

    /// The response that a client who knows the password sends (RFC 7616 §3.4.1).
    pub fn expected(
        &self,
        algorithm: Algorithm,
        ha1: &HexDigest,
        method: &str,
        body: &[u8],
    ) -> HexDigest {
        let method = method.as_bytes();
        let uri = self.uri.as_bytes();
        let covers_body = self.protection.as_ref().is_some_and(|p| p.covers_body);
        let ha2 = if covers_body {
            let body = algorithm.hash(&[body]);
            algorithm.hash(&[method, uri, body.as_bytes()])
        } else {
            algorithm.hash(&[method, uri])
        };
        let nonce = self.nonce.as_bytes();
        match &self.protection {
            None => algorithm.hash(&[ha1.as_bytes(), nonce, ha2.as_bytes()]),
            Some(protection) => algorithm.hash(&[
                ha1.as_bytes(),
                nonce,
                protection.count_text.as_bytes(),
                protection.cnonce.as_bytes(),
                protection.qop.as_bytes(),
                ha2.as_bytes(),
            ]),
        }
    }
}

impl<'a> Protection<'a> {
    fn read(credentials: &Credentials<'a>, qop: Cow<'a, str>) -> Result<Self, Malformed> {
        let fault = |what| Malformed::at(0, what);
        let covers_body = qop.eq_ignore_ascii_case("auth-int");
        if !covers_body && !qop.eq_ignore_ascii_case("auth") {
            return Err(fault("qop auth or auth-int in Authorization"));
        }
        let wanted = "an nc of eight hexadecimal digits in Authorization";
        let count_text = credentials.parameter("nc").ok_or(fault(wanted))?;
        let digits = count_text.len() == 8 && count_text.bytes().all(|b| b.is_ascii_hexdigit());
        let count = u32::from_str_radix(&count_text, 16).ok().filter(|_| digits);
        Ok(Protection {
            covers_body,
            count: count.ok_or(fault(wanted))?,
            cnonce: credentials.parameter("cnonce").ok_or(fault("a cnonce in Authorization"))?,
            qop,
            count_text,
        })
    }
}

/// A quoted string that means `text`.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 7616 §3.9.1 and RFC 2617 §3.5.
    #[test]
    fn the_response_is_that_of_the_examples() {
        let example = |nonce: &'static str, cnonce: &'static str| Answer {
            username: "Mufasa".into(),
            nonce: nonce.into(),
            uri: "/dir/index.html".into(),
            response: "".into(),
            algorithm: None,
            protection: Some(Protection {
                qop: "auth".into(),
                covers_body: false,
                count_text: "00000001".into(),
                count: 1,
                cnonce: cnonce.into(),
            }),
        };
        let expected = |answer: &Answer<'_>, algorithm: Algorithm, realm, password| {
            let ha1 = algorithm.ha1("Mufasa", realm, password);
            let digest = answer.expected(algorithm, &ha1, "GET", b"");
            digest.as_str().to_owned()
        };
        let new = example(
            "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        );
        let (realm, password) = ("http-auth@example.org", "Circle of Life");
        assert_eq!(
            expected(&new, Algorithm::Sha256, realm, password),
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
        );
        assert_eq!(
            expected(&new, Algorithm::Md5, realm, password),
            "8ca523f5e9506fed4657c9700eebdbec"
        );
        let old = example("dcd98b7102dd2f0e8b11d0f600bfb0c093", "0a4f113b");
        assert_eq!(
            expected(&old, Algorithm::Md5, "testrealm@host.com", "Circle Of Life"),
            "6629fae49393a05397450978507c4ef1"
        );
    }
}
