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

/// The next hop towards `uri` (the first route, or the remote target) for a peer last heard of
/// on `flow`; `alive` says whether that flow still stands.
pub fn next_hop(uri: &Uri, flow: Flow, alive: bool) -> NextHop {
    let stream = flow.transport().is_reliable();
    if stream && alive {
        return NextHop::Flow(flow);
    }
    let fallback = if alive { NextHop::Flow(flow) } else { NextHop::Nowhere };
    if uri.parameter("ob").is_some() || !matches!(uri.scheme(), Scheme::Sip | Scheme::Sips) {
        return fallback;
    }
    let asked = match uri.transport() {
        None => None,
        Some(text) => match Transport::from_text(text) {
            Some(transport) => Some(transport),
            // Only the path it came by can serve a transport this agent does not speak.
            None => return fallback,
        },
    };
    let host = match uri.maddr().map(|host| host.parse::<IpAddr>()) {
        Some(Ok(address)) => Host::Ip(address),
        _ => uri.host(),
    };
    match host {
        Host::Name(name) => {
            if name.to_ascii_lowercase().ends_with(".invalid") {
                return fallback;
            }
            NextHop::Name { host: name.to_owned(), port: uri.port(), transport: asked }
        }
        Host::Ip(address) => {
            if !same_host(address, flow.peer().ip()) {
                return fallback;
            }
            let address = SocketAddr::new(flow.peer().ip(), uri.port().unwrap_or(PORT_DEFAULT));
            let transport = asked.unwrap_or(Transport::Udp);
            if transport == Transport::Udp && address == flow.peer() && alive {
                return NextHop::Flow(flow);
            }
            NextHop::Address { transport, address }
        }
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
        next_hop(&Uri::parse(uri).expect("a URI"), flow, alive)
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
