//! Datagrams from the sockets to the shard: at once as a rule, by way of the lobby when there are
//! more than a turn can serve.

use std::net::SocketAddr;

use bytes::Bytes;
use smallvec::SmallVec;
use tracing::{debug, warn};

use super::desk::Desk;
use crate::base::flow::{Flow, Hop, ListenerId};
use crate::base::limits::{
    LOBBY_TAKEN_A_TURN, PRESSURE_TOLD_EVERY, REFUSALS_A_TURN, TURN_INPUTS, TURN_INPUTS_PRESSED,
};
use crate::base::time::{Moment, Now};
use crate::sip::{Message, parse};
use crate::transaction::{Ticket, Transmit};
use crate::transport::Lobby;
use crate::transport::batch::{Buffers, Datagram};
use crate::transport::bell::Readable;
use crate::transport::lobby::Guest;
use crate::transport::sieve::Share;

/// What it takes to receive datagrams.
pub(super) struct Reception {
    pub buffers: Buffers,
    arrivals: Vec<Datagram>,
    /// The sockets there is something to read from.
    pub readable: Readable,
    lobby: Lobby,
    /// Turns taken: whose socket is read first changes with each.
    turns: usize,
    /// Requests answered 503 in this turn.
    refused: usize,
    pressure: Pressure,
}

/// What was told of too much to do.
#[derive(Default)]
struct Pressure {
    told_at: Option<Moment>,
    /// Since then.
    refused: u64,
    dropped: u64,
}

impl Default for Reception {
    fn default() -> Reception {
        Reception {
            buffers: Buffers::default(),
            arrivals: Vec::new(),
            readable: Readable::ALL,
            lobby: Lobby::default(),
            turns: 0,
            refused: 0,
            pressure: Pressure::default(),
        }
    }
}

impl Reception {
    /// Whether nobody waits in the lobby.
    pub fn is_empty(&self) -> bool {
        self.lobby.is_empty()
    }

    /// When datagrams are to be asked for though none has come.
    pub fn due(&self) -> Option<Moment> {
        self.lobby.due()
    }
}

impl Desk {
    /// Serves a turn's worth of datagrams. What more has come is taken in, so that it can be told
    /// who goes first.
    pub(super) fn take_datagrams(&mut self, now: Now) {
        self.reception.refused = 0;
        let mut taken = 0;
        self.reception.turns = self.reception.turns.wrapping_add(1);
        let (turns, places) = (self.reception.turns, self.sockets.len());
        for place in (0..places).cycle().skip(turns.checked_rem(places).unwrap_or(0)).take(places) {
            if !self.reception.readable.has(place) {
                continue;
            }
            let listener = ListenerId(u16::try_from(place).unwrap_or(u16::MAX));
            let mut has_more = true;
            while has_more && taken < TURN_INPUTS && self.reception.is_empty() {
                let Some(Some(udp)) = self.sockets.get_mut(place) else { break };
                let Reception { buffers, arrivals, .. } = &mut self.reception;
                if let Err(fault) = udp.receive(buffers, arrivals) {
                    warn!(event = "receive_failed", listener = place, reason = %fault);
                    has_more = false; // It fails alike for who looks again in this turn.
                    break;
                }
                has_more = udp.has_more();
                let mut arrivals = std::mem::take(arrivals);
                taken += arrivals.len();
                for (octets, peer) in arrivals.drain(..) {
                    self.take_datagram(now, octets, Flow::Udp { listener, peer });
                }
                self.reception.arrivals = arrivals;
            }
            if has_more {
                self.let_wait(now, listener, &mut taken);
            }
        }
        for _ in 0..TURN_INPUTS_PRESSED {
            let Some(Guest { octets, flow, .. }) = self.reception.lobby.serve() else { break };
            self.take_datagram(now, octets, flow);
        }
        while let Some(Guest { octets, flow, .. }) = self.reception.lobby.overdue(now.instant) {
            self.turn_away(now, octets, flow);
        }
        if let Some(share) = self.reception.lobby.admits(now.instant) {
            self.sift(share);
        }
    }

    /// Lets the kernel turn away whom reading would only cost the time of others.
    fn sift(&mut self, share: Share) {
        self.counters.sieves_placed += u64::from(share != Share::ALL);
        for (place, udp) in self.sockets.iter().enumerate() {
            // Without it more is read for nothing: slower, not wrong.
            if let Some(Err(fault)) = udp.as_ref().map(|udp| udp.sift(share)) {
                debug!(event = "sieve_failed", listener = place, reason = %fault);
            }
        }
    }

