//! How often one subscription may be told: an average with a small burst (RFC 3856 §6.10,
//! RFC 4235 §3.10), kept in a single instant.

use crate::base::time::Moment;
use crate::event::Pace;

/// The account of one subscription. It is full at first and after a quiet time.
///
/// Kept as the instant at which the account would be full again (the generic cell rate
/// algorithm), so an idle subscription costs nothing to maintain.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Account {
    full_at: Moment,
}

impl Account {
    /// When the next state may be sent; not after `now` if at once.
    pub fn opens(&self, pace: Pace) -> Moment {
        let room = pace.interval * pace.burst.saturating_sub(1);
        self.full_at - room
    }

    /// Books one state sent now.
    pub fn book(&mut self, now: Moment, pace: Pace) {
        self.full_at = self.full_at.max(now) + pace.interval;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const PACE: Pace = Pace { interval: Duration::from_secs(1), burst: 4 };

    fn at(millis: u64) -> Moment {
        Moment::from_micros(millis * 1000)
    }

    #[test]
    fn a_burst_passes_and_then_one_an_interval() {
        let mut account = Account::default();
        for _ in 0..4 {
            assert!(account.opens(PACE) <= at(10_000), "ring, answer, hang-up are not delayed");
            account.book(at(10_000), PACE);
        }
        assert_eq!(account.opens(PACE), at(11_000));
        account.book(at(11_000), PACE);
        assert_eq!(account.opens(PACE), at(12_000));
    }

    #[test]
    fn quiet_fills_the_account_and_no_further() {
        let mut account = Account::default();
        for _ in 0..4 {
            account.book(at(10_000), PACE);
        }
        let mut passed = 0;
        while account.opens(PACE) <= at(60_000) {
            account.book(at(60_000), PACE);
            passed += 1;
        }
        assert_eq!(passed, 4);
    }

    #[test]
    fn a_burst_of_one_is_a_plain_interval() {
        let pace = Pace { interval: Duration::from_secs(5), burst: 1 };
        let mut account = Account::default();
        account.book(at(1_000), pace);
        assert_eq!(account.opens(pace), at(6_000));
    }
}
