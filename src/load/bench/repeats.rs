//! When unanswered requests are sent again (RFC 3261 §17.1.2.2): one queue for each interval,
//! so that putting in and taking out cost the same however many requests wait.

use std::collections::VecDeque;

/// Intervals of timer E in milliseconds: T1 = 500 ms doubles to T2 = 4 s. After the last, at
/// 64 times T1, timer F ends the wait.
const INTERVALS: [u64; 11] = [500, 1000, 2000, 4000, 4000, 4000, 4000, 4000, 4000, 4000, 500];

const NANOS_PER_MILLI: u64 = 1_000_000;

/// A request that may still wait for its answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Waiting<K> {
    /// Whose request it is.
    pub key: K,
    /// Its sequence number: a later request of the same kind is another one.
    pub cseq: u32,
    interval: usize,
}

/// The requests that wait.
pub struct Repeats<K> {
    queues: [VecDeque<(u64, Waiting<K>)>; INTERVALS.len()],
}

impl<K> Default for Repeats<K> {
    fn default() -> Repeats<K> {
        Repeats { queues: std::array::from_fn(|_| VecDeque::new()) }
    }
}

impl<K: Copy> Repeats<K> {
    /// A request was sent for the first time.
    pub fn sent(&mut self, now: u64, key: K, cseq: u32) {
        self.put(now, Waiting { key, cseq, interval: 0 });
    }

    /// A request was sent again; `false` if that was the last time it could be.
    pub fn again(&mut self, now: u64, waiting: Waiting<K>) -> bool {
        let next = Waiting { interval: waiting.interval + 1, ..waiting };
        self.put(now, next)
    }

    /// A request whose interval is over by now. Whether it was answered, its sender knows.
    pub fn due(&mut self, now: u64) -> Option<Waiting<K>> {
        let over =
            |queue: &&mut VecDeque<(u64, _)>| queue.front().is_some_and(|(at, _)| *at <= now);
        let queue = self.queues.iter_mut().find(over)?;
        queue.pop_front().map(|(_, waiting)| waiting)
    }

    fn put(&mut self, now: u64, waiting: Waiting<K>) -> bool {
        let interval = waiting.interval;
        let Some((queue, millis)) = self.queues.get_mut(interval).zip(INTERVALS.get(interval))
        else {
            return false;
        };
        queue.push_back((now + millis * NANOS_PER_MILLI, waiting));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unanswered_request_is_repeated_for_32_seconds() {
        let mut repeats = Repeats::default();
        repeats.sent(0, 'a', 1);
        let mut at = Vec::new();
        for millis in 0..100_000 {
            while let Some(waiting) = repeats.due(millis * NANOS_PER_MILLI) {
                at.push(millis);
                repeats.again(millis * NANOS_PER_MILLI, waiting);
            }
        }
        assert_eq!(at.get(..4), Some(&[500, 1500, 3500, 7500][..]));
        assert_eq!(at.last(), Some(&32_000));
    }

    #[test]
    fn the_last_interval_says_so() {
        let mut repeats = Repeats::default();
        repeats.sent(0, 'a', 1);
        let mut sent = 1;
        while let Some(waiting) = repeats.due(u64::MAX / 2) {
            sent += usize::from(repeats.again(0, waiting));
        }
        assert_eq!(sent, INTERVALS.len());
    }
}
