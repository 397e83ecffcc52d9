//! Our side of every transport: what to write into Via and Contact, and which door leads where.

use std::net::{IpAddr, SocketAddr};

use crate::base::flow::{Flow, Hop, ListenerId, Transport};
use crate::base::identity::Aor;
use crate::dialog::target::PORT_DEFAULT;

use super::config::Door;

/// All doors, with the texts that name them.
pub struct Doors {
    doors: Vec<Named>,
}

struct Named {
    door: Door,
    /// For strangers.
    public: SentBy,
    /// For peers on this very machine.
    loopback: SentBy,
}

/// What stands in Via, `host:port`, and its parts.
struct SentBy {
    text: String,
    host_octets: usize,
    port: Option<u16>,
}

impl SentBy {
    fn new(text: String) -> SentBy {
        let (host, port) = text.rsplit_once(':').unwrap_or((&text, ""));
        SentBy { host_octets: host.len(), port: port.parse().ok(), text }
    }

    fn is(&self, host: &[u8], port: u16) -> bool {
        let own = self.text.as_bytes().get(..self.host_octets).unwrap_or_default();
        self.port == Some(port) && (own == host || own.eq_ignore_ascii_case(host))
    }
}

impl Doors {
    /// From the settings, in their order.
    pub fn new(doors: &[Door]) -> Doors {
        let doors = doors
            .iter()
            .map(|door| {
                let ip = door.local.ip();
                let seen = if ip.is_unspecified() { door.primary.unwrap_or(ip) } else { ip };
                let own_loopback: IpAddr = match door.local {
                    SocketAddr::V4(_) => [127, 0, 0, 1].into(),
                    SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
                };
                let near = if ip.is_unspecified() { own_loopback } else { ip };
                let port = door.local.port();
                Named {
                    public: SentBy::new(match &door.advertise {
                        Some(host) if names_port(host) => host.clone(),
                        Some(host) => format!("{host}:{port}"),
                        None => SocketAddr::new(seen, port).to_string(),
                    }),
                    loopback: SentBy::new(SocketAddr::new(near, port).to_string()),
                    door: door.clone(),
                }
            })
            .collect();
        Doors { doors }
    }

    /// The door of a listener.
    pub fn door(&self, listener: ListenerId) -> Option<&Door> {
        self.doors.get(listener.0 as usize).map(|named| &named.door)
    }

    /// What Via names: the address of a door as `peer` reaches it.
    pub fn sent_by(&self, listener: ListenerId, peer: IpAddr) -> &str {
        match self.doors.get(listener.0 as usize) {
            None => "localhost",
            Some(named) if peer.to_canonical().is_loopback() => &named.loopback.text,
            Some(named) => &named.public.text,
        }
    }

    /// Our Contact for a watcher of `aor` behind a hop: it leads to this very door.
    pub fn contact(&self, hop: &Hop, aor: &Aor) -> String {
        let sent_by = self.sent_by(hop.listener(), hop.address().ip());
        let user = aor.user();
        let mut contact = String::with_capacity(user.len() + sent_by.len() + 32);
        contact.push_str("sip:");
        contact.push_str(user);
        if !user.is_empty() {
            contact.push('@');
        }
        contact.push_str(sent_by);
        if hop.transport() != Transport::Udp {
            contact.push_str(";transport=");
            contact.push_str(hop.transport().parameter());
        }
        contact
    }

    /// Whether a Via sent-by is one we write.
    pub fn is_ours(&self, host: impl AsRef<[u8]>, port: Option<u16>) -> bool {
        let (host, port) = (host.as_ref(), port.unwrap_or(PORT_DEFAULT));
        let named = |named: &Named| named.public.is(host, port) || named.loopback.is(host, port);
        self.doors.iter().any(named)
    }

    /// Whether a peer at the other end of a flow is trusted to speak for others.
    pub fn trusts(&self, flow: Flow) -> bool {
        self.door(flow.listener()).is_some_and(|door| door.trusted.contains(flow.peer().ip()))
    }

