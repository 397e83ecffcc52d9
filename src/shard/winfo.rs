//! Who watches whom (RFC 3857): lists of watchers, kept for whom they are told to and for who waits
//! for a decision, and for nobody else.

use std::sync::Arc;

use super::Shard;
use super::seat::Seat;
use crate::base::identity::{Aor, Identity};
use crate::base::limits::WAITED_FOR_MAX;
use crate::base::time::{Now, Wall};
use crate::doc::watcher_info::{Extent, WatcherInfo};
use crate::event::winfo::{Asker, End, Reader, Watchers};
use crate::event::{Generation, PackageId, Rendered};
use crate::notifier::{Owed, PresentityId, Reason, Subscription, SubscriptionId};
use crate::policy::{Verdict, ViewId};

/// The watchers of one presentity in one package.
pub(super) struct List {
    package: PackageId,
    watchers: Watchers,
    /// Whether everybody who watches is in it, and not only who waits or came since.
    is_whole: bool,
}

impl Shard {
    /// A subscription began that is more than a fetch.
    pub(super) fn watcher_came(&mut self, now: Now, id: SubscriptionId) {
        if self.book.is_plain() {
            return;
        }
        let Some(subscription) = self.notifier.get(id) else { return };
        let (presentity, package) = (subscription.presentity, subscription.package);
        let Some(list) = list_of(self.seats.get_mut(presentity), package) else { return };
        let (key, until) = (subscription.dialog.tag.unique, subscription.until);
        if list.begin(now.wall, key, asker(subscription), subscription.verdict, until) {
            self.list_changed(now, presentity, package);
        }
    }

    /// A subscription was refreshed.
    pub(super) fn watcher_stays(&mut self, id: SubscriptionId) {
        if self.book.is_plain() {
            return;
        }
        let Some(subscription) = self.notifier.get(id) else { return };
        let seat = self.seats.get_mut(subscription.presentity);
        let Some(list) = list_of(seat, subscription.package) else { return };
        list.refresh(subscription.dialog.tag.unique, subscription.until);
    }

    /// The rules say something else of a subscription that goes on.
    pub(super) fn watcher_judged(&mut self, now: Now, id: SubscriptionId) {
        if self.book.is_plain() {
            return;
        }
        let Some(subscription) = self.notifier.get(id) else { return };
        let (presentity, package) = (subscription.presentity, subscription.package);
        let Some(list) = list_of(self.seats.get_mut(presentity), package) else { return };
        if list.judge(subscription.dialog.tag.unique, subscription.verdict) {
            self.list_changed(now, presentity, package);
        }
    }

    /// A subscription is over. Who was not decided on waits on (RFC 3857 §4.7.1).
    pub(super) fn watcher_went(&mut self, now: Now, subscription: &Subscription, reason: Reason) {
        let Subscription { presentity, package, .. } = *subscription;
        if self.book.is_plain() {
            return;
        }
        if let Some(watched) = self.registry.template_of(package) {
            return self.reader_went(now, presentity, watched);
        }
        let key = subscription.dialog.tag.unique;
        let is_full = self.waited_for >= WAITED_FOR_MAX;
        let Some(seat) = self.seats.get_mut(presentity) else { return };
        let waits = subscription.verdict == Verdict::Confirm
            && ended(reason) == End::Timeout
            && subscription.watcher.aor().is_some()
            && (seat.waits() || !is_full);
        let is_told = match list_of(Some(&mut *seat), package) {
            Some(list) if list.knows(key) => list.end(now.wall, key, ended(reason)),
            _ if waits => {
                let list = seat.list(package);
                list.fetch(now.wall, key, asker(subscription), subscription.verdict)
            }
            _ => false,
        };
        if is_told {
            self.list_changed(now, presentity, package);
        }
    }

