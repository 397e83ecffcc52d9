//! Credentials as a phone computes them (RFC 7616 §3.4), with nothing of the agent's.

use md5::Md5;
use sha2::{Digest, Sha256, Sha512_256};

use super::message::{Got, split_list};
use super::phone::Req;

/// A challenge as it was written.
#[derive(Clone, Debug)]
pub struct Challenge {
    pub scheme: String,
    /// Names and values in order, quotes kept.
    pub parameters: Vec<(String, String)>,
}

impl Challenge {
    pub fn read(value: &str) -> Challenge {
        let (scheme, rest) = value.split_once(' ').expect("a scheme");
        let parameters = split_list(rest)
            .iter()
            .map(|part| part.split_once('=').expect("name=value"))
            .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        Challenge { scheme: scheme.to_owned(), parameters }
    }

    /// All challenges of a 401.
    pub fn all(response: &Got) -> Vec<Challenge> {
        response.all("WWW-Authenticate").map(Challenge::read).collect()
    }

    /// The challenge of a 401 for one algorithm.
    pub fn of(response: &Got, algorithm: &str) -> Challenge {
        Challenge::all(response)
            .into_iter()
            .find(|challenge| challenge.text("algorithm") == algorithm)
            .unwrap_or_else(|| panic!("a challenge with {algorithm}: {response:?}"))
    }

    /// A parameter with its quotes; empty if there is none.
    pub fn raw(&self, name: &str) -> &str {
        self.parameters.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// A parameter without its quotes.
    pub fn text(&self, name: &str) -> &str {
        self.raw(name).trim_matches('"')
    }
}

/// What goes into one set of credentials. Any part may be bent before it is written.
#[derive(Clone, Debug)]
pub struct Credentials {
    pub username: String,
    pub password: String,
    pub realm: String,
    pub nonce: String,
    pub uri: String,
    pub method: String,
    pub algorithm: String,
    /// `auth`, `auth-int`, or empty for the form of RFC 2069.
    pub qop: String,
    pub count: u32,
    pub cnonce: String,
    /// What the body hash of `auth-int` is made of.
    pub body: String,
}

impl Credentials {
    /// The credentials of a user for a request, by a challenge, with `qop=auth`.
    pub fn new(username: &str, password: &str, challenge: &Challenge, request: &Req) -> Self {
        Credentials {
            username: username.to_owned(),
            password: password.to_owned(),
            realm: challenge.text("realm").to_owned(),
            nonce: challenge.text("nonce").to_owned(),
            uri: request.uri.clone(),
            method: request.method.clone(),
            algorithm: challenge.text("algorithm").to_owned(),
            qop: "auth".to_owned(),
            count: 1,
            cnonce: "0a4f113b".to_owned(),
            body: request.body.clone(),
        }
    }

    pub fn counted(mut self, count: u32) -> Self {
        self.count = count;
        self
    }

    pub fn response(&self) -> String {
        let hash = |text: String| hash(&self.algorithm, &text);
        let first = hash(format!("{}:{}:{}", self.username, self.realm, self.password));
        let second = match self.qop.as_str() {
            "auth-int" => hash(format!("{}:{}:{}", self.method, self.uri, hash(self.body.clone()))),
            _ => hash(format!("{}:{}", self.method, self.uri)),
        };
        match self.qop.as_str() {
            "" => hash(format!("{first}:{}:{second}", self.nonce)),
            qop => hash(format!(
                "{first}:{}:{:08x}:{}:{qop}:{second}",
                self.nonce, self.count, self.cnonce
            )),
        }
    }

    /// The value of Authorization, `qop` and `nc` without quotes.
    pub fn line(&self) -> String {
        let mut line = format!(
            "Digest username=\"{}\", realm=\"{}\", nonce=\"{}\", uri=\"{}\", response=\"{}\"",
            self.username,
            self.realm,
            self.nonce,
            self.uri,
            self.response()
        );
        if !self.algorithm.is_empty() {
            line.push_str(&format!(", algorithm={}", self.algorithm));
        }
        if !self.qop.is_empty() {
            line.push_str(&format!(
                ", qop={}, nc={:08x}, cnonce=\"{}\"",
                self.qop, self.count, self.cnonce
            ));
        }
        line
    }
}

fn hash(algorithm: &str, text: &str) -> String {
    let hex = |octets: &[u8]| octets.iter().map(|octet| format!("{octet:02x}")).collect();
    match algorithm {
        "SHA-256" => hex(&Sha256::digest(text)),
        "SHA-512-256" => hex(&Sha512_256::digest(text)),
        _ => hex(&Md5::digest(text)),
    }
}
