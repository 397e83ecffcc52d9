//! Where datagrams wait when more has come than a turn can serve: who is here already goes before
//! who comes anew, and of these the last first, because the others will ask again.

use std::collections::VecDeque;

use bytes::Bytes;

use super::sieve::{Share, Sieve};
use crate::base::flow::Flow;
use crate::base::limits::{
    LOBBY_ANEW_EVERY, LOBBY_LASTING, LOBBY_MESSAGES, LOBBY_MESSAGES_NEW,
    LOBBY_MESSAGES_NEW_LASTING, LOBBY_OCTETS_MAX, LOBBY_WAIT_MAX,
};
use crate::base::time::Moment;
use crate::sip::glance;

/// A datagram, how it came, and when.
#[derive(Debug)]
pub struct Guest {
    /// What it says.
    pub octets: Bytes,
    /// The path it came by.
    pub flow: Flow,
    since: Moment,
}

/// Both queues of one shard.
#[derive(Default)]
pub struct Lobby {
    here: Queue,
    anew: Queue,
    served: u32,
    /// Since when there is always somebody.
    pressed_since: Option<Moment>,
    sieve: Sieve,
}

#[derive(Default)]
struct Queue {
    guests: VecDeque<Guest>,
    octets: usize,
}

impl Lobby {
    /// Lets a datagram wait; false if there is no room for its kind.
    pub fn enter(&mut self, now: Moment, octets: &[u8], flow: Flow) -> bool {
        let is_anew = glance::asks_anew(octets);
        let (queue, room) = match is_anew {
            false => (&mut self.here, LOBBY_MESSAGES),
            true if self.is_lasting(now) => (&mut self.anew, LOBBY_MESSAGES_NEW_LASTING),
            true => (&mut self.anew, LOBBY_MESSAGES_NEW),
        };
        if is_anew {
            self.sieve.note_came(octets);
        }
        if queue.guests.len() >= room || queue.octets + octets.len() > LOBBY_OCTETS_MAX {
            if is_anew {
                self.sieve.note_turned_away();
            }
            return false;
        }
        self.pressed_since.get_or_insert(now);
        queue.octets += octets.len();
        let octets = Bytes::copy_from_slice(octets);
        queue.guests.push_back(Guest { octets, flow, since: now });
        true
    }

    /// The next to be served.
    pub fn serve(&mut self) -> Option<Guest> {
        self.served = self.served.wrapping_add(1);
        let is_turn_of_anew = self.served.is_multiple_of(LOBBY_ANEW_EVERY);
        if self.here.guests.is_empty() || (is_turn_of_anew && !self.anew.guests.is_empty()) {
            let last = self.anew.take(VecDeque::pop_back);
            match &last {
                Some(guest) => self.sieve.note_served(&guest.octets),
                None => self.pressed_since = None,
            }
            return last;
        }
        self.here.take(VecDeque::pop_front)
    }

    /// The share of those who come anew that may be let in from now on, if it changes.
    pub fn admits(&mut self, now: Moment) -> Option<Share> {
        self.sieve.adjust(now)
    }

    /// The share let in at the moment.
    pub fn admitted(&self) -> Share {
        self.sieve.share()
    }

    /// When to ask for it though nothing comes.
    pub fn due(&self) -> Option<Moment> {
        self.sieve.due()
    }

    /// One who came anew and has waited too long.
    pub fn overdue(&mut self, now: Moment) -> Option<Guest> {
        let since = self.anew.guests.front()?.since;
        if now < since + LOBBY_WAIT_MAX {
            return None;
        }
        self.sieve.note_turned_away();
        self.anew.take(VecDeque::pop_front)
    }

    /// Whether there has been somebody for so long that it is no burst.
    pub fn is_lasting(&self, now: Moment) -> bool {
        self.pressed_since.is_some_and(|since| now >= since + LOBBY_LASTING)
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.here.guests.is_empty() && self.anew.guests.is_empty()
    }
}

impl Queue {
    fn take(&mut self, from: impl Fn(&mut VecDeque<Guest>) -> Option<Guest>) -> Option<Guest> {
        let guest = from(&mut self.guests)?;
        self.octets -= guest.octets.len();
        Some(guest)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::base::flow::ListenerId;
    use crate::base::limits::MESSAGE_OCTETS_MAX;

    const HERE: &[u8] = b"SIP/2.0 200 OK\r\n\r\n";

    fn flow() -> Flow {
        Flow::Udp { listener: ListenerId(0), peer: ([127, 0, 0, 1], 5060).into() }
    }

    fn anew(number: u32) -> Vec<u8> {
        format!("SUBSCRIBE sip:{number}@h SIP/2.0\r\nTo: <sip:101@h>\r\n\r\n").into()
    }

    fn at(millis: u64) -> Moment {
        Moment::ORIGIN + Duration::from_millis(millis)
    }

    #[test]
    fn who_is_here_goes_first_and_nobody_is_shut_out() {
        let mut lobby = Lobby::default();
        for octets in [&anew(1)[..], &anew(2), HERE, HERE, HERE, HERE, HERE] {
            assert!(lobby.enter(at(0), octets, flow()));
        }
        let order: Vec<Bytes> = std::iter::from_fn(|| lobby.serve()).map(|g| g.octets).collect();
        let expected = [HERE, HERE, HERE, &anew(2), HERE, HERE, &anew(1)];
        assert_eq!(order, expected);
        assert!(lobby.is_empty());
    }

    #[test]
    fn who_waits_too_long_goes_before_it_asks_again() {
        let mut lobby = Lobby::default();
        lobby.enter(at(0), &anew(1), flow());
        lobby.enter(at(100), &anew(2), flow());
        assert!(lobby.overdue(at(399)).is_none());
        assert_eq!(lobby.overdue(at(400)).map(|guest| guest.octets), Some(anew(1).into()));
        assert!(lobby.overdue(at(499)).is_none());
        assert_eq!(lobby.serve().map(|guest| guest.octets), Some(anew(2).into()));
    }

    #[test]
    fn neither_kind_takes_the_room_of_the_other() {
        let mut lobby = Lobby::default();
        let enter = |lobby: &mut Lobby, octets: &[u8]| lobby.enter(at(0), octets, flow());
        let taken = (0..).take_while(|number| enter(&mut lobby, &anew(*number)));
        assert_eq!(taken.count(), LOBBY_MESSAGES_NEW);
        assert_eq!((0..).take_while(|_| enter(&mut lobby, HERE)).count(), LOBBY_MESSAGES);
        while lobby.serve().is_some() {}
        let large = vec![b'x'; MESSAGE_OCTETS_MAX];
        let taken = (0..).take_while(|_| enter(&mut lobby, &large)).count();
        assert_eq!(taken, LOBBY_OCTETS_MAX / MESSAGE_OCTETS_MAX);
        assert!(enter(&mut lobby, HERE));
    }

    #[test]
    fn under_lasting_pressure_few_who_come_anew_wait() {
        let mut lobby = Lobby::default();
        let second = 1000;
        assert!(lobby.enter(at(0), HERE, flow()));
        let enter = |lobby: &mut Lobby, millis| lobby.enter(at(millis), &anew(1), flow());
        let taken = (0..).take_while(|_| enter(&mut lobby, second)).count();
        assert_eq!(taken, LOBBY_MESSAGES_NEW_LASTING);
        assert!(lobby.enter(at(second), HERE, flow()));
        while lobby.serve().is_some() {}
        let taken = (0..).take_while(|_| enter(&mut lobby, 2 * second)).count();
        assert_eq!(taken, LOBBY_MESSAGES_NEW, "it was over meanwhile");
    }
}
