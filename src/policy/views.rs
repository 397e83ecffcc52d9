//! Many watchers, few views: watchers with equal permissions share one view, and so one body.

use std::collections::HashSet;
use std::sync::Arc;

use crate::doc::permissions::Permissions;

/// The name of one view of one presentity.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ViewId(u32);

/// The views of one presentity that show a part, and that somebody has.
#[derive(Clone, Debug, Default)]
pub struct Views {
    views: Vec<View>,
    last: u32,
}

#[derive(Clone, Debug)]
struct View {
    id: ViewId,
    permissions: Arc<Permissions>,
    watchers: u32,
}

/// The permissions of many presentities: with one policy for all of them most are alike, and kept
/// once.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    known: HashSet<Arc<Permissions>>,
    /// How many there may be before those that nobody has are let go.
    enough: usize,
}

impl ViewId {
    /// Everything that is shown to others.
    pub const FULL: ViewId = ViewId(0);
    /// What the person sees of itself.
    pub const OWN: ViewId = ViewId(1);
    /// Names of views that show a part are above these.
    const WHOLE: u32 = 1;

    /// Whether it shows a part.
    pub fn is_part(self) -> bool {
        self.0 > ViewId::WHOLE
    }
}

impl Views {
    /// The view of these permissions, for one more watcher. Whoever takes it gives it back by
    /// [`Views::give_back`].
    pub fn take(&mut self, permissions: &Arc<Permissions>) -> ViewId {
        if let Some(view) = self.views.iter_mut().find(|view| view.permissions == *permissions) {
            view.watchers = view.watchers.saturating_add(1);
            return view.id;
        }
        let id = self.unused();
        self.views.push(View { id, permissions: Arc::clone(permissions), watchers: 1 });
        id
    }

    /// One watcher fewer has it. If nobody has it any more its permissions: what was kept for them
    /// may go.
    pub fn give_back(&mut self, id: ViewId) -> Option<Arc<Permissions>> {
        let place = self.views.iter().position(|view| view.id == id)?;
        let view = self.views.get_mut(place)?;
        view.watchers = view.watchers.saturating_sub(1);
        (view.watchers == 0).then(|| self.views.swap_remove(place).permissions)
    }

    /// What may be seen under it.
    pub fn permissions(&self, id: ViewId) -> Option<&Arc<Permissions>> {
        self.views.iter().find(|view| view.id == id).map(|view| &view.permissions)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.views.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.views.is_empty()
    }

    /// A name that no view has; that of one that is gone comes back last.
    fn unused(&mut self) -> ViewId {
        loop {
            self.last = self.last.checked_add(1).unwrap_or(0).max(ViewId::WHOLE + 1);
            let id = ViewId(self.last);
            if self.permissions(id).is_none() {
                return id;
            }
        }
    }
}

impl Pool {
    /// Permissions that are equal to these, the same each time.
    pub fn share(&mut self, permissions: Permissions) -> Arc<Permissions> {
        const FEW: usize = 64;
        if let Some(known) = self.known.get(&permissions) {
            return Arc::clone(known);
        }
        if self.known.len() >= self.enough.max(FEW) {
            self.known.retain(|known| Arc::strong_count(known) > 1);
            self.enough = 2 * self.known.len();
        }
        let permissions = Arc::new(permissions);
        self.known.insert(Arc::clone(&permissions));
        permissions
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doc::element::Name;
    use crate::doc::namespace::Namespace;
    use crate::doc::rules::Provided;

    fn everything() -> Arc<Permissions> {
        Arc::new(Permissions::everything())
    }

    fn nothing() -> Arc<Permissions> {
        Arc::new(Permissions::nothing())
    }

    #[test]
    fn equal_permissions_are_one_view() {
        let mut views = Views::default();
        let full = views.take(&everything());
        let none = views.take(&nothing());
        assert!(full.is_part() && none.is_part() && !ViewId::FULL.is_part());
        assert_ne!(full, none);
        assert_eq!(views.take(&everything()), full);
        assert_eq!(views.len(), 2);
        assert!(views.permissions(full).is_some_and(|full| full.is_everything()));
    }

    #[test]
    fn a_view_goes_with_its_last_watcher_and_its_name_comes_back_last() {
        let mut views = Views::default();
        let first = views.take(&everything());
        views.take(&everything());
        assert!(views.give_back(first).is_none());
        assert!(views.give_back(first).is_some());
        assert!(views.give_back(first).is_none(), "it is gone already");
        assert!(views.is_empty() && views.permissions(first).is_none());
        let second = views.take(&everything());
        assert_ne!(second, first);
        views.last = u32::MAX;
        let third = views.take(&nothing());
        assert!(third.is_part() && third != second, "{third:?}");
    }

    #[test]
    fn what_many_have_is_kept_once_and_what_nobody_has_is_let_go() {
        let mut pool = Pool::default();
        let kept = pool.share(Permissions::everything());
        assert!(Arc::ptr_eq(&kept, &pool.share(Permissions::everything())));
        for number in 0..200 {
            let mut permissions = Permissions::nothing();
            let name = Name::new(Namespace::from_uri("urn:x"), &format!("n{number}"));
            permissions.add(&Provided::Unknown(name));
            pool.share(permissions);
        }
        assert!(pool.known.len() < 100, "{}", pool.known.len());
        assert!(Arc::ptr_eq(&kept, &pool.share(Permissions::everything())));
    }
}
