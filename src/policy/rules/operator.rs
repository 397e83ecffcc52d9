//! The operator's rules: who may watch whom.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::base::identity::{Aor, Identity};
use crate::base::limits::POLICY_RULES_MAX;
use crate::base::uri::Uri;
use crate::policy::verdict::Verdict;

/// The settings of this room.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The verdict when no rule applies.
    pub default: Verdict,
    /// The file with the policy of the organisation; empty for none.
    pub organisation_file: PathBuf,
    /// The folder with the rules of persons; empty for none.
    pub documents: PathBuf,
    /// The rules. Their order does not matter.
    #[serde(rename = "rule")]
    pub rules: Vec<Rule>,
}

/// One rule as it is written: it applies when both sides match. A side is `*` for anybody,
/// `*@example.org` for anybody of a domain, or `102@example.com`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Who watches. Only `*` matches a watcher whose identity was not proven.
    #[serde(default = "anybody")]
    pub watcher: String,
    /// Who is watched.
    #[serde(default = "anybody")]
    pub presentity: String,
    /// What the watcher gets.
    pub verdict: Verdict,
}

/// The rules, ready to be asked.
#[derive(Clone, Debug)]
pub struct Rules {
    default: Verdict,
    rules: Vec<Ready>,
}

#[derive(Clone, Debug)]
struct Ready {
    watcher: Pattern,
    presentity: Pattern,
    verdict: Verdict,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Pattern {
    Anybody,
    Domain(String),
    One(Aor),
    /// What cannot be read matches nobody, so a rule that cannot be read never applies.
    Nobody,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            default: Verdict::Allow,
            organisation_file: PathBuf::new(),
            documents: PathBuf::new(),
            rules: Vec::new(),
        }
    }
}

impl Config {
    /// Whether every rule can be read.
    pub fn check(&self) -> Result<(), String> {
        if self.rules.len() > POLICY_RULES_MAX {
            return Err(format!("policy.rule: at most {POLICY_RULES_MAX} rules"));
        }
        for (place, rule) in self.rules.iter().enumerate() {
            for (side, text) in [("watcher", &rule.watcher), ("presentity", &rule.presentity)] {
                if Pattern::read(text).is_none() {
                    return Err(format!(
                        "policy.rule {}: {side} = \"{}\" names nobody; write \"*\", \
                         \"*@example.org\" or \"102@example.com\"",
                        place + 1,
                        text.escape_debug()
                    ));
                }
            }
        }
        Ok(())
    }
}

impl Default for Rules {
    fn default() -> Rules {
        Rules::new(&Config::default())
    }
}

impl Rules {
    /// From settings that were checked.
    pub fn new(config: &Config) -> Rules {
        let ready = |rule: &Rule| Ready {
            watcher: Pattern::read(&rule.watcher).unwrap_or(Pattern::Nobody),
            presentity: Pattern::read(&rule.presentity).unwrap_or(Pattern::Nobody),
            verdict: rule.verdict,
        };
        Rules { default: config.default, rules: config.rules.iter().map(ready).collect() }
    }

    /// The greatest verdict of all rules that apply (RFC 4745 §10.2), else the default.
    pub fn verdict(&self, presentity: &Aor, watcher: &Identity) -> Verdict {
        self.applying(presentity, watcher).map_or(self.default, |(verdict, _)| verdict)
    }

    /// The verdict when no rule applies.
    pub fn default_verdict(&self) -> Verdict {
        self.default
    }

    /// The greatest verdict of all rules that apply, if any does, and the number of the last that
    /// gives it, from 1.
    pub fn applying(&self, presentity: &Aor, watcher: &Identity) -> Option<(Verdict, usize)> {
        let watcher = watcher.aor();
        let rules = self.rules.iter().zip(1..);
        let applying = rules
            .filter(|(rule, _)| rule.presentity.matches(Some(presentity)))
            .filter(|(rule, _)| rule.watcher.matches(watcher));
        applying.map(|(rule, number)| (rule.verdict, number)).max()
    }
}

impl Pattern {
    fn read(text: &str) -> Option<Pattern> {
        let text = text.trim();
        if text == "*" {
            return Some(Pattern::Anybody);
        }
        let rest = text.strip_prefix("sip:").unwrap_or(text);
        let uri = Uri::parse(&format!("sip:{rest}")).ok()?;
        let bare = uri.port().is_none() && uri.parameters().next().is_none();
        if !bare || uri.password().is_some() || uri.headers_text().is_some() {
            return None;
        }
        match uri.user()? {
            "" => None,
            "*" => Some(Pattern::Domain(uri.canonical_host())),
            _ => Some(Pattern::One(Aor::from_parts(&uri.canonical_user(), &uri.canonical_host()))),
        }
    }