    /// Nobody reads a list any more: only who waits is kept in it.
    fn reader_went(&mut self, now: Now, presentity: PresentityId, package: PackageId) {
        let template = self.registry.template_for(package);
        let Some(seat) = self.seats.get_mut(presentity) else { return };
        if template.is_some_and(|template| !seat.watchers(template).is_empty()) {
            return;
        }
        let lists = seat.privacy.iter_mut().flat_map(|privacy| &mut privacy.lists);
        for list in lists.filter(|list| list.package == package) {
            list.watchers.keep_waiting();
            list.is_whole = false;
        }
        self.count_waiting(now, presentity);
    }

    /// Time passes for the lists of a presentity.
    pub(super) fn lists_rang(&mut self, now: Now, presentity: PresentityId) {
        let Some(seat) = self.seats.get_mut(presentity) else { return };
        let lists = seat.privacy.iter_mut().flat_map(|privacy| &mut privacy.lists);
        let told = lists.filter_map(|list| list.watchers.tick(now.wall).then_some(list.package));
        let told: Vec<PackageId> = told.collect();
        for package in told {
            self.list_changed(now, presentity, package);
        }
        self.count_waiting(now, presentity);
    }

    /// The rules may have decided on who waits.
    pub(super) fn judge_waiting(&mut self, now: Now, presentity: PresentityId) {
        let Some(seat) = self.seats.get_mut(presentity) else { return };
        let aor = seat.presentity.aor.clone();
        let Some(privacy) = seat.privacy.as_mut().filter(|privacy| privacy.waits) else { return };
        let mut lists = std::mem::take(&mut privacy.lists);
        let mut told = Vec::new();
        for list in &mut lists {
            let handling = |asker: &Asker| {
                let watcher = asker.uri.strip_prefix("sip:").unwrap_or_default();
                let watcher = Identity::User(Aor::from_canonical(watcher));
                self.judge(now, &aor, list.package, &watcher).verdict
            };
            if list.watchers.judge_waiting(now.wall, handling) {
                told.push(list.package);
            }
        }
        if let Some(seat) = self.seats.get_mut(presentity) {
            seat.privacy().lists = lists;
        }
        for package in told {
            self.list_changed(now, presentity, package);
        }
    }

    /// Whoever reads a list is owed what changed.
    fn list_changed(&mut self, now: Now, presentity: PresentityId, package: PackageId) {
        let template = self.registry.template_for(package);
        let seat = self.seats.get(presentity);
        let readers = seat.zip(template).map(|(seat, template)| seat.watchers(template));
        for &reader in readers.unwrap_or_default() {
            self.notifier.owe(reader, Owed::Change);
        }
        self.count_waiting(now, presentity);
    }

    /// Counts the presentities somebody waits for, and lets lists go that nobody needs.
    fn count_waiting(&mut self, now: Now, presentity: PresentityId) {
        let Some(seat) = self.seats.get_mut(presentity) else { return };
        let Some(privacy) = seat.privacy.as_mut() else { return };
        privacy.lists.retain(|list| list.is_whole || !list.watchers.is_empty());
        let waits = privacy.lists.iter().any(|list| list.watchers.has_waiting());
        match (std::mem::replace(&mut privacy.waits, waits), waits) {
            (false, true) => self.waited_for += 1,
            (true, false) => self.waited_for -= 1,
            _ => {}
        }
        self.seats.mark(presentity);
        self.arm_seat(now, presentity);
    }

