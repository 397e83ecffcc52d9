//! The seats of presentities in a shard: state, watchers, contacts, and the one alarm of each.

use std::collections::HashMap;

use smallvec::SmallVec;

use super::Shard;
use super::privacy::Privacy;
use super::record::{Change, RecordKey};
use crate::base::alarms::AlarmId;
use crate::base::identity::Aor;
use crate::base::mint::HomeHash;
use crate::base::time::{Moment, Now, Wall};
use crate::event::{Observation, PackageId, Source};
use crate::notifier::{PresentityId, SubscriptionId};
use crate::presentity::Presentity;
use crate::registrar::Bindings;

/// Everything of one presentity.
pub(super) struct Seat {
    pub presentity: Presentity,
    /// Subscriptions by package.
    pub watchers: SmallVec<[Vec<SubscriptionId>; 3]>,
    pub bindings: Option<Box<Bindings>>,
    /// When to compose again although nothing arrives.
    pub again: Option<Wall>,
    /// When the PUBLISH came that is not composed yet; the origin: none.
    pub heard: Moment,
    /// When the one came by which the documents changed last; the origin: that was another reason.
    pub changed_by: Moment,
    /// What is kept of rules; `None` where those of the operator are all there is.
    pub privacy: Option<Box<Privacy>>,
    alarm: Option<AlarmId>,
    /// Whether it is in the list of seats to be settled.
    dirty: bool,
}

/// All seats of a shard.
pub(super) struct Seats {
    seats: Vec<Option<Box<Seat>>>,
    free: Vec<u32>,
    by_aor: HashMap<Aor, PresentityId, ahash::RandomState>,
    dirty: Vec<PresentityId>,
}

impl Seats {
    pub(super) fn new(hash: ahash::RandomState) -> Seats {
        Seats {
            seats: Vec::new(),
            free: Vec::new(),
            by_aor: HashMap::with_hasher(hash),
            dirty: Vec::new(),
        }
    }

    /// The seat of an AoR, opened if there is none. It is looked at in the next settle, so that
    /// one opened for nothing is closed again.
    pub(super) fn open(&mut self, aor: &Aor, home: impl FnOnce() -> HomeHash) -> PresentityId {
        if let Some(&id) = self.by_aor.get(aor) {
            return id;
        }
        let seat = Box::new(Seat {
            presentity: Presentity::new(aor.clone(), home()),
            watchers: SmallVec::new(),
            bindings: None,
            again: None,
            heard: Moment::ORIGIN,
            changed_by: Moment::ORIGIN,
            privacy: None,
            alarm: None,
            dirty: false,
        });
        let id = match self.free.pop() {
            Some(index) => {
                self.seats[index as usize] = Some(seat);
                PresentityId(index)
            }
            None => {
                self.seats.push(Some(seat));
                PresentityId(u32::try_from(self.seats.len() - 1).expect("fewer than 2^32"))
            }
        };
        self.by_aor.insert(aor.clone(), id);
        self.mark(id);
        id
    }

    pub(super) fn find(&self, aor: &Aor) -> Option<PresentityId> {
        self.by_aor.get(aor).copied()
    }

    pub(super) fn get(&self, id: PresentityId) -> Option<&Seat> {
        self.seats.get(id.0 as usize)?.as_deref()
    }

    pub(super) fn get_mut(&mut self, id: PresentityId) -> Option<&mut Seat> {
        self.seats.get_mut(id.0 as usize)?.as_deref_mut()
    }

    /// Takes a watcher in; returns its place. What was not composed for nobody is composed in the
    /// next settle.
    pub(super) fn admit(
        &mut self,
        presentity: PresentityId,
        package: PackageId,
        id: SubscriptionId,
    ) -> Option<u32> {
        let seat = self.get_mut(presentity)?;
        let position = seat.admit(package, id);
        seat.presentity.wake(package);
        if seat.presentity.is_dirty() {
            self.mark(presentity);
        }
        Some(position)
    }

    /// To be settled at the end of the turn.
    pub(super) fn mark(&mut self, id: PresentityId) {
        let Some(seat) = self.get_mut(id) else { return };
        if !seat.dirty {
            seat.dirty = true;
            self.dirty.push(id);
        }
    }

    /// Takes one seat to be settled.
    pub(super) fn next_dirty(&mut self) -> Option<PresentityId> {
        let id = self.dirty.pop()?;
        if let Some(seat) = self.get_mut(id) {
            seat.dirty = false;
        }
        Some(id)
    }

    pub(super) fn close(&mut self, id: PresentityId) -> Option<AlarmId> {
        let seat = self.seats.get_mut(id.0 as usize)?.take()?;
        self.by_aor.remove(&seat.presentity.aor);
        self.free.push(id.0);
        seat.alarm
    }

