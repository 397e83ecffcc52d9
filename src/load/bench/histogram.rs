//! A log-linear histogram of fixed size: spans from nanoseconds to hours at 1.6 percent.

use std::time::Duration;

/// Steps between a power of two and the next, as a power of two.
const STEP_BITS: u32 = 6;
const STEPS: usize = 1 << STEP_BITS;

/// Powers of two that are told apart: up to 2^44 ns, five hours; longer counts as that.
const POWERS: usize = 44 - STEP_BITS as usize + 2;

/// How often which span was seen.
#[derive(Clone)]
pub struct Histogram {
    counts: Vec<u64>,
    count: u64,
    sum: u128,
    longest: u64,
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram { counts: vec![0; STEPS * POWERS], count: 0, sum: 0, longest: 0 }
    }
}

impl Histogram {
    /// Counts one span, in nanoseconds.
    pub fn record(&mut self, nanos: u64) {
        if let Some(count) = self.counts.get_mut(place(nanos).min(STEPS * POWERS - 1)) {
            *count += 1;
        }
        self.count += 1;
        self.sum += u128::from(nanos);
        self.longest = self.longest.max(nanos);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.counts.fill(0);
        (self.count, self.sum, self.longest) = (0, 0, 0);
    }

    /// How many spans were seen.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The longest.
    pub fn longest(&self) -> Option<Duration> {
        (self.count > 0).then(|| Duration::from_nanos(self.longest))
    }

    /// The mean.
    pub fn mean(&self) -> Option<Duration> {
        let mean = self.sum.checked_div(u128::from(self.count))?;
        Some(Duration::from_nanos(u64::try_from(mean).unwrap_or(u64::MAX)))
    }

    /// The span that `per_mille` of a thousand do not exceed, at the upper end of its step.
    pub fn quantile(&self, per_mille: u64) -> Option<Duration> {
        let rank = (u128::from(self.count) * u128::from(per_mille)).div_ceil(1000).max(1);
        let mut passed = 0;
        for (place, count) in self.counts.iter().enumerate() {
            passed += u128::from(*count);
            if passed >= rank {
                return Some(Duration::from_nanos(upper(place).min(self.longest)));
            }
        }
        None
    }
}

/// Below 2^STEP_BITS every nanosecond has a place; above, every power of two has STEPS.
fn place(nanos: u64) -> usize {
    let power = nanos.max(1).ilog2();
    match power.checked_sub(STEP_BITS) {
        None => usize::try_from(nanos).unwrap_or(0),
        Some(shift) => {
            let step = usize::try_from(nanos >> shift).unwrap_or(0) & (STEPS - 1);
            (shift as usize + 1) * STEPS + step
        }
    }
}

fn upper(place: usize) -> u64 {
    let (power, step) = (place / STEPS, (place % STEPS) as u64);
    match power.checked_sub(1) {
        None => step,
        Some(shift) => ((STEPS as u64 + step + 1) << shift) - 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_span_has_a_place_that_holds_it() {
        let mut last = 0;
        for nanos in (0..100_000).chain((17..44).map(|power| (1 << power) + 12_345)) {
            let place = place(nanos);
            assert!(place >= last, "places follow the spans: {nanos}");
            last = place;
            let upper = upper(place);
            assert!(upper >= nanos && upper - nanos <= nanos / 63, "{nanos} in {upper}");
        }
        assert!(last < STEPS * POWERS, "{last}");
    }

    #[test]
    fn quantiles_are_right_to_a_sixtieth() {
        let mut histogram = Histogram::default();
        for micros in 1..=1000 {
            histogram.record(micros * 1000);
        }
        for (per_mille, micros) in [(500, 500.0), (990, 990.0), (999, 999.0), (1000, 1000.0)] {
            let found = histogram.quantile(per_mille).expect("counted").as_secs_f64() * 1e6;
            assert!((found / micros - 1.0).abs() < 1.0 / 60.0, "{found} for {micros}");
        }
        assert_eq!(histogram.longest(), Some(Duration::from_millis(1)));
        assert_eq!(histogram.mean(), Some(Duration::from_nanos(500_500)));
    }

    #[test]
    fn an_empty_one_has_no_quantile() {
        let mut histogram = Histogram::default();
        histogram.record(u64::MAX);
        assert_eq!(
            histogram.quantile(500).map(|span| span > Duration::from_secs(3600)),
            Some(true)
        );
        histogram.clear();
        assert_eq!((histogram.quantile(500), histogram.longest()), (None, None));
    }
}
