//! How many subscriptions each user and each address has. Trusted peers speak for many and are
//! not counted.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;

use crate::base::flow::source;
use crate::base::identity::{Aor, Identity};

/// Counts of what is alive; who has none is not in it.
pub struct Census {
    by_user: HashMap<Aor, u32, ahash::RandomState>,
    by_source: HashMap<IpAddr, u32, ahash::RandomState>,
}

impl Census {
    /// Nobody has any yet. `hash` keys the tables.
    pub fn new(hash: ahash::RandomState) -> Census {
        Census {
            by_user: HashMap::with_hasher(hash.clone()),
            by_source: HashMap::with_hasher(hash),
        }
    }

    /// One more of this watcher, heard from this address.
    pub fn enter(&mut self, watcher: &Identity, address: IpAddr) {
        if let Identity::User(user) = watcher {
            *self.by_user.entry(user.clone()).or_default() += 1;
            *self.by_source.entry(source(address)).or_default() += 1;
        }
    }

    /// One less.
    pub fn leave(&mut self, watcher: &Identity, address: IpAddr) {
        if let Identity::User(user) = watcher {
            less(&mut self.by_user, user);
            less(&mut self.by_source, &source(address));
        }
    }

    /// How many a user has.
    pub fn of_user(&self, user: &Aor) -> usize {
        self.by_user.get(user).map_or(0, |count| *count as usize)
    }

    /// How many all users from an address have.
    pub fn of_source(&self, address: IpAddr) -> usize {
        self.by_source.get(&source(address)).map_or(0, |count| *count as usize)
    }
}

fn less<K: Eq + Hash>(counts: &mut HashMap<K, u32, ahash::RandomState>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_and_addresses_are_counted_apart_and_peers_not_at_all() {
        let mut census = Census::new(ahash::RandomState::with_seeds(1, 2, 3, 4));
        let aor = |user: &str| Aor::from_parts(user, "example.com");
        let address = |text: &str| text.parse::<IpAddr>().expect("an address");
        let (bob, eve) = (Identity::User(aor("bob")), Identity::User(aor("eve")));
        census.enter(&bob, address("192.0.2.1"));
        census.enter(&bob, address("2001:db8::1"));
        census.enter(&eve, address("192.0.2.1"));
        let peer = Identity::Peer { address: address("192.0.2.1"), asserted: None };
        census.enter(&peer, address("192.0.2.1"));
        assert_eq!((census.of_user(&aor("bob")), census.of_user(&aor("eve"))), (2, 1));
        assert_eq!(census.of_source(address("::ffff:192.0.2.1")), 2);
        assert_eq!(census.of_source(address("2001:db8::2")), 1, "the same household");
        census.leave(&bob, address("192.0.2.1"));
        census.leave(&bob, address("2001:db8::1"));
        census.leave(&eve, address("192.0.2.1"));
        census.leave(&peer, address("192.0.2.1"));
        assert!(census.by_user.is_empty() && census.by_source.is_empty());
    }
}
