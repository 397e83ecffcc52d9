//! One stream connection: what waits to be written, and whoever comes first writing it.
//!
//! A shard writes at the end of its turn, everything it queued in one call, from its own thread.
//! What the kernel does not take then is left to the task of the connection.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::net::{IpAddr, Shutdown, SocketAddr};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use smallvec::SmallVec;
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::base::flow::{ConnectionId, Flow, Hop, ListenerId, Transport};
use crate::transaction::{ClientKey, Transmit};

/// What a letter costs besides its octets: a queue of very small ones is memory, too.
const LETTER_OCTETS: usize = size_of::<Letter>();

/// Parts written in one call. The kernel takes no more than 1,024.
const PARTS_AT_ONCE: usize = 64;

/// A connection, open or being dialled.
pub struct Connection {
    /// Its number.
    pub id: ConnectionId,
    /// The listening address it was accepted on, or whose address we name.
    pub listener: ListenerId,
    /// The peer.
    pub peer: SocketAddr,
    /// Set once it is open.
    stream: OnceLock<TcpStream>,
    octets_max: usize,
    outgoing: Mutex<Outgoing>,
    news: Notify,
}

/// What waits to be written.
#[derive(Default)]
struct Outgoing {
    queue: VecDeque<Letter>,
    /// Octets of the first letter that are written already.
    begun: usize,
    /// What the queue costs in octets, the whole of the first letter included.
    octets: usize,
    /// Octets written since the beginning; who looks twice sees whether anything moves.
    written: u64,
    is_closed: bool,
}

/// One message to be written, and whom to tell if it cannot be.
#[derive(Debug)]
pub struct Letter {
    head: Bytes,
    body: Bytes,
    /// The shard and its request.
    request: Option<(usize, ClientKey)>,
}

/// What became of a message that was to be queued.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Queued {
    /// It is the only one: whoever queued it sees to the writing.
    First,
    /// Others wait before it, and somebody sees to them.
    Behind,
    /// Not taken: the connection is closed.
    Closed,
    /// Not taken: the peer does not read what it was sent. The connection is closed now.
    Clogged,
}

impl Letter {
    /// A message of a shard.
    pub fn of(shard: usize, transmit: Transmit) -> Letter {
        let Transmit { head, body, request, .. } = transmit;
        Letter { head, body, request: request.map(|key| (shard, key)) }
    }

    /// Octets nobody asks after.
    pub fn plain(octets: Bytes) -> Letter {
        Letter { head: octets, body: Bytes::new(), request: None }
    }

    /// The request to be given up when this cannot be written.
    pub fn request(&self) -> Option<(usize, ClientKey)> {
        self.request
    }

    fn octets(&self) -> usize {
        self.head.len() + self.body.len()
    }

    /// What it costs to hold.
    fn cost(&self) -> usize {
        self.octets() + LETTER_OCTETS
    }
}

impl Connection {
    /// A connection that is not open yet: what is queued waits.
    ///
    /// It is closed when more than `octets_max` octets wait to be written.
    pub fn new(
        id: ConnectionId,
        listener: ListenerId,
        peer: SocketAddr,
        octets_max: usize,
    ) -> Connection {
        Connection {
            id,
            listener,
            peer,
            octets_max,
            stream: OnceLock::new(),
            outgoing: Mutex::default(),
            news: Notify::new(),
        }
    }

    /// It is open.
    pub fn open(&self, stream: TcpStream) {
        // A connection is opened by the one task that made it.
        let _ = self.stream.set(stream);
    }

    /// The stream, once it is open.
    pub fn stream(&self) -> Option<&TcpStream> {
        self.stream.get()
    }

    /// The path that this is.
    pub fn flow(&self) -> Flow {
        Flow::Stream {
            transport: Transport::Tcp,
            listener: self.listener,
            connection: self.id,
            peer: self.peer,
        }
    }

    /// Whether a message by this hop travels by this connection.
    pub fn is_way_of(&self, hop: &Hop) -> bool {
        matches!(hop, Hop::Flow(Flow::Stream { connection, .. }) if *connection == self.id)
    }

    /// The host at the other end.
    pub fn host(&self) -> IpAddr {
        self.peer.ip().to_canonical()
    }

    /// Queues a message.
    pub fn queue(&self, letter: Letter) -> Queued {
        let mut outgoing = self.outgoing();
        if outgoing.is_closed {
            return Queued::Closed;
        }
        if outgoing.octets + letter.cost() > self.octets_max {
            outgoing.is_closed = true;
            self.news.notify_one();
            return Queued::Clogged;
        }
        outgoing.octets += letter.cost();
        outgoing.queue.push_back(letter);
        if outgoing.queue.len() == 1 { Queued::First } else { Queued::Behind }
    }

    /// Answers a ping (RFC 5626 §4.4.1). One answer that still waits serves for the next ping as
    /// well: pings cost their sender next to nothing.
    pub fn pong(&self) -> Queued {
        const PONG: &[u8] = b"\r\n";
        if self.outgoing().queue.back().is_some_and(|last| last.head == PONG) {
            return Queued::Behind;
        }
        self.queue(Letter::plain(Bytes::from_static(PONG)))
    }

    /// Writes what is queued as far as the kernel takes it; the task of the connection is told
    /// of the rest.
    pub fn flush(&self) {
        let mut outgoing = self.outgoing();
        let Some(stream) = self.stream.get() else { return };
        while !outgoing.queue.is_empty() && !outgoing.is_closed {
            let written = stream.try_write_vectored(&outgoing.parts());
            match written {
                Ok(0) => outgoing.is_closed = true,
                Ok(octets) => outgoing.advance(octets),
                Err(fault) if fault.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => outgoing.is_closed = true,
            }
        }
        if outgoing.is_closed || !outgoing.queue.is_empty() {
            self.news.notify_one();
        }
    }

