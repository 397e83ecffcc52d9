//! Where the next request of a dialog goes: back on the flow where there is one, else by
//! RFC 3263.
//!
//! A phone behind NAT names an address nobody can reach; it is known by a Contact that differs
//! from where its request came from. Such a Contact is never dialled. A Contact on the very
//! address the request came from is believed, port included: some phones listen on another port
//! than they send from.

use std::net::{IpAddr, SocketAddr};

use crate::base::flow::{Flow, Transport};
use crate::base::uri::{Host, Scheme, Uri};

/// The port of SIP over UDP and TCP where a URI names none.
pub const PORT_DEFAULT: u16 = 5060;

/// The next hop of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NextHop {
    /// Back on the path the peer used.
    Flow(Flow),
    /// To an address.
    Address {
        /// The transport that was asked for, or UDP.
        transport: Transport,
        /// The address.
        address: SocketAddr,
    },
    /// A name must be resolved first (RFC 3263 §4).
    Name {
        /// The host name.
        host: String,
        /// The port, if the URI has one: then no SRV.
        port: Option<u16>,
        /// The transport, if the URI names one.
        transport: Option<Transport>,
    },
    /// Nothing can be sent: the only path was a flow that is gone.
    Nowhere,
}

/// The path a peer was last heard on, and what it says of where the peer is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Heard {
    /// The path.
    pub flow: Flow,
    /// Whether the path still stands.
    pub alive: bool,
    /// The address of the phone itself: that of the path, or what the first proxy saw if
    /// proxies stand between.
    pub origin: IpAddr,
}

/// The next hop towards the remote target.
pub fn next_hop(target: &Uri, heard: Heard) -> NextHop {
    let Heard { flow, alive, origin } = heard;
    if flow.transport().is_reliable() && alive {
        return NextHop::Flow(flow);
    }
    let fallback = if alive { NextHop::Flow(flow) } else { NextHop::Nowhere };
    if target.parameter("ob").is_some() {
        return fallback;
    }
    match located(target) {
        None => fallback,
        Some(NextHop::Address { address, .. }) if !same_host(address.ip(), origin) => fallback,
        Some(hop) => back_if_same(hop, flow, alive),
    }
}

/// The next hop towards the first route. Routes are written by proxies, which are not behind
/// NAT: they are believed, whatever address the request came from.
pub fn route_hop(route: &Uri, heard: Heard) -> NextHop {
    let Heard { flow, alive, .. } = heard;
    let stream = flow.transport().is_reliable();
    match located(route) {
        None if alive => NextHop::Flow(flow),
        None => NextHop::Nowhere,
        // The proxy's own connection, if it is that proxy's.
        Some(NextHop::Address { address, .. })
            if stream && alive && same_host(address.ip(), flow.peer().ip()) =>
        {
            NextHop::Flow(flow)
        }
        Some(NextHop::Name { .. }) if stream && alive => NextHop::Flow(flow),
        Some(hop) => back_if_same(hop, flow, alive),
    }
}

/// What a URI says of where to go; `None` if that is nowhere this agent can go by itself.
fn located(uri: &Uri) -> Option<NextHop> {
    if !matches!(uri.scheme(), Scheme::Sip | Scheme::Sips) {
        return None;
    }
    let asked = match uri.transport() {
        None => None,
        // Only the path it came by can serve a transport this agent does not speak.
        Some(text) => Some(Transport::from_text(text)?),
    };
    let host = match uri.maddr().map(|host| host.parse::<IpAddr>()) {
        Some(Ok(address)) => Host::Ip(address),
        _ => uri.host(),
    };
    match host {
        Host::Name(name) if name.to_ascii_lowercase().ends_with(".invalid") => None,
        Host::Name(name) => {
            Some(NextHop::Name { host: name.to_owned(), port: uri.port(), transport: asked })
        }
        Host::Ip(ip) => Some(NextHop::Address {
            transport: asked.unwrap_or(Transport::Udp),
            address: SocketAddr::new(ip.to_canonical(), uri.port().unwrap_or(PORT_DEFAULT)),
        }),
    }
}

/// An address that is the other end of the path itself is reached by the path.
fn back_if_same(hop: NextHop, flow: Flow, alive: bool) -> NextHop {
    match hop {
        NextHop::Address { transport: Transport::Udp, address }
            if alive
                && flow.transport() == Transport::Udp
                && same_host(address.ip(), flow.peer().ip())
                && address.port() == flow.peer().port() =>
        {
            NextHop::Flow(flow)
        }
        hop => hop,
    }
}

