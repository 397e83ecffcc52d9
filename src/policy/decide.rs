//! The decision on a watcher: everything that rules, organisation and the moment say of it.

use crate::base::identity::{Aor, Identity};
use crate::base::time::Wall;
use crate::base::uri::{Scheme, Uri};
use crate::doc::permissions::Permissions;
use crate::doc::rules::{DialogShare, Provided, SubHandling};
use crate::policy::organisation::Organisation;
use crate::policy::rules::{PersonRules, RuleId, RuleSet};

/// Who asks to watch whom, and all that a rule may depend on.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    /// Who is watched.
    pub presentity: &'a Aor,
    /// Who watches, as far as it was proven.
    pub watcher: &'a Identity,
    /// Further URIs that were proven of the same watcher, such as a `tel:` beside a `sip:`
    /// (RFC 3325 §9.1).
    pub also: &'a [Uri],
    /// The domain the watcher was authenticated in; `None` for that of its AoR.
    pub domain: Option<&'a str>,
    /// The sphere the presentity is in; `None` if nobody knows or its devices disagree.
    pub sphere: Option<&'a str>,
    /// Whether the presentity wishes to be seen by nobody.
    pub invisible: bool,
    /// Whether the presentity has taken the day off, by its calendar or its own word.
    pub day_off: bool,
    /// The moment.
    pub now: Wall,
}

/// What was decided.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision {
    /// What becomes of the subscription; for lamps see [`Decision::of_package`].
    pub handling: SubHandling,
    /// What may be seen; nothing unless the handling is to allow, but for the lamps of attendants.
    pub permissions: Permissions,
    /// The rules that applied, the person's before the organisation's.
    pub matched: Vec<RuleId>,
    /// When time alone may change the decision.
    pub until: Option<Wall>,
    /// Whether the organisation grants this watcher the lamps, whatever the person says. The
    /// person is told who may.
    pub is_attendant: bool,
}

/// What a subscription to one package gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sight<'a> {
    /// Nothing: it is refused.
    Refused,
    /// Nothing yet: it is pending.
    Pending,
    /// What somebody looks like of whom nothing is known.
    Offline,
    /// The document, as far as it may be seen.
    Document(&'a Permissions),
}

impl<'a> Asking<'a> {
    /// Who asks to watch whom now; of everything else nothing is known.
    pub fn new(presentity: &'a Aor, watcher: &'a Identity, now: Wall) -> Asking<'a> {
        Asking {
            presentity,
            watcher,
            also: &[],
            domain: None,
            sphere: None,
            invisible: false,
            day_off: false,
            now,
        }
    }

    /// Whether anything is proven of the watcher.
    pub fn is_proven(&self) -> bool {
        self.aors().next().is_some() || self.also.iter().any(|uri| uri.scheme() == Scheme::Tel)
    }

    /// Whether somebody watches himself.
    pub fn is_owner(&self) -> bool {
        self.aors().any(|aor| aor == *self.presentity)
    }

    /// The AoRs that were proven of the watcher. To be anonymous is to be nobody (RFC 3323 §4.1.1.3,
    /// RFC 5025 §3.1.1.1).
    pub fn aors(&self) -> impl Iterator<Item = Aor> {
        let also = self.also.iter().filter(|uri| uri.scheme() != Scheme::Tel);
        let also = also.map(|uri| Aor::from_parts(&uri.canonical_user(), &uri.canonical_host()));
        let all = self.watcher.aor().cloned().into_iter().chain(also);
        all.filter(|aor| aor.host() != "anonymous.invalid")
    }

    /// Whether the watcher is of a domain, given in lower case.
    pub fn is_of_domain(&self, domain: &str) -> bool {
        match self.domain {
            Some(own) => own.trim_end_matches('.').eq_ignore_ascii_case(domain),
            None => self.aors().any(|aor| aor.host() == domain),
        }
    }
}

impl Decision {
    /// What becomes of a subscription to one package.
    pub fn of_package(&self, package: &str) -> SubHandling {
        match self.is_attendant && package == "dialog" {
            true => SubHandling::Allow,
            false => self.handling,
        }
    }

