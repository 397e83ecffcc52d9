//! Many watchers, few views: watchers with equal permissions share one, and so one body.

use std::fmt;

use crate::doc::permissions::Permissions;

/// The name of one view of one presentity. Never used twice, so that what was kept for a view that
/// is gone is not shown under another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ViewId(u64);

/// The views of one presentity that somebody has.
#[derive(Clone, Debug, Default)]
pub struct Views {
    views: Vec<View>,
    next: u64,
}

#[derive(Clone, Debug)]
struct View {
    id: ViewId,
    permissions: Permissions,
    watchers: u32,
}

impl fmt::Debug for ViewId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ViewId({})", self.0)
    }
}

impl Views {
    /// The view of these permissions, for one more watcher. Whoever takes it gives it back by
    /// [`Views::give_back`].
    pub fn take(&mut self, permissions: &Permissions) -> ViewId {
        if let Some(view) = self.views.iter_mut().find(|view| view.permissions == *permissions) {
            view.watchers = view.watchers.saturating_add(1);
            return view.id;
        }
        let id = ViewId(self.next);
        // At a million views a second it would take half a million years to run out.
        self.next = self.next.saturating_add(1);
        self.views.push(View { id, permissions: permissions.clone(), watchers: 1 });
        id
    }

    /// One watcher fewer has it. True if nobody has it any more: what was kept for it may go.
    pub fn give_back(&mut self, id: ViewId) -> bool {
        let Some(place) = self.views.iter().position(|view| view.id == id) else { return false };
        let Some(view) = self.views.get_mut(place) else { return false };
        view.watchers = view.watchers.saturating_sub(1);
        if view.watchers > 0 {
            return false;
        }
        self.views.swap_remove(place);
        true
    }

    /// What may be seen under it.
    pub fn permissions(&self, id: ViewId) -> Option<&Permissions> {
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_permissions_are_one_view() {
        let mut views = Views::default();
        let full = views.take(&Permissions::everything());
        let none = views.take(&Permissions::nothing());
        assert_ne!(full, none);
        assert_eq!(views.take(&Permissions::everything()), full);
        assert_eq!(views.len(), 2);
        assert!(views.permissions(full).is_some_and(Permissions::is_everything));
    }

    #[test]
    fn a_view_goes_with_its_last_watcher_and_its_name_is_not_used_again() {
        let mut views = Views::default();
        let first = views.take(&Permissions::everything());
        views.take(&Permissions::everything());
        assert!(!views.give_back(first));
        assert!(views.give_back(first));
        assert!(!views.give_back(first), "it is gone already");
        assert!(views.is_empty() && views.permissions(first).is_none());
        assert_ne!(views.take(&Permissions::everything()), first);
    }
}
