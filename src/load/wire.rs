//! Real sockets for simulated devices: each device has its own, all arrive in one place.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::base::limits::MESSAGE_OCTETS_MAX;
use crate::sip::stream::{Frame, Framer, Limits};

/// Messages waiting on a stream that is not written; beyond it they are lost.
const UNWRITTEN_MAX: usize = 1024;

/// The socket of one device. Closed when dropped.
pub struct Wire {
    /// Where the device is.
    pub own: SocketAddr,
    way: Way,
}

enum Way {
    Datagrams(Arc<UdpSocket>),
    Stream(Sender<Bytes>),
}

/// A message that arrived.
pub struct Arrival {
    /// The device it is for.
    pub device: usize,
    /// The message; `None`: the connection is gone.
    pub octets: Option<Bytes>,
    /// When.
    pub at: Instant,
}

impl Wire {
    /// A socket for datagrams to and from the agent.
    pub async fn datagrams(
        device: usize,
        agent: SocketAddr,
        arrivals: Sender<Arrival>,
    ) -> io::Result<Wire> {
        let socket = UdpSocket::bind(SocketAddr::new(agent.ip(), 0)).await?;
        // NOTIFYs come from whichever of the agent's sockets serves the watched person, but all
        // of them share this one address.
        socket.connect(agent).await?;
        let own = socket.local_addr()?;
        let socket = Arc::new(socket);
        tokio::spawn(read_datagrams(device, Arc::clone(&socket), arrivals));
        Ok(Wire { own, way: Way::Datagrams(socket) })
    }

    /// A connection to the agent.
    pub async fn stream(
        device: usize,
        agent: SocketAddr,
        arrivals: Sender<Arrival>,
    ) -> io::Result<Wire> {
        let stream = TcpStream::connect(agent).await?;
        stream.set_nodelay(true)?;
        let own = stream.local_addr()?;
        let (reader, writer) = stream.into_split();
        let (queue, queued) = channel(UNWRITTEN_MAX);
        tokio::spawn(read_stream(device, reader, arrivals));
        tokio::spawn(write_stream(writer, queued));
        Ok(Wire { own, way: Way::Stream(queue) })
    }

    /// Sends a message. What the kernel does not take is lost, as on any network.
    pub fn send(&self, octets: Bytes) {
        match &self.way {
            Way::Datagrams(socket) => drop(socket.try_send(&octets)),
            Way::Stream(queue) => drop(queue.try_send(octets)),
        }
    }
}

async fn read_datagrams(device: usize, socket: Arc<UdpSocket>, arrivals: Sender<Arrival>) {
    let mut buffer = vec![0; MESSAGE_OCTETS_MAX];
    loop {
        // An error is what ICMP tells of an agent that is gone; it may come back.
        let Ok(count) = socket.recv(&mut buffer).await else {
            tokio::task::yield_now().await;
            continue;
        };
        let octets = Some(Bytes::copy_from_slice(&buffer[..count]));
        if arrivals.send(Arrival { device, octets, at: Instant::now() }).await.is_err() {
            return;
        }
    }
}

async fn read_stream(
    device: usize,
    mut reader: tokio::net::tcp::OwnedReadHalf,
    arrivals: Sender<Arrival>,
) {
    let mut framer = Framer::new(Limits::default());
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = reader.read(&mut buffer).await {
        let at = Instant::now();
        framer.push(&buffer[..count]);
        while let Ok(Some(frame)) = framer.next() {
            let Frame::Message(octets) = frame else { continue };
            let octets = Some(octets);
            if arrivals.send(Arrival { device, octets, at }).await.is_err() {
                return;
            }
        }
    }
    let gone = Arrival { device, octets: None, at: Instant::now() };
    let _ = arrivals.send(gone).await;
}

async fn write_stream(mut writer: tokio::net::tcp::OwnedWriteHalf, mut queued: Receiver<Bytes>) {
    while let Some(octets) = queued.recv().await {
        if writer.write_all(&octets).await.is_err() {
            return;
        }
    }
}
