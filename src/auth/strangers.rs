//! Who has proved nothing: how much of it is answered, and with how many octets.
//!
//! A datagram may come from elsewhere than it says. So an address that proved nothing is never
//! sent more octets than came from it: whoever forges it gains nothing by us. And nobody is
//! challenged faster than any office has phones.

use tracing::warn;

use super::aging::Aging;
use super::config::Config;
use crate::base::flow::{Flow, source_octets};
use crate::base::limits::{AUTH_SOURCES_MAX, AUTH_STRANGERS_WITHIN};
use crate::base::mint::Secret;
use crate::base::time::Moment;

/// Accounts of one owner, one for each address and kind of transport: what is forged in datagrams
/// is not laid to the charge of connections.
pub struct Strangers {
    secret: Secret,
    requests_max: u32,
    accounts: Aging<Account>,
}

#[derive(Default)]
struct Account {
    requests: u32,
    /// Octets that came and were not spent on answers.
    octets: usize,
}

impl Strangers {
    /// Nobody was heard yet.
    pub fn new(config: &Config, secret: Secret) -> Strangers {
        let accounts = Aging::new(AUTH_STRANGERS_WITHIN, AUTH_SOURCES_MAX);
        Strangers { secret, requests_max: config.strangers_max, accounts }
    }

    /// Other settings.
    pub fn adopt(&mut self, config: &Config) {
        self.requests_max = config.strangers_max;
    }

    /// A request of so many octets came.
    pub fn came(&mut self, now: Moment, flow: Flow, octets: usize) {
        if !flow.transport().is_reliable() {
            let account = self.account(now, flow);
            account.octets = account.octets.saturating_add(octets);
        }
    }

    /// It proves nothing; false if it is one too many to be answered.
    pub fn hears(&mut self, now: Moment, flow: Flow) -> bool {
        let max = self.requests_max;
        let account = self.account(now, flow);
        account.requests = account.requests.saturating_add(1);
        let is_over = max > 0 && account.requests > max;
        if is_over && account.requests == max.saturating_add(1) {
            let (source, transport) = (flow.peer().ip().to_canonical(), flow.transport());
            warn!(event = "source_slowed", %source, %transport, requests = max);
        }
        !is_over
    }

    /// Whether an answer of so many octets may be sent; then they are spent. By a connection
    /// always: it goes to whoever opened it.
    pub fn may_be_sent(&mut self, now: Moment, flow: Flow, octets: usize) -> bool {
        if flow.transport().is_reliable() {
            return true;
        }
        let account = self.account(now, flow);
        let left = account.octets.checked_sub(octets);
        account.octets = left.unwrap_or(account.octets);
        left.is_some()
    }

    fn account(&mut self, now: Moment, flow: Flow) -> &mut Account {
        let kind: &[u8] = if flow.transport().is_reliable() { b"s" } else { b"d" };
        let octets = source_octets(flow.peer().ip());
        self.accounts.entry(now, self.secret.hash(&[b"stranger", kind, &octets]))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::base::flow::{ConnectionId, ListenerId, Transport};

    fn strangers(strangers_max: u32) -> Strangers {
        let config = Config { strangers_max, ..Config::default() };
        Strangers::new(&config, Secret::new([7; 16]))
    }

    fn datagram(peer: &str) -> Flow {
        Flow::Udp { listener: ListenerId(0), peer: peer.parse().expect("an address") }
    }

    fn stream(peer: &str) -> Flow {
        Flow::Stream {
            listener: ListenerId(0),
            peer: peer.parse().expect("an address"),
            transport: Transport::Tcp,
            connection: ConnectionId(1),
        }
    }

    const NOW: Moment = Moment::ORIGIN;

    #[test]
    fn an_address_is_sent_no_more_than_came_from_it() {
        let mut strangers = strangers(0);
        let flow = datagram("192.0.2.1:5060");
        assert!(!strangers.may_be_sent(NOW, flow, 1), "nothing came");
        strangers.came(NOW, flow, 400);
        assert!(!strangers.may_be_sent(NOW, flow, 401));
        assert!(strangers.may_be_sent(NOW, flow, 300));
        assert!(!strangers.may_be_sent(NOW, flow, 101), "300 are spent");
        // Sent again, it is answered.
        strangers.came(NOW, datagram("192.0.2.1:9999"), 400);
        assert!(strangers.may_be_sent(NOW, flow, 500));
        assert!(!strangers.may_be_sent(NOW, datagram("192.0.2.2:5060"), 1));
        assert!(strangers.may_be_sent(NOW, stream("192.0.2.1:5060"), 65_000));
    }

    #[test]
    fn too_many_are_not_answered_until_their_time_is_over() {
        let mut strangers = strangers(3);
        let flow = datagram("192.0.2.1:5060");
        let heard = |strangers: &mut Strangers, now| strangers.hears(now, flow);
        for is_heard in [true, true, true, false, false] {
            assert_eq!(heard(&mut strangers, NOW), is_heard);
        }
        assert!(strangers.hears(NOW, stream("192.0.2.1:5060")), "that cannot be forged");
        assert!(strangers.hears(NOW, datagram("192.0.2.2:5060")));
        assert!(!heard(&mut strangers, NOW + AUTH_STRANGERS_WITHIN - Duration::from_millis(1)));
        assert!(heard(&mut strangers, NOW + AUTH_STRANGERS_WITHIN));
    }

    #[test]
    fn a_household_of_ipv6_has_one_account() {
        let mut strangers = strangers(1);
        assert!(strangers.hears(NOW, datagram("[2001:db8:1:2::1]:5060")));
        assert!(!strangers.hears(NOW, datagram("[2001:db8:1:2:ffff::9]:5060")));
        assert!(strangers.hears(NOW, datagram("[2001:db8:1:3::1]:5060")));
    }
}
