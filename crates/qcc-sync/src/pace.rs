//! How often the order list is read: as often as the window asks for.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::{Overview, Policy, delivery::later};

/// The interval while nothing is known of the rate of orders.
const USUAL: Duration = Duration::from_secs(300);
const SHORTEST: Duration = Duration::from_secs(15);
const LONGEST: Duration = Duration::from_secs(600);

/// However long a pause the vendor asks for.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// After a list that was mostly new.
const AT_ONCE: Duration = Duration::from_secs(2);

/// The list is read so often while a window lasts, so that one that fails or comes
/// late costs nothing.
const PER_WINDOW: i32 = 3;

impl Overview {
    /// How long to rest between two lists. Pure.
    ///
    /// A third of what the window lasts at the fastest rate seen of late, from 15
    /// seconds to 10 minutes; 5 minutes where no rate is known; 2 seconds after a
    /// list of which half of a window was new.
    pub fn poll_interval(&self) -> Duration {
        let Some(listing) = &self.last_listing else { return USUAL };
        if listing.is_mostly_fresh() {
            return AT_ONCE;
        }
        let lasts = listing.pressure().lasts;
        let part = lasts.and_then(|lasts| Duration::try_from(lasts / PER_WINDOW).ok());
        part.unwrap_or(USUAL).clamp(SHORTEST, LONGEST)
    }

