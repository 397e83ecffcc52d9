//! All open connections, found by number and by the address at their other end.
//!
//! One of the two tables that threads share. Nobody holds an entry while touching another.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use dashmap::DashMap;

use super::config::ConnectionLimits;
use super::connection::Connection;
use crate::base::flow::{ConnectionId, ListenerId};

/// The table of connections.
pub struct Flows {
    limits: ConnectionLimits,
    by_number: DashMap<ConnectionId, Arc<Connection>, ahash::RandomState>,
    by_peer: DashMap<SocketAddr, ConnectionId, ahash::RandomState>,
    by_host: DashMap<IpAddr, usize, ahash::RandomState>,
    next: AtomicU64,
    count: AtomicUsize,
}

impl Flows {
    /// None yet.
    pub fn new(limits: ConnectionLimits) -> Flows {
        Flows {
            limits,
            by_number: DashMap::default(),
            by_peer: DashMap::default(),
            by_host: DashMap::default(),
            next: AtomicU64::default(),
            count: AtomicUsize::default(),
        }
    }

    /// Enters a new connection; `None` if there are too many, or too many of that host.
    pub fn enter(&self, listener: ListenerId, peer: SocketAddr) -> Option<Arc<Connection>> {
        let host = peer.ip().to_canonical();
        if self.count.fetch_add(1, Ordering::Relaxed) >= self.limits.all {
            self.count.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        if !self.enter_host(host) {
            self.count.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        let id = ConnectionId(self.next.fetch_add(1, Ordering::Relaxed));
        let connection = Arc::new(Connection::new(id, listener, peer, self.limits.octets));
        self.by_number.insert(id, Arc::clone(&connection));
        self.by_peer.insert(peer, id);
        Some(connection)
    }

    /// The connection of a number.
    pub fn find(&self, id: ConnectionId) -> Option<Arc<Connection>> {
        self.by_number.get(&id).map(|entry| Arc::clone(entry.value()))
    }

    /// A connection to exactly this address, accepted from it or dialled.
    pub fn find_to(&self, peer: SocketAddr) -> Option<Arc<Connection>> {
        let id = self.by_peer.get(&peer).map(|entry| *entry.value())?;
        self.find(id).filter(|connection| !connection.is_closed())
    }

    /// Takes a connection out.
    pub fn leave(&self, connection: &Connection) {
        if self.by_number.remove(&connection.id).is_none() {
            return;
        }
        self.by_peer.remove_if(&connection.peer, |_, id| *id == connection.id);
        let host = connection.host();
        if let Some(mut of_host) = self.by_host.get_mut(&host) {
            *of_host = of_host.saturating_sub(1);
        }
        self.by_host.remove_if(&host, |_, of_host| *of_host == 0);
        self.count.fetch_sub(1, Ordering::Relaxed);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn enter_host(&self, host: IpAddr) -> bool {
        let mut of_host = self.by_host.entry(host).or_default();
        let has_room = *of_host < self.limits.of_host;
        *of_host += usize::from(has_room);
        has_room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(port: u16) -> SocketAddr {
        ([127, 0, 0, 1], port).into()
    }

    #[test]
    fn a_connection_is_found_until_it_leaves() {
        let flows = Flows::new(ConnectionLimits::default());
        let first = flows.enter(ListenerId(0), peer(1)).expect("room");
        let second = flows.enter(ListenerId(0), peer(2)).expect("room");
        assert_eq!(flows.find_to(peer(1)).map(|found| found.id), Some(first.id));
        assert_eq!(flows.find(second.id).map(|found| found.id), Some(second.id));
        flows.leave(&first);
        flows.leave(&first);
        assert!(flows.find(first.id).is_none() && flows.find_to(peer(1)).is_none());
        assert_eq!(flows.len(), 1);
    }

    #[test]
    fn a_closed_connection_is_not_dialled_over() {
        let flows = Flows::new(ConnectionLimits::default());
        let old = flows.enter(ListenerId(0), peer(1)).expect("room");
        old.close();
        assert!(flows.find_to(peer(1)).is_none());
        let new = flows.enter(ListenerId(0), peer(1)).expect("room");
        flows.leave(&old);
        assert_eq!(flows.find_to(peer(1)).map(|found| found.id), Some(new.id));
    }

    #[test]
    fn one_host_takes_no_more_than_its_share() {
        let flows = Flows::new(ConnectionLimits::default());
        let ports = 0..=u16::MAX;
        let all: Vec<_> = ports.map_while(|port| flows.enter(ListenerId(0), peer(port))).collect();
        assert_eq!(all.len(), ConnectionLimits::default().of_host);
        assert!(flows.enter(ListenerId(0), ([127, 0, 0, 2], 1).into()).is_some());
        flows.leave(&all[0]);
        assert!(flows.enter(ListenerId(0), peer(1)).is_some());
    }
}
