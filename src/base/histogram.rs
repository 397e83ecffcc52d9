//! How long something took, counted by twos: a few numbers, whatever happens.

use std::time::Duration;

/// The upper bounds of the buckets: the first, and each twice the one before. The last is as long
/// as a request of ours is repeated.
const FIRST_MICROS: u64 = 250;

/// How many bounds there are; what is beyond the last, 32.768 s, is counted beside them.
const BOUNDS: usize = 18;

/// Spans of time, counted. It only grows.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Histogram {
    /// How many were at most as long as each bound and longer than the one before.
    counts: [u64; BOUNDS],
    /// How many were longer than all.
    beyond: u64,
    /// All of them together, in microseconds.
    micros: u64,
}

impl Histogram {
    /// Counts one span.
    pub fn count(&mut self, span: Duration) {
        let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        let firsts = micros.div_ceil(FIRST_MICROS).max(1);
        // The first bound that is not below it, by its power of two.
        let place = u64::BITS - (firsts - 1).leading_zeros();
        match usize::try_from(place).ok().and_then(|place| self.counts.get_mut(place)) {
            Some(count) => *count += 1,
            None => self.beyond += 1,
        }
        self.micros = self.micros.saturating_add(micros);
    }

    /// Adds another owner's.
    pub fn add(&mut self, other: &Histogram) {
        for (own, others) in self.counts.iter_mut().zip(&other.counts) {
            *own += others;
        }
        self.beyond += other.beyond;
        self.micros = self.micros.saturating_add(other.micros);
    }

    /// How many were at most so long, for each bound in order; all of them last, beyond any.
    pub fn up_to(&self) -> impl Iterator<Item = (Option<Duration>, u64)> {
        let bounds = (0..BOUNDS).map(|place| Some(Duration::from_micros(FIRST_MICROS << place)));
        let counts = self.counts.iter().chain([&self.beyond]).scan(0, |sum, count| {
            *sum += count;
            Some(*sum)
        });
        bounds.chain([None]).zip(counts)
    }

    /// All of them together.
    pub fn sum(&self) -> Duration {
        Duration::from_micros(self.micros)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_counted_below_the_first_bound_that_is_not_below_it() {
        let of = |micros: u64| {
            let mut one = Histogram::default();
            one.count(Duration::from_micros(micros));
            let first = one.up_to().find(|(_, count)| *count == 1).expect("counted");
            first.0.map(|bound| bound.as_micros())
        };
        for (micros, bound) in [
            (0, Some(250)),
            (250, Some(250)),
            (251, Some(500)),
            (500, Some(500)),
            (501, Some(1000)),
            (32_768_000, Some(32_768_000)),
            (32_768_001, None),
            (u64::MAX, None),
        ] {
            assert_eq!(of(micros), bound, "{micros}");
        }
    }

    #[test]
    fn two_add_up() {
        let (mut one, mut other) = (Histogram::default(), Histogram::default());
        one.count(Duration::from_millis(1));
        other.count(Duration::from_secs(60));
        one.add(&other);
        assert_eq!(one.up_to().last(), Some((None, 2)));
        assert_eq!(one.sum(), Duration::from_millis(60_001));
    }
}
