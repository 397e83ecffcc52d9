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
        Answerer {
            username: username.to_owned(),
            password: password.to_owned(),
            current: None,
        }
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
        f.debug_struct("Answerer")
            .field("username", &self.username)
            .finish_non_exhaustive()
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
            Some(offered) => Some(["auth", "auth-int"].into_iter().find(|qop| {
                offered
                    .split(',')
                    .any(|o| o.trim().eq_ignore_ascii_case(qop))
            })?),
        };
        Some(Challenge {
            header,
            realm: credentials.parameter("realm")?.into_owned(),
            nonce: credentials.parameter("nonce")?.into_owned(),
            opaque: credentials
                .parameter("opaque")
                .map(|opaque| opaque.into_owned()),
            algorithm,
            names_algorithm: named.is_some(),
            qop,
            count: 0,
        })
    }

    fn answer(&self, username: &str, password: &str, subject: &Subject<'_>, cnonce: u64) -> String {
        let Challenge {
            realm,
            nonce,
            algorithm,
            ..
        } = self;
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
