//! One socket of datagrams, many of them in one call of the kernel.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::sys::socket::{
    ControlMessage, MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg, sendmmsg, setsockopt,
    sockopt,
};
use socket2::{Domain, Protocol, Socket, Type};

use super::outbox::Outbox;

/// Datagrams in one call of the kernel.
const BATCH: usize = 64;

/// Calls in a row for one socket, so that no socket starves the others.
const BATCHES: usize = 8;

/// Largest datagram that is looked at; longer ones are cut and so not understood.
const OCTETS_MAX: usize = 16 * 1024;

/// What a socket may hold back while the phones are busy: a hotline's NOTIFYs come all at once.
const BUFFER_OCTETS: usize = 32 * 1024 * 1024;

/// A socket and what the kernel needs to know of its batches.
pub struct Datagrams {
    socket: UdpSocket,
    incoming: MultiHeaders<SockaddrStorage>,
    outgoing: MultiHeaders<SockaddrStorage>,
}

/// Where datagrams of any socket are received.
pub struct Buffers {
    octets: Vec<u8>,
}

impl Default for Buffers {
    fn default() -> Buffers {
        Buffers { octets: vec![0; BATCH * OCTETS_MAX] }
    }
}

impl Datagrams {
    /// A socket of this address that speaks with this server only.
    pub fn open(local: Option<SocketAddr>, server: SocketAddr) -> io::Result<Datagrams> {
        let socket = socket(local, server)?;
        socket.connect(&server.into())?;
        Ok(Datagrams::of(socket.into()))
    }

    /// A socket of this address that speaks with anybody.
    pub fn open_to_all(local: SocketAddr) -> io::Result<Datagrams> {
        Ok(Datagrams::of(socket(Some(local), local)?.into()))
    }

    fn of(socket: UdpSocket) -> Datagrams {
        let [incoming, outgoing] = [(); 2].map(|()| MultiHeaders::preallocate(BATCH, None));
        Datagrams { socket, incoming, outgoing }
    }

    /// The socket.
    pub fn socket(&self) -> &UdpSocket {
        &self.socket
    }

    /// Hands over what came. Ends with `true` if an earlier datagram found nobody.
    pub fn receive(
        &mut self,
        buffers: &mut Buffers,
        mut hear: impl FnMut(&[u8]),
    ) -> io::Result<bool> {
        for _ in 0..BATCHES {
            let mut free = buffers.octets.chunks_exact_mut(OCTETS_MAX);
            let mut slices: [[IoSliceMut<'_>; 1]; BATCH] =
                std::array::from_fn(|_| [IoSliceMut::new(free.next().unwrap_or_default())]);
            let flags = MsgFlags::MSG_DONTWAIT;
            let fd = self.socket.as_raw_fd();
            let found = match recvmmsg(fd, &mut self.incoming, &mut slices, flags, None) {
                Ok(found) => found,
                Err(Errno::EAGAIN | Errno::EINTR) => break,
                Err(Errno::ECONNREFUSED) => return Ok(true),
                Err(errno) => return Err(errno.into()),
            };
            let mut count = 0;
            for message in found {
                count += 1;
                hear(message.iovs().next().unwrap_or_default());
            }
            if count < BATCH {
                break;
            }
        }
        Ok(false)
    }

    /// Sends as far as there is room: to the one server, or each message to the next address of
    /// `to`. Ends with `true` if an earlier datagram found nobody.
    pub fn send(
        &mut self,
        outbox: &mut Outbox,
        mut to: impl Iterator<Item = SocketAddr>,
    ) -> io::Result<bool> {
        let fd = self.socket.as_raw_fd();
        let mut found_nobody = false;
        while !outbox.is_empty() {
            let mut slices = [[IoSlice::new(&[])]; BATCH];
            let mut addresses: [Option<SockaddrStorage>; BATCH] = [None; BATCH];
            for ((slice, address), message) in
                slices.iter_mut().zip(&mut addresses).zip(outbox.messages())
            {
                *slice = [IoSlice::new(message)];
                *address = to.next().map(SockaddrStorage::from);
            }
            let batch = outbox.messages().len().min(BATCH);
            let none: [ControlMessage<'_>; 0] = [];
            let flags = MsgFlags::MSG_DONTWAIT;
            let slices = slices.iter().take(batch);
            let sent = sendmmsg(fd, &mut self.outgoing, slices, addresses, none, flags)
                .map(|sent| sent.count());
            match sent {
                Ok(count) => {
                    let octets = outbox.messages().take(count).map(<[u8]>::len).sum();
                    outbox.sent(octets);
                }
                Err(Errno::EINTR) => {}
                Err(Errno::ECONNREFUSED) => found_nobody = true,
                Err(Errno::EAGAIN | Errno::ENOBUFS) => break,
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(found_nobody)
    }
}

fn socket(local: Option<SocketAddr>, like: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(like), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    // Beyond the system's usual bound if this program may.
    if setsockopt(&socket, sockopt::RcvBufForce, &BUFFER_OCTETS).is_err() {
        let _ = socket.set_recv_buffer_size(BUFFER_OCTETS);
    }
    if setsockopt(&socket, sockopt::SndBufForce, &BUFFER_OCTETS).is_err() {
        let _ = socket.set_send_buffer_size(BUFFER_OCTETS);
    }
    if let Some(local) = local {
        socket.bind(&local.into())?;
    }
    Ok(socket)
}
