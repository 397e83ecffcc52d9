//! The one place that reads the clocks.

use std::time::{Instant, SystemTime};

use nix::time::{ClockId, clock_gettime};

use crate::base::time::{Moment, Now, Wall};

/// The clock of one process: both its times count from when it was made.
///
/// The wall clock of the machine may be stepped, by an hour or by years when a battery was
/// empty. Within a process the time of day therefore goes on from where it began: no step lets
/// every publication expire at once, or keeps a lamp lit for longer than was granted. A machine
/// whose clock was far off at the start shows wrong dates until the agent is started again, and
/// nothing else.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Instant,
    began: Wall,
}

impl Clock {
    /// A clock that begins now.
    #[expect(clippy::disallowed_methods, reason = "this is the place")]
    pub fn start() -> Clock {
        Clock { origin: Instant::now(), began: Wall::from(SystemTime::now()) }
    }

    /// Both times of a turn.
    pub fn read(&self) -> Now {
        let since = self.origin.elapsed();
        let micros = u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
        Now { instant: Moment::from_micros(micros), wall: self.began + since }
    }
}

/// What the system's monotonic clock shows, in microseconds: the service manager counts by it.
pub fn monotonic_micros() -> u64 {
    let Ok(time) = clock_gettime(ClockId::CLOCK_MONOTONIC) else { return 0 };
    let part = |count: i64| u64::try_from(count).unwrap_or(0);
    part(time.tv_sec()).saturating_mul(1_000_000).saturating_add(part(time.tv_nsec()) / 1000)
}
