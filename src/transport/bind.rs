//! Opens the listening sockets, or says what to do when that cannot be done.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};

use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tracing::{info, warn};

use super::config::{Config, Listen};
use crate::base::flow::Transport;
use crate::base::limits::SOCKET_BUFFER_OCTETS;
use crate::shard::{Door, Fault};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1024;

/// The sockets of one listening address.
pub enum Socketed {
    /// One for each shard.
    Datagrams(Vec<UdpSocket>),
    /// One for all.
    Connections(TcpListener),
}

/// A listening address that is open.
pub struct Opened {
    /// How the shards know it.
    pub door: Door,
    /// Its sockets.
    pub sockets: Socketed,
}

/// Opens every listening address for so many shards.
pub fn open(config: &Config, shards: usize) -> Result<Vec<Opened>, Fault> {
    config.check().map_err(|what| Fault { what })?;
    let mut opened = Vec::with_capacity(config.listen.len());
    for listen in &config.listen {
        match open_one(listen, shards) {
            Ok((local, sockets)) => {
                opened.push(Opened { door: door(config, listen, local), sockets });
            }
            Err(fault) if config.is_default_listen() && is_absent(&fault) => {
                warn!(event = "listener_skipped", listen = %listen, reason = %fault);
            }
            Err(fault) => return Err(Fault { what: advice(listen, &fault) }),
        }
    }
    if opened.is_empty() {
        return Err(Fault { what: "none of transport.listen could be opened".to_owned() });
    }
    Ok(opened)
}

fn open_one(listen: &Listen, shards: usize) -> io::Result<(SocketAddr, Socketed)> {
    match listen.transport {
        Transport::Udp => {
            let sockets = datagrams(listen.address, shards)?;
            let first = sockets.first().ok_or(io::ErrorKind::InvalidInput)?;
            tell_buffer(listen, first);
            let local = first.local_addr()?;
            Ok((local, Socketed::Datagrams(sockets)))
        }
        Transport::Tcp => {
            let listener = connections(listen.address)?;
            Ok((listener.local_addr()?, Socketed::Connections(listener)))
        }
    }
}

fn datagrams(address: SocketAddr, shards: usize) -> io::Result<Vec<UdpSocket>> {
    if shards < 2 {
        return Ok(vec![datagram(address, false)?]);
    }
    // Sockets that share an address are not told of another process that shares it too: so it is
    // asked for alone first.
    let address = datagram(address, false)?.local_addr()?;
    (0..shards).map(|_| datagram(address, true)).collect()
}

/// Says how much the kernel holds, if that is less than it was asked for. It counts what it needs
/// for itself, so it says twice what it grants.
fn tell_buffer(listen: &Listen, socket: &UdpSocket) {
    let granted = SockRef::from(socket).recv_buffer_size().unwrap_or(usize::MAX) / 2;
    if granted < SOCKET_BUFFER_OCTETS {
        let asked = SOCKET_BUFFER_OCTETS;
        info!(event = "small_buffer", listener = %listen, octets = granted, asked);
    }
}