    /// How to reach an address by a transport, preferably through `near`; `None` if no door of
    /// that transport and address family is open.
    pub fn hop(&self, transport: Transport, address: SocketAddr, near: ListenerId) -> Option<Hop> {
        let fits = |door: &Door| {
            let family = door.local.is_ipv4() == address.ip().to_canonical().is_ipv4();
            let wild = door.local.ip().is_unspecified();
            let local = door.local.ip().to_canonical().is_loopback();
            // A socket bound to loopback reaches nobody else, and nobody else reaches it.
            let scope = wild || local == address.ip().to_canonical().is_loopback();
            door.transport == transport && family && scope
        };
        let listener = match self.door(near) {
            Some(door) if fits(door) => near,
            _ => {
                let place = self.doors.iter().position(|named| fits(&named.door))?;
                ListenerId(u16::try_from(place).ok()?)
            }
        };
        Some(if transport.is_reliable() {
            Hop::Dial { transport, listener, address }
        } else {
            Hop::Flow(Flow::Udp { listener, peer: address })
        })
    }

    /// The listener that now stands where one stood before a restart: the same address, or any
    /// of the same transport and family.
    pub fn listener_at(&self, transport: Transport, local: SocketAddr) -> Option<ListenerId> {
        let same = |named: &&Named| named.door.transport == transport;
        let family = |named: &&Named| named.door.local.is_ipv4() == local.is_ipv4();
        let exact = |named: &&Named| named.door.local == local;
        let place = |wanted: &dyn Fn(&&Named) -> bool| {
            self.doors.iter().position(|named| same(&named) && wanted(&named))
        };
        let place = place(&exact).or_else(|| place(&family))?;
        u16::try_from(place).ok().map(ListenerId)
    }
}

/// Whether an advertised host carries a port: `192.0.2.1:5080`, `[2001:db8::1]:5080`.
fn names_port(host: &str) -> bool {
    let after_bracket = host.rsplit_once(']').map_or(host, |(_, rest)| rest);
    after_bracket.contains(':') && (host.contains(']') || host.matches(':').count() == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::TrustedPeers;

    fn door(transport: Transport, local: &str, advertise: Option<&str>) -> Door {
        Door {
            transport,
            local: local.parse().expect("an address"),
            advertise: advertise.map(str::to_owned),
            primary: Some([192, 0, 2, 10].into()),
            trusted: TrustedPeers::default(),
        }
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_wildcard_door_names_the_address_its_peer_can_reach() {
        let doors = Doors::new(&[door(Transport::Udp, "0.0.0.0:5060", None)]);
        assert_eq!(doors.sent_by(ListenerId(0), ip("127.0.0.7")), "127.0.0.1:5060");
        assert_eq!(doors.sent_by(ListenerId(0), ip("192.0.2.77")), "192.0.2.10:5060");
        assert!(doors.is_ours("192.0.2.10", None) && doors.is_ours("127.0.0.1", Some(5060)));
        assert!(!doors.is_ours("192.0.2.10", Some(5090)));
    }

    #[test]
    fn an_advertised_host_is_named_to_strangers() {
        for (advertise, named) in [
            ("pbx.example.com", "pbx.example.com:5070"),
            ("pbx.example.com:5060", "pbx.example.com:5060"),
            ("[2001:db8::1]", "[2001:db8::1]:5070"),
            ("[2001:db8::1]:5060", "[2001:db8::1]:5060"),
        ] {
            let doors = Doors::new(&[door(Transport::Udp, "0.0.0.0:5070", Some(advertise))]);
            assert_eq!(doors.sent_by(ListenerId(0), ip("203.0.113.5")), named);
        }
    }

    #[test]
    fn a_hop_leaves_by_a_door_of_its_transport_and_family() {
        let doors = Doors::new(&[
            door(Transport::Udp, "127.0.0.1:5060", None),
            door(Transport::Tcp, "127.0.0.1:5060", None),
            door(Transport::Udp, "[::1]:5060", None),
        ]);
        let v6 = "[::1]:5099".parse().expect("an address");
        let hop = doors.hop(Transport::Udp, v6, ListenerId(0)).expect("a door");
        assert_eq!(hop.listener(), ListenerId(2));
        assert_eq!(doors.hop(Transport::Tcp, v6, ListenerId(0)), None);
        let far = "192.0.2.7:5060".parse().expect("an address");
        assert_eq!(doors.hop(Transport::Udp, far, ListenerId(0)), None, "bound to loopback");
    }
}
