//! The settings of digest authentication.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::algorithm::Algorithm;
use crate::base::limits::{
    AUTH_FAILURES_MAX, AUTH_FAILURES_OF_SOURCE_MAX, AUTH_FAILURES_WITHIN, AUTH_REFUSED_FOR,
    AUTH_SPAN_MAX, AUTH_STRANGERS_MAX, NONCE_LIFE, NONCE_LIFE_MAX, NONCE_LIFE_MIN,
};
use crate::base::span;

/// The settings of digest authentication.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The realm of the challenges and of the users; empty means the first served domain, which
    /// the owner of the domains fills in.
    pub realm: String,
    /// How long a nonce serves.
    #[serde(with = "span::text")]
    pub nonce_life: Duration,
    /// The algorithms offered and accepted, the one to prefer first.
    pub algorithms: Vec<Algorithm>,
    /// Which requests may come without `qop`, in the form of RFC 2069.
    pub allow_no_qop: NoQop,
    /// Wrong passwords for one user name from one address, after which it is refused; 0: never.
    pub failures_max: u32,
    /// Wrong passwords from one address, after which it is refused; 0: never.
    pub failures_of_source_max: u32,
    /// The time within which they are counted.
    #[serde(with = "span::text")]
    pub failures_within: Duration,
    /// How long they are refused.
    #[serde(with = "span::text")]
    pub refused_for: Duration,
    /// Requests from one address that prove nothing and are answered in ten seconds; 0: all.
    pub strangers_max: u32,
}

/// Which requests may come without `qop`: old phones know no other form, but it protects
/// neither count nor body (RFC 3261 §22.4 item 8).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoQop {
    /// None.
    Never,
    /// All but PUBLISH, each with a nonce of its own.
    ExceptPublish,
    /// All, each with a nonce of its own.
    Always,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            realm: String::new(),
            nonce_life: NONCE_LIFE,
            algorithms: vec![Algorithm::Sha256, Algorithm::Md5],
            allow_no_qop: NoQop::ExceptPublish,
            failures_max: AUTH_FAILURES_MAX,
            failures_of_source_max: AUTH_FAILURES_OF_SOURCE_MAX,
            failures_within: AUTH_FAILURES_WITHIN,
            refused_for: AUTH_REFUSED_FOR,
            strangers_max: AUTH_STRANGERS_MAX,
        }
    }
}

impl Config {
    /// Whether the settings make sense.
    pub fn check(&self) -> Result<(), String> {
        if self.realm.chars().any(char::is_control) {
            return Err("auth.realm: control characters cannot be sent".to_owned());
        }
        if !(NONCE_LIFE_MIN..=NONCE_LIFE_MAX).contains(&self.nonce_life) {
            return Err(format!(
                "auth.nonce_life: write a span from {} to {}",
                span::write(NONCE_LIFE_MIN),
                span::write(NONCE_LIFE_MAX)
            ));
        }
        for (key, span) in
            [("failures_within", self.failures_within), ("refused_for", self.refused_for)]
        {
            if span.is_zero() || span > AUTH_SPAN_MAX {
                let most = span::write(AUTH_SPAN_MAX);
                return Err(format!("auth.{key}: write a span above 0s, at most {most}"));
            }
        }
        if self.algorithms.is_empty() {
            return Err("auth.algorithms: name at least one, such as \"SHA-256\"".to_owned());
        }
        // RFC 8760 §2.3: no algorithm twice for one realm.
        for (place, algorithm) in self.algorithms.iter().enumerate() {
            if self.algorithms.iter().take(place).any(|a| a == algorithm) {
                return Err(format!("auth.algorithms: {algorithm} is there twice"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_checked() {
        let config = |text: &str| toml::from_str::<Config>(text);
        let read = config("algorithms = [\"MD5\"]\nnonce_life = \"1m\"\nallow_no_qop = \"never\"");
        let read = read.expect("settings");
        assert_eq!(read.nonce_life, Duration::from_secs(60));
        assert_eq!(read.check(), Ok(()));
        for bad in [
            "nonce_life = \"1s\"",
            "nonce_life = \"2d\"",
            "refused_for = \"0s\"",
            "failures_within = \"2d\"",
            "algorithms = []",
            "algorithms = [\"MD5\", \"MD5\"]",
            "realm = \"a\\nb\"",
        ] {
            assert!(config(bad).expect(bad).check().is_err(), "{bad}");
        }
        assert!(config("algorithms = [\"SHA1\"]").is_err());
        assert!(config("nonce = \"5m\"").is_err());
    }
}