fn datagram(address: SocketAddr, is_shared: bool) -> io::Result<UdpSocket> {
    let socket = socket(address, Type::DGRAM, Protocol::UDP)?;
    if is_shared {
        socket.set_reuse_port(true)?;
    }
    widen(&socket);
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// As much as the system grants, beyond its usual bound if this program may: a burst of answers
/// must survive one long turn.
fn widen(socket: &Socket) {
    if setsockopt(socket, sockopt::RcvBufForce, &SOCKET_BUFFER_OCTETS).is_err() {
        let _ = socket.set_recv_buffer_size(SOCKET_BUFFER_OCTETS);
    }
    if setsockopt(socket, sockopt::SndBufForce, &SOCKET_BUFFER_OCTETS).is_err() {
        let _ = socket.set_send_buffer_size(SOCKET_BUFFER_OCTETS);
    }
}

fn connections(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket(address, Type::STREAM, Protocol::TCP)?;
    // Else connections of the last run keep the port from the next one for a minute.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn socket(address: SocketAddr, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    if address.is_ipv6() {
        // `0.0.0.0` and `[::]` are two listeners with two addresses to name.
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn door(config: &Config, listen: &Listen, local: SocketAddr) -> Door {
    Door {
        transport: listen.transport,
        local,
        advertise: config.advertised(listen),
        primary: local.ip().is_unspecified().then(|| primary(local.is_ipv4())).flatten(),
        trusted: config.trusted(listen),
    }
}

/// The address of this machine that its route to the world begins with. Nothing is sent: a
/// datagram socket that connects only asks the routing table. The far addresses are set aside
/// for documentation (RFC 5737, RFC 3849).
fn primary(is_ipv4: bool) -> Option<IpAddr> {
    const DISCARD: u16 = 9;
    let (any, far): (IpAddr, IpAddr) = match is_ipv4 {
        true => (Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::new(192, 0, 2, 1).into()),
        false => {
            let far = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
            (Ipv6Addr::UNSPECIFIED.into(), far.into())
        }
    };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect((far, DISCARD)).ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_unspecified()).then_some(ip)
}

/// Whether the machine has no such address at all, as one without IPv6.
fn is_absent(fault: &io::Error) -> bool {
    use nix::errno::Errno;
    let absent = [Errno::EAFNOSUPPORT, Errno::EADDRNOTAVAIL, Errno::EPROTONOSUPPORT];
    fault.raw_os_error().is_some_and(|number| absent.contains(&Errno::from_raw(number)))
}

fn advice(listen: &Listen, fault: &io::Error) -> String {
    let port = listen.address.port();
    match fault.kind() {
        io::ErrorKind::AddrInUse => format!(
            "cannot listen on {listen}: port {port} is taken by another program; stop it (see \
             `ss -lnp 'sport = :{port}'`) or choose another port in transport.listen"
        ),
        io::ErrorKind::PermissionDenied if port < 1024 => format!(
            "cannot listen on {listen}: ports below 1024 need the capability CAP_NET_BIND_SERVICE; \
             grant it or choose a port from 1024 on in transport.listen"
        ),
        io::ErrorKind::AddrNotAvailable => format!(
            "cannot listen on {listen}: this machine has no address {}; see `ip address` and \
             correct transport.listen",
            listen.address.ip()
        ),
        _ if is_absent(fault) => format!(
            "cannot listen on {listen}: this machine has no {}; correct transport.listen",
            if listen.address.is_ipv6() { "IPv6" } else { "IPv4" }
        ),
        _ => format!("cannot listen on {listen}: {fault}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(listen: &[String]) -> Config {
        let listen = listen.iter().map(|text| text.parse().expect("an address")).collect();
        Config { listen, ..Config::default() }
    }

    fn fault(config: &Config, shards: usize) -> String {
        open(config, shards).err().expect("a fault").what
    }

    #[test]
    fn port_0_takes_any_and_each_shard_has_its_own_socket_there() {
        let listen = ["udp:127.0.0.1:0".to_owned(), "tcp:127.0.0.1:0".to_owned()];
        let opened = open(&config(&listen), 3).expect("open");
        let Socketed::Datagrams(sockets) = &opened[0].sockets else { panic!("datagrams first") };
        let local = opened[0].door.local;
        assert_eq!(sockets.len(), 3);
        assert!(sockets.iter().all(|socket| socket.local_addr().ok() == Some(local)));
        assert!(matches!(opened[1].sockets, Socketed::Connections(_)));
        assert_ne!(opened[1].door.local.port(), 0);
    }

    #[test]
    fn a_taken_port_is_an_error_that_names_it_with_one_shard_or_more() {
        let first = open(&config(&["udp:127.0.0.1:0".to_owned()]), 2).expect("open");
        let local = first[0].door.local;
        for shards in [1, 2] {
            let fault = fault(&config(&[format!("udp:{local}")]), shards);
            assert!(fault.contains(&format!("port {} is taken", local.port())), "{fault}");
        }
    }

    #[test]
    fn an_address_of_another_machine_is_an_error_that_says_so() {
        let fault = fault(&config(&["udp:192.0.2.1:5060".to_owned()]), 1);
        assert!(fault.contains("no address 192.0.2.1"), "{fault}");
    }
}
