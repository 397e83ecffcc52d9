//! What is remembered for a fixed time, and never more of it than a bound.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::base::time::Moment;

/// Values by key, each for the same time. At its bound the oldest is forgotten first.
pub(super) struct Aging<V> {
    life: Duration,
    entries_max: usize,
    entries: HashMap<u64, Entry<V>, ahash::RandomState>,
    /// In the order in which they are forgotten; one that was put in anew is there twice.
    order: VecDeque<(Moment, u64)>,
}

struct Entry<V> {
    since: Moment,
    value: V,
}

impl<V> Aging<V> {
    /// Remembers nothing yet.
    pub fn new(life: Duration, entries_max: usize) -> Aging<V> {
        Aging { life, entries_max, entries: HashMap::default(), order: VecDeque::new() }
    }

    /// From now on values are remembered so long, those that are there included.
    pub fn live_for(&mut self, life: Duration) {
        self.life = life;
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.order.clear();
    }

    /// The value of a key.
    pub fn get(&self, now: Moment, key: u64) -> Option<&V> {
        let entry = self.entries.get(&key)?;
        (now < entry.since + self.life).then_some(&entry.value)
    }

    /// The value of a key, to be changed; a new one if there is none.
    pub fn entry(&mut self, now: Moment, key: u64) -> &mut V
    where
        V: Default,
    {
        if self.get(now, key).is_none() {
            self.put(now, key, V::default());
        }
        &mut self.entries.get_mut(&key).expect("there, or put there just now").value
    }

    /// Remembers a value from now on.
    pub fn put(&mut self, now: Moment, key: u64, value: V) {
        self.entries.insert(key, Entry { since: now, value });
        self.order.push_back((now, key));
        while let Some((since, oldest)) = self.order.front().copied() {
            let is_over = since + self.life <= now;
            // Twice the bound, since one that was put in anew is there twice.
            let are_many =
                self.entries.len() > self.entries_max || self.order.len() > 2 * self.entries_max;
            if !is_over && !are_many {
                break;
            }
            self.order.pop_front();
            if self.entries.get(&oldest).is_some_and(|entry| entry.since == since) && oldest != key
            {
                self.entries.remove(&oldest);
            }
        }
    }

    /// Forgets the value of a key.
    pub fn remove(&mut self, key: u64) {
        self.entries.remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: Duration = Duration::from_secs(10);

    fn at(seconds: u64) -> Moment {
        Moment::ORIGIN + Duration::from_secs(seconds)
    }

    #[test]
    fn a_value_is_forgotten_at_the_end_of_its_life() {
        let mut aging = Aging::new(LIFE, 4);
        aging.put(at(0), 1, "one");
        assert_eq!(aging.get(at(9), 1), Some(&"one"));
        assert_eq!(aging.get(at(10), 1), None);
        aging.put(at(5), 1, "again");
        assert_eq!(aging.get(at(14), 1), Some(&"again"));
        aging.put(at(20), 2, "two");
        assert_eq!((aging.entries.len(), aging.order.len()), (1, 1));
    }

    #[test]
    fn a_value_that_is_changed_keeps_its_age() {
        let mut aging = Aging::<u32>::new(LIFE, 4);
        for second in 0..10 {
            *aging.entry(at(second), 1) += 1;
        }
        assert_eq!(aging.get(at(9), 1), Some(&10));
        *aging.entry(at(10), 1) += 1;
        assert_eq!(aging.get(at(10), 1), Some(&1), "begun anew");
    }

    #[test]
    fn the_oldest_gives_way_at_the_bound_and_the_newest_never() {
        let mut aging = Aging::new(LIFE, 2);
        for key in 1..=3 {
            aging.put(at(0), key, ());
        }
        assert_eq!([1, 2, 3].map(|key| aging.get(at(0), key).is_some()), [false, true, true]);
        for _ in 0..100 {
            aging.put(at(0), 3, ());
            assert!(aging.get(at(0), 3).is_some());
            assert!(aging.order.len() <= 4 && aging.entries.len() <= 2);
        }
    }
}
