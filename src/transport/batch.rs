//! Many datagrams in one call of the kernel. The only file that knows how.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6, UdpSocket};
use std::os::fd::AsRawFd;

use bytes::{Bytes, BytesMut};
use nix::errno::Errno;
use nix::sys::socket::{
    ControlMessage, MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg, sendmmsg,
};
use smallvec::SmallVec;

use crate::base::limits::{DATAGRAM_BATCH, MESSAGE_OCTETS_MAX};

/// A datagram and the address it came from.
pub type Datagram = (Bytes, SocketAddr);

/// Where datagrams are received before each is given octets of its own. Most of it is never
/// touched and so never becomes memory.
pub struct Buffers {
    octets: Vec<u8>,
    /// Where what came is copied to: one allocation for some twenty messages, which are gone
    /// when they are answered.
    piece: BytesMut,
}

/// Octets of such a piece.
const PIECE_OCTETS: usize = 16 * 1024;

/// What the kernel needs to know of one socket's batches. Not shared between sockets: the length
/// of an address is left behind by the last batch.
pub struct Headers {
    incoming: MultiHeaders<SockaddrStorage>,
    outgoing: MultiHeaders<SockaddrStorage>,
}

impl Default for Buffers {
    fn default() -> Buffers {
        Buffers { octets: vec![0; DATAGRAM_BATCH * MESSAGE_OCTETS_MAX], piece: BytesMut::new() }
    }
}

impl Default for Headers {
    fn default() -> Headers {
        Headers {
            incoming: MultiHeaders::preallocate(DATAGRAM_BATCH, None),
            outgoing: MultiHeaders::preallocate(DATAGRAM_BATCH, None),
        }
    }
}

/// Receives what is there, at most [`DATAGRAM_BATCH`] datagrams; says how many.
pub fn receive(
    socket: &UdpSocket,
    headers: &mut Headers,
    buffers: &mut Buffers,
    into: &mut Vec<Datagram>,
) -> io::Result<usize> {
    let Buffers { octets, piece } = buffers;
    sift(socket, headers, octets, |octets, source| {
        // A batch holds one buffer a message; only the octets that came are worth keeping.
        if piece.capacity() < octets.len() {
            *piece = BytesMut::with_capacity(octets.len().max(PIECE_OCTETS));
        }
        piece.extend_from_slice(octets);
        into.push((piece.split().freeze(), source));
    })
}

/// The same, each shown where it was received: most of them are perhaps not worth keeping.
pub fn look(
    socket: &UdpSocket,
    headers: &mut Headers,
    buffers: &mut Buffers,
    see: impl FnMut(&[u8], SocketAddr),
) -> io::Result<usize> {
    sift(socket, headers, &mut buffers.octets, see)
}

fn sift(
    socket: &UdpSocket,
    headers: &mut Headers,
    octets: &mut [u8],
    mut see: impl FnMut(&[u8], SocketAddr),
) -> io::Result<usize> {
    let mut free = octets.chunks_exact_mut(MESSAGE_OCTETS_MAX);
    let mut slices: [[IoSliceMut<'_>; 1]; DATAGRAM_BATCH] =
        std::array::from_fn(|_| [IoSliceMut::new(free.next().unwrap_or_default())]);
    let flags = MsgFlags::MSG_DONTWAIT;
    let found = recvmmsg(socket.as_raw_fd(), &mut headers.incoming, &mut slices, flags, None)?;
    let mut count = 0;
    for message in found {
        count += 1;
        let Some(source) = message.address.and_then(address) else { continue };
        see(message.iovs().next().unwrap_or_default(), source);
    }
    Ok(count)
}

/// Sends messages, each of two parts and to an address of its own, at most [`DATAGRAM_BATCH`];
/// says how many of the first were sent. An error is about the first.
pub fn send<'a>(
    socket: &UdpSocket,
    headers: &'a mut Headers,
    messages: impl Iterator<Item = (&'a [u8], &'a [u8], SocketAddr)>,
) -> io::Result<usize> {
    let mut slices = [[IoSlice::new(&[]); 2]; DATAGRAM_BATCH];
    let mut addresses: SmallVec<[Option<SockaddrStorage>; DATAGRAM_BATCH]> = SmallVec::new();
    for (slice, (head, body, to)) in slices.iter_mut().zip(messages) {
        *slice = [IoSlice::new(head), IoSlice::new(body)];
        addresses.push(Some(to.into()));
    }
    let none: [ControlMessage<'_>; 0] = [];
    let flags = MsgFlags::MSG_DONTWAIT;
    let sent =
        sendmmsg(socket.as_raw_fd(), &mut headers.outgoing, &slices, &addresses, none, flags);
    match sent {
        Ok(sent) => Ok(sent.count()),
        Err(Errno::EINTR) => Ok(0),
        Err(errno) => Err(errno.into()),
    }
}

fn address(storage: SockaddrStorage) -> Option<SocketAddr> {
    if let Some(v4) = storage.as_sockaddr_in() {
        return Some(SocketAddrV4::from(*v4).into());
    }
    storage.as_sockaddr_in6().map(|v6| SocketAddrV6::from(*v6).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(host: &str) -> Option<(UdpSocket, UdpSocket)> {
        let [a, b] = [(); 2].map(|()| UdpSocket::bind((host, 0)));
        Some((a.ok()?, b.ok()?))
    }

    #[test]
    fn head_and_body_arrive_as_one_datagram_in_both_families() {
        for host in ["127.0.0.1", "::1"] {
            let Some((here, there)) = pair(host) else {
                println!("skipped: no {host} on this machine");
                continue;
            };
            let (mut headers, mut buffers) = (Headers::default(), Buffers::default());
            let to = there.local_addr().expect("bound");
            for round in 0..3 {
                let heads: Vec<String> = (0..100).map(|n| format!("{round}-{n}-")).collect();
                let mut sent = 0;
                while sent < heads.len() {
                    let rest = heads[sent..].iter().map(|head| (head.as_bytes(), &b"body"[..], to));
                    sent += send(&here, &mut headers, rest).expect("sent");
                }
                let mut got = Vec::new();
                let mut counts = Vec::new();
                let mut other = Headers::default();
                while got.len() < heads.len() {
                    counts
                        .push(receive(&there, &mut other, &mut buffers, &mut got).expect("there"));
                }
                assert_eq!(counts, [DATAGRAM_BATCH, heads.len() - DATAGRAM_BATCH]);
                for ((octets, from), head) in got.iter().zip(&heads) {
                    assert_eq!(octets, &Bytes::from(format!("{head}body")));
                    assert_eq!(*from, here.local_addr().expect("bound"));
                }
            }
        }
    }

    #[test]
    fn the_largest_datagram_is_received_whole_and_too_large_ones_are_not_sent() {
        let (here, there) = pair("127.0.0.1").expect("loopback");
        let (mut headers, mut buffers) = (Headers::default(), Buffers::default());
        let to = there.local_addr().expect("bound");
        let most = vec![b'x'; 65_507];
        assert_eq!(
            send(&here, &mut headers, [(&most[..], &b""[..], to)].into_iter()).ok(),
            Some(1)
        );
        let mut got = Vec::new();
        receive(&there, &mut headers, &mut buffers, &mut got).expect("there");
        assert_eq!(got[0].0.len(), 65_507);
        assert!(send(&here, &mut headers, [(&most[..], &b"y"[..], to)].into_iter()).is_err());
    }
}
