//! What the rules say of watchers: asked when somebody subscribes, and again whenever rules, time
//! or the person may have changed what they say.

use tracing::info;

use super::Shard;
use super::privacy::Sees;
use crate::base::identity::{Aor, Identity};
use crate::base::time::{Now, Wall};
use crate::doc::permissions::Permissions;
use crate::doc::rules::Attribute;
use crate::event::dnd::DndLamp;
use crate::event::{EventPackage, PackageId};
use crate::notifier::{Owed, PresentityId, Reason, SubscriptionId};
use crate::policy::audit::Line;
use crate::policy::{Asking, Decision, Sight, Verdict, ViewId};

/// What the rules say of one subscription.
pub(super) struct Judged {
    pub verdict: Verdict,
    pub sees: Sees,
    /// When time alone may change it.
    pub until: Option<Wall>,
    /// What is to be written down of it.
    pub line: Option<Box<Line>>,
}

impl Shard {
    /// Asks the rules. Those of the operator alone depend on nothing but who asks for whom.
    pub(super) fn judge(
        &self,
        now: Now,
        aor: &Aor,
        package: PackageId,
        watcher: &Identity,
    ) -> Judged {
        if self.book.is_plain() {
            let is_told = self.registry.template_of(package).is_none();
            let operator = &self.book.organisation().operator;
            let verdict = if is_told { operator.verdict(aor, watcher) } else { Verdict::Block };
            let sees = if watcher.aor() == Some(aor) { Sees::Own } else { Sees::Full };
            return Judged { verdict, sees, until: None, line: None };
        }
        let seat = self.seats.find(aor).and_then(|id| self.seats.get(id));
        let about = seat.map(|seat| seat.presentity.circumstances(self.person));
        let about = about.unwrap_or_default();
        let asking = Asking {
            sphere: about.sphere.as_deref(),
            invisible: about.invisible,
            day_off: about.day_off,
            ..Asking::new(aor, watcher, now.wall)
        };
        let decision = self.book.decide(&asking);
        let name = self.registry.package(package).event();
        let is_audited = self.book.organisation().policy.as_ref().is_some_and(|p| p.audit.enabled);
        let line = is_audited.then(|| Box::new(Line::of(&asking, name, &decision)));
        let (verdict, sees) = match self.registry.template_of(package) {
            Some(watched) => listed(self.registry.package(watched).name(), &asking, &decision),
            None if self.registry.package(package).name() == DndLamp::NAME => {
                seen_beside(&asking, &decision)
            }
            None => seen(name, &asking, &decision),
        };
        Judged { verdict, sees, until: decision.until, line }
    }

    /// The rules say this of a subscription from now on. False if they said so before. Nobody is
    /// told yet.
    pub(super) fn sentence(&mut self, now: Now, id: SubscriptionId, judged: Judged) -> bool {
        let Judged { verdict, sees, until, line } = judged;
        let Some(subscription) = self.notifier.get_mut(id) else { return false };
        let presentity = subscription.presentity;
        let is_other = std::mem::replace(&mut subscription.verdict, verdict) != verdict;
        let is_whole = matches!(sees, Sees::Full) && subscription.view == ViewId::FULL;
        let is_new = (!is_whole && self.see(id, sees)) || is_other;
        if is_new && let Some(line) = line {
            tell(&line);
        }
        if !self.book.is_plain() {
            self.look_again(now, presentity, until);
        }
        if is_other {
            self.watcher_judged(now, id);
        }
        is_new
    }

    /// Decisions on watchers of a presentity stand until then, and no longer.
    fn look_again(&mut self, now: Now, presentity: PresentityId, until: Option<Wall>) {
        let person = self.person;
        let Some(seat) = self.seats.get_mut(presentity) else { return };
        let is_first = seat.privacy.is_none();
        let circumstances = is_first.then(|| seat.presentity.circumstances(person));
        let privacy = seat.privacy();
        privacy.circumstances = circumstances.unwrap_or(std::mem::take(&mut privacy.circumstances));
        // What should be over already is asked again at the next reason, not at once for ever.
        let until = until.filter(|until| *until > now.wall);
        let next = [privacy.until, until].into_iter().flatten().min();
        if next != privacy.until {
            privacy.until = next;
            self.arm_seat(now, presentity);
        }
    }

