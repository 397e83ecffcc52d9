//! Flows: one transport path to a peer (RFC 5626 §1), named by value, without a table.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// Whom an address stands for: itself, of IPv6 its network of 64 bits, since one household has as
/// many addresses in it as it likes.
pub fn source(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
        v4 => v4,
    }
}

/// The octets of that, as many for each family.
pub fn source_octets(address: IpAddr) -> [u8; 16] {
    match source(address) {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(network) => network.octets(),
    }
}

/// A transport protocol as Via and URIs name it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum Transport {
    /// Datagrams; unreliable, so requests are repeated.
    Udp,
    /// A stream framed by Content-Length.
    Tcp,
}

impl Transport {
    /// The protocol as Via writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Transport::Udp => "UDP",
            Transport::Tcp => "TCP",
        }
    }

    /// The `transport` URI parameter's value.
    pub const fn parameter(self) -> &'static str {
        match self {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
        }
    }

    /// Whether the transport itself delivers what was sent: timers E, J and K are then idle.
    pub const fn is_reliable(self) -> bool {
        !matches!(self, Transport::Udp)
    }

    /// The protocol of a Via or of a URI parameter, in any case; `None` if it is not served.
    pub fn from_text(text: &str) -> Option<Transport> {
        [Transport::Udp, Transport::Tcp].into_iter().find(|t| t.name().eq_ignore_ascii_case(text))
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.parameter())
    }
}

/// Which of the configured listening addresses, counted from 0 in the order of the settings.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord, Default)]
pub struct ListenerId(pub u16);

/// One connection of a stream transport, unique in the life of the process.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

/// One transport path to a peer: the datagrams between a listener and an address, or a
/// connection.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Flow {
    /// Datagrams from the socket of `listener` to `peer` and back.
    Udp {
        /// The listening address used on our side.
        listener: ListenerId,
        /// The peer's address as we see it.
        peer: SocketAddr,
    },
    /// One connection, accepted or dialled.
    Stream {
        /// Its transport.
        transport: Transport,
        /// The listening address it was accepted on, or whose address we name in Via.
        listener: ListenerId,
        /// The connection.
        connection: ConnectionId,
        /// The peer's address as we see it.
        peer: SocketAddr,
    },
}

impl Flow {
    /// The peer's address as we see it.
    pub const fn peer(&self) -> SocketAddr {
        match self {
            Flow::Udp { peer, .. } | Flow::Stream { peer, .. } => *peer,
        }
    }

    /// The listening address on our side.
    pub const fn listener(&self) -> ListenerId {
        match self {
            Flow::Udp { listener, .. } | Flow::Stream { listener, .. } => *listener,
        }
    }

    /// The transport of the path.
    pub const fn transport(&self) -> Transport {
        match self {
            Flow::Udp { .. } => Transport::Udp,
            Flow::Stream { transport, .. } => *transport,
        }
    }
}

/// Where one message is to go.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Hop {
    /// Back on a path that exists.
    Flow(Flow),
    /// To an address by a stream, on a connection that is open to it or a new one.
    Dial {
        /// A stream transport.
        transport: Transport,
        /// The listening address named in our Via.
        listener: ListenerId,
        /// The address to connect to.
        address: SocketAddr,
    },
}

impl Hop {
    /// The transport the message will travel by.
    pub const fn transport(&self) -> Transport {
        match self {
            Hop::Flow(flow) => flow.transport(),
            Hop::Dial { transport, .. } => *transport,
        }
    }

    /// The listening address named in our Via.
    pub const fn listener(&self) -> ListenerId {
        match self {
            Hop::Flow(flow) => flow.listener(),
            Hop::Dial { listener, .. } => *listener,
        }
    }

    /// The address of the peer.
    pub const fn address(&self) -> SocketAddr {
        match self {
            Hop::Flow(flow) => flow.peer(),
            Hop::Dial { address, .. } => *address,
        }
    }
}
