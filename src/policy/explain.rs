//! Why a watcher sees what it sees: every rule, every condition, every ceiling.

use std::fmt;

use serde::Serialize;

use super::decide::{Asking, Decision, decide};
use super::organisation::Organisation;
use super::rules::{PersonRule, PersonRules};
use crate::base::identity::Aor;
use crate::doc::permissions::Permissions;

/// A decision and everything that led to it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Explanation {
    /// Who is watched.
    pub presentity: String,
    /// Who watches.
    pub watcher: String,
    /// At which moment, in UTC.
    pub at: String,
    /// The person's rules, all of them.
    pub rules: Vec<Reason>,
    /// The ceilings that concern these two.
    pub ceilings: Vec<Reason>,
    /// What else counted, in words.
    pub remarks: Vec<String>,
    /// What became of the subscription.
    pub handling: &'static str,
    /// What becomes of a subscription to lamps.
    pub lamps: &'static str,
    /// What may be seen.
    pub granted: Vec<String>,
    /// When time alone may change it, in UTC.
    pub until: Option<String>,
}

/// One rule or ceiling.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Reason {
    /// Its name.
    pub id: String,
    /// Whether it applies.
    pub applies: bool,
    /// Its conditions in words, and whether each is true.
    pub conditions: Vec<(String, bool)>,
    /// What it does where it applies, in words.
    pub effect: Vec<String>,
}

/// Decides, and says why.
pub fn explain(
    rules: &PersonRules,
    organisation: &Organisation,
    asking: &Asking<'_>,
) -> (Decision, Explanation) {
    let decision = decide(rules, organisation, asking);
    let mut remarks = Vec::new();
    let reasons = match rules {
        PersonRules::Rules(set) => set.rules().iter().map(|rule| of_rule(rule, asking)).collect(),
        PersonRules::Absent => {
            remarks.push("the person has no rules: the organisation decides".to_owned());
            Vec::new()
        }
        PersonRules::Unreadable => {
            remarks.push("the person's rules cannot be read: nothing is shown".to_owned());
            Vec::new()
        }
    };
    remarks.extend(remarks_on(rules, organisation, asking, &decision));
    let explanation = Explanation {
        presentity: asking.presentity.to_string(),
        watcher: asking.watcher.aor().map_or("unknown".to_owned(), Aor::to_string),
        at: asking.now.to_string(),
        rules: reasons,
        ceilings: organisation.ceilings(asking),
        remarks,
        handling: decision.handling.name(),
        lamps: decision.of_package("dialog").name(),
        granted: decision.permissions.phrases(),
        until: decision.until.map(|until| until.to_string()),
    };
    (decision, explanation)
}

fn of_rule(rule: &PersonRule, asking: &Asking<'_>) -> Reason {
    let mut permissions = Permissions::nothing();
    rule.provided.iter().for_each(|provided| permissions.add(provided));
    let handling = rule.handling.map(|handling| handling.name().to_owned());
    Reason {
        id: rule.id().to_string(),
        applies: rule.applies(asking).now,
        conditions: rule.conditions(asking),
        effect: handling.into_iter().chain(permissions.phrases()).collect(),
    }
}

fn remarks_on(
    rules: &PersonRules,
    organisation: &Organisation,
    asking: &Asking<'_>,
    decision: &Decision,
) -> Vec<String> {
    let mut remarks = Vec::new();
    if asking.is_owner() {
        remarks.push("nobody is hidden from himself".to_owned());
        return remarks;
    }
    if !asking.is_proven() {
        remarks
            .push("nothing is proven of the watcher: no rule that names anybody fits".to_owned());
    }
    let is_ruled = matches!(rules, PersonRules::Rules(_));
    if is_ruled && decision.matched.is_empty() {
        remarks.push("no rule applies: blocked (RFC 5025 §3.2.1)".to_owned());
    }
    if !is_ruled {
        let (handling, id) = organisation.fallback(asking);
        remarks.push(format!("{id} says {handling}"));
    }
    if asking.invisible {
        remarks.push("the person wishes to be seen by nobody".to_owned());
    }
    if decision.is_attendant {
        remarks
            .push("the watcher is an attendant and sees lamps whatever the person says".to_owned());
    }
    remarks
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} watches {} at {}", self.watcher, self.presentity, self.at)?;
        for (kind, reasons) in [("rule", &self.rules), ("ceiling", &self.ceilings)] {
            for reason in reasons {
                writeln!(f, "  {} {kind} {}", mark(reason.applies), reason.id)?;
                for (condition, holds) in &reason.conditions {
                    writeln!(f, "      {} {condition}", mark(*holds))?;
                }
                for effect in &reason.effect {
                    writeln!(f, "        {effect}")?;
                }
            }
        }
        for remark in &self.remarks {
            writeln!(f, "  - {remark}")?;
        }
        write!(f, "  = {}", self.handling)?;
        if self.lamps != self.handling {
            write!(f, ", lamps {}", self.lamps)?;
        }
        for granted in &self.granted {
            write!(f, "\n      {granted}")?;
        }
        match &self.until {
            Some(until) => write!(f, "\n    until {until}"),
            None => Ok(()),
        }
    }
}

fn mark(holds: bool) -> char {
    if holds { '+' } else { '-' }
}
