//! Whom a part of a policy concerns.

use std::fmt;

use crate::base::identity::Aor;
use crate::policy::decide::Asking;

/// People by domain, by name or by group. Nothing said means everybody.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Who {
    /// Everybody, proven or not.
    pub everybody: bool,
    /// In lower case.
    pub domains: Vec<String>,
    /// Groups are members of this list.
    pub users: Vec<Aor>,
    pub except_domains: Vec<String>,
    pub except_users: Vec<Aor>,
}

/// Somebody it may concern.
pub(super) trait Somebody {
    fn is(&self, aor: &Aor) -> bool;
    fn is_of(&self, domain: &str) -> bool;
}

/// Somebody by AoR.
pub(super) struct Anybody<'a>(pub &'a Aor);

impl Somebody for Asking<'_> {
    fn is(&self, aor: &Aor) -> bool {
        self.aors().any(|own| own == *aor)
    }

    fn is_of(&self, domain: &str) -> bool {
        self.is_of_domain(domain)
    }
}

impl Somebody for Anybody<'_> {
    fn is(&self, aor: &Aor) -> bool {
        self.0 == aor
    }

    fn is_of(&self, domain: &str) -> bool {
        self.0.host() == domain
    }
}

impl Who {
    /// Whether somebody is meant.
    pub fn means(&self, somebody: &impl Somebody) -> bool {
        let of = |domains: &[String]| domains.iter().any(|domain| somebody.is_of(domain));
        let one = |users: &[Aor]| users.iter().any(|user| somebody.is(user));
        let meant = self.everybody || of(&self.domains) || one(&self.users);
        meant && !of(&self.except_domains) && !one(&self.except_users)
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<String> = Vec::new();
        names.extend(self.everybody.then(|| "everybody".to_owned()));
        names.extend(self.domains.iter().map(|domain| format!("anybody of {domain}")));
        names.extend(self.users.iter().map(ToString::to_string));
        f.write_str(&names.join(", "))?;
        let domains = self.except_domains.iter().map(|domain| format!("anybody of {domain}"));
        let left: Vec<String> =
            domains.chain(self.except_users.iter().map(ToString::to_string)).collect();
        match left.is_empty() {
            true => Ok(()),
            false => write!(f, ", but not {}", left.join(", ")),
        }
    }
}
