//! Rules: those of a person (RFC 4745, RFC 5025), and the simple ones of the operator.

use std::fmt;
use std::sync::Arc;

use self::condition::Ready;
pub use self::operator::{Config, Rule, Rules};
use crate::base::time::Wall;
use crate::doc::common_policy::Remark;
use crate::doc::rules::{PresenceRules, Provided, SubHandling};
use crate::doc::xml::DocumentError;
use crate::policy::decide::Asking;

mod condition;
pub mod operator;
pub mod place;

pub use condition::sphere_of;

/// The name of one rule: its document and its id there.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(Arc<str>);

/// The rules of one person, of all their documents together.
#[derive(Clone, Debug, Default)]
pub struct RuleSet {
    rules: Vec<PersonRule>,
    remarks: Vec<Remark>,
}

/// What is known of a person's rules.
#[derive(Clone, Debug, Default)]
pub enum PersonRules {
    /// The person has none: the organisation decides.
    #[default]
    Absent,
    /// There are some that cannot be read: nobody is shown anything they might forbid.
    Unreadable,
    /// These.
    Rules(RuleSet),
}

/// One rule, ready to be asked.
#[derive(Clone, Debug)]
pub struct PersonRule {
    id: RuleId,
    conditions: Vec<Ready>,
    /// What becomes of the subscription, if the rule says so.
    pub handling: Option<SubHandling>,
    /// What is shown.
    pub provided: Vec<Provided>,
}

/// Whether a rule applies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Applies {
    /// It does now.
    pub now: bool,
    /// When that may change by the passing of time alone.
    pub until: Option<Wall>,
}

impl RuleId {
    /// A rule of a document.
    pub fn new(document: &str, id: &str) -> RuleId {
        RuleId(format!("{document}/{id}").into())
    }

    /// `document/id`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RuleId({})", self.0)
    }
}

impl RuleSet {
    /// One document, under the name every user agent gives its first: `index` (RFC 5025 §9.7).
    pub fn read(xml: &[u8]) -> Result<RuleSet, DocumentError> {
        RuleSet::read_as("index", xml)
    }

    /// One document of any name.
    pub fn read_as(document: &str, xml: &[u8]) -> Result<RuleSet, DocumentError> {
        let PresenceRules { rules, remarks } = PresenceRules::read(xml, None)?;
        let ready = rules.into_iter().map(|rule| PersonRule {
            id: RuleId::new(document, &rule.id),
            conditions: rule.conditions.iter().map(Ready::of).collect(),
            handling: rule.handling,
            provided: rule.provided,
        });
        Ok(RuleSet { rules: ready.collect(), remarks })
    }

    /// Adds another document of the same person: all of them count together (RFC 5025 §9.7).
    #[must_use]
    pub fn join(mut self, other: RuleSet) -> RuleSet {
        self.rules.extend(other.rules);
        self.remarks.extend(other.remarks);
        self
    }

    /// Every rule.
    pub fn rules(&self) -> &[PersonRule] {
        &self.rules
    }

    /// What a person should look at before relying on the rules.
    pub fn remarks(&self) -> &[Remark] {
        &self.remarks
    }
}

impl PersonRule {
    /// Its name.
    pub fn id(&self) -> &RuleId {
        &self.id
    }

    /// Whether all conditions are true (RFC 4745 §7); a rule without any always applies.
    pub fn applies(&self, asking: &Asking<'_>) -> Applies {
        let mut now = true;
        let mut until: Option<Wall> = None;
        for condition in &self.conditions {
            match condition.span_around(asking.now) {
                Some(span) => {
                    now &= span.now;
                    until = [until, span.until].into_iter().flatten().min();
                }
                // Time alone changes nothing for somebody who is not meant.
                None if !condition.holds(asking) => return Applies { now: false, until: None },
                None => {}
            }
        }
        Applies { now, until }
    }

    /// Each condition in words, and whether it is true.
    pub fn conditions(&self, asking: &Asking<'_>) -> Vec<(String, bool)> {
        let each = self.conditions.iter().map(|condition| {
            let holds = match condition.span_around(asking.now) {
                Some(span) => span.now,
                None => condition.holds(asking),
            };
            (condition.to_string(), holds)
        });
        each.collect()
    }
}
