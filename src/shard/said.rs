//! What is said of persons by other ways than PUBLISH: a state set by hand, flags, calendars. Only
//! persons of whom something is said stand here.

use std::collections::HashMap;

use super::Shard;
use super::record::{Change, Record, RecordKey};
use crate::base::limits;
use crate::base::time::Now;
use crate::event::status::Lease;
use crate::event::status::feed::Fact;
use crate::event::{Channel, Observation};
use crate::notifier::PresentityId;
use crate::sip::Refusal;
use crate::transaction::Ticket;

/// What is said of whom.
#[derive(Default)]
pub(super) struct AllSaid {
    by_presentity: HashMap<PresentityId, Vec<(Channel, Vec<Lease>)>>,
}

impl AllSaid {
    /// Whether anything is said of a person.
    pub(super) fn has(&self, id: PresentityId) -> bool {
        !self.by_presentity.is_empty() && self.by_presentity.contains_key(&id)
    }

    /// Every channel that speaks of somebody.
    pub(super) fn channels(&self) -> impl Iterator<Item = (PresentityId, Channel)> {
        let each = self.by_presentity.iter();
        each.flat_map(|(id, said)| said.iter().map(|(channel, _)| (*id, *channel)))
    }

    fn has_room(&self, id: PresentityId, channel: Channel) -> bool {
        self.by_presentity.get(&id).is_none_or(|said| {
            said.len() < limits::CHANNELS_MAX || said.iter().any(|(known, _)| *known == channel)
        })
    }

    /// Takes what a channel says now in place of what it said. True if there is a difference.
    fn replace(&mut self, id: PresentityId, channel: Channel, says: Vec<Lease>) -> bool {
        let said = self.by_presentity.entry(id).or_default();
        let place = said.iter().position(|(known, _)| *known == channel);
        let differs = match (place, says.is_empty()) {
            (None, true) => false,
            (None, false) => {
                said.push((channel, says));
                true
            }
            (Some(place), true) => {
                said.swap_remove(place);
                true
            }
            (Some(place), false) => {
                let differs = said[place].1 != says;
                said[place].1 = says;
                differs
            }
        };
        if said.is_empty() {
            self.by_presentity.remove(&id);
        }
        differs
    }
}

impl Shard {
    /// Takes in what a channel says of a person, and keeps it.
    pub(super) fn say(
        &mut self,
        now: Now,
        id: PresentityId,
        fact: Fact,
    ) -> Result<Ticket, Refusal> {
        let Fact { channel, says } = fact;
        if !self.said.has_room(id, channel) {
            return Err(Refusal::Forbidden("Too Many Sources"));
        }
        let Some(seat) = self.seats.get(id) else { return Ok(Ticket::default()) };
        let aor = seat.presentity.aor.clone();
        let change = match says.is_empty() {
            true => Change::Remove(RecordKey::Said(aor, channel)),
            false => Change::Put(Record::Said { aor, channel, says: says.clone() }),
        };
        Ok(match self.take_said(now, id, channel, says) {
            true => self.keep(change),
            false => Ticket::default(),
        })
    }

    /// Takes in what a channel says of a person. True if it says anything new.
    pub(super) fn take_said(
        &mut self,
        now: Now,
        id: PresentityId,
        channel: Channel,
        says: Vec<Lease>,
    ) -> bool {
        let Some(seat) = self.seats.get_mut(id) else { return false };
        let seen = Observation::Said(says.clone());
        seat.presentity.observe(&self.registry, channel.into(), &seen, now);
        self.seats.mark(id);
        self.said.replace(id, channel, says)
    }

    /// Forgets what is over, in the store as well.
    pub(super) fn forget_said(&mut self, now: Now, id: PresentityId) {
        if !self.said.has(id) {
            return;
        }
        let Some(seat) = self.seats.get(id) else { return };
        let aor = seat.presentity.aor.clone();
        let Some(said) = self.said.by_presentity.get(&id) else { return };
        let settings = &self.config.status;
        let is_over = |lease: &Lease| lease.is_over(settings, now.wall);
        let over = said.iter().filter(|(_, says)| says.iter().all(is_over));
        for channel in over.map(|(channel, _)| *channel).collect::<Vec<_>>() {
            self.said.replace(id, channel, Vec::new());
            self.keep(Change::Remove(RecordKey::Said(aor.clone(), channel)));
        }
    }
}
