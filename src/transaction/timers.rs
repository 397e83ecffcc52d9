//! Transaction timers (RFC 3261 §17.1.2.2 and table 4, RFC 4320, RFC 6026).

use std::time::Duration;

/// Estimate of the round trip.
pub const T1: Duration = Duration::from_millis(500);

/// Longest time between two sendings of a non-INVITE request.
pub const T2: Duration = Duration::from_secs(4);

/// Timer F: how long a final response is awaited.
pub const F: Duration = Duration::from_millis(64 * 500);

/// Timer J: how long a final response is kept for repeated requests, over datagrams.
pub const J: Duration = Duration::from_millis(64 * 500);

/// Timer H: how long the ACK of a refused INVITE is awaited.
pub const H: Duration = Duration::from_millis(64 * 500);

/// The next retransmission interval: doubled up to T2.
pub fn doubled(interval: Duration) -> Duration {
    (interval * 2).min(T2)
}
