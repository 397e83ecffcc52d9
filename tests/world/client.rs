//! The requests of one actor: repeated until answered, given up after 32 seconds.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use fanal::base::time::Moment;

use super::agenda::{Alarm, Road};
use super::letter::Letter;
use super::network::Network;

const T1: Duration = Duration::from_millis(500);
const T2: Duration = Duration::from_secs(4);
const PATIENCE: Duration = Duration::from_secs(32);

/// Requests that wait, each with what it was for.
pub struct Client<Purpose> {
    actor: usize,
    count: u32,
    waiting: BTreeMap<u32, Waiting<Purpose>>,
}

struct Waiting<Purpose> {
    purpose: Purpose,
    octets: Bytes,
    road: Road,
    since: Moment,
    interval: Duration,
}

impl<Purpose> Client<Purpose> {
    pub fn new(actor: usize) -> Client<Purpose> {
        Client { actor, count: 0, waiting: BTreeMap::new() }
    }

    /// A number nobody had before, for a branch, a tag, a Call-ID.
    pub fn unique(&mut self) -> u32 {
        self.count += 1;
        self.count
    }

    /// The branch that goes with such a number.
    pub fn branch(&self, number: u32) -> String {
        format!("z9hG4bKw{}x{number}", self.actor)
    }

    /// Sends a request whose branch was made of `number`.
    pub fn ask(
        &mut self,
        net: &mut Network,
        number: u32,
        road: Road,
        octets: Bytes,
        purpose: Purpose,
    ) {
        net.send(self.actor, road, octets.clone());
        let first = if road == Road::Datagram { T1 } else { PATIENCE };
        net.wake(self.actor, first, Alarm::Repeat(number));
        let since = net.now;
        self.waiting.insert(number, Waiting { purpose, octets, road, since, interval: T1 });
    }

    /// Repeats a request, or gives it up: then says what it was for.
    pub fn repeat(&mut self, net: &mut Network, number: u32) -> Option<Purpose> {
        let waiting = self.waiting.get_mut(&number)?;
        let until = waiting.since + PATIENCE;
        if net.now >= until {
            return self.waiting.remove(&number).map(|waiting| waiting.purpose);
        }
        net.send(self.actor, waiting.road, waiting.octets.clone());
        waiting.interval = (waiting.interval * 2).min(T2);
        let wait = waiting.interval.min(until.since(net.now));
        net.wake(self.actor, wait, Alarm::Repeat(number));
        None
    }

    /// A response came: what its request was for, the first time.
    pub fn answered(&mut self, response: &Letter) -> Option<Purpose> {
        let number = response.branch().rsplit_once('x')?.1.parse().ok()?;
        self.waiting.remove(&number).map(|waiting| waiting.purpose)
    }

    /// A stream broke: what was asked on it will not be answered.
    pub fn lost(&mut self, connection: u64) -> Vec<Purpose> {
        let road = Road::Stream(connection);
        let lost: Vec<u32> = self
            .waiting
            .iter()
            .filter(|(_, w)| w.road == road)
            .map(|(&number, _)| number)
            .collect();
        lost.iter().filter_map(|number| self.waiting.remove(number)).map(|w| w.purpose).collect()
    }

    /// Forgets everything, as in a restart.
    pub fn forget(&mut self) {
        self.waiting.clear();
    }
}
