//! What a seat keeps of who may see what: the views its watchers have, when the rules are to be
//! asked again, what of the person they depend on.

use super::Shard;
use super::seat::Seat;
use super::winfo::List;
use crate::base::time::{Now, Wall};
use crate::doc::permissions::Permissions;
use crate::event::{Circumstances, PackageId};
use crate::notifier::{PresentityId, SubscriptionId};
use crate::policy::{ViewId, Views};

/// What one seat keeps, where rules are more than the operator's.
#[derive(Default)]
pub(super) struct Privacy {
    pub views: Views,
    /// When time alone may change what was decided.
    pub until: Option<Wall>,
    /// What the decisions were made by.
    pub circumstances: Circumstances,
    /// Who watches, for those who read it or wait.
    pub lists: Vec<List>,
    /// Whether somebody waits for a decision whose subscription is over.
    pub waits: bool,
}

/// What a watcher sees whose subscription is allowed.
pub(super) enum Sees {
    /// Everything that is shown to others.
    Full,
    /// What the person sees of itself.
    Own,
    /// A part.
    Part(Box<Permissions>),
}

impl Privacy {
    /// When time alone may change something.
    pub(super) fn next_end(&self) -> Option<Wall> {
        self.lists.iter().filter_map(List::deadline).chain(self.until).min()
    }
}

impl Seat {
    /// What is kept of rules, from now on.
    pub(super) fn privacy(&mut self) -> &mut Privacy {
        self.privacy.get_or_insert_default()
    }
}

impl Shard {
    /// The time has come that [`Privacy::next_end`] named.
    pub(super) fn privacy_rang(&mut self, now: Now, id: PresentityId) {
        let privacy = self.seats.get(id).and_then(|seat| seat.privacy.as_ref());
        let is_due = |end: Option<Wall>| end.is_some_and(|end| end <= now.wall);
        let due = privacy.map(|it| (is_due(it.until), is_due(it.next_end())));
        let (to_judge, any) = due.unwrap_or_default();
        if to_judge {
            self.judge_seat(now, id);
        }
        if any {
            self.lists_rang(now, id);
        }
    }

    /// There are no rules any more but the operator's: nobody sees a part, nobody waits.
    pub(super) fn forget_privacy(&mut self) {
        for id in self.seats.ids() {
            if let Some(seat) = self.seats.get_mut(id) {
                seat.privacy = None;
            }
            self.seats.mark(id);
        }
        self.waited_for = 0;
    }

    /// A watcher sees this from now on. False if that is what it saw.
    pub(super) fn see(&mut self, id: SubscriptionId, sees: Sees) -> bool {
        let Shard { notifier, seats, pool, .. } = self;
        let Some(subscription) = notifier.get_mut(id) else { return false };
        let Some(seat) = seats.get_mut(subscription.presentity) else { return false };
        let view = match sees {
            Sees::Full => ViewId::FULL,
            Sees::Own => ViewId::OWN,
            Sees::Part(permissions) => seat.privacy().views.take(&pool.share(*permissions)),
        };
        let before = std::mem::replace(&mut subscription.view, view);
        seat.give_back(subscription.package, before);
        before != view
    }
}

impl Seat {
    /// A watcher of a package does not have this view any more.
    pub(super) fn give_back(&mut self, package: PackageId, view: ViewId) {
        if !view.is_part() {
            return;
        }
        let gone = self.privacy.as_mut().and_then(|privacy| privacy.views.give_back(view));
        if let Some(permissions) = gone {
            self.presentity.forget_view(package, &permissions);
        }
    }
}
