//! Who saw what under which rule: one line for each grant, and no personal text in it.

use std::fmt;
use std::hash::Hash;
use std::hash::Hasher;

use serde::Serialize;
use siphasher::sip::SipHasher13;

use super::decide::{Asking, Decision};

/// One grant, or one refusal. A new line is due when any part but the time differs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Line {
    /// When it was decided, in UTC.
    pub at: String,
    /// Who watches: an AoR, `peer` for a trusted peer that speaks for nobody, `unknown`.
    pub watcher: String,
    /// Who is watched.
    pub presentity: String,
    /// The event package.
    pub package: String,
    /// What became of the subscription.
    pub handling: &'static str,
    /// The rules that applied.
    pub rules: Vec<String>,
    /// What was granted, in the words of [`super::Permissions::words`].
    pub granted: Vec<String>,
    /// Equal for equal permissions: who shares a view.
    pub view: String,
    /// When the decision may change by itself.
    pub until: Option<String>,
}

impl Line {
    /// Of one decision.
    pub fn of(asking: &Asking<'_>, package: &str, decision: &Decision) -> Line {
        use crate::base::identity::Identity;
        let watcher = match (asking.watcher, asking.watcher.aor()) {
            (_, Some(aor)) => aor.to_string(),
            (Identity::Peer { .. }, None) => "peer".to_owned(),
            _ => "unknown".to_owned(),
        };
        // The keys are no secret: it is only to be seen which views are one.
        let mut hasher = SipHasher13::new();
        decision.permissions.hash(&mut hasher);
        Line {
            at: asking.now.to_string(),
            watcher,
            presentity: asking.presentity.to_string(),
            package: package.to_owned(),
            handling: decision.of_package(package).name(),
            rules: decision.matched.iter().map(ToString::to_string).collect(),
            granted: decision.permissions.words(),
            view: format!("{:016x}", hasher.finish()),
            until: decision.until.map(|until| until.to_string()),
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Line { at, watcher, presentity, package, handling, rules, granted, view, until } = self;
        let (rules, granted) = (rules.join(","), granted.join(" "));
        write!(
            f,
            "{at} watcher={watcher} presentity={presentity} package={package} \
             handling={handling} rules={rules} view={view} granted=\"{granted}\""
        )?;
        match until {
            Some(until) => write!(f, " until={until}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::identity::{Aor, Identity};
    use crate::base::time::Wall;
    use crate::policy::{Organisation, PersonRules, RuleSet, decide};

    #[test]
    fn a_line_says_who_saw_what_under_which_rule_and_nothing_personal() {
        let rules = "<ruleset xmlns='urn:ietf:params:xml:ns:common-policy' \
            xmlns:pr='urn:ietf:params:xml:ns:pres-rules'><rule id='friends'><conditions>\
            <validity><from>2026-01-01T00:00:00Z</from><until>2027-01-01T00:00:00Z</until>\
            </validity></conditions><actions><pr:sub-handling>allow</pr:sub-handling></actions>\
            <transformations><pr:provide-services><pr:service-uri>tel:+15550100</pr:service-uri>\
            <pr:class>poker</pr:class></pr:provide-services>\
            <pr:provide-activities>true</pr:provide-activities></transformations></rule></ruleset>";
        let rules = PersonRules::Rules(RuleSet::read(rules.as_bytes()).expect("rules"));
        let (alice, bob) = ("alice@example.com", Aor::from_canonical("bob@example.com"));
        let (alice, bob) = (Aor::from_canonical(alice), Identity::User(bob));
        let asking = Asking::new(&alice, &bob, Wall::from_unix_millis(1_772_444_467_000));
        let decision = decide(&rules, &Organisation::default(), &asking);
        let line = Line::of(&asking, "presence", &decision);
        let text = line.to_string();
        let view = &line.view;
        assert_eq!(
            text,
            format!(
                "2026-03-02T09:41:07Z watcher=bob@example.com presentity=alice@example.com \
                 package=presence handling=allow rules=index/friends view={view} \
                 granted=\"services=class,uri activities dialog=state\" \
                 until=2027-01-01T00:00:00Z"
            )
        );
        assert!(!text.contains("5550100") && !text.contains("poker"));
    }
}
