//! What a seat keeps of who may see what: the views its watchers have, when the rules are to be
//! asked again, what of the person they depend on.

use super::Shard;
use super::seat::Seat;
use crate::base::time::Wall;
use crate::doc::permissions::Permissions;
use crate::event::{Circumstances, PackageId};
use crate::notifier::SubscriptionId;
use crate::policy::{ViewId, Views};

/// What one seat keeps, where rules are more than the operator's.
#[derive(Default)]
pub(super) struct Privacy {
    pub views: Views,
    /// When time alone may change what was decided.
    pub until: Option<Wall>,
    /// What the decisions were made by.
    pub circumstances: Circumstances,
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

impl Seat {
    /// What is kept of rules, from now on.
    pub(super) fn privacy(&mut self) -> &mut Privacy {
        self.privacy.get_or_insert_default()
    }
}

impl Shard {
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
