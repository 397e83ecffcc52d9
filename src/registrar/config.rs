//! The settings of the registrar.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::limits::{
    BINDINGS_MAX, REGISTRATION_EXPIRES_DEFAULT, REGISTRATION_EXPIRES_MAX, REGISTRATION_EXPIRES_MIN,
    REGISTRATION_EXPIRES_MIN_MAX,
};
use crate::base::span;
use crate::sip::Refusal;

/// The settings of the registrar.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Lifetime of a registration that did not ask for one.
    #[serde(with = "span::text")]
    pub expires_default: Duration,
    /// Least lifetime; shorter is refused with 423.
    #[serde(with = "span::text")]
    pub expires_min: Duration,
    /// Longest lifetime; longer is shortened.
    #[serde(with = "span::text")]
    pub expires_max: Duration,
    /// Contacts of one AoR; the next is refused with 403.
    pub bindings_max: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            expires_default: REGISTRATION_EXPIRES_DEFAULT,
            expires_min: REGISTRATION_EXPIRES_MIN,
            expires_max: REGISTRATION_EXPIRES_MAX,
            bindings_max: BINDINGS_MAX,
        }
    }
}

impl Config {
    /// Whether the settings make sense.
    pub fn check(&self) -> Result<(), String> {
        if self.expires_min > REGISTRATION_EXPIRES_MIN_MAX {
            return Err(format!(
                "registrar.expires_min: at most {} (RFC 3261 §10.3)",
                span::write(REGISTRATION_EXPIRES_MIN_MAX)
            ));
        }
        if !(self.expires_min..=self.expires_max).contains(&self.expires_default) {
            return Err(
                "registrar.expires_default: must lie between expires_min and expires_max".into()
            );
        }
        if self.expires_max < Duration::from_secs(1) {
            return Err("registrar.expires_max: at least 1s".into());
        }
        if self.bindings_max == 0 {
            return Err("registrar.bindings_max: at least 1".into());
        }
        Ok(())
    }

    /// The lifetime granted for what was asked: `None` is nothing readable, zero ends a binding.
    pub(super) fn granted(&self, asked: Option<u32>) -> Result<Duration, Refusal> {
        let Some(asked) = asked else {
            return Ok(self.expires_default);
        };
        let asked = Duration::from_secs(asked.into());
        // RFC 3261 §10.3 step 7: an hour is never too brief; `expires_min` is never more.
        if !asked.is_zero() && asked < self.expires_min {
            return Err(Refusal::IntervalTooBrief { min: self.expires_min });
        }
        Ok(asked.min(self.expires_max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_checked() {
        assert_eq!(Config::default().check(), Ok(()));
        let config = |text: &str| toml::from_str::<Config>(text).expect(text);
        assert_eq!(config("expires_min = \"30s\"\nexpires_max = \"1d\"").check(), Ok(()));
        for bad in [
            "expires_min = \"2h\"",
            "expires_default = \"3h\"",
            "expires_max = \"30m\"",
            "bindings_max = 0",
        ] {
            assert!(config(bad).check().is_err(), "{bad}");
        }
    }
}
