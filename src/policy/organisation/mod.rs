//! The policy of an organisation: a ceiling above the rules of its people. What it withholds no
//! rule of theirs can give; only attendants see lamps whatever a person says.

use std::time::Duration;

use self::ceiling::Ceiling;
use self::hours::Calendar;
pub use self::read::PolicyError;
use self::who::{Anybody, Who};
use crate::base::identity::Aor;
use crate::doc::permissions::{Alternate, Permissions};
use crate::doc::rules::{Attribute, DialogShare, SubHandling};
use crate::policy::decide::{Asking, Granted};
use crate::policy::explain::Reason;
use crate::policy::rules::{RuleId, Rules};

mod ceiling;
mod hours;
mod read;
mod text;
mod who;

/// What stands above and beside the rules of persons.
#[derive(Clone, Debug, Default)]
pub struct Organisation {
    /// The simple rules of the operator, for persons without rules of their own.
    pub operator: Rules,
    /// The policy, if there is one.
    pub policy: Option<Policy>,
}

/// A policy as it was read: all of it was, or there is none.
#[derive(Clone, Debug)]
pub struct Policy {
    /// What the organisation calls this state of it.
    pub version: String,
    /// The domains whose watchers are inside; with none that of the presentity.
    domains: Vec<String>,
    default_inside: SubHandling,
    default_outside: SubHandling,
    dialog_inside: DialogShare,
    dialog_outside: DialogShare,
    ceilings: Vec<Ceiling>,
    attendants: Vec<Attendant>,
    teams: Vec<Team>,
    calendar: Calendar,
    /// What is done with the places of people.
    pub location: Location,
    /// Whether it is written down who saw what.
    pub audit: Audit,
}

/// Somebody who must see lamps to do their work.
#[derive(Clone, Debug)]
struct Attendant {
    id: RuleId,
    who: Who,
    of: Who,
    dialog: DialogShare,
}

/// People whose calls somebody else takes when they are away.
#[derive(Clone, Debug)]
struct Team {
    members: Who,
    alternate: Alternate,
}

/// What is done with the places of people.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Location {
    /// Whether only a rule that names it shows a place.
    pub opt_in: bool,
    /// Whether places are shown no finer than a town.
    pub coarse: bool,
    /// How long a place is kept after it was said; `None` while the publication lasts.
    pub retain: Option<Duration>,
}

/// Whether it is written down who saw what.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Audit {
    /// It is.
    pub enabled: bool,
}

impl Organisation {
    /// The operator's rules, and no policy.
    pub fn of(operator: Rules) -> Organisation {
        Organisation { operator, policy: None }
    }

    /// What becomes of a watcher if the person watched has no rules, and which rule says so.
    pub fn fallback(&self, asking: &Asking<'_>) -> (SubHandling, RuleId) {
        let rule = self.operator.applying(asking.presentity, asking.watcher);
        if let Some((verdict, number)) = rule {
            return (verdict, RuleId::new("operator", &format!("rule-{number}")));
        }
        match &self.policy {
            Some(policy) if policy.is_inside(asking) => {
                (policy.default_inside, RuleId::new("organisation", "default_inside"))
            }
            Some(policy) => {
                (policy.default_outside, RuleId::new("organisation", "default_outside"))
            }
            None => (self.operator.default_verdict(), RuleId::new("operator", "default")),
        }
    }

    /// Takes away what the organisation withholds.
    pub(super) fn narrow(&self, granted: &mut Granted, asking: &Asking<'_>) {
        let Some(policy) = &self.policy else { return };
        let concerned: Vec<&Ceiling> =
            policy.ceilings.iter().filter(|ceiling| ceiling.concerns(asking)).collect();
        let off_work = match asking.day_off {
            true => true,
            false if concerned.iter().any(|ceiling| ceiling.depends_on_work()) => {
                let off = policy.calendar.off_work(asking.presentity, asking.now);
                granted.stands_until(off.until);
                off.now
            }
            false => false,
        };
        for ceiling in concerned.into_iter().filter(|ceiling| ceiling.applies(off_work)) {
            granted.matched.push(ceiling.id.clone());
            ceiling.narrow(granted, || policy.alternate(asking.presentity));
        }
        let most = match policy.is_inside(asking) {
            true => policy.dialog_inside,
            false => policy.dialog_outside,
        };
        let permissions = &mut granted.permissions;
        permissions.dialog = permissions.dialog.min(most);
        if policy.location.opt_in && !granted.names_location {
            permissions.hide(Attribute::Location);
        }
        permissions.narrowing.coarse_location |= policy.location.coarse;
    }

