//! `fanal policy test`: cases with what should come out of each.

use std::path::Path;

use serde::Deserialize;
use serde_json::json;

use super::policy::{address, moment, policy, rules_of, watcher};
use super::{EXIT_FALSE, EXIT_WELL, Fault, file, say};
use crate::doc::Presence;
use crate::policy::organisation::PolicyError;
use crate::policy::{Asking, Decision, Organisation, PersonRules, SubHandling, decide, filter};

/// What a file of cases looks like.
pub const HELP: &str = "A file of cases:\n\n  \
    [[case]]\n  \
    name = \"outsiders see no private number\"\n  \
    watcher = \"eve@other.test\"          # or \"unknown\"\n  \
    presentity = \"alice@example.com\"\n  \
    at = \"2026-03-02T20:00:00+01:00\"    # now if left out\n  \
    rules = \"alice.xml\"                 # beside this file; none if left out\n  \
    document = \"alice-presence.xml\"     # what is filtered, for `written`\n  \
    # sphere = \"work\", invisible = true, day_off = true\n  \
    [case.expect]\n  \
    handling = \"allow\"                  # block, confirm, polite-block, allow\n  \
    lamps = \"allow\"                     # the same for lamps\n  \
    rules = [\"index/a\"]                 # all that apply, in order\n  \
    shows = [\"activities\", \"dialog=state\"]\n  \
    hides = [\"note\"]\n  \
    written = [\"sip:alice@example.com\"]\n  \
    not_written = [\"tel:+15550100\"]\n  \
    until = \"2026-03-03T09:00:00+01:00\"";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    #[serde(rename = "case")]
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    watcher: String,
    presentity: String,
    at: Option<String>,
    sphere: Option<String>,
    #[serde(default)]
    invisible: bool,
    #[serde(default)]
    day_off: bool,
    rules: Option<String>,
    document: Option<String>,
    expect: Expect,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    handling: Option<SubHandling>,
    lamps: Option<SubHandling>,
    rules: Option<Vec<String>>,
    #[serde(default)]
    shows: Vec<String>,
    #[serde(default)]
    hides: Vec<String>,
    #[serde(default)]
    written: Vec<String>,
    #[serde(default)]
    not_written: Vec<String>,
    until: Option<String>,
}

/// Tries all cases, and tells of each.
pub fn run(policy_path: &Path, cases_path: &Path, json: bool) -> Result<u8, Fault> {
    let organisation =
        Organisation { policy: Some(policy(policy_path)?), ..Organisation::default() };
    let octets = file::read(cases_path)?;
    let text = String::from_utf8_lossy(&octets);
    let Cases { cases } = toml::from_str(&text).map_err(|error| {
        let PolicyError { line, what } = PolicyError::of(&text, &error);
        Fault::usage(format!("{}:{line}: {what}", cases_path.display()))
    })?;
    let near = cases_path.parent().unwrap_or(Path::new(""));
    let mut wrong = 0_usize;
    for case in &cases {
        let differences = case.differences(&organisation, near)?;
        wrong = wrong.saturating_add(usize::from(!differences.is_empty()));
        let name = &case.name;
        match (json, differences.is_empty()) {
            (true, well) => say(json!({ "case": name, "ok": well, "differences": differences }))?,
            (false, true) => say(format!("ok    {name}"))?,
            (false, false) => say(format!("fail  {name}: {}", differences.join("; ")))?,
        }
    }
    match wrong {
        0 => Ok(EXIT_WELL),
        _ => Ok(EXIT_FALSE),
    }
}

impl Case {
    /// What came out otherwise than expected.
    fn differences(&self, organisation: &Organisation, near: &Path) -> Result<Vec<String>, Fault> {
        let presentity = address(&self.presentity)?;
        let watcher = watcher(&self.watcher)?;
        let rules = match &self.rules {
            Some(path) => rules_of(&presentity, &near.join(path))?,
            None => PersonRules::Absent,
        };
        let asking = Asking {
            sphere: self.sphere.as_deref(),
            invisible: self.invisible,
            day_off: self.day_off,
            ..Asking::new(&presentity, &watcher, moment(self.at.as_deref())?)
        };
        let decision = decide(&rules, organisation, &asking);
        let mut found = self.expect.of_decision(&decision)?;
        if let Some(path) = &self.document {
            let path = near.join(path);
            let document = Presence::read(&file::read(&path)?, None)
                .map_err(|fault| Fault::usage(format!("{}: {fault}", path.display())))?;
            let text = filter::presence(&document, &decision.permissions).write();
            found.extend(self.expect.of_text(&text));
        } else if !self.expect.written.is_empty() || !self.expect.not_written.is_empty() {
            found.push("there is no document to write".to_owned());
        }
        Ok(found)
    }
}

impl Expect {
    fn of_decision(&self, decision: &Decision) -> Result<Vec<String>, Fault> {
        let mut found = Vec::new();
        let handlings = [
            ("handling", self.handling, decision.handling),
            ("lamps", self.lamps, decision.of_package("dialog")),
        ];
        for (name, wanted, is) in handlings {
            let differs = wanted.filter(|wanted| *wanted != is);
            found.extend(differs.map(|wanted| format!("{name} is {is}, not {wanted}")));
        }
        let rules: Vec<String> = decision.matched.iter().map(ToString::to_string).collect();
        if let Some(wanted) = self.rules.as_ref().filter(|wanted| **wanted != rules) {
            found.push(format!("rules are {}, not {}", rules.join(", "), wanted.join(", ")));
        }
        let phrases = decision.permissions.phrases();
        let is_shown = |word: &str| {
            let name = |phrase: &str| phrase.split('=').next() == Some(word);
            phrases.iter().any(|phrase| phrase == word || name(phrase))
        };
        let hidden = self.shows.iter().filter(|word| !is_shown(word));
        found.extend(hidden.map(|word| format!("{word} is hidden")));
        let shown = self.hides.iter().filter(|word| is_shown(word));
        found.extend(shown.map(|word| format!("{word} is shown")));
        if let Some(wanted) = &self.until {
            let wanted = moment(Some(wanted))?;
            if decision.until != Some(wanted) {
                let is = decision.until.map_or("never".to_owned(), |until| until.to_string());
                found.push(format!("until is {is}, not {wanted}"));
            }
        }
        Ok(found)
    }

    fn of_text(&self, text: &str) -> impl Iterator<Item = String> {
        let missing = self.written.iter().filter(|word| !text.contains(word.as_str()));
        let missing = missing.map(|word| format!("\"{word}\" is not written"));
        let more = self.not_written.iter().filter(|word| text.contains(word.as_str()));
        missing.chain(more.map(|word| format!("\"{word}\" is written")))
    }
}
