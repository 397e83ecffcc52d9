//! Answering a challenge (RFC 7616 §3.4, RFC 3261 §22), for the command line and simulated
//! phones.

use super::algorithm::Algorithm;
use super::answer::quoted;
use crate::sip::{Credentials, Response, Status};

/// Knows one password, and the challenge it last answered.
pub struct Answerer {
    username: String,
    password: String,
    current: Option<Challenge>,
}

/// A challenge that can be answered, and how often it was.
struct Challenge {
    header: &'static str,
    realm: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: Algorithm,
    /// Whether the challenge named its algorithm; one of RFC 2069 did not.
    names_algorithm: bool,
    qop: Option<&'static str>,
    count: u32,
}

/// What an answer is about.
struct Subject<'a> {
    method: &'a str,
    uri: &'a str,
    body: &'a [u8],
}

impl Answerer {
    /// For one user.
    pub fn new(username: &str, password: &str) -> Answerer {
        Answerer { username: username.to_owned(), password: password.to_owned(), current: None }
    }

    /// The header, by name and value, with which the request is to be sent again. The topmost
    /// challenge whose algorithm is known here is taken (RFC 8760 §2.4); `None` if there is none.
    pub fn answer(
        &mut self,
        response: &Response,
        method: &str,
        uri: &str,
        body: &[u8],
        cnonce: u64,
    ) -> Option<(&'static str, String)> {
        let header = match response.status() {
            Status::PROXY_AUTHENTICATION_REQUIRED => "Proxy-Authorization",
            _ => "Authorization",
        };
        let mut challenges = response.headers().challenges().flatten();
        let challenge = challenges.find_map(|credentials| Challenge::read(header, &credentials))?;
        // The same nonce again goes on counting, else the server would see a replay.
        match &mut self.current {
            Some(current) if current.nonce == challenge.nonce => {
                let count = current.count;
                *current = Challenge { count, ..challenge };
            }
            current => *current = Some(challenge),
        }
        self.again(method, uri, body, cnonce)
    }

    /// The header for a further request, from the challenge last answered; saves a round trip.
    /// `None` if there was none, or it can serve only once.
    pub fn again(
        &mut self,
        method: &str,
        uri: &str,
        body: &[u8],
        cnonce: u64,
    ) -> Option<(&'static str, String)> {
        let challenge = self.current.as_mut()?;
        if challenge.qop.is_none() && challenge.count > 0 {
            return None;
        }
        challenge.count = challenge.count.checked_add(1)?;
        let subject = Subject { method, uri, body };
        let value = challenge.answer(&self.username, &self.password, &subject, cnonce);
        Some((challenge.header, value))
    }

    /// Forgets the challenge: the next request waits to be challenged.
    pub fn forget(&mut self) {
        self.current = None;
    }
}

/// Without the password.
impl std::fmt::Debug for Answerer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answerer").field("username", &self.username).finish_non_exhaustive()
    }
}

impl Challenge {
    /// `None` if it cannot be answered: another scheme, algorithm or protection.
    fn read(header: &'static str, credentials: &Credentials<'_>) -> Option<Challenge> {
        if !credentials.is_digest() {
            return None;
        }
        let named = credentials.parameter("algorithm");
        let algorithm = match &named {
            None => Algorithm::Md5,
            Some(name) => Algorithm::from_text(name)?,
        };
        let qop = match credentials.parameter("qop") {
            None => None,
            Some(offered) => Some(
                ["auth", "auth-int"]
                    .into_iter()
                    .find(|qop| offered.split(',').any(|o| o.trim().eq_ignore_ascii_case(qop)))?,
            ),
        };
        Some(Challenge {
            header,
            realm: credentials.parameter("realm")?.into_owned(),
            nonce: credentials.parameter("nonce")?.into_owned(),
            opaque: credentials.parameter("opaque").map(|opaque| opaque.into_owned()),
            algorithm,
            names_algorithm: named.is_some(),
            qop,
            count: 0,
        })
    }

    fn answer(&self, username: &str, password: &str, subject: &Subject<'_>, cnonce: u64) -> String {
        let Challenge { realm, nonce, algorithm, .. } = self;
        let ha1 = algorithm.ha1(username, realm, password);
        let ha2 = self.ha2(subject);
        let cnonce = format!("{cnonce:016x}");
        let count = format!("{:08x}", self.count);
        let mut parts = vec![ha1.as_bytes(), nonce.as_bytes()];
        if let Some(qop) = self.qop {
            parts.extend([count.as_bytes(), cnonce.as_bytes(), qop.as_bytes()]);
        }
        parts.push(ha2.as_bytes());
        let response = algorithm.hash(&parts);
        let mut value = format!(
            "Digest username={}, realm={}, nonce={}, uri={}, response=\"{}\"",
            quoted(username),
            quoted(realm),
            quoted(nonce),
            quoted(subject.uri),
            response.as_str(),
        );
        if self.names_algorithm {
            value.push_str(&format!(", algorithm={algorithm}"));
        }
        if let Some(opaque) = &self.opaque {
            value.push_str(&format!(", opaque={}", quoted(opaque)));
        }
        if let Some(qop) = self.qop {
            value.push_str(&format!(", qop={qop}, nc={count}, cnonce=\"{cnonce}\""));
        }
        value
    }