    /// Every seat there is.
    pub(super) fn ids(&self) -> Vec<PresentityId> {
        self.by_aor.values().copied().collect()
    }

    pub(super) fn len(&self) -> usize {
        self.by_aor.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Seat> {
        self.seats.iter().flatten().map(|seat| &**seat)
    }
}

impl Seat {
    /// Whether it can be closed: nothing is known, nobody watches.
    pub(super) fn is_empty(&self) -> bool {
        self.bindings.is_none()
            && self.watchers.iter().all(Vec::is_empty)
            && self.presentity.is_empty()
            && !self.waits()
    }

    pub(super) fn watchers(&self, package: PackageId) -> &[SubscriptionId] {
        self.watchers.get(package.index()).map_or(&[], Vec::as_slice)
    }

    pub(super) fn watcher_count(&self) -> usize {
        self.watchers.iter().map(Vec::len).sum()
    }

    fn admit(&mut self, package: PackageId, id: SubscriptionId) -> u32 {
        while self.watchers.len() <= package.index() {
            self.watchers.push(Vec::new());
        }
        let list = &mut self.watchers[package.index()];
        list.push(id);
        u32::try_from(list.len() - 1).expect("fewer watchers than 2^32")
    }

    /// Lets a watcher go; returns the one that now stands in its place.
    pub(super) fn dismiss(&mut self, package: PackageId, position: u32) -> Option<SubscriptionId> {
        let list = self.watchers.get_mut(package.index())?;
        let place = position as usize;
        if place >= list.len() {
            return None;
        }
        list.swap_remove(place);
        if list.is_empty() {
            list.shrink_to_fit();
        }
        list.get(place).copied()
    }

    /// The next moment at which something ends by itself.
    fn next_end(&self) -> Option<Wall> {
        let publications = self.presentity.publications().iter().map(|p| p.until).min();
        let bindings = self.bindings.as_ref().and_then(|bindings| bindings.next_end());
        let judged = self.privacy.as_ref().and_then(|privacy| privacy.next_end());
        [publications, bindings, self.again, judged].into_iter().flatten().min()
    }
}

impl Shard {
    /// Sets the one alarm of a presentity for whatever ends first.
    pub(super) fn arm_seat(&mut self, now: Now, id: PresentityId) {
        let Some(seat) = self.seats.get_mut(id) else { return };
        if let Some(alarm) = seat.alarm.take() {
            self.alarms.cancel(alarm);
        }
        if let Some(end) = seat.next_end() {
            seat.alarm = Some(self.alarms.set(now.instant_of(end), id));
        }
    }

    /// Something of a presentity may have come to its end.
    pub(super) fn seat_rang(&mut self, now: Now, id: PresentityId) {
        let Some(seat) = self.seats.get_mut(id) else { return };
        seat.alarm = None;
        let aor = seat.presentity.aor.clone();
        let over: Vec<_> = seat
            .presentity
            .publications()
            .iter()
            .filter(|publication| publication.until <= now.wall)
            .map(|publication| publication.key)
            .collect();
        for &key in &over {
            seat.presentity.withdraw(&self.registry, key);
        }
        self.counters.publications_expired += over.len() as u64;
        for key in over {
            self.keep(Change::Remove(RecordKey::Publication(aor.clone(), key.0)));
        }
        let Some(seat) = self.seats.get_mut(id) else { return };
        if seat.bindings.as_mut().is_some_and(|bindings| bindings.expire(now.wall)) {
            self.bindings_changed(now, id, &aor);
        }
        let Some(seat) = self.seats.get_mut(id) else { return };
        if seat.again.is_some_and(|again| again <= now.wall) {
            seat.again = None;
            for package in self.registry.ids() {
                seat.presentity.touch(package);
            }
        }
        if seat.privacy.as_ref().and_then(|it| it.next_end()).is_some_and(|end| end <= now.wall) {
            self.privacy_rang(now, id);
        }
        self.seats.mark(id);
        self.arm_seat(now, id);
    }

    /// The contacts of an AoR changed: they are kept, and the presence of their owner with them.
    pub(super) fn bindings_changed(&mut self, now: Now, id: PresentityId, aor: &Aor) {
        let Some(seat) = self.seats.get_mut(id) else { return };
        let contacts = seat.bindings.as_ref().map_or(0, |bindings| bindings.iter().count());
        let seen = Observation::Registered { contacts };
        seat.presentity.observe(&self.registry, Source::Registration, &seen, now);
        let change = match &seat.bindings {
            Some(bindings) if contacts > 0 => Change::Put(super::Record::Bindings {
                aor: aor.clone(),
                bindings: bindings.iter().cloned().collect(),
            }),
            _ => {
                seat.bindings = None;
                Change::Remove(RecordKey::Bindings(aor.clone()))
            }
        };
        self.keep(change);
        self.seats.mark(id);
    }
}