    /// Waits until there is something to write and room to write it, or the connection is closed.
    pub async fn has_to_write(&self) {
        loop {
            let (is_closed, waits) = {
                let outgoing = self.outgoing();
                (outgoing.is_closed, !outgoing.queue.is_empty())
            };
            match self.stream.get() {
                _ if is_closed => return,
                // An error shows at the writing. A peer that does not read is never writable, and
                // may be given up meanwhile.
                Some(stream) if waits => tokio::select! {
                    _ = stream.writable() => return,
                    () = self.news.notified() => {}
                },
                _ => self.news.notified().await,
            }
        }
    }

    /// Octets written so far, if more wait to be written.
    pub fn stalled_at(&self) -> Option<u64> {
        let outgoing = self.outgoing();
        (!outgoing.queue.is_empty()).then_some(outgoing.written)
    }

    /// Whether nothing can be queued any more.
    pub fn is_closed(&self) -> bool {
        self.outgoing().is_closed
    }

    /// Closes it, whoever still holds it; gives back what was not written.
    pub fn close(&self) -> Vec<Letter> {
        if let Some(stream) = self.stream.get() {
            let _ = SockRef::from(stream).shutdown(Shutdown::Both);
        }
        let mut outgoing = self.outgoing();
        outgoing.is_closed = true;
        outgoing.octets = 0;
        self.news.notify_one();
        outgoing.queue.drain(..).collect()
    }

    fn outgoing(&self) -> MutexGuard<'_, Outgoing> {
        // A queue is whole between any two statements.
        self.outgoing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outgoing {
    /// What to write next, in one call.
    fn parts(&self) -> SmallVec<[IoSlice<'_>; PARTS_AT_ONCE]> {
        let mut skip = self.begun;
        let mut parts = SmallVec::new();
        for part in self.queue.iter().flat_map(|letter| [&letter.head, &letter.body]) {
            if parts.len() == PARTS_AT_ONCE {
                break;
            }
            let rest = part.get(skip..).unwrap_or_default();
            skip = skip.saturating_sub(part.len());
            if !rest.is_empty() {
                parts.push(IoSlice::new(rest));
            }
        }
        parts
    }

    /// So many octets are written.
    fn advance(&mut self, octets: usize) {
        self.written += octets as u64;
        self.begun += octets;
        while let Some(first) = self.queue.front() {
            let length = first.octets();
            if self.begun < length {
                return;
            }
            self.begun -= length;
            self.octets = self.octets.saturating_sub(first.cost());
            self.queue.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::limits::CONNECTION_QUEUE_OCTETS_MAX;

    fn connection() -> Connection {
        let peer = ([127, 0, 0, 1], 5060).into();
        Connection::new(ConnectionId(1), ListenerId(0), peer, CONNECTION_QUEUE_OCTETS_MAX)
    }

    fn letter(head: &'static str, body: &'static str) -> Letter {
        Letter { head: head.into(), body: body.into(), request: None }
    }

    fn waiting(outgoing: &Outgoing) -> Vec<u8> {
        outgoing.parts().iter().flat_map(|part| part.to_vec()).collect()
    }

    #[test]
    fn what_is_written_in_pieces_is_written_once() {
        let whole = b"ab12cd34ef";
        for step in 1..whole.len() {
            let mut outgoing = Outgoing::default();
            for (head, body) in [("ab", "12"), ("cd", ""), ("", "34"), ("e", "f")] {
                let letter = letter(head, body);
                outgoing.octets += letter.cost();
                outgoing.queue.push_back(letter);
            }
            let mut written = Vec::new();
            while !outgoing.queue.is_empty() {
                let next: Vec<u8> = waiting(&outgoing).into_iter().take(step).collect();
                outgoing.advance(next.len());
                written.extend(next);
            }
            assert_eq!(written, whole, "{step} at a time");
            assert_eq!((outgoing.octets, outgoing.begun), (0, 0));
        }
    }

    #[test]
    fn the_first_in_an_empty_queue_sees_to_the_writing() {
        let connection = connection();
        assert_eq!(connection.queue(letter("a", "b")), Queued::First);
        assert_eq!(connection.queue(letter("c", "")), Queued::Behind);
        assert_eq!(connection.close().len(), 2);
        assert_eq!(connection.queue(letter("d", "")), Queued::Closed);
    }

    #[test]
    fn a_queue_at_its_bound_closes_the_connection() {
        let connection = connection();
        let large = Bytes::from(vec![0; CONNECTION_QUEUE_OCTETS_MAX - LETTER_OCTETS]);
        assert_eq!(connection.queue(Letter::plain(large)), Queued::First);
        assert_eq!(connection.queue(letter("x", "")), Queued::Clogged);
        assert!(connection.is_closed());
        assert_eq!(connection.queue(letter("x", "")), Queued::Closed);
    }

    #[test]
    fn many_small_letters_reach_the_bound_as_well() {
        let connection = connection();
        let most = CONNECTION_QUEUE_OCTETS_MAX / LETTER_OCTETS;
        let clogged = (0..=most).any(|_| connection.queue(letter("\r\n", "")) == Queued::Clogged);
        assert!(clogged);
    }

    #[test]
    fn pings_are_answered_once_while_the_answer_waits() {
        let connection = connection();
        assert_eq!(connection.queue(letter("a", "b")), Queued::First);
        for _ in 0..3 {
            assert_eq!(connection.pong(), Queued::Behind);
        }
        assert_eq!(connection.close().len(), 2, "the message and one pong");
        assert_eq!(connection.pong(), Queued::Closed);
    }
}