    /// Takes what more there is into the lobby.
    fn let_wait(&mut self, now: Now, listener: ListenerId, taken: &mut usize) {
        let mut turned_away: SmallVec<[(Bytes, Flow); REFUSALS_A_TURN]> = SmallVec::new();
        let mut dropped = 0;
        while *taken < LOBBY_TAKEN_A_TURN {
            let Some(Some(udp)) = self.sockets.get_mut(usize::from(listener.0)) else { return };
            let Reception { buffers, lobby, refused, .. } = &mut self.reception;
            let looked = udp.look(buffers, |octets, peer| {
                let flow = Flow::Udp { listener, peer };
                if parse::is_keep_alive(octets) || lobby.enter(now.instant, octets, flow) {
                    return;
                }
                let is_told = *refused + turned_away.len() < REFUSALS_A_TURN;
                match is_told && lobby.is_lasting(now.instant) {
                    true => turned_away.push((Bytes::copy_from_slice(octets), flow)),
                    false => dropped += 1,
                }
            });
            match looked {
                Ok(count) => *taken += count,
                Err(fault) => {
                    warn!(event = "receive_failed", listener = listener.0, reason = %fault);
                    return;
                }
            }
            let has_more = udp.has_more();
            for (octets, flow) in turned_away.drain(..) {
                self.turn_away(now, octets, flow);
            }
            if dropped > 0 {
                self.lose(now, std::mem::take(&mut dropped));
            }
            if !has_more {
                return;
            }
        }
    }

    fn take_datagram(&mut self, now: Now, octets: Bytes, flow: Flow) {
        if parse::is_keep_alive(&octets) {
            return;
        }
        let message = match parse::message(octets.clone()) {
            Ok(message) => message,
            Err(fault) => {
                let answer = parse::answer(&octets, &fault, flow.peer());
                let answer = answer.filter(|(answer, _)| self.may_answer(flow, &octets, answer));
                debug!(event = "malformed", peer = %flow.peer(), reason = %fault);
                match answer {
                    Some(_) => self.counters.malformed_answered += 1,
                    None => self.counters.malformed_dropped += 1,
                }
                return self.answer(flow, answer);
            }
        };
        let home = self.with.steering.home(&message, self.with.index);
        if home == self.with.index {
            return self.take_message(now, message, flow);
        }
        self.counters.steered += 1;
        if let Err(message) = self.with.steering.deliver(home, message, flow) {
            self.refuse(now, &message, flow);
        }
    }

    /// There is no room for a datagram. It is lost, as on a network that is too slow, and sent
    /// again by who wants it; only if that goes on for long, a few are told to stay away.
    fn turn_away(&mut self, now: Now, octets: Bytes, flow: Flow) {
        if self.reception.refused < REFUSALS_A_TURN
            && self.reception.lobby.is_lasting(now.instant)
            && let Ok(message) = parse::message(octets)
        {
            return self.refuse(now, &message, flow);
        }
        self.lose(now, 1);
    }

    /// So many datagrams are not answered.
    fn lose(&mut self, now: Now, count: u64) {
        self.counters.busy_dropped += count;
        self.reception.pressure.dropped += count;
        self.tell_of_pressure(now);
    }

    /// 503, unless enough were refused in this turn.
    fn refuse(&mut self, now: Now, message: &Message, flow: Flow) {
        let is_told = self.reception.refused < REFUSALS_A_TURN;
        let answer = is_told.then(|| self.with.steering.busy(message, flow.peer())).flatten();
        let answer = answer.filter(|(answer, _)| self.may_answer(flow, message.raw(), answer));
        match answer {
            Some(_) => {
                self.reception.refused += 1;
                self.reception.pressure.refused += 1;
                self.counters.busy_answered += 1;
            }
            None => return self.lose(now, 1),
        }
        self.tell_of_pressure(now);
        self.answer(flow, answer);
    }

    /// To an address that has proved nothing no more octets go than came from it.
    fn may_answer(&self, flow: Flow, octets: &[u8], answer: &[u8]) -> bool {
        answer.len() <= octets.len() || !self.shard.proves(flow)
    }

    fn tell_of_pressure(&mut self, now: Now) {
        // A burst is worked off and no news. What another shard had no room for is.
        let Reception { lobby, pressure, .. } = &mut self.reception;
        if !lobby.is_empty() && !lobby.is_lasting(now.instant) {
            return;
        }
        let is_due = |told: Moment| now.instant >= told + PRESSURE_TOLD_EVERY;
        if pressure.told_at.is_none_or(is_due) {
            let Pressure { refused, dropped, .. } = *pressure;
            let admitted = lobby.admitted().percent();
            warn!(event = "overloaded", shard = self.with.index, refused, dropped, admitted);
            *pressure = Pressure { told_at: Some(now.instant), refused: 0, dropped: 0 };
        }
    }

    /// Sends an answer that no shard was asked for.
    fn answer(&mut self, flow: Flow, answer: Option<(Bytes, SocketAddr)>) {
        let Some((head, peer)) = answer else { return };
        let hop = Hop::Flow(Flow::Udp { listener: flow.listener(), peer });
        let after = Ticket::default();
        self.send(Transmit { hop, head, body: Bytes::new(), after, request: None });
    }
}