    /// RFC 4745 §7.1: only an identity that was proven matches one, or many of a domain.
    fn matches(&self, aor: Option<&Aor>) -> bool {
        match (self, aor) {
            (Pattern::Anybody, _) => true,
            (Pattern::Domain(domain), Some(aor)) => aor.host() == domain,
            (Pattern::One(one), Some(aor)) => aor == one,
            (Pattern::Nobody, _) | (_, None) => false,
        }
    }
}

fn anybody() -> String {
    "*".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(settings: &str) -> Rules {
        let config: Config = toml::from_str(settings).expect("settings");
        config.check().expect("good settings");
        Rules::new(&config)
    }

    fn aor(text: &str) -> Aor {
        Aor::from_canonical(text)
    }

    fn verdict(rules: &Rules, presentity: &str, watcher: &str) -> Verdict {
        rules.verdict(&aor(presentity), &Identity::User(aor(watcher)))
    }

    #[test]
    fn without_rules_everybody_may_watch() {
        let rules = rules("");
        assert_eq!(verdict(&rules, "101@a.test", "102@a.test"), Verdict::Allow);
        let unasked = rules.verdict(&aor("101@a.test"), &Identity::Unasked);
        assert_eq!(unasked, Verdict::Allow);
    }

    #[test]
    fn a_rule_applies_when_both_sides_match() {
        let rules = rules(
            "default = \"block\"\n\
             [[rule]]\nwatcher = \"*@a.test\"\npresentity = \"101@A.test\"\nverdict = \"allow\"\n\
             [[rule]]\nwatcher = \"sip:%62oss@a.test\"\nverdict = \"polite-block\"\n",
        );
        assert_eq!(verdict(&rules, "101@a.test", "102@a.test"), Verdict::Allow);
        assert_eq!(verdict(&rules, "101@a.test", "102@b.test"), Verdict::Block);
        assert_eq!(verdict(&rules, "103@a.test", "102@a.test"), Verdict::Block);
        assert_eq!(verdict(&rules, "103@a.test", "boss@a.test"), Verdict::PoliteBlock);
    }

    // RFC 4745 §10.2.
    #[test]
    fn of_all_rules_that_apply_the_greatest_verdict_counts() {
        let block = "[[rule]]\nwatcher = \"102@a.test\"\nverdict = \"block\"\n";
        let allow = "[[rule]]\nwatcher = \"*@a.test\"\nverdict = \"allow\"\n";
        for settings in [format!("{block}{allow}"), format!("{allow}{block}")] {
            let rules = rules(&settings);
            assert_eq!(verdict(&rules, "101@a.test", "102@a.test"), Verdict::Allow);
        }
        let rules = rules(block);
        assert_eq!(verdict(&rules, "101@a.test", "102@a.test"), Verdict::Block);
    }

    #[test]
    fn only_a_proven_identity_matches_a_name_or_a_domain() {
        let rules = rules(
            "default = \"block\"\n\
             [[rule]]\nwatcher = \"*\"\npresentity = \"lobby@a.test\"\nverdict = \"allow\"\n\
             [[rule]]\nwatcher = \"*@a.test\"\nverdict = \"allow\"\n",
        );
        let address = "192.0.2.7".parse().expect("an address");
        let peer = |asserted: Option<&str>| Identity::Peer { address, asserted: asserted.map(aor) };
        let verdict = |watcher: &Identity| rules.verdict(&aor("101@a.test"), watcher);
        assert_eq!(verdict(&Identity::Unasked), Verdict::Block);
        assert_eq!(verdict(&peer(None)), Verdict::Block);
        assert_eq!(verdict(&peer(Some("102@b.test"))), Verdict::Block);
        assert_eq!(verdict(&peer(Some("102@a.test"))), Verdict::Allow);
        let lobby = rules.verdict(&aor("lobby@a.test"), &Identity::Unasked);
        assert_eq!(lobby, Verdict::Allow);
    }

    #[test]
    fn a_rule_that_cannot_be_read_is_told_and_never_applies() {
        for watcher in ["", "@a.test", "a.test", "a b@c", "tel:+1", "a@b:5060", "a@b;x=1", "a:b@c"]
        {
            let rule = Rule {
                watcher: watcher.to_owned(),
                presentity: anybody(),
                verdict: Verdict::Allow,
            };
            let config = Config { default: Verdict::Block, rules: vec![rule], ..Config::default() };
            let error = config.check().expect_err(watcher);
            assert!(error.contains("policy.rule 1: watcher"), "{error}");
            let rules = Rules::new(&config);
            assert_eq!(verdict(&rules, "b@c.test", "a@b.test"), Verdict::Block);
        }
    }

    #[test]
    fn a_rule_needs_a_verdict_and_knows_its_words() {
        for settings in [
            "[[rule]]\nwatcher = \"*\"\n",
            "[[rule]]\nwatchers = \"102@a.test\"\nverdict = \"block\"\n",
            "[[rule]]\nverdict = \"deny\"\n",
            "defaults = \"block\"\n",
        ] {
            assert!(toml::from_str::<Config>(settings).is_err(), "{settings}");
        }
    }
}
