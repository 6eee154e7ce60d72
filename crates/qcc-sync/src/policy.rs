//! How patient the engine is, and what it does with each kind of failure.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use qcc_proto::{OrderNo, ReaderLimits};

use crate::{Order, Reason, ReasonCode, State};

/// The engine's settings. `Default` suits the vendor's manual.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Policy {
    /// How many orders the vendor's list shows at most: 30 in the manual.
    pub window: NonZeroU32,
    /// How many orders are located and downloaded at the same time at most. With 1, an
    /// order whose download hangs delays the next one until its time limit.
    pub concurrent_orders: NonZeroUsize,
    /// The first wait after a failure; each further one doubles it.
    pub first_wait: Duration,
    /// No wait is longer.
    pub longest_wait: Duration,
    /// After failing for so long an order is quarantined.
    pub budget: SignedDuration,
    /// And only after so many failures.
    pub least_failures: u32,
    /// How often a damaged archive is downloaded before it is quarantined.
    pub downloads: NonZeroU32,
    /// How often one download is resumed where it broke off.
    pub resumes: u32,
    /// How long everything rests when the vendor asks to slow down.
    pub cool_off: SignedDuration,
    /// While a hold waits for a person, the list is tried after so long; each
    /// further refusal doubles it.
    pub first_recheck: Duration,
    /// No such wait is longer.
    pub longest_recheck: Duration,
    /// The largest archive that is downloaded, in bytes.
    pub archive_size: u64,
    /// What a `totalSize` that is not the number of records means.
    pub count_mismatch: CountMismatch,
    /// A `pushDate` that is further from when the order was made raises doubts whether
    /// the archive is the order's.
    pub push_date_apart: SignedDuration,
    /// How the archive is read.
    pub archive: qcc_archive::Options,
    /// How the document in it is read.
    pub document: ReaderLimits,
    /// The name of the document in the archive. That it may lie in a folder is
    /// for `archive` to say.
    pub entry: String,
    /// Records written to the store at a time.
    pub batch: usize,
}

/// What a `totalSize` that is not the number of records means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CountMismatch {
    /// The order is quarantined and nothing of it applied.
    Quarantine,
    /// The records that are there are applied.
    Apply,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            window: NonZeroU32::new(30).unwrap_or(NonZeroU32::MIN),
            concurrent_orders: NonZeroUsize::new(32).unwrap_or(NonZeroUsize::MIN),
            first_wait: Duration::from_secs(5),
            longest_wait: Duration::from_secs(30 * 60),
            budget: SignedDuration::from_hours(7 * 24),
            least_failures: 20,
            downloads: NonZeroU32::new(6).unwrap_or(NonZeroU32::MIN),
            resumes: 8,
            cool_off: SignedDuration::from_mins(30),
            first_recheck: Duration::from_secs(10 * 60),
            longest_recheck: Duration::from_secs(6 * 3600),
            archive_size: 4 << 30,
            count_mismatch: CountMismatch::Quarantine,
            push_date_apart: SignedDuration::from_hours(7 * 24),
            // Some writers put the document into a folder. More than one is refused.
            archive: qcc_archive::Options::default().with_directory_prefix(true),
            document: ReaderLimits::default(),
            entry: qcc_proto::DOCUMENT_NAME.into(),
            batch: 2048,
        }
    }
}

impl Policy {
    /// How long to wait after the `failures`-th failure in a row.
    ///
    /// Doubling, capped, and spread over the upper half by a jitter that comes
    /// from the order's number and the count: orders that fail together do not
    /// come back together, and the same ledger always waits the same.
    pub fn wait(&self, order_no: &OrderNo, failures: u32) -> Duration {
        let doubled = self.first_wait.saturating_mul(1 << failures.saturating_sub(1).min(20));
        let full = doubled.min(self.longest_wait);
        full / 2 + (full / 2).mul_f64(jitter(order_no, failures))
    }
}

/// A number in [0, 1) from order and attempt (FNV-1a).
fn jitter(order_no: &OrderNo, failures: u32) -> f64 {
    let step = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    let hash = order_no.as_str().bytes().chain(failures.to_le_bytes()).fold(0x811c_9dc5, step);
    f64::from(hash) / (f64::from(u32::MAX) + 1.0)
}

/// Nobody is left alone for longer than this, whatever was asked for.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// A step that failed: why, and what follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Why.
    pub reason: Reason,
    /// What follows.
    pub remedy: Remedy,
    /// How long whoever refused asked to be left alone.
    pub pause: Option<Duration>,
}

/// What follows from a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Wait and try again, for as long as the policy's budget lasts.
    BackOff,
    /// Wait as long as the policy ever does, and try again: there is no hurry.
    Rest,
    /// Download again, as often as the policy says.
    DownloadAgain,
    /// Only a person can help with this order.
    Quarantine,
    /// Leave the vendor in peace until then, or until a person acts.
    HoldAll(Option<Timestamp>),
}

impl Failure {
    /// A failure and its remedy.
    pub fn new(code: ReasonCode, detail: impl Into<String>, remedy: Remedy) -> Self {
        Self { reason: Reason::new(code, detail), remedy, pause: None }
    }
}

impl Order {
    /// What is known after a failed step. Pure.
    #[must_use]
    pub fn failed(mut self, failure: &Failure, policy: &Policy, now: Timestamp) -> Self {
        let since = *self.failing_since.get_or_insert(now);
        self.failures = self.failures.saturating_add(1);
        let spoilt = u32::from(failure.remedy == Remedy::DownloadAgain);
        self.damaged = self.damaged.saturating_add(spoilt);
        self.location = None;
        let reason = failure.reason.clone();
        let wait = policy.wait(&self.no, self.failures.max(self.damaged));
        let wait = wait.max(failure.pause.unwrap_or_default().min(LONGEST_PAUSE));
        let later = now.checked_add(wait).unwrap_or(Timestamp::MAX);
        self.state = match failure.remedy {
            Remedy::Quarantine => State::Quarantined { reason },
            Remedy::DownloadAgain if self.damaged >= policy.downloads.get() => {
                State::Quarantined { reason }
            }
            Remedy::HoldAll(until) => {
                // The vendor as a whole is at rest: no failure of this order's.
                self.failures = self.failures.saturating_sub(1);
                self.failing_since = None;
                State::Waiting { until: until.unwrap_or(later), reason }
            }
            // Both, since a clock that jumped would use up the time at once.
            Remedy::BackOff
                if now.duration_since(since) >= policy.budget
                    && self.failures >= policy.least_failures =>
            {
                let detail = format!("given up after {since:#}; last: {}", reason.detail);
                State::Quarantined { reason: Reason::new(ReasonCode::GaveUp, detail) }
            }
            Remedy::BackOff => State::Waiting { until: later, reason },
            Remedy::Rest => {
                let wait = policy.wait(&self.no, u32::MAX);
                State::Waiting { until: now.checked_add(wait).unwrap_or(Timestamp::MAX), reason }
            }
            Remedy::DownloadAgain => {
                self.archive = None;
                State::Waiting { until: later, reason }
            }
        };
        self
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn waits_grow_to_the_cap_and_never_beyond(no in "[A-Z0-9]{1,30}", failures in 1u32..u32::MAX) {
            let policy = Policy::default();
            let no: OrderNo = no.parse().unwrap();
            let wait = policy.wait(&no, failures);
            prop_assert!(wait >= policy.first_wait / 2 && wait <= policy.longest_wait);
            prop_assert_eq!(wait, policy.wait(&no, failures));
            prop_assert!(policy.wait(&no, 30) >= policy.longest_wait / 2);
        }
    }
}
