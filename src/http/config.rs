//! Settings of the HTTP side: where it listens, who may ask what.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::auth::Bearer;
use crate::base::identity::Aor;
use crate::base::limits::{CONTACTS_MAX, GROUP_MEMBERS_MAX, TOKENS_MAX};
use crate::base::uri::Uri;

/// Where it listens unless told otherwise: this machine alone can reach it.
const LISTEN: &str = "127.0.0.1:8060";

/// The settings of this room.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The address and port; empty: nowhere.
    pub listen: String,
    /// Who may ask what.
    #[serde(rename = "token")]
    pub tokens: Vec<Token>,
    /// Groups of people that can be asked for together, by name.
    #[serde(rename = "group")]
    pub groups: BTreeMap<String, Vec<String>>,
    /// Whose calls ring though a person is not to be disturbed, by person; `*` is everybody.
    #[serde(rename = "pass")]
    pub passes: BTreeMap<String, Vec<String>>,
    /// How people are reached besides what their devices say, by person.
    #[serde(rename = "contact")]
    pub contacts: BTreeMap<String, Vec<Contact>>,
}

/// One way to reach a person.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// The address.
    pub uri: String,
    /// By what it reaches; what is usual for its scheme if it does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// From 0 to 100, the greater first.
    #[serde(default = "usual_priority")]
    pub priority: u8,
    /// Its class, by which rules and policies speak of it, such as `private`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// The way to reach somebody.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// By a call.
    #[default]
    Voice,
    /// By a written message that is read soon.
    #[serde(alias = "message")]
    Chat,
    /// By a letter that waits.
    Mail,
}

/// A program that may ask.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// What it is called in logs.
    pub name: String,
    /// What it proves itself by.
    pub secret: Bearer,
    /// Whom it watches as: it sees what a SUBSCRIBE of this one would be shown.
    pub identity: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// The domains it speaks of, the first that of bare numbers; empty: all that are served.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub domains: Vec<String>,
}

/// What a token may do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// See others, as far as they let its identity.
    Read,
    /// Set the state of its own identity.
    Set,
    /// Set the state of anybody.
    SetAny,
    /// See every source and every watcher of anybody.
    Why,
    /// Read and write the rules of its own identity.
    Rules,
    /// Read and write the rules of anybody.
    RulesAny,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            listen: LISTEN.to_owned(),
            tokens: Vec::new(),
            groups: BTreeMap::new(),
            passes: BTreeMap::new(),
            contacts: BTreeMap::new(),
        }
    }
}

impl Config {
    /// What is wrong with these settings, naming the key.
    pub fn check(&self) -> Result<(), String> {
        self.address()?;
        if self.tokens.len() > TOKENS_MAX {
            return Err(format!("http.token: more than {TOKENS_MAX}"));
        }
        for (place, token) in self.tokens.iter().enumerate() {
            let Token { name, identity, scopes, .. } = token;
            if name.is_empty() || self.tokens.iter().take(place).any(|other| other.name == *name) {
                return Err("http.token: each needs a name of its own".to_owned());
            }
            if token.watcher().is_none() {
                return Err(format!(
                    "http.token: \"{identity}\" is no identity; write \"102@example.com\""
                ));
            }
            if scopes.is_empty() {
                return Err(format!("http.token: \"{name}\" has no scopes and may do nothing"));
            }
        }
        for (name, members) in &self.groups {
            if members.is_empty() || members.len() > GROUP_MEMBERS_MAX {
                return Err(format!(
                    "http.group: \"{name}\" needs 1 to {GROUP_MEMBERS_MAX} members"
                ));
            }
        }
        for (person, callers) in &self.passes {
            if callers.is_empty() || callers.len() > GROUP_MEMBERS_MAX {
                return Err(format!(
                    "http.pass: \"{person}\" needs 1 to {GROUP_MEMBERS_MAX} callers or groups"
                ));
            }
        }
        for (person, contacts) in &self.contacts {
            check_contacts(person, contacts)?;
        }
        Ok(())
    }

    /// Where to listen; `None`: nowhere.
    pub fn address(&self) -> Result<Option<SocketAddr>, String> {
        if self.listen.is_empty() {
            return Ok(None);
        }
        self.listen.parse().map(Some).map_err(|_| {
            format!(
                "http.listen: \"{}\" is no address and port; write \"{LISTEN}\", or \"\" for none",
                self.listen.escape_debug()
            )
        })
    }
}

