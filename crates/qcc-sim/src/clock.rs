//! Time for a simulation: tokio's, counted from a chosen instant.

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// A clock that starts where it is told and runs with tokio's time.
///
/// Under `#[tokio::test(start_paused = true)]` it is virtual: an hour's wait
/// takes no time, and the vendor and its client agree about it.
#[derive(Debug, Clone, Copy)]
pub struct VirtualClock {
    start: Timestamp,
    since: Instant,
}

impl VirtualClock {
    /// A clock that reads `start` now.
    ///
    /// Must be called inside a tokio runtime whose time is to be followed.
    pub fn starting_at(start: Timestamp) -> Self {
        Self { start, since: Instant::now() }
    }

    /// What it reads.
    pub fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.since.elapsed()).unwrap_or(SignedDuration::MAX);
        self.start.checked_add(passed).unwrap_or(Timestamp::MAX)
    }

    /// The same as a closure, for whoever wants one.
    pub fn reader(self) -> impl Fn() -> Timestamp + Clone + Send + Sync + 'static {
        move || self.now()
    }
}
