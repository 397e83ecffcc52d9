//! Everything that happens by chance, from one seed.

use std::time::Duration;

/// A stream of numbers that its seed decides (splitmix64).
pub struct Chance(u64);

impl Chance {
    /// The stream of one seed.
    pub fn new(seed: u64) -> Chance {
        // Neighbouring seeds are to have nothing in common.
        Chance(seed.wrapping_add(1).wrapping_mul(0xd134_2543_de82_ef95))
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.number() % end.max(1)
    }

    /// A number from `first` to `last`.
    pub fn within(&mut self, first: u64, last: u64) -> u64 {
        first + self.below(last - first + 1)
    }

    /// True so many times in a hundred.
    pub fn percent(&mut self, times: u64) -> bool {
        self.below(100) < times
    }

    /// A span of so many whole milliseconds: the agent's alarms ring at its milliseconds, so that
    /// what ends then ends at the very moment it was to.
    pub fn millis(&mut self, first: u64, last: u64) -> Duration {
        Duration::from_millis(self.within(first, last))
    }

    /// A span of so many seconds, to the millisecond.
    pub fn seconds(&mut self, first: u64, last: u64) -> Duration {
        self.millis(first * 1000, last * 1000)
    }

    /// One of several.
    pub fn pick<'a, T>(&mut self, things: &'a [T]) -> &'a T {
        &things[self.below(things.len() as u64) as usize]
    }

    /// In another order.
    pub fn shuffle<T>(&mut self, things: &mut [T]) {
        for place in (1..things.len()).rev() {
            things.swap(place, self.below(place as u64 + 1) as usize);
        }
    }

    /// Octets for who needs a seed of its own.
    pub fn octets(&mut self) -> [u8; 32] {
        std::array::from_fn(|_| self.number() as u8)
    }
}