    /// Asks the rules again for every watcher of a presentity, and owes each what follows.
    pub(super) fn judge_seat(&mut self, now: Now, presentity: PresentityId) {
        for (id, before, after) in self.rejudged(now, presentity) {
            let owed = match (before, after) {
                (_, Verdict::Block) => Owed::End(Reason::Rejected),
                // It is told that it waits, or sent at once what it waited for.
                (Verdict::Confirm, _) | (_, Verdict::Confirm) => Owed::Answer,
                // What looks as it did is not sent: nobody learns that it was hidden, or shown.
                _ => Owed::Change,
            };
            self.notifier.owe(id, owed);
        }
        self.judge_waiting(now, presentity);
    }

    /// As [`Shard::judge_seat`], and nobody is owed anything: it names those of whom the rules say
    /// something else now, what they said and what they say.
    pub(super) fn rejudged(
        &mut self,
        now: Now,
        presentity: PresentityId,
    ) -> Vec<(SubscriptionId, Verdict, Verdict)> {
        let Some(seat) = self.seats.get_mut(presentity) else { return Vec::new() };
        let aor = seat.presentity.aor.clone();
        if let Some(privacy) = seat.privacy.as_mut() {
            privacy.until = None;
        }
        let watchers: Vec<SubscriptionId> = seat.watchers.iter().flatten().copied().collect();
        let mut changed = Vec::new();
        for id in watchers {
            let Some(subscription) = self.notifier.get(id) else { continue };
            let (before, package) = (subscription.verdict, subscription.package);
            let judged = self.judge(now, &aor, package, &subscription.watcher);
            let after = judged.verdict;
            if self.sentence(now, id, judged) {
                changed.push((id, before, after));
            }
        }
        changed
    }

    /// The rules were replaced: everybody is judged by the new ones.
    pub(super) fn judge_everybody(&mut self, now: Now) {
        for presentity in self.seats.ids() {
            self.judge_seat(now, presentity);
        }
    }
}

/// What becomes of a subscription to a package.
fn seen(package: &str, asking: &Asking<'_>, decision: &Decision) -> (Verdict, Sees) {
    match decision.sight(package) {
        Sight::Refused => (Verdict::Block, Sees::Full),
        Sight::Pending => (Verdict::Confirm, Sees::Full),
        Sight::Offline => (Verdict::PoliteBlock, Sees::Full),
        Sight::Document(_) if asking.is_owner() => (Verdict::Allow, Sees::Own),
        Sight::Document(permissions) => {
            let permissions = permissions.of_package(package);
            let sees = match permissions.is_everything() {
                true => Sees::Full,
                false => Sees::Part(Box::new(permissions)),
            };
            (Verdict::Allow, sees)
        }
    }
}

/// What becomes of a subscription to the lamp beside a person, which tells of no call: it shows
/// what the person does, so it is lit for who may know that, and for attendants.
fn seen_beside(asking: &Asking<'_>, decision: &Decision) -> (Verdict, Sees) {
    let may_know = decision.is_attendant || decision.permissions.provides(Attribute::Activities);
    let sees = match (asking.is_owner(), may_know) {
        (true, _) => Sees::Own,
        (false, true) => Sees::Full,
        (false, false) => Sees::Part(Box::new(Permissions::nothing())),
    };
    (decision.of_package(DndLamp::EVENT), sees)
}

/// What becomes of a subscription to the watchers of a package (RFC 3857 §4.6): the person is told
/// all of them, others that they watch themselves.
fn listed(package: &str, asking: &Asking<'_>, decision: &Decision) -> (Verdict, Sees) {
    if asking.is_owner() {
        return (Verdict::Allow, Sees::Own);
    }
    let is_known = asking.is_proven() && decision.of_package(package) != Verdict::Block;
    (if is_known { Verdict::Allow } else { Verdict::Block }, Sees::Full)
}

/// Writes down who sees what, and by which rule.
pub(super) fn tell(line: &Line) {
    let Line { watcher, presentity, package, handling, rules, granted, view, until, .. } = line;
    let (rules, granted) = (rules.join(","), granted.join(" "));
    let until = until.as_deref().unwrap_or_default();
    info!(event = "decided", watcher, presentity, package, handling, rules, granted, view, until);
}
