//! The one place that reads the clocks.

use std::time::{Instant, SystemTime};

use crate::base::time::{Moment, Now, Wall};

/// The clock of one process: its instants count from when it was made.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Instant,
}

impl Clock {
    /// A clock that begins now.
    #[expect(clippy::disallowed_methods, reason = "this is the place")]
    pub fn start() -> Clock {
        Clock { origin: Instant::now() }
    }

    /// Both times of a turn.
    #[expect(clippy::disallowed_methods, reason = "this is the place")]
    pub fn read(&self) -> Now {
        let since = self.origin.elapsed().as_micros();
        Now {
            instant: Moment::from_micros(u64::try_from(since).unwrap_or(u64::MAX)),
            wall: Wall::from(SystemTime::now()),
        }
    }
}
