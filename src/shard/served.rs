//! Which URIs are ours to serve, and the AoR each means.

use std::sync::Arc;

use super::config::{Door, Presentities, ServerConfig};
use crate::auth::Users;
use crate::base::identity::Aor;
use crate::base::uri::{Host, Scheme, Uri};
use crate::sip::Refusal;

/// The domains served.
#[derive(Clone, Debug)]
pub struct Served {
    domains: Vec<String>,
    /// Other names and addresses of the first domain.
    aliases: Vec<String>,
    presentities: Presentities,
    users: Arc<Users>,
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
            domains: config.domains.iter().map(canonical).collect(),
            aliases,
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
    pub fn resolve(&self, uri: &Uri) -> Result<Aor, Refusal> {
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
    pub fn address(&self, uri: &Uri) -> Result<Aor, Refusal> {
        match uri.scheme() {
            Scheme::Sip | Scheme::Sips | Scheme::Pres => {
                let domain = self.domain(&uri.canonical_host()).ok_or(Refusal::NotServed)?;
                Ok(Aor::from_parts(&uri.canonical_user(), domain))
            }
            // A number without a domain is a number of ours.
            Scheme::Tel => {
                let domain = self.domains.first().ok_or(Refusal::NotServed)?;
                Ok(Aor::from_parts(&uri.canonical_user(), domain))
            }
            Scheme::Other => Err(Refusal::UnsupportedScheme),
        }
    }

    /// Whether the host of a URI is ours, user or no user.
    pub fn serves(&self, uri: &Uri) -> bool {
        match uri.scheme() {
            Scheme::Sip | Scheme::Sips | Scheme::Pres => {
                self.domain(&uri.canonical_host()).is_some()
            }
            Scheme::Tel => true,
            Scheme::Other => false,
        }
    }

    /// The domain used where none is named.
    pub fn first_domain(&self) -> &str {
        self.domains.first().map_or("localhost", String::as_str)
    }

    fn domain(&self, host: &str) -> Option<&str> {
        if let Some(domain) = self.domains.iter().find(|domain| *domain == host) {
            return Some(domain);
        }
        let first = self.domains.first()?;
        self.aliases.iter().any(|alias| alias == host).then_some(first)
    }
}

fn bracketed(ip: std::net::IpAddr) -> String {
    match ip.to_canonical() {
        std::net::IpAddr::V4(ip) => ip.to_string(),
        std::net::IpAddr::V6(ip) => format!("[{ip}]"),
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
            Host::Ip(ip) => bracketed(ip),
            Host::Name(name) => name.to_ascii_lowercase(),
        },
        Err(_) => canonical_host(text),
    }
}
