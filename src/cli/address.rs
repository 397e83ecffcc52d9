//! Whom a command is about, whom it asks, and as whom.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::{Fault, file};
use crate::base::span;
use crate::base::uri::{Scheme, Uri};
use crate::ua::{Account, Agent, Failure, Server};

/// The From of who does not say who it is (RFC 3261 §8.1.1.3).
const ANONYMOUS: &str = "sip:anonymous@anonymous.invalid";

/// The options by which an agent is reached.
#[derive(Args, Clone)]
pub struct Reach {
    /// The agent: [udp:|tcp:]HOST[:PORT]. Default: the host of URI, by UDP, and by TCP for what
    /// is too large for a datagram.
    #[arg(long, value_name = "SERVER", env = "FANAL_AGENT", value_parser = Server::parse)]
    pub server: Option<Server>,
    /// The name to prove by password.
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// A file whose first line is the password; "-" is standard input.
    #[arg(long, value_name = "FILE", requires = "user")]
    pub password_file: Option<PathBuf>,
    /// The URI of From. Default: who is published or registered; a watcher is its user name, or
    /// anonymous.
    #[arg(long, value_name = "URI")]
    pub from: Option<String>,
    /// Who to say one is, such as 102. Believed of trusted peers alone (`transport.trusted`), so
    /// a PBX or an administrator sees what 102 would see.
    #[arg(long = "as", value_name = "WHO", conflicts_with = "user")]
    pub asserted: Option<String>,
}

/// A URI and the way to its agent.
pub struct Target {
    /// The URI as it is sent.
    pub uri: Uri,
    server: Server,
    account: Account,
    asserted: Option<String>,
}

/// Who asks, where From is not given.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// The one the request is about.
    Itself,
    /// Somebody else.
    Watcher,
}

impl Reach {
    /// The URI a person means by `101`, `101@example.com` or `sip:101@example.com`, and where to
    /// ask about it.
    pub fn target(&self, text: &str, speaker: Speaker) -> Result<Target, Fault> {
        let uri = self.uri(text)?;
        let is_number = uri.scheme() == Scheme::Tel;
        let server = match &self.server {
            Some(server) => server.clone(),
            None if is_number => {
                return Err(Fault::usage("a tel: number names no host; give --server HOST"));
            }
            None if Server::is_beyond(&uri) => {
                return Err(Fault::usage("sips: needs TLS, which this command does not speak"));
            }
            None => Server::of(&uri),
        };
        let password = self.password()?;
        let asserted = self.asserted.as_deref().map(|who| self.uri(who)).transpose()?;
        let asserted = asserted.map(|uri| uri.as_str().to_owned());
        let from = match (&self.from, &self.user, speaker) {
            (Some(from), ..) => self.uri(from)?.as_str().to_owned(),
            (None, None, _) if asserted.is_some() => asserted.clone().unwrap_or_default(),
            (None, _, Speaker::Itself) => uri.bare(),
            (None, Some(user), Speaker::Watcher) if user.contains('@') => {
                self.uri(user)?.as_str().to_owned()
            }
            (None, Some(user), Speaker::Watcher) if !is_number => {
                format!("sip:{user}@{}", uri.host_text())
            }
            (None, ..) => ANONYMOUS.to_owned(),
        };
        if Uri::check(&from).is_err() {
            return Err(Fault::usage(format!("\"{from}\" is no URI; give --from URI")));
        }
        Ok(Target { uri, server, account: Account { uri: from, password }, asserted })
    }

    fn uri(&self, text: &str) -> Result<Uri, Fault> {
        let scheme = text.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
        let has_scheme =
            scheme.is_some_and(|scheme| matches!(&*scheme, "sip" | "sips" | "pres" | "tel"));
        let whole = match (has_scheme, text.contains('@'), &self.server) {
            (true, ..) => text.to_owned(),
            (false, true, _) => format!("sip:{text}"),
            (false, false, Some(server)) => format!("sip:{text}@{}", server.host_text()),
            (false, false, None) => format!("sip:{text}@localhost"),
        };
        let fault = || {
            Fault::usage(format!(
                "\"{}\" is no address; write 101, 101@example.com or sip:101@example.com",
                text.escape_debug()
            ))
        };
        let uri = Uri::parse(&whole).map_err(|_| fault())?;
        match uri.user() {
            Some(user) if !user.is_empty() => Ok(uri),
            _ if uri.scheme() == Scheme::Tel => Ok(uri),
            _ => Err(fault()),
        }
    }

