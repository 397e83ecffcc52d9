//! Everybody at once, as after a power cut: lifetimes granted then are shortened by different
//! shares, so that it is not everybody at once again when they are over.

use std::time::Duration;

use crate::base::limits::{STORM_GRANTS_MIN, STORM_ONE_IN, STORM_WITHIN};
use crate::base::time::Moment;

/// Counts what is granted.
#[derive(Default)]
pub struct Storm {
    since: Moment,
    grants: usize,
}

impl Storm {
    /// The lifetime to grant instead of this one, which is above `min`; there are so many
    /// subscriptions `live`. `spread` is by how many percent it may be shortened, `chance` draws
    /// any number.
    pub fn grant(
        &mut self,
        now: Moment,
        live: usize,
        lifetime: Duration,
        min: Duration,
        spread: u8,
        chance: impl FnOnce() -> u64,
    ) -> Duration {
        if now >= self.since + STORM_WITHIN {
            (self.since, self.grants) = (now, 0);
        }
        self.grants += 1;
        let is_calm = self.grants <= (live / STORM_ONE_IN).max(STORM_GRANTS_MIN);
        if is_calm || spread == 0 || lifetime <= min {
            return lifetime;
        }
        let most = lifetime.as_secs().saturating_mul(spread.into()) / 100;
        let less = chance().checked_rem(most + 1).unwrap_or(0);
        lifetime.saturating_sub(Duration::from_secs(less)).max(min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const MINUTE: Duration = Duration::from_secs(60);

    fn granted(storm: &mut Storm, now: Moment, live: usize, lifetime: Duration) -> Vec<Duration> {
        let mut number = 0_u64;
        let mut chance = || {
            number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
            number >> 20
        };
        let mut one = || storm.grant(now, live, lifetime, MINUTE, 25, &mut chance);
        (0..4 * STORM_GRANTS_MIN).map(|_| one()).collect()
    }

    #[test]
    fn a_storm_is_spread_over_the_quarter_of_an_hour() {
        let mut storm = Storm::default();
        let all = granted(&mut storm, Moment::ORIGIN, 0, HOUR);
        assert!(all[..STORM_GRANTS_MIN].iter().all(|span| *span == HOUR));
        let spread = &all[STORM_GRANTS_MIN..];
        assert!(spread.iter().all(|span| (HOUR * 3 / 4..=HOUR).contains(span)));
        // Of fifteen minutes, none has more than its share and a bit.
        for minute in 45..60 {
            let within = MINUTE * minute..MINUTE * (minute + 1);
            let here = spread.iter().filter(|span| within.contains(*span)).count();
            assert!(here * 15 < spread.len() * 3 / 2, "{here} in minute {minute}");
        }
        let later = Moment::ORIGIN + STORM_WITHIN;
        assert_eq!(granted(&mut storm, later, 0, HOUR)[0], HOUR, "it is over");
    }

    #[test]
    fn a_busy_day_is_no_storm_and_nobody_is_shortened_below_the_least() {
        let live = 4 * STORM_GRANTS_MIN * STORM_ONE_IN;
        let all = granted(&mut Storm::default(), Moment::ORIGIN, live, HOUR);
        assert!(all.iter().all(|span| *span == HOUR));
        let brief = Duration::from_secs(64);
        let all = granted(&mut Storm::default(), Moment::ORIGIN, 0, brief);
        assert!(all.iter().all(|span| (MINUTE..=brief).contains(span)));
        let least = granted(&mut Storm::default(), Moment::ORIGIN, 0, MINUTE);
        assert!(least.iter().all(|span| *span == MINUTE));
    }
}
