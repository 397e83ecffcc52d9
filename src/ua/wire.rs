//! One path to a server: connected datagrams or a connection.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use crate::base::flow::Transport;
use crate::base::limits::MESSAGE_OCTETS_MAX;
use crate::sip::parse;
use crate::sip::stream::{Frame, Framer, Limits};

/// How long a connection may take to be made.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// One path to a server.
pub struct Wire {
    path: Path,
    /// Our address as the server may reach it.
    pub local: SocketAddr,
    /// The server's.
    pub peer: SocketAddr,
}

enum Path {
    Datagrams(UdpSocket),
    Stream(TcpStream, Framer),
}

impl Wire {
    /// Opens the path. Datagrams are not known to arrive, but that nobody listens is told soon.
    pub async fn open(transport: Transport, peer: SocketAddr) -> io::Result<Wire> {
        let path = match transport {
            Transport::Udp => {
                let any: SocketAddr = match peer {
                    SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
                    SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
                };
                let socket = UdpSocket::bind(any).await?;
                socket.connect(peer).await?;
                Path::Datagrams(socket)
            }
            Transport::Tcp => {
                let stream = timeout(CONNECT_MAX, TcpStream::connect(peer)).await??;
                stream.set_nodelay(true)?;
                Path::Stream(stream, Framer::new(Limits::default()))
            }
        };
        let local = match &path {
            Path::Datagrams(socket) => socket.local_addr()?,
            Path::Stream(stream, _) => stream.local_addr()?,
        };
        Ok(Wire { path, local, peer })
    }

    /// Its transport.
    pub fn transport(&self) -> Transport {
        match self.path {
            Path::Datagrams(_) => Transport::Udp,
            Path::Stream(..) => Transport::Tcp,
        }
    }

    /// Sends one message.
    pub async fn send(&mut self, message: &[u8]) -> io::Result<()> {
        match &mut self.path {
            Path::Datagrams(socket) => socket.send(message).await.map(|_| ()),
            Path::Stream(stream, _) => stream.write_all(message).await,
        }
    }

    /// The octets of the next message. Nothing is lost if it is no longer waited for.
    pub async fn receive(&mut self) -> io::Result<Bytes> {
        match &mut self.path {
            Path::Datagrams(socket) => {
                let mut octets = vec![0; MESSAGE_OCTETS_MAX];
                loop {
                    let count = socket.recv(&mut octets).await?;
                    let datagram = octets.get(..count).unwrap_or_default();
                    if !parse::is_keep_alive(datagram) {
                        return Ok(Bytes::copy_from_slice(datagram));
                    }
                }
            }
            Path::Stream(stream, framer) => loop {
                let damaged = |_| io::Error::from(io::ErrorKind::InvalidData);
                match framer.next().map_err(damaged)? {
                    Some(Frame::Message(octets)) => return Ok(octets),
                    Some(Frame::Ping) => {
                        stream.write_all(b"\r\n").await?;
                        continue;
                    }
                    None => {}
                }
                let mut octets = [0; 4096];
                match stream.read(&mut octets).await? {
                    0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                    count => framer.push(octets.get(..count).unwrap_or_default()),
                }
            },
        }
    }
}
