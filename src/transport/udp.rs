//! One datagram socket of one shard: what came in batches, what waits to leave in batches.

use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;

use super::batch::{self, Buffers, Datagram, Headers};
use super::bell::Awaited;
use super::sieve::{self, Share};
use crate::base::limits::{DATAGRAM_BATCH, DATAGRAMS_QUEUED_MAX};
use crate::transaction::{ClientKey, Transmit};

/// Batches sent after which one is received.
const BATCHES_BETWEEN: usize = 2;

/// Datagrams received while sending; the rest is the kernel's to hold.
const EARLY_MAX: usize = 8192;

/// A bound socket and the queue before it.
pub struct Udp {
    socket: UdpSocket,
    headers: Headers,
    queue: VecDeque<Transmit>,
    /// What arrived while much was being sent.
    early: VecDeque<Datagram>,
    /// The last batch was full: there is more than was taken.
    has_more: bool,
}

/// What became of messages that did not leave.
#[derive(Debug, Default)]
pub struct Unsent {
    /// Requests of ours among them.
    pub requests: Vec<ClientKey>,
    /// How many in all.
    pub count: u64,
}

impl Unsent {
    /// Notes a message that will not leave, and the request that it was.
    pub fn note(&mut self, request: Option<ClientKey>) {
        self.count += 1;
        self.requests.extend(request);
    }
}

impl Udp {
    /// Around a socket that is bound and does not block.
    pub fn new(socket: UdpSocket) -> Udp {
        Udp {
            socket,
            headers: Headers::default(),
            queue: VecDeque::new(),
            early: VecDeque::new(),
            has_more: false,
        }
    }

    /// Takes one batch of what has arrived.
    pub fn receive(&mut self, buffers: &mut Buffers, into: &mut Vec<Datagram>) -> io::Result<()> {
        if self.early.is_empty() {
            return self.take(buffers, into);
        }
        let count = self.early.len().min(DATAGRAM_BATCH);
        into.extend(self.early.drain(..count));
        Ok(())
    }

    /// Shows one batch of what has arrived.
    pub fn look(
        &mut self,
        buffers: &mut Buffers,
        mut see: impl FnMut(&[u8], SocketAddr),
    ) -> io::Result<usize> {
        if !self.early.is_empty() {
            let early = self.early.drain(..);
            return Ok(early.map(|(octets, source)| see(&octets, source)).count());
        }
        self.has_more = false;
        match batch::look(&self.socket, &mut self.headers, buffers, see) {
            Ok(count) => {
                self.has_more = count == DATAGRAM_BATCH;
                Ok(count)
            }
            Err(fault) if is_passing(&fault) => Ok(0),
            Err(fault) => Err(fault),
        }
    }

    fn take(&mut self, buffers: &mut Buffers, into: &mut Vec<Datagram>) -> io::Result<()> {
        self.has_more = false;
        match batch::receive(&self.socket, &mut self.headers, buffers, into) {
            Ok(count) => {
                self.has_more = count == DATAGRAM_BATCH;
                Ok(())
            }
            Err(fault) if is_passing(&fault) => Ok(()),
            Err(fault) => Err(fault),
        }
    }

    /// Whether more is there than the last batch could take.
    pub fn has_more(&self) -> bool {
        self.has_more || !self.early.is_empty()
    }

    /// Queues a message; a queue at its bound takes no more.
    pub fn queue(&mut self, transmit: Transmit, unsent: &mut Unsent) {
        if self.queue.len() >= DATAGRAMS_QUEUED_MAX {
            // Only counted: as the network might have lost it, so it is repeated.
            unsent.count += 1;
            return;
        }
        self.queue.push_back(transmit);
    }

    /// Sends what is queued as far as the kernel takes it. Much of it is answered before the last
    /// has left, so now and then what arrives is taken in, for the next turn.
    pub fn flush(&mut self, buffers: &mut Buffers, unsent: &mut Unsent) {
        for batch in 1.. {
            if self.queue.is_empty() {
                return;
            }
            if batch % BATCHES_BETWEEN == 0 && self.early.len() < EARLY_MAX {
                let mut early = Vec::new();
                // What is wrong is wrong at the next turn still.
                let _ = self.take(buffers, &mut early);
                self.early.extend(early);
            }
            let parts = self.queue.iter().map(|t| (&t.head[..], &t.body[..], t.hop.address()));
            match batch::send(&self.socket, &mut self.headers, parts) {
                Ok(sent) => drop(self.queue.drain(..sent)),
                Err(fault) if fault.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => {
                    if let Some(transmit) = self.queue.pop_front() {
                        unsent.note(transmit.request);
                    }
                }
            }
        }
    }

    /// Lets only this share of requests for something new pass from now on.
    pub fn sift(&self, share: Share) -> io::Result<()> {
        sieve::place(&self.socket, share)
    }

    /// What to wait for.
    pub fn awaited(&self) -> Awaited<'_> {
        Awaited { socket: self.socket.as_fd(), to_send: !self.queue.is_empty() }
    }
}

/// Nothing there, or news of an earlier datagram that found nobody: nothing to report.
fn is_passing(fault: &io::Error) -> bool {
    matches!(
        fault.kind(),
        io::ErrorKind::WouldBlock
            | io::ErrorKind::Interrupted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::flow::{Flow, Hop, ListenerId};
    use crate::transaction::Ticket;

    fn transmit(peer: std::net::SocketAddr, octets: usize) -> Transmit {
        Transmit {
            hop: Hop::Flow(Flow::Udp { listener: ListenerId(0), peer }),
            head: vec![b'x'; octets].into(),
            body: bytes::Bytes::new(),
            after: Ticket::default(),
            request: None,
        }
    }

    #[test]
    fn one_message_that_cannot_leave_does_not_hold_up_the_others() {
        let there = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let to = there.local_addr().expect("bound");
        let here = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let (mut udp, mut unsent) = (Udp::new(here), Unsent::default());
        for octets in [10, 70_000, 11] {
            udp.queue(transmit(to, octets), &mut unsent);
        }
        udp.flush(&mut Buffers::default(), &mut unsent);
        assert_eq!(unsent.count, 1);
        let mut other = Udp::new(there);
        let mut got = Vec::new();
        other.receive(&mut Buffers::default(), &mut got).expect("there");
        let octets: Vec<usize> = got.iter().map(|(octets, _)| octets.len()).collect();
        assert_eq!(octets, [10, 11]);
    }

    #[test]
    fn what_arrives_while_much_is_sent_waits_for_the_next_turn() {
        let there = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let to = there.local_addr().expect("bound");
        let here = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        there.send_to(b"answer", here.local_addr().expect("bound")).expect("sent");
        let (mut udp, mut unsent) = (Udp::new(here), Unsent::default());
        let mut buffers = Buffers::default();
        for _ in 0..3 * DATAGRAM_BATCH {
            udp.queue(transmit(to, 10), &mut unsent);
        }
        udp.flush(&mut buffers, &mut unsent);
        assert!(udp.has_more(), "without asking the kernel");
        let mut got = Vec::new();
        udp.receive(&mut buffers, &mut got).expect("there");
        assert_eq!((got.len(), udp.has_more()), (1, false));
        udp.receive(&mut buffers, &mut got).expect("nothing");
        assert_eq!(got.len(), 1);
    }
}