    /// An estimate of how long the receiver may be down from now on and lose nothing:
    /// what is left of a window at the fastest rate seen of late. Zero where orders
    /// may be leaving the window unseen. `None` where nothing can be said: no list
    /// was read, too few orders were seen, or the last list was new as a whole, named
    /// no order or had lines that could not be read. Pure.
    pub fn downtime_allowance(&self, now: Timestamp) -> Option<SignedDuration> {
        let listing = self.last_listing.as_ref().filter(|listing| listing.shows_the_window())?;
        let left = later(listing.at, listing.pressure().lasts?).duration_since(now);
        Some(left.max(SignedDuration::ZERO))
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

/// When the list was last asked for and how that went, as one run remembers it.
#[derive(Debug)]
pub(crate) struct ListPace {
    tried_at: Option<Timestamp>,
    failures: u32,
    may_pass: bool,
    /// How long the vendor asked to be left alone.
    pause: Duration,
    rechecks: u32,
    fixed: Option<Duration>,
    interval: Duration,
}

impl ListPace {
    /// The pace of a run that begins; its interval may be `fixed`.
    pub(crate) fn new(fixed: Option<Duration>) -> Self {
        let interval = fixed.unwrap_or(USUAL);
        let pause = Duration::ZERO;
        Self { tried_at: None, failures: 0, may_pass: true, pause, rechecks: 0, fixed, interval }
    }

    /// The list was read, and asks for an `interval` until the next. A recheck that
    /// went well may end in the next hold: only a list read in the usual course of
    /// things forgets it.
    pub(crate) fn read(&mut self, rhythm: Rhythm, interval: Duration, now: Timestamp) {
        self.tried(rhythm, now);
        self.failures = 0;
        self.pause = Duration::ZERO;
        self.interval = self.fixed.unwrap_or(interval);
        if rhythm == Rhythm::Poll {
            self.rechecks = 0;
        }
    }

    /// The list could not be read; `may_pass` unless the request itself was refused.
    /// The vendor may ask for a `pause`, for an hour at most.
    pub(crate) fn failed(
        &mut self,
        rhythm: Rhythm,
        may_pass: bool,
        pause: Option<Duration>,
        now: Timestamp,
    ) {
        self.tried(rhythm, now);
        self.pause = pause.unwrap_or_default().min(LONGEST_PAUSE);
        self.may_pass = may_pass;
        self.failures = self.failures.saturating_add(1);
    }

    /// Whether the list is to be read. A clock that was set back makes no wait
    /// longer.
    pub(crate) fn is_due(&self, rhythm: Rhythm, policy: &Policy, now: Timestamp) -> bool {
        self.tried_at.is_none_or(|tried| now < tried) || self.due_at(rhythm, policy) <= now
    }

    /// When the list is to be read next; long ago where it never was.
    pub(crate) fn due_at(&self, rhythm: Rhythm, policy: &Policy) -> Timestamp {
        let Some(tried_at) = self.tried_at else { return Timestamp::MIN };
        let wait = match rhythm {
            Rhythm::Recheck => {
                doubled(policy.first_recheck, self.rechecks).min(policy.longest_recheck)
            }
            Rhythm::Poll if self.failures == 0 => self.interval,
            Rhythm::Poll if self.may_pass => {
                doubled(policy.first_wait, self.failures).min(self.interval)
            }
            // Not repeated unchanged, but not given up either: the vendor may mend it.
            Rhythm::Poll => policy.longest_wait,
        };
        let wait = wait.max(self.pause);
        later(tried_at, SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX))
    }

    fn tried(&mut self, rhythm: Rhythm, now: Timestamp) {
        self.tried_at = Some(now);
        if rhythm == Rhythm::Recheck {
            self.rechecks = self.rechecks.saturating_add(1);
        }
    }
}

/// A wait that doubles with each failure after the first.
pub(crate) fn doubled(first: Duration, failures: u32) -> Duration {
    first.saturating_mul(1 << failures.saturating_sub(1).min(20))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[track_caller]
    fn check(pace: &ListPace, rhythm: Rhythm, after: i64) {
        let policy = Policy::default();
        assert_eq!(pace.due_at(rhythm, &policy), at(after), "{pace:?}");
        assert!(pace.is_due(rhythm, &policy, at(after)), "{pace:?}");
        assert!(!pace.is_due(rhythm, &policy, at(after - 1)), "{pace:?}");
    }

    #[test]
    fn a_list_never_read_is_due() {
        let pace = ListPace::new(None);
        for rhythm in [Rhythm::Poll, Rhythm::Recheck] {
            assert!(pace.is_due(rhythm, &Policy::default(), at(0)));
        }
    }

    #[test]
    fn failures_that_pass_come_back_soon_and_never_later_than_a_good_list() {
        let mut pace = ListPace::new(None);
        pace.read(Rhythm::Poll, USUAL, at(0));
        check(&pace, Rhythm::Poll, 300);
        for wait in [5, 10, 20, 40, 80, 160, 300, 300] {
            pace.failed(Rhythm::Poll, true, None, at(0));
            check(&pace, Rhythm::Poll, wait);
        }
        pace.read(Rhythm::Poll, Duration::from_secs(30), at(0));
        check(&pace, Rhythm::Poll, 30);
        pace.failed(Rhythm::Poll, true, None, at(0));
        check(&pace, Rhythm::Poll, 5);
    }

    #[test]
    fn a_pause_that_is_asked_for_is_kept_within_an_hour() {
        let mut pace = ListPace::new(None);
        for (asked, wait) in [(None, 5), (Some(3), 10), (Some(900), 900), (Some(99_999), 3600)] {
            pace.failed(Rhythm::Poll, true, asked.map(Duration::from_secs), at(0));
            check(&pace, Rhythm::Poll, wait);
        }
        pace.read(Rhythm::Poll, USUAL, at(0));
        check(&pace, Rhythm::Poll, 300);
    }

    #[test]
    fn a_fixed_interval_stays() {
        let mut pace = ListPace::new(Some(Duration::from_secs(77)));
        pace.read(Rhythm::Poll, USUAL, at(0));
        check(&pace, Rhythm::Poll, 77);
    }

    #[test]
    fn a_refused_list_is_seldom_repeated() {
        let mut pace = ListPace::new(None);
        pace.failed(Rhythm::Poll, false, None, at(0));
        check(&pace, Rhythm::Poll, 1800);
    }

    #[test]
    fn rechecks_grow_rare_until_the_usual_course_is_back() {
        let mut pace = ListPace::new(None);
        pace.failed(Rhythm::Poll, false, None, at(0));
        check(&pace, Rhythm::Recheck, 600);
        for wait in [600, 1200, 2400, 4800, 9600, 19_200, 21_600, 21_600] {
            pace.failed(Rhythm::Recheck, false, None, at(0));
            check(&pace, Rhythm::Recheck, wait);
        }
        pace.read(Rhythm::Recheck, USUAL, at(0));
        check(&pace, Rhythm::Recheck, 21_600);
        pace.read(Rhythm::Poll, USUAL, at(0));
        check(&pace, Rhythm::Recheck, 600);
    }

    #[test]
    fn a_clock_set_back_makes_no_wait_longer() {
        let mut pace = ListPace::new(None);
        pace.read(Rhythm::Poll, USUAL, at(1000));
        assert!(pace.is_due(Rhythm::Poll, &Policy::default(), at(999)));
    }
}
