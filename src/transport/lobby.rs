//! Where datagrams wait when more has come than a turn can serve: who is here already goes before
//! who comes anew.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::base::flow::Flow;
use crate::base::limits::{LOBBY_ANEW_EVERY, LOBBY_MESSAGES, LOBBY_MESSAGES_NEW, LOBBY_OCTETS_MAX};
use crate::sip::glance;

/// A datagram and how it came.
pub type Guest = (Bytes, Flow);

/// Both queues of one shard.
pub struct Lobby {
    here: Queue,
    anew: Queue,
    served: u32,
}

struct Queue {
    guests: VecDeque<Guest>,
    octets: usize,
    room: usize,
}

impl Default for Lobby {
    fn default() -> Lobby {
        let queue = |room| Queue { guests: VecDeque::new(), octets: 0, room };
        Lobby { here: queue(LOBBY_MESSAGES), anew: queue(LOBBY_MESSAGES_NEW), served: 0 }
    }
}

impl Lobby {
    /// Lets a datagram wait; given back if there is no room for its kind.
    pub fn enter(&mut self, octets: Bytes, flow: Flow) -> Result<(), Guest> {
        match glance::asks_anew(&octets) {
            true => self.anew.push((octets, flow)),
            false => self.here.push((octets, flow)),
        }
    }

    /// The next to be served.
    pub fn serve(&mut self) -> Option<Guest> {
        self.served = self.served.wrapping_add(1);
        let (first, second) = match self.served.is_multiple_of(LOBBY_ANEW_EVERY) {
            true => (&mut self.anew, &mut self.here),
            false => (&mut self.here, &mut self.anew),
        };
        first.pop().or_else(|| second.pop())
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.here.guests.is_empty() && self.anew.guests.is_empty()
    }
}

impl Queue {
    fn push(&mut self, guest: Guest) -> Result<(), Guest> {
        let octets = self.octets + guest.0.len();
        if self.guests.len() >= self.room || octets > LOBBY_OCTETS_MAX {
            return Err(guest);
        }
        self.octets = octets;
        self.guests.push_back(guest);
        Ok(())
    }

    fn pop(&mut self) -> Option<Guest> {
        let guest = self.guests.pop_front()?;
        self.octets -= guest.0.len();
        Some(guest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::flow::ListenerId;
    use crate::base::limits::MESSAGE_OCTETS_MAX;

    const FLOW: fn() -> Flow =
        || Flow::Udp { listener: ListenerId(0), peer: ([127, 0, 0, 1], 5060).into() };
    const ANEW: &[u8] = b"SUBSCRIBE sip:101@h SIP/2.0\r\nTo: <sip:101@h>\r\n\r\n";
    const HERE: &[u8] = b"SIP/2.0 200 OK\r\n\r\n";

    #[test]
    fn who_is_here_goes_first_and_nobody_is_shut_out() {
        let mut lobby = Lobby::default();
        for octets in [ANEW, ANEW, HERE, HERE, HERE, HERE, HERE] {
            lobby.enter(octets.into(), FLOW()).expect("room");
        }
        let order: Vec<bool> =
            std::iter::from_fn(|| lobby.serve()).map(|(octets, _)| octets == ANEW).collect();
        assert_eq!(order, [false, false, false, true, false, false, true]);
        assert!(lobby.is_empty());
    }

    #[test]
    fn neither_kind_takes_the_room_of_the_other() {
        let mut lobby = Lobby::default();
        let taken = (0..).take_while(|_| lobby.enter(ANEW.into(), FLOW()).is_ok());
        assert_eq!(taken.count(), LOBBY_MESSAGES_NEW);
        let taken = (0..).take_while(|_| lobby.enter(HERE.into(), FLOW()).is_ok());
        assert_eq!(taken.count(), LOBBY_MESSAGES);
        while lobby.serve().is_some() {}
        let large = Bytes::from(vec![b'x'; MESSAGE_OCTETS_MAX]);
        let taken = (0..).take_while(|_| lobby.enter(large.clone(), FLOW()).is_ok());
        assert_eq!(taken.count(), LOBBY_OCTETS_MAX / MESSAGE_OCTETS_MAX);
        assert!(lobby.enter(HERE.into(), FLOW()).is_ok());
    }
}
