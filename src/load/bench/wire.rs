//! The sockets of all phones: batches in, batches out, and what gets lost on purpose.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::socket::{
    ControlMessage, MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg, sendmmsg, setsockopt,
    sockopt,
};
use nix::sys::time::TimeSpec;
use socket2::{Domain, Protocol, Socket, Type};

/// Datagrams in one call of the kernel.
const BATCH: usize = 64;

/// Calls in a row for one socket, so that no socket starves the others.
const BATCHES: usize = 8;

/// Largest datagram that is looked at; longer ones are cut and so not understood.
const OCTETS_MAX: usize = 16 * 1024;

/// What a socket may hold back while the phones are busy: a hotline's NOTIFYs come all at once.
const BUFFER_OCTETS: usize = 32 * 1024 * 1024;

/// Sockets that are waited for at once.
const EVENTS: usize = 256;

/// All sockets.
pub struct Wire {
    links: Vec<Link>,
    epoll: Epoll,
    buffers: Vec<u8>,
    ready: Vec<usize>,
    /// Datagrams that found no listener.
    pub unheard: u64,
}

struct Link {
    socket: UdpSocket,
    local: SocketAddr,
    incoming: MultiHeaders<SockaddrStorage>,
    outgoing: MultiHeaders<SockaddrStorage>,
}

/// Messages that are to leave by one link.
#[derive(Default)]
pub struct Outbox {
    octets: Vec<u8>,
    /// Where each message ends.
    ends: Vec<usize>,
}

/// Loses messages at random.
pub struct Dice {
    state: u64,
    /// Of 2^32.
    share: u64,
    /// Messages lost.
    pub lost: u64,
}

