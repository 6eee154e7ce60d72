//! How often the order list is read: as often as the window asks for.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::{Overview, Policy, delivery::later};

/// The interval while nothing is known of the rate of orders.
const USUAL: Duration = Duration::from_secs(300);
const SHORTEST: Duration = Duration::from_secs(30);
const LONGEST: Duration = Duration::from_secs(600);

impl Overview {
    /// How long to rest between two lists: a tenth of what the window lasts, from
    /// 30 seconds to 10 minutes; 5 minutes where that is not known. Pure.
    pub fn poll_interval(&self) -> Duration {
        let lasts = self.last_listing.as_ref().and_then(|listing| listing.pressure().lasts);
        let tenth = lasts.and_then(|lasts| Duration::try_from(lasts / 10).ok());
        tenth.unwrap_or(USUAL).clamp(SHORTEST, LONGEST)
    }

    /// How long the receiver may be down from now on and lose nothing, at the
    /// rate of the last list: zero where orders may be leaving the window unseen.
    /// `None` where no full list was read, so that no rate is known. Pure.
    pub fn downtime_allowance(&self, now: Timestamp) -> Option<SignedDuration> {
        let listing = self.last_listing.as_ref()?;
        let left = later(listing.at, listing.pressure().lasts?).duration_since(now);
        Some(left.max(SignedDuration::ZERO))
    }
}

/// When the list was last asked for and how that went, as one run remembers it.
#[derive(Debug)]
pub(crate) struct ListPace {
    tried_at: Option<Timestamp>,
    failures: u32,
    may_pass: bool,
    interval: Duration,
}

impl Default for ListPace {
    fn default() -> Self {
        Self { tried_at: None, failures: 0, may_pass: true, interval: USUAL }
    }
}

impl ListPace {
    /// The list was read.
    pub(crate) fn read(&mut self, now: Timestamp) {
        (self.tried_at, self.failures) = (Some(now), 0);
    }

    /// The list could not be read.
    pub(crate) fn failed(&mut self, may_pass: bool, now: Timestamp) {
        (self.tried_at, self.may_pass) = (Some(now), may_pass);
        self.failures = self.failures.saturating_add(1);
    }

    /// How long to rest between two lists that are read.
    pub(crate) fn set_interval(&mut self, interval: Duration) {
        self.interval = interval;
    }

    /// Whether the list is to be read. A clock that was set back makes no wait
    /// longer.
    pub(crate) fn is_due(&self, rhythm: Rhythm, policy: &Policy, now: Timestamp) -> bool {
        self.tried_at.is_none_or(|tried| now < tried) || self.due_at(rhythm, policy) <= now
    }

    /// When the list is to be read next; long ago where it never was.
    pub(crate) fn due_at(&self, rhythm: Rhythm, policy: &Policy) -> Timestamp {
        let Some(tried_at) = self.tried_at else { return Timestamp::MIN };
        let doubling = |first: Duration, longest: Duration| {
            first.saturating_mul(1 << self.failures.saturating_sub(1).min(20)).min(longest)
        };
        let wait = match rhythm {
            Rhythm::Recheck => doubling(policy.first_recheck, policy.longest_recheck),
            Rhythm::Poll if self.failures == 0 => self.interval,
            Rhythm::Poll if self.may_pass => doubling(policy.first_wait, self.interval),
            // Not repeated unchanged, but not given up either: the vendor may mend it.
            Rhythm::Poll => policy.longest_wait,
        };
        later(tried_at, SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX))
    }
}

/// Why the list is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rhythm {
    /// To learn what is new.
    Poll,
    /// To see whether what a person had to mend is mended.
    Recheck,
}
