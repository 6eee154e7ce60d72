//! Time as the engine sees it: read and waited for in one place.

use std::{future::Future, time::Duration};

use jiff::Timestamp;

/// Tells the time and waits. Tests and the simulator bring their own.
pub trait Clock: Send + Sync + 'static {
    /// The time.
    fn now(&self) -> Timestamp;

    /// Waits.
    fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

/// A clock that starts where it is told and runs with the runtime's: under
/// `tokio::time::pause` it jumps instead of waiting.
#[derive(Debug, Clone, Copy)]
pub struct RuntimeClock {
    start: Timestamp,
    began: tokio::time::Instant,
}

impl RuntimeClock {
    /// A clock that shows `start` now.
    pub fn starting_at(start: Timestamp) -> Self {
        Self { start, began: tokio::time::Instant::now() }
    }
}

impl Clock for RuntimeClock {
    fn now(&self) -> Timestamp {
        self.start.checked_add(self.began.elapsed()).unwrap_or(Timestamp::MAX)
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}