impl Wire {
    /// Opens so many sockets to the server, each on an address of its own if the server is on
    /// this machine.
    pub fn open(server: SocketAddr, links: usize) -> io::Result<Wire> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let mut wire = Wire {
            links: Vec::with_capacity(links),
            epoll,
            buffers: vec![0; BATCH * OCTETS_MAX],
            ready: Vec::new(),
            unheard: 0,
        };
        for number in 0..links {
            let socket = datagram(server, number)?;
            let event = EpollEvent::new(EpollFlags::EPOLLIN, number as u64);
            wire.epoll.add(&socket, event)?;
            let local = socket.local_addr()?;
            let [incoming, outgoing] = [(); 2].map(|()| MultiHeaders::preallocate(BATCH, None));
            wire.links.push(Link { socket, local, incoming, outgoing });
        }
        Ok(wire)
    }

    /// The address of each link.
    pub fn locals(&self) -> impl Iterator<Item = SocketAddr> {
        self.links.iter().map(|link| link.local)
    }

    /// Waits until something comes, at most so long.
    pub fn wait(&mut self, at_most: Duration) -> io::Result<()> {
        if !at_most.is_zero() {
            // The timeout of epoll knows only milliseconds, and a schedule needs less.
            let mut ready = [PollFd::new(self.epoll.0.as_fd(), PollFlags::POLLIN)];
            match ppoll(&mut ready, Some(TimeSpec::from_duration(at_most)), None) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        let mut events = [EpollEvent::empty(); EVENTS];
        let found = match self.epoll.wait(&mut events, EpollTimeout::ZERO) {
            Ok(found) => found,
            Err(Errno::EINTR) => 0,
            Err(errno) => return Err(errno.into()),
        };
        let ready = events.iter().take(found);
        self.ready.clear();
        self.ready.extend(ready.filter_map(|event| usize::try_from(event.data()).ok()));
        Ok(())
    }

    /// A link with something to receive, after a wait.
    pub fn next_ready(&mut self) -> Option<usize> {
        self.ready.pop()
    }

    /// Hands over what a link received.
    pub fn receive(&mut self, link: usize, mut hear: impl FnMut(&[u8])) -> io::Result<()> {
        let Some(link) = self.links.get_mut(link) else { return Ok(()) };
        for _ in 0..BATCHES {
            let mut free = self.buffers.chunks_exact_mut(OCTETS_MAX);
            let mut slices: [[IoSliceMut<'_>; 1]; BATCH] =
                std::array::from_fn(|_| [IoSliceMut::new(free.next().unwrap_or_default())]);
            let flags = MsgFlags::MSG_DONTWAIT;
            let fd = link.socket.as_raw_fd();
            let found = match recvmmsg(fd, &mut link.incoming, &mut slices, flags, None) {
                Ok(found) => found,
                Err(Errno::EAGAIN | Errno::EINTR) => return Ok(()),
                // Somebody told that an earlier datagram found nobody.
                Err(Errno::ECONNREFUSED) => {
                    self.unheard += 1;
                    continue;
                }
                Err(errno) => return Err(errno.into()),
            };
            let mut count = 0;
            for message in found {
                count += 1;
                hear(message.iovs().next().unwrap_or_default());
            }
            if count < BATCH {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Sends what a link has to send, as far as there is room.
    pub fn send(&mut self, link: usize, outbox: &mut Outbox) -> io::Result<()> {
        let Some(link) = self.links.get_mut(link) else { return Ok(()) };
        let fd = link.socket.as_raw_fd();
        let (mut sent, mut begin) = (0, 0);
        while sent < outbox.ends.len() {
            let mut slices = [[IoSlice::new(&[])]; BATCH];
            let addresses: [Option<SockaddrStorage>; BATCH] = [None; BATCH];
            let mut from = begin;
            let ends = outbox.ends.get(sent..).unwrap_or_default();
            for (slice, end) in slices.iter_mut().zip(ends) {
                *slice = [IoSlice::new(outbox.octets.get(from..*end).unwrap_or_default())];
                from = *end;
            }
            let batch = ends.len().min(BATCH);
            let slices = slices.iter().take(batch);
            let none: [ControlMessage<'_>; 0] = [];
            let flags = MsgFlags::MSG_DONTWAIT;
            let count = sendmmsg(fd, &mut link.outgoing, slices, addresses, none, flags)
                .map(|found| found.count());
            match count {
                Ok(count) => {
                    sent += count;
                    begin = match sent.checked_sub(1) {
                        Some(last) => outbox.ends.get(last).copied().unwrap_or(begin),
                        None => begin,
                    };
                }
                Err(Errno::EINTR) => {}
                Err(Errno::ECONNREFUSED) => self.unheard += 1,
                Err(Errno::EAGAIN | Errno::ENOBUFS) => break,
                Err(errno) => return Err(errno.into()),
            }
        }
        outbox.forget(sent, begin);
        Ok(())
    }
}

impl Outbox {
    /// Where the next message is written.
    pub fn begin(&mut self) -> &mut Vec<u8> {
        &mut self.octets
    }

    /// Ends the message, unless it is one to be lost.
    pub fn end(&mut self, dice: &mut Dice) {
        if dice.loses() {
            self.octets.truncate(self.ends.last().copied().unwrap_or(0));
        } else {
            self.ends.push(self.octets.len());
        }
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    fn forget(&mut self, messages: usize, octets: usize) {
        if messages >= self.ends.len() {
            self.ends.clear();
            self.octets.clear();
            return;
        }
        self.ends.drain(..messages);
        self.octets.drain(..octets);
        for end in &mut self.ends {
            *end = end.saturating_sub(octets);
        }
    }
}

impl Dice {
    /// Loses this share of all messages, 0 to 1.
    pub fn new(seed: u64, share: f64) -> Dice {
        let share = (share.clamp(0.0, 1.0) * f64::from(u32::MAX)) as u64;
        Dice { state: seed | 1, share, lost: 0 }
    }

    /// Whether the next message gets lost.
    pub fn loses(&mut self) -> bool {
        if self.share == 0 {
            return false;
        }
        // The generator xorshift64.
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        let lost = self.state >> 32 < self.share;
        self.lost += u64::from(lost);
        lost
    }
}

fn datagram(server: SocketAddr, number: usize) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(server), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    // Beyond the system's usual bound if this program may.
    if setsockopt(&socket, sockopt::RcvBufForce, &BUFFER_OCTETS).is_err() {
        let _ = socket.set_recv_buffer_size(BUFFER_OCTETS);
    }
    if setsockopt(&socket, sockopt::SndBufForce, &BUFFER_OCTETS).is_err() {
        let _ = socket.set_send_buffer_size(BUFFER_OCTETS);
    }
    if let IpAddr::V4(ip) = server.ip()
        && ip.is_loopback()
    {
        socket.bind(&SocketAddr::from((address(number), 0)).into())?;
    }
    socket.connect(&server.into())?;
    Ok(socket.into())
}

/// The address of a link: 127.16.0.1 and those after it.
fn address(number: usize) -> Ipv4Addr {
    let first = Ipv4Addr::new(127, 16, 0, 1).to_bits();
    Ipv4Addr::from_bits(first + u32::try_from(number).unwrap_or(0) % 0x00ff_0000)
}
