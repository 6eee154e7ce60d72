//! Two clocks: the true time, which is the vendor's, and ours, which may be wrong.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use qcc_sim::VirtualClock;
use qcc_sync::Clock;

/// Our machine's clock: so many seconds ahead of the true time.
#[derive(Debug, Clone)]
pub(crate) struct OurClock {
    truth: VirtualClock,
    ahead: Arc<AtomicI64>,
}

impl OurClock {
    pub(crate) fn starting_at(start: Timestamp) -> Self {
        Self { truth: VirtualClock::starting_at(start), ahead: Arc::default() }
    }

    /// The true time.
    pub(crate) fn truth(&self) -> Timestamp {
        self.truth.now()
    }

    /// Jumps by so many seconds.
    pub(crate) fn jump(&self, seconds: i64) {
        self.ahead.fetch_add(seconds, Ordering::Relaxed);
    }

    /// Is right again.
    pub(crate) fn correct(&self) {
        self.ahead.store(0, Ordering::Relaxed);
    }
}

#[async_trait::async_trait]
impl Clock for OurClock {
    fn now(&self) -> Timestamp {
        later(self.truth(), self.ahead.load(Ordering::Relaxed))
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

/// So many seconds later.
pub(crate) fn later(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(at)
}

/// How long it is from one instant to a later one.
pub(crate) fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}