    fn ha2(&self, subject: &Subject<'_>) -> super::algorithm::HexDigest {
        let (method, uri) = (subject.method.as_bytes(), subject.uri.as_bytes());
        if self.qop != Some("auth-int") {
            return self.algorithm.hash(&[method, uri]);
        }
        let body = self.algorithm.hash(&[subject.body]);
        self.algorithm.hash(&[method, uri, body.as_bytes()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::{Message, parse};

    fn response(status: u16, lines: &[&str]) -> Response {
        let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        let text = format!(
            "SIP/2.0 {status} No\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKnashds\r\n\
             From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 X\r\n\
             {lines}Content-Length: 0\r\n\r\n"
        );
        match parse::message(text.into()).expect("a message") {
            Message::Response(response) => response,
            Message::Request(_) => panic!("a response became a request"),
        }
    }

    fn answer(status: u16, lines: &[&str]) -> Option<(&'static str, String)> {
        let response = response(status, lines);
        Answerer::new("ali", "secret").answer(&response, "PUBLISH", "sip:b", b"x", 1)
    }

    #[test]
    fn the_topmost_challenge_that_is_understood_is_answered() {
        let (header, value) = answer(
            401,
            &[
                "WWW-Authenticate: Basic realm=\"r\"",
                "WWW-Authenticate: Digest realm=\"r\", nonce=\"0\", algorithm=SHA-999, qop=\"auth\"",
                "WWW-Authenticate: Digest realm=\"r\", nonce=\"1\", algorithm=SHA-256, qop=\"auth\"",
                "WWW-Authenticate: Digest realm=\"r\", nonce=\"2\", algorithm=MD5, qop=\"auth\"",
            ],
        )
        .expect("an answer");
        assert_eq!(header, "Authorization");
        assert!(value.contains("nonce=\"1\"") && value.contains("algorithm=SHA-256, qop=auth,"));
    }

    #[test]
    fn a_proxy_is_answered_in_its_own_header_and_gets_its_opaque_back() {
        let challenge = "Proxy-Authenticate: Digest realm=\"r\", nonce=\"n\", opaque=\"o\\\"o\"";
        let (header, value) = answer(407, &[challenge]).expect("an answer");
        assert_eq!(header, "Proxy-Authorization");
        assert!(value.contains(r#"opaque="o\"o""#), "{value}");
        for absent in ["algorithm", "qop", "nc=", "cnonce"] {
            assert!(!value.contains(absent), "{value}");
        }
    }

    #[test]
    fn auth_goes_before_auth_int() {
        let line = |qop: &str| format!("WWW-Authenticate: Digest realm=r, nonce=n, qop=\"{qop}\"");
        let qop_of = |offered: &str| answer(401, &[&line(offered)]).map(|(_, value)| value);
        assert!(qop_of("auth-int, auth").is_some_and(|value| value.contains("qop=auth, ")));
        assert!(qop_of("auth-int").is_some_and(|value| value.contains("qop=auth-int, ")));
        assert_eq!(qop_of("token"), None);
    }

    #[test]
    fn every_use_of_a_nonce_counts_on() {
        let first = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"";
        let first = response(401, &[first]);
        let mut client = Answerer::new("ali", "secret");
        assert_eq!(client.again("X", "sip:b", b"", 1), None, "no challenge yet");
        let count = |answer: Option<(&str, String)>| {
            let (_, value) = answer.expect("an answer");
            let (_, rest) = value.split_once("nc=").expect("a count");
            rest.get(..8).expect("eight digits").to_owned()
        };
        assert_eq!(count(client.answer(&first, "X", "sip:b", b"", 1)), "00000001");
        assert_eq!(count(client.again("X", "sip:b", b"", 2)), "00000002");
        assert_eq!(count(client.answer(&first, "X", "sip:b", b"", 3)), "00000003");
        let second = "WWW-Authenticate: Digest realm=\"r\", nonce=\"m\", qop=\"auth\"";
        let second = response(401, &[second]);
        assert_eq!(count(client.answer(&second, "X", "sip:b", b"", 4)), "00000001");
        client.forget();
        assert_eq!(client.again("X", "sip:b", b"", 5), None);
    }

    #[test]
    fn without_qop_a_nonce_is_used_once() {
        let old = response(401, &["WWW-Authenticate: Digest realm=\"r\", nonce=\"n\""]);
        let mut client = Answerer::new("ali", "secret");
        assert!(client.answer(&old, "X", "sip:b", b"", 1).is_some());
        assert_eq!(client.again("X", "sip:b", b"", 2), None);
    }

    #[test]
    fn a_line_end_in_a_challenge_stays_out_of_the_answer() {
        assert!(!format!("{:?}", Answerer::new("ali", "secret")).contains("secret"));
        let folded = "WWW-Authenticate: Digest realm=\"a\r\n b\", nonce=\"n\"";
        let (_, value) = answer(401, &[folded]).expect("an answer");
        assert!(!value.contains(['\r', '\n']), "{value}");
    }
}