    /// The list of watchers for somebody who reads it: all of it after a SUBSCRIBE (RFC 3857 §4.3),
    /// else what changed since it last said it got one.
    pub(super) fn render_watchers(
        &mut self,
        now: Now,
        id: SubscriptionId,
        package: PackageId,
    ) -> Option<(Option<Arc<Rendered>>, Generation)> {
        let Subscription { presentity, owed, verdict, .. } = *self.notifier.get(id)?;
        let is_rejected = matches!(owed, Owed::End(reason) if reason != Reason::Timeout);
        if is_rejected || verdict != Verdict::Allow {
            return Some((None, Generation::default()));
        }
        self.make_whole(now, presentity, package);
        let list = list_of(self.seats.get_mut(presentity), package)?;
        let reader = self.notifier.get(id)?;
        // 0 is what nobody was ever told.
        let generation = u32::try_from(list.changes()).unwrap_or(u32::MAX).saturating_add(1);
        let generation = Generation(generation);
        let uri = uri_of(&reader.watcher);
        let who = match reader.view == ViewId::OWN {
            true => Reader::Owner,
            false => Reader::Watcher(&uri),
        };
        let known = reader.seen.sure().0;
        let is_whole = reader.owed != Owed::Change || reader.told == 0 || known == 0;
        let (extent, watchers) = match is_whole {
            true => (Extent::Full, list.full(now.wall, who)),
            false => (Extent::Partial, list.since(u64::from(known) - 1, now.wall, who)),
        };
        if watchers.is_empty() && !is_whole {
            return Some((None, generation)); // Whoever changed is none of its business.
        }
        let name = self.registry.package(package).name();
        let body = WatcherInfo::body(extent, name, &watchers);
        self.counters.bodies_serialised += 1;
        Some((Some(Arc::new(body.into())), generation))
    }

    /// Takes everybody into a list who watches already. When they came nobody knows any more.
    fn make_whole(&mut self, now: Now, presentity: PresentityId, package: PackageId) {
        let Shard { seats, notifier, .. } = self;
        let Some(seat) = seats.get_mut(presentity) else { return };
        let known = |list: &&mut List| list.package == package && list.is_whole;
        if seat.privacy().lists.iter_mut().find(known).is_some() {
            return;
        }
        let ids: Vec<SubscriptionId> = seat.watchers(package).to_vec();
        let list = seat.list(package);
        for watcher in ids.into_iter().filter_map(|id| notifier.get(id)) {
            let (key, until) = (watcher.dialog.tag.unique, watcher.until);
            if until > now.wall && !list.knows(key) {
                list.join(now.wall, key, asker(watcher), watcher.verdict, until);
            }
        }
        let lists = seat.privacy.iter_mut().flat_map(|privacy| &mut privacy.lists);
        lists.filter(|list| list.package == package).for_each(|list| list.is_whole = true);
    }
}

impl List {
    /// When time changes it by itself.
    pub(super) fn deadline(&self) -> Option<Wall> {
        self.watchers.deadline()
    }
}

impl Seat {
    /// Whether somebody waits for a decision of this person.
    pub(super) fn waits(&self) -> bool {
        self.privacy.as_ref().is_some_and(|privacy| privacy.waits)
    }

    /// The list of a package, begun if there is none.
    fn list(&mut self, package: PackageId) -> &mut Watchers {
        let lists = &mut self.privacy().lists;
        let place = lists.iter().position(|list| list.package == package).unwrap_or_else(|| {
            lists.push(List { package, watchers: Watchers::default(), is_whole: false });
            lists.len() - 1
        });
        &mut lists[place].watchers
    }
}

/// The list of a package, if there is one.
fn list_of(seat: Option<&mut Seat>, package: PackageId) -> Option<&mut Watchers> {
    let lists = &mut seat?.privacy.as_mut()?.lists;
    let list = lists.iter_mut().find(|list| list.package == package)?;
    Some(&mut list.watchers)
}

fn asker(subscription: &Subscription) -> Asker {
    let (media, rest) = (subscription.media, subscription.event_rest());
    Asker { uri: uri_of(&subscription.watcher), display: None, wish: format!("{media}{rest}") }
}

/// The address of a watcher as it was proven (RFC 3858 §3.3); of others nobody's (RFC 3323 §4.1.1.3).
fn uri_of(watcher: &Identity) -> String {
    match watcher.aor() {
        Some(aor) => aor.to_uri(),
        None => "sip:anonymous@anonymous.invalid".to_owned(),
    }
}

fn ended(reason: Reason) -> End {
    match reason {
        Reason::Timeout | Reason::GiveUp => End::Timeout,
        Reason::Rejected => End::Rejected,
        Reason::Deactivated => End::Deactivated,
        Reason::Probation => End::Probation,
        Reason::NoResource => End::NoResource,
    }
}
