//! Which URIs are ours to serve, and the AoR each means.

use std::net::IpAddr;
use std::sync::Arc;

use super::config::{Door, Presentities, ServerConfig};
use crate::auth::Users;
use crate::base::identity::Aor;
use crate::base::uri::{self, Scheme, Uri, UriRef};
use crate::sip::Refusal;

/// The domains served.
#[derive(Clone, Debug)]
pub struct Served {
    domains: Vec<Host>,
    /// Other names and addresses of the first domain.
    aliases: Vec<Host>,
    presentities: Presentities,
    users: Arc<Users>,
}

/// A host of ours as an AoR has it.
#[derive(Clone, Debug)]
struct Host {
    text: String,
    ip: Option<IpAddr>,
}

impl Host {
    fn new(text: String) -> Host {
        let bare = text.trim_start_matches('[').trim_end_matches(']');
        Host { ip: bare.parse().ok(), text }
    }

    fn is_of(&self, uri: UriRef<'_>) -> bool {
        match uri.ip() {
            Some(ip) => self.ip == Some(ip),
            None => self.text.eq_ignore_ascii_case(uri.name()),
        }
    }
}

impl Served {
    /// From the settings: the addresses listened on are aliases of the first domain, since that
    /// is what phones of a small office are set to.
    pub fn new(config: &ServerConfig, doors: &[Door], users: Arc<Users>) -> Served {
        let canonical = |text: &String| canonical_host(text);
        let mut aliases: Vec<String> = config.aliases.iter().map(canonical).collect();
        for door in doors {
            let ip = door.local.ip();
            if ip.is_unspecified() {
                aliases.extend(door.primary.map(bracketed));
                aliases.extend(["127.0.0.1".to_owned(), "[::1]".to_owned()]);
            } else {
                aliases.push(bracketed(ip));
            }
            aliases.extend(door.advertise.as_deref().map(advertised_host));
        }
        Served {
            domains: config.domains.iter().map(canonical).map(Host::new).collect(),
            aliases: aliases.into_iter().map(Host::new).collect(),
            presentities: config.presentities,
            users,
        }
    }

    /// The set of users was replaced.
    pub fn replace_users(&mut self, users: Arc<Users>) {
        self.users = users;
    }

    /// The AoR a URI means: 416 for a scheme that has none, 404 for a domain or a user that is
    /// not ours (RFC 3261 §8.2.2.1, RFC 3903 §6 step 1).
    pub fn resolve<'u>(&self, uri: impl Into<UriRef<'u>>) -> Result<Aor, Refusal> {
        let aor = self.address(uri)?;
        self.check(&aor)?;
        Ok(aor)
    }

    /// 404 for somebody who does not exist.
    pub fn check(&self, aor: &Aor) -> Result<(), Refusal> {
        let exists = match self.presentities {
            Presentities::Any => !aor.user().is_empty(),
            Presentities::Known => self.users.has(aor),
        };
        if exists { Ok(()) } else { Err(Refusal::NotServed) }
    }

    /// As [`Served::resolve`], whether or not such a user exists.
    pub fn address<'u>(&self, uri: impl Into<UriRef<'u>>) -> Result<Aor, Refusal> {
        let uri = uri.into();
        let domain = match uri.scheme() {
            Scheme::Sip | Scheme::Sips | Scheme::Pres => self.domain(uri),
            // A number without a domain is a number of ours.
            Scheme::Tel => self.domains.first(),
            Scheme::Other => return Err(Refusal::UnsupportedScheme),
        };
        let domain = domain.ok_or(Refusal::NotServed)?;
        Ok(Aor::from_parts(&uri.canonical_user(), &domain.text))
    }

    /// Whether the host of a URI is ours, user or no user.
    pub fn serves<'u>(&self, uri: impl Into<UriRef<'u>>) -> bool {
        let uri = uri.into();
        match uri.scheme() {
            Scheme::Sip | Scheme::Sips | Scheme::Pres => self.domain(uri).is_some(),
            Scheme::Tel => true,
            Scheme::Other => false,
        }
    }

    /// The domain used where none is named.
    pub fn first_domain(&self) -> &str {
        self.domains.first().map_or("localhost", |domain| &domain.text)
    }

    fn domain(&self, uri: UriRef<'_>) -> Option<&Host> {
        let first = self.domains.first()?;
        let named = self.domains.iter().find(|domain| domain.is_of(uri));
        named.or_else(|| self.aliases.iter().any(|alias| alias.is_of(uri)).then_some(first))
    }
}

fn bracketed(ip: IpAddr) -> String {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

/// A host from the settings as URIs are compared with it.
fn canonical_host(text: &str) -> String {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    match bare.parse() {
        Ok(ip) => bracketed(ip),
        Err(_) => text.to_ascii_lowercase(),
    }
}

fn advertised_host(text: &str) -> String {
    match Uri::parse(&format!("sip:{text}")) {
        Ok(uri) => match uri.host() {
            uri::Host::Ip(ip) => bracketed(ip),
            uri::Host::Name(name) => name.to_ascii_lowercase(),
        },
        Err(_) => canonical_host(text),
    }
}
