//! What each layer leaves of what a watcher may see: so that who withholds something is known by
//! name.

use super::decide::{Asking, Granted, granted};
use super::organisation::Organisation;
use super::rules::{PersonRules, RuleId};
use crate::doc::permissions::Permissions;

/// What may be seen, layer by layer.
#[derive(Clone, Debug)]
pub struct Layers {
    /// By the person's rules, or without any.
    pub rules: Permissions,
    /// What each ceiling would leave of that if it were the only one.
    pub ceilings: Vec<(RuleId, Permissions)>,
}

impl Layers {
    /// Of one watcher now. It is not for who watches himself: nothing is hidden from him.
    pub fn of(rules: &PersonRules, organisation: &Organisation, asking: &Asking<'_>) -> Layers {
        let before: Granted = granted(rules, organisation, asking);
        let ceilings = organisation.each_ceiling(&before, asking);
        Layers { rules: before.permissions, ceilings }
    }

    /// By whom something is withheld: the first layer that does not show it.
    pub fn by(&self, is_hidden: impl Fn(&Permissions) -> bool) -> String {
        if is_hidden(&self.rules) {
            return "rules".to_owned();
        }
        let ceiling = self.ceilings.iter().find(|(_, permissions)| is_hidden(permissions));
        ceiling.map_or("organisation".to_owned(), |(id, _)| id.to_string())
    }
}