    /// What each ceiling that applies now would leave of what was granted.
    pub(super) fn each_ceiling(
        &self,
        granted: &Granted,
        asking: &Asking<'_>,
    ) -> Vec<(RuleId, Permissions)> {
        let Some(policy) = &self.policy else { return Vec::new() };
        let off = policy.calendar.off_work(asking.presentity, asking.now);
        let off_work = off.now || asking.day_off;
        let concerned = policy.ceilings.iter().filter(|ceiling| ceiling.concerns(asking));
        let alone = concerned.filter(|ceiling| ceiling.applies(off_work)).map(|ceiling| {
            let mut granted = granted.clone();
            ceiling.narrow(&mut granted, || policy.alternate(asking.presentity));
            (ceiling.id.clone(), granted.permissions)
        });
        alone.collect()
    }

    /// The ceilings that concern a watcher, and whether they apply now.
    pub fn ceilings(&self, asking: &Asking<'_>) -> Vec<Reason> {
        let Some(policy) = &self.policy else { return Vec::new() };
        let off = policy.calendar.off_work(asking.presentity, asking.now);
        let off_work = off.now || asking.day_off;
        let concerned = policy.ceilings.iter().filter(|ceiling| ceiling.concerns(asking));
        concerned.map(|ceiling| ceiling.reason(off_work)).collect()
    }

    /// How much of lamps this watcher is granted whatever the person says, and by which rule.
    pub(super) fn attendant(&self, asking: &Asking<'_>) -> Option<(DialogShare, &RuleId)> {
        let attendants = self.policy.iter().flat_map(|policy| &policy.attendants);
        let theirs = attendants
            .filter(|one| one.who.means(asking) && one.of.means(&Anybody(asking.presentity)));
        theirs.max_by_key(|one| one.dialog).map(|one| (one.dialog, &one.id))
    }

    /// Who sees a person's lamps whatever the person says, in words: the person is told.
    pub fn attendants_of(&self, presentity: &Aor) -> Vec<String> {
        let attendants = self.policy.iter().flat_map(|policy| &policy.attendants);
        let theirs = attendants.filter(|one| one.of.means(&Anybody(presentity)));
        theirs.map(|one| format!("{}: {}", one.who, one.dialog.name())).collect()
    }
}

impl Policy {
    /// Reads a whole policy from TOML, or says what is wrong with it and where.
    pub fn read(text: &str) -> Result<Policy, PolicyError> {
        read::policy(text)
    }

    /// The policy of an organisation whose policy cannot be read: nobody is shown anything, and
    /// whoever asks waits.
    pub(super) fn closed() -> Policy {
        let text = "[policy]\ndefault_inside = \"confirm\"\ndefault_outside = \"confirm\"\n\
                    dialog_inside = \"none\"\n[[policy.ceiling]]\nmost = \"confirm\"\nallow = []\n";
        Policy::read(text).expect("a policy of our own")
    }

    /// What is in it, in a line.
    pub fn summary(&self) -> String {
        let counts = [
            ("ceiling", self.ceilings.len()),
            ("attendant", self.attendants.len()),
            ("team", self.teams.len()),
            ("hours", self.calendar.hours.len()),
            ("day_off", self.calendar.days_off.len()),
        ];
        let named = counts.into_iter().filter(|(_, count)| *count > 0);
        let named: Vec<String> = named.map(|(name, count)| format!("{count} {name}")).collect();
        let version = match self.version.as_str() {
            "" => "no version".to_owned(),
            version => format!("version {version}"),
        };
        format!("{version}; {}", named.join(", ")).trim_end_matches("; ").to_owned()
    }

    fn is_inside(&self, asking: &Asking<'_>) -> bool {
        match self.domains.is_empty() {
            true => asking.is_of_domain(asking.presentity.host()),
            false => self.domains.iter().any(|domain| asking.is_of_domain(domain)),
        }
    }

    fn alternate(&self, presentity: &Aor) -> Option<Alternate> {
        let mut teams = self.teams.iter().filter(|team| team.members.means(&Anybody(presentity)));
        teams.next().map(|team| team.alternate.clone())
    }
}