    fn password(&self) -> Result<Option<(String, String)>, Fault> {
        let Some(user) = &self.user else { return Ok(None) };
        let Some(path) = &self.password_file else {
            return Err(Fault::usage("--user needs --password-file FILE (\"-\": standard input)"));
        };
        Ok(Some((user.clone(), read_password(path)?)))
    }
}

impl Target {
    /// Opens the way.
    pub async fn agent(&self) -> Result<Agent, Failure> {
        let mut agent = Agent::connect(&self.server, self.account.clone()).await?;
        if let Some(asserted) = &self.asserted {
            agent.assert_identity(asserted);
        }
        Ok(agent)
    }

    /// The agent asked, for people.
    pub fn server(&self) -> String {
        self.server.to_string()
    }

    /// Whom it is about, as short as people say it.
    pub fn short(&self) -> &str {
        self.uri.user().unwrap_or(self.uri.as_str())
    }
}

/// The first line of a file, which is a password.
pub fn read_password(path: &Path) -> Result<String, Fault> {
    let text = String::from_utf8(file::read(path)?)
        .map_err(|_| Fault::usage(format!("{}: the password is no text", path.display())))?;
    let line = text.lines().next().unwrap_or_default();
    match line.is_empty() {
        true => Err(Fault::usage(format!("{}: the first line is empty", path.display()))),
        false => Ok(line.to_owned()),
    }
}

/// A span of time on the command line; a bare number counts seconds.
pub fn span(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds) => Ok(Duration::from_secs(seconds)),
        Err(_) => span::parse(text).map_err(|error| error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(server: Option<&str>, user: Option<&str>) -> Reach {
        Reach {
            server: server.map(|text| Server::parse(text).expect("a server")),
            user: user.map(str::to_owned),
            password_file: None,
            from: None,
            asserted: None,
        }
    }

    #[test]
    fn people_write_addresses_short() {
        for (text, server, uri) in [
            ("101", None, "sip:101@localhost"),
            ("101", Some("tcp:[::1]:5070"), "sip:101@[::1]"),
            ("101@example.com", None, "sip:101@example.com"),
            ("sip:101@example.com", Some("udp:127.0.0.1"), "sip:101@example.com"),
            ("tel:+15551000", Some("127.0.0.1"), "tel:+15551000"),
        ] {
            let target = reach(server, None).target(text, Speaker::Watcher);
            assert_eq!(target.expect(text).uri.as_str(), uri);
        }
        for text in ["", "sip:example.com", "a b", "@example.com", "tel:+15551000", "sips:1@a"] {
            let fault = reach(None, None).target(text, Speaker::Watcher).err().expect(text);
            assert_eq!(fault.exit, super::super::EXIT_USAGE, "{text}");
        }
    }

    #[test]
    fn who_publishes_speaks_for_itself_and_who_watches_for_its_user() {
        let target = |speaker| reach(None, None).target("101@a.test;x=1", speaker).expect("target");
        assert_eq!(target(Speaker::Itself).account.uri, "sip:101@a.test");
        assert_eq!(target(Speaker::Watcher).account.uri, ANONYMOUS);
        let fault = reach(None, Some("102")).target("101", Speaker::Watcher).err().expect("fault");
        assert!(fault.what.contains("--password-file"), "{}", fault.what);
    }

    #[test]
    fn a_bare_number_counts_seconds() {
        assert_eq!(span("90"), Ok(Duration::from_secs(90)));
        assert_eq!(span("1m30s"), Ok(Duration::from_secs(90)));
        assert!(span("soon").is_err());
    }
}