    /// What a subscription to one package gets to see. RFC 5025 speaks of presence alone; a package
    /// that nothing speaks of is shown to who may see what nothing speaks of.
    pub fn sight(&self, package: &str) -> Sight<'_> {
        match self.of_package(package) {
            SubHandling::Block => Sight::Refused,
            SubHandling::Confirm => Sight::Pending,
            SubHandling::PoliteBlock => Sight::Offline,
            SubHandling::Allow if package == "dialog" => match self.permissions.dialog() {
                DialogShare::Nothing => Sight::Offline,
                _ => Sight::Document(&self.permissions),
            },
            SubHandling::Allow if package != "presence" && !self.permissions.every_unknown => {
                Sight::Offline
            }
            SubHandling::Allow => Sight::Document(&self.permissions),
        }
    }
}

/// Decides: the person's rules first, all that apply taken together (RFC 4745 §10); what the
/// organisation withholds then; the person's wish not to be seen last.
pub fn decide(rules: &PersonRules, organisation: &Organisation, asking: &Asking<'_>) -> Decision {
    if asking.is_owner() {
        // Nobody is hidden from himself.
        return Decision {
            handling: SubHandling::Allow,
            permissions: Permissions::everything(),
            matched: Vec::new(),
            until: None,
            is_attendant: false,
        };
    }
    let mut granted = granted(rules, organisation, asking);
    organisation.narrow(&mut granted, asking);
    if asking.invisible {
        granted.handling = granted.handling.min(SubHandling::PoliteBlock);
    }
    let attendant = organisation.attendant(asking);
    let Granted { handling, mut permissions, matched, until, .. } = granted;
    if handling != SubHandling::Allow {
        permissions = Permissions::nothing();
    }
    let mut decision =
        Decision { handling, permissions, matched, until, is_attendant: attendant.is_some() };
    if let Some((share, id)) = attendant {
        decision.permissions.dialog = decision.permissions.dialog.max(share);
        decision.matched.push(id.clone());
    }
    decision
}

/// What the person's rules grant, or the organisation without any.
pub(super) fn granted(
    rules: &PersonRules,
    organisation: &Organisation,
    asking: &Asking<'_>,
) -> Granted {
    match rules {
        PersonRules::Rules(set) => combine(set, asking),
        PersonRules::Absent => Granted::without_rules(organisation, asking),
        PersonRules::Unreadable => {
            let handling = organisation.fallback(asking).0.min(SubHandling::Confirm);
            Granted { handling, ..Granted::default() }
        }
    }
}

/// A decision in the making.
#[derive(Clone, Default)]
pub(super) struct Granted {
    pub handling: SubHandling,
    pub permissions: Permissions,
    pub matched: Vec<RuleId>,
    pub until: Option<Wall>,
    /// Whether a rule names the place of the person, instead of just everything.
    pub names_location: bool,
}

impl Granted {
    fn without_rules(organisation: &Organisation, asking: &Asking<'_>) -> Granted {
        let (handling, id) = organisation.fallback(asking);
        let permissions = Permissions::everything();
        Granted { handling, permissions, matched: vec![id], ..Granted::default() }
    }

    /// The decision stands no longer than this.
    pub(super) fn stands_until(&mut self, until: Option<Wall>) {
        self.until = [self.until, until].into_iter().flatten().min();
    }
}

/// All rules that apply, taken together (RFC 4745 §10.2). With none of them the watcher is
/// blocked (RFC 5025 §3.2.1).
fn combine(set: &RuleSet, asking: &Asking<'_>) -> Granted {
    let mut granted = Granted::default();
    for rule in set.rules() {
        let applies = rule.applies(asking);
        granted.stands_until(applies.until);
        if !applies.now {
            continue;
        }
        granted.matched.push(rule.id().clone());
        granted.handling = granted.handling.max(rule.handling.unwrap_or_default());
        for provided in &rule.provided {
            granted.permissions.add(provided);
            granted.names_location |= names_location(provided);
        }
    }
    granted
}

fn names_location(provided: &Provided) -> bool {
    use crate::doc::namespace::Namespace;
    use crate::doc::rules::Attribute;
    match provided {
        Provided::Attribute(Attribute::Location) => true,
        Provided::Unknown(name) => name.is(&Namespace::Geopriv, "geopriv"),
        _ => false,
    }
}
