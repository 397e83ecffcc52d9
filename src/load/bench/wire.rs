//! The links of all phones to the server: sockets or connections, and the wait for any of them.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::time::TimeSpec;

use super::datagrams::{Buffers, Datagrams};
use super::outbox::Outbox;
use super::plan::Transport;
use super::stream::Stream;

/// Links that are waited for at once.
const EVENTS: usize = 256;

/// Files this program has open besides its links.
const OTHER_FILES: u64 = 64;

/// All links.
pub struct Wire {
    links: Vec<Link>,
    epoll: Epoll,
    buffers: Buffers,
    ready: Vec<usize>,
    /// Datagrams that found no listener.
    pub unheard: u64,
    /// Connections the server has ended.
    pub closed: u64,
}

struct Link {
    local: SocketAddr,
    path: Path,
}

enum Path {
    Datagrams(Datagrams),
    Stream(Stream),
    Closed,
}

impl Wire {
    /// Opens so many links, each from an address of its own if the server is on this machine.
    pub fn open(server: SocketAddr, transport: Transport, links: usize) -> io::Result<Wire> {
        raise_files_max(links)?;
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let mut wire = Wire {
            links: Vec::with_capacity(links),
            epoll,
            buffers: Buffers::default(),
            ready: Vec::new(),
            unheard: 0,
            closed: 0,
        };
        for number in 0..links {
            let path = match transport {
                Transport::Udp => Path::Datagrams(Datagrams::open(own(server, number), server)?),
                Transport::Tcp => Path::Stream(Stream::open(own(server, number), server)?),
            };
            let Some((fd, local)) = path.socket() else { continue };
            wire.epoll.add(fd, EpollEvent::new(EpollFlags::EPOLLIN, number as u64))?;
            let local = local?;
            wire.links.push(Link { local, path });
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
    pub fn receive(&mut self, link: usize, hear: impl FnMut(&[u8])) -> io::Result<()> {
        let Some(Link { path, .. }) = self.links.get_mut(link) else { return Ok(()) };
        let is_open = match path {
            Path::Datagrams(datagrams) => {
                self.unheard += u64::from(datagrams.receive(&mut self.buffers, hear)?);
                true
            }
            Path::Stream(stream) => stream.receive(hear)?,
            Path::Closed => true,
        };
        self.still(link, is_open)
    }

    /// Sends what a link has to send, as far as there is room.
    pub fn send(&mut self, link: usize, outbox: &mut Outbox) -> io::Result<()> {
        let Some(Link { path, .. }) = self.links.get_mut(link) else { return Ok(()) };
        let is_open = match path {
            Path::Datagrams(datagrams) => {
                self.unheard += u64::from(datagrams.send(outbox, std::iter::empty())?);
                true
            }
            Path::Stream(stream) => stream.send(outbox)?,
            Path::Closed => {
                outbox.sent(usize::MAX);
                true
            }
        };
        self.still(link, is_open)
    }

    fn still(&mut self, link: usize, is_open: bool) -> io::Result<()> {
        let Some(Link { path, .. }) = self.links.get_mut(link).filter(|_| !is_open) else {
            return Ok(());
        };
        if let Some((fd, _)) = path.socket() {
            self.epoll.delete(fd)?;
        }
        *path = Path::Closed;
        self.closed += 1;
        Ok(())
    }
}

impl Path {
    fn socket(&self) -> Option<(BorrowedFd<'_>, io::Result<SocketAddr>)> {
        match self {
            Path::Datagrams(datagrams) => {
                let socket = datagrams.socket();
                Some((socket.as_fd(), socket.local_addr()))
            }
            Path::Stream(stream) => Some((stream.socket().as_fd(), stream.socket().local_addr())),
            Path::Closed => None,
        }
    }
}

/// The address of a link to a server on this machine: 127.16.0.1 and those after it.
pub fn own(server: SocketAddr, number: usize) -> Option<SocketAddr> {
    let IpAddr::V4(ip) = server.ip() else { return None };
    let first = Ipv4Addr::new(127, 16, 0, 1).to_bits();
    let own = first + u32::try_from(number).unwrap_or(0) % 0x00ff_0000;
    ip.is_loopback().then(|| SocketAddr::from((Ipv4Addr::from_bits(own), 0)))
}

/// Lets this program have as many files open as it needs.
fn raise_files_max(links: usize) -> io::Result<()> {
    let needed = links as u64 + OTHER_FILES;
    let (now, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if now >= needed {
        return Ok(());
    }
    setrlimit(Resource::RLIMIT_NOFILE, needed, most.max(needed)).map_err(|_| {
        io::Error::other(format!(
            "{links} links need {needed} open files and {most} are allowed: say `ulimit -n \
             {needed}` as root first, or ask for fewer"
        ))
    })
}
