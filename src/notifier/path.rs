//! The path a watcher was last heard on, kept small: there may be a million of them.

use std::net::{IpAddr, SocketAddr, SocketAddrV4, SocketAddrV6};

use crate::base::flow::{ConnectionId, Flow, Hop, ListenerId, Transport};
use crate::dialog::Heard;

/// What [`Heard`] says, in half the octets, and where it was found to lead.
pub struct Path {
    peer: Peer,
    /// Where the phone itself is, if not where the path leads.
    origin: Option<Box<IpAddr>>,
    connection: u64,
    listener: ListenerId,
    transport: Transport,
    alive: bool,
    /// Whether the course leads to the very address the watcher says it listens on.
    listens_there: bool,
    course: Course,
}

enum Peer {
    V4(SocketAddrV4),
    V6(Box<SocketAddrV6>),
}

/// Where the next request goes, found once for as long as target and path stand.
enum Course {
    /// To be found, or to be found anew each time, as a name is.
    Unknown,
    /// Back on the path.
    Back,
    Elsewhere(Box<Hop>),
}

impl From<Heard> for Path {
    fn from(heard: Heard) -> Path {
        let Heard { flow, alive, origin } = heard;
        let peer = match flow.peer() {
            SocketAddr::V4(v4) => Peer::V4(v4),
            SocketAddr::V6(v6) => Peer::V6(Box::new(v6)),
        };
        let connection = match flow {
            Flow::Stream { connection, .. } => connection.0,
            Flow::Udp { .. } => 0,
        };
        Path {
            peer,
            origin: (origin != flow.peer().ip()).then(|| Box::new(origin)),
            connection,
            listener: flow.listener(),
            transport: flow.transport(),
            alive,
            listens_there: false,
            course: Course::Unknown,
        }
    }
}

impl Path {
    /// All that is known of it.
    pub fn heard(&self) -> Heard {
        let peer = self.peer();
        let origin = self.origin.as_deref().copied().unwrap_or(peer.ip());
        Heard { flow: self.flow(), alive: self.alive, origin }
    }

    /// The path itself.
    pub fn flow(&self) -> Flow {
        let (transport, listener, peer) = (self.transport, self.listener, self.peer());
        if transport == Transport::Udp {
            return Flow::Udp { listener, peer };
        }
        Flow::Stream { transport, listener, connection: ConnectionId(self.connection), peer }
    }

    /// Whether it still stands.
    pub fn is_alive(&self) -> bool {
        self.alive
    }

    /// It does not stand any more.
    pub fn dies(&mut self) {
        self.alive = false;
        self.forget_course();
    }

    /// Where the next request goes, if that is known.
    pub fn course(&self) -> Option<Hop> {
        match &self.course {
            Course::Unknown => None,
            Course::Back => Some(Hop::Flow(self.flow())),
            Course::Elsewhere(hop) => Some(**hop),
        }
    }

    /// Whether requests go to the very address the watcher says it listens on.
    pub fn is_where_it_listens(&self) -> bool {
        self.listens_there
    }

    /// Remembers where requests go until the path or the target changes, and whether the watcher
    /// says that it listens there.
    pub fn lead(&mut self, hop: Hop, listens_there: bool) {
        self.listens_there = listens_there;
        self.course = match hop {
            Hop::Flow(flow) if flow == self.flow() => Course::Back,
            hop => Course::Elsewhere(Box::new(hop)),
        };
    }

    /// Where requests go must be found anew.
    pub fn forget_course(&mut self) {
        self.listens_there = false;
        self.course = Course::Unknown;
    }

    fn peer(&self) -> SocketAddr {
        match &self.peer {
            Peer::V4(v4) => SocketAddr::V4(*v4),
            Peer::V6(v6) => SocketAddr::V6(**v6),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_by_keeping_it_small() {
        let address = |text: &str| text.parse::<SocketAddr>().expect("an address");
        for (peer, origin) in [
            ("192.0.2.7:5062", "192.0.2.7"),
            ("192.0.2.7:5062", "10.0.0.9"),
            ("[2001:db8::7]:5062", "2001:db8::7"),
            ("[fe80::7%3]:5062", "192.0.2.1"),
        ] {
            let (peer, origin) = (address(peer), origin.parse().expect("an address"));
            let (listener, connection) = (ListenerId(3), ConnectionId(1 << 40));
            let stream = Flow::Stream { transport: Transport::Tcp, listener, connection, peer };
            for flow in [Flow::Udp { listener, peer }, stream] {
                for alive in [true, false] {
                    let heard = Heard { flow, alive, origin };
                    assert_eq!(Path::from(heard).heard(), heard);
                }
            }
        }
    }

    #[test]
    fn a_course_stands_until_the_path_dies() {
        let peer = "192.0.2.7:5062".parse().expect("an address");
        let flow = Flow::Udp { listener: ListenerId(0), peer };
        let mut path = Path::from(Heard { flow, alive: true, origin: peer.ip() });
        assert_eq!(path.course(), None);
        path.lead(Hop::Flow(flow), true);
        assert!(path.is_where_it_listens());
        assert_eq!(path.course(), Some(Hop::Flow(flow)));
        let other = Hop::Dial { transport: Transport::Tcp, listener: ListenerId(1), address: peer };
        path.lead(other, false);
        assert_eq!(path.course(), Some(other));
        path.dies();
        assert_eq!((path.course(), path.is_alive()), (None, false));
    }
}