impl Contact {
    /// By what it reaches.
    pub fn channel(&self) -> Channel {
        self.channel.or_else(|| Channel::of(&self.uri)).unwrap_or_default()
    }
}

impl Channel {
    /// What is usual for the scheme of an address.
    pub fn of(uri: &str) -> Option<Channel> {
        let (scheme, _) = uri.split_once(':')?;
        match scheme.to_ascii_lowercase().as_str() {
            "sip" | "sips" | "tel" => Some(Channel::Voice),
            "im" | "xmpp" | "sms" | "matrix" => Some(Channel::Chat),
            "mailto" => Some(Channel::Mail),
            _ => None,
        }
    }

    /// In a word.
    pub const fn as_text(self) -> &'static str {
        match self {
            Channel::Voice => "voice",
            Channel::Chat => "chat",
            Channel::Mail => "mail",
        }
    }
}

fn check_contacts(person: &str, contacts: &[Contact]) -> Result<(), String> {
    if contacts.is_empty() || contacts.len() > CONTACTS_MAX {
        return Err(format!("http.contact: \"{person}\" needs 1 to {CONTACTS_MAX} contacts"));
    }
    for Contact { uri, channel, priority, .. } in contacts {
        let uri = uri.escape_debug();
        let is_plain = !uri.to_string().contains(char::is_whitespace);
        let scheme = uri.to_string().split_once(':').is_some_and(|(_, rest)| !rest.is_empty());
        if !is_plain || !scheme {
            return Err(format!(
                "http.contact: \"{uri}\" of \"{person}\" is no address; write \"tel:+15550100\""
            ));
        }
        if channel.is_none() && Channel::of(&uri.to_string()).is_none() {
            return Err(format!(
                "http.contact: \"{uri}\" of \"{person}\" needs a channel: voice, chat or mail"
            ));
        }
        if *priority > 100 {
            return Err(format!("http.contact: a priority of \"{person}\" is above 100"));
        }
    }
    Ok(())
}

fn usual_priority() -> u8 {
    50
}

impl Token {
    /// The identity it watches as.
    pub fn watcher(&self) -> Option<Aor> {
        let uri = Uri::parse(&format!("sip:{}", self.identity.trim_start_matches("sip:"))).ok()?;
        uri.user()?;
        Some(Aor::from_parts(&uri.canonical_user(), &uri.canonical_host()))
    }

    /// Whether it may do something.
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, String> {
        let config: Config = toml::from_str(text).map_err(|fault| fault.to_string())?;
        config.check().map(|()| config)
    }

    fn token(rest: &str) -> String {
        format!("[[token]]\nname = \"a\"\nsecret = \"0123456789abcdef\"\n{rest}")
    }

    #[test]
    fn without_settings_this_machine_alone_is_served() {
        let address = Config::default().address().expect("an address").expect("somewhere");
        assert!(address.ip().is_loopback());
        assert_eq!(read("listen = \"\"").expect("settings").address(), Ok(None));
    }

    #[test]
    fn a_token_is_somebody_and_may_do_something() {
        let good = token("identity = \"102@Example.com\"\nscopes = [\"read\", \"set-any\"]\n");
        let config = read(&good).expect("settings");
        let watcher = config.tokens[0].watcher().expect("somebody");
        assert_eq!(watcher.as_str(), "102@example.com");
        assert!(config.tokens[0].may(Scope::SetAny) && !config.tokens[0].may(Scope::Why));
        for (text, told) in [
            (token("identity = \"example.com\"\nscopes = [\"read\"]\n"), "no identity"),
            (token("identity = \"a@b\"\nscopes = []\n"), "no scopes"),
            (format!("{good}{good}"), "name of its own"),
            ("listen = \"8060\"".to_owned(), "no address and port"),
            ("[group]\nx = []\n".to_owned(), "needs 1 to"),
            ("[contact]\n101 = [{ uri = \"fax:1\" }]\n".to_owned(), "needs a channel"),
            ("[contact]\n101 = [{ uri = \"1\" }]\n".to_owned(), "is no address"),
            ("[contact]\n101 = []\n".to_owned(), "needs 1 to"),
        ] {
            let error = read(&text).expect_err(&text);
            assert!(error.contains(told), "{error}");
        }
    }
}