/// Whether two addresses are one host; IPv4 may come mapped into IPv6.
fn same_host(a: IpAddr, b: IpAddr) -> bool {
    a.to_canonical() == b.to_canonical()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::flow::{ConnectionId, ListenerId};

    fn udp(peer: &str) -> Flow {
        Flow::Udp { listener: ListenerId(0), peer: peer.parse().expect("an address") }
    }

    fn tcp(peer: &str) -> Flow {
        Flow::Stream {
            transport: Transport::Tcp,
            listener: ListenerId(1),
            connection: ConnectionId(7),
            peer: peer.parse().expect("an address"),
        }
    }

    fn hop(uri: &str, flow: Flow, alive: bool) -> NextHop {
        let origin = flow.peer().ip();
        next_hop(&Uri::parse(uri).expect("a URI"), Heard { flow, alive, origin })
    }

    #[test]
    fn rpt_04_a_contact_behind_nat_is_never_dialled() {
        let flow = udp("127.0.0.2:5555");
        assert_eq!(hop("sip:101@10.0.0.9:5060", flow, true), NextHop::Flow(flow));
        assert_eq!(hop("sip:101@10.0.0.9:5060;transport=tcp", flow, true), NextHop::Flow(flow));
        let flow = tcp("127.0.0.2:5555");
        assert_eq!(hop("sip:101@10.0.0.9", flow, true), NextHop::Flow(flow));
        assert_eq!(hop("sip:101@10.0.0.9", flow, false), NextHop::Nowhere);
    }

    #[test]
    fn a_contact_on_the_peers_own_address_is_believed() {
        let flow = udp("192.0.2.7:40000");
        let address = "192.0.2.7:5099".parse().expect("an address");
        assert_eq!(
            hop("sip:101@192.0.2.7:5099", flow, true),
            NextHop::Address { transport: Transport::Udp, address }
        );
        assert_eq!(
            hop("sip:101@192.0.2.7:5099;transport=tcp", flow, true),
            NextHop::Address { transport: Transport::Tcp, address }
        );
        assert_eq!(hop("sip:101@192.0.2.7:40000", flow, true), NextHop::Flow(flow));
    }

    #[test]
    fn out_07_a_stream_and_an_ob_contact_bind_to_the_flow() {
        let flow = tcp("192.0.2.7:40000");
        assert_eq!(hop("sip:101@192.0.2.7:5099", flow, true), NextHop::Flow(flow));
        let flow = udp("192.0.2.7:40000");
        assert_eq!(hop("sip:101@192.0.2.7:5099;ob", flow, true), NextHop::Flow(flow));
        assert_eq!(hop("sip:x@abc.invalid;transport=udp", flow, true), NextHop::Flow(flow));
    }

    #[test]
    fn a_contact_is_believed_if_the_first_proxy_saw_it_there() {
        let flow = udp("198.51.100.1:5060");
        let target = Uri::parse("sip:101@192.0.2.7:5062").expect("a URI");
        let seen = |origin: &str| {
            let origin = origin.parse().expect("an address");
            next_hop(&target, Heard { flow, alive: true, origin })
        };
        let address = "192.0.2.7:5062".parse().expect("an address");
        assert_eq!(seen("192.0.2.7"), NextHop::Address { transport: Transport::Udp, address });
        assert_eq!(seen("203.0.113.9"), NextHop::Flow(flow), "the proxy saw a NAT");
    }

    #[test]
    fn a_route_is_followed_wherever_it_leads() {
        let flow = udp("198.51.100.1:5060");
        let heard = Heard { flow, alive: true, origin: flow.peer().ip() };
        let route = |text: &str| route_hop(&Uri::parse(text).expect("a URI"), heard);
        let address = "198.51.100.33:5070".parse().expect("an address");
        assert_eq!(
            route("sip:198.51.100.33:5070;lr"),
            NextHop::Address { transport: Transport::Udp, address }
        );
        assert_eq!(route("sip:198.51.100.1;lr"), NextHop::Flow(flow));
    }

    #[test]
    fn loc_01_a_name_is_resolved_when_something_is_sent() {
        let flow = udp("192.0.2.7:40000");
        assert_eq!(
            hop("sip:101@phone.example.com:5071", flow, true),
            NextHop::Name { host: "phone.example.com".into(), port: Some(5071), transport: None }
        );
    }

    #[test]
    fn a_connection_that_is_gone_is_dialled_only_where_the_phone_really_is() {
        let flow = tcp("192.0.2.7:40000");
        let address = "192.0.2.7:5060".parse().expect("an address");
        assert_eq!(
            hop("sip:101@192.0.2.7;transport=tcp", flow, false),
            NextHop::Address { transport: Transport::Tcp, address }
        );
    }
}
