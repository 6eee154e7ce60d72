//! How fast orders come when they come: the list must be read before a window of
//! them has passed.

use jiff::{SignedDuration, Timestamp};
use qcc_proto::{ListedOrder, ShanghaiTime};

/// The fastest that orders came, of late. An estimate: the vendor may be faster
/// at any time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Burst {
    /// How many orders came.
    pub orders: u32,
    /// Within how long.
    pub within: SignedDuration,
    /// When it was seen.
    pub at: Timestamp,
}

/// For this long a burst counts: the vendor pushes at the same hours of each day.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(25);

/// Creation times are whole seconds, so orders of one second are this far apart.
const LEAST: SignedDuration = SignedDuration::from_secs(1);

/// A burst of fewer orders says nothing about a window of thirty.
const FEWEST: u32 = 3;

impl Burst {
    /// How long a window of so many orders lasts at this rate.
    pub fn window_lasts(&self, window: u32) -> SignedDuration {
        let millis = self.within.as_millis().max(1) * i128::from(window.max(1));
        let millis = millis / i128::from(self.orders.max(1));
        SignedDuration::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
    }

    fn is_faster(&self, other: &Self) -> bool {
        let cross = |a: &Self, b: &Self| a.within.as_millis() * i128::from(b.orders);
        cross(self, other) < cross(other, self)
    }

    fn counts(&self, now: Timestamp) -> bool {
        let age = now.duration_since(self.at);
        (SignedDuration::ZERO..REMEMBERED).contains(&age)
    }
}

/// The fastest burst known after a list was read. Pure.
///
/// Looked at are how many orders are new since the list before, and how close
/// together a fifth of the window was made; and what was known `before`, for a day.
pub fn fastest_burst(
    listed: &[ListedOrder],
    window: u32,
    fresh: u32,
    last_list: Option<Timestamp>,
    before: Option<Burst>,
    now: Timestamp,
) -> Option<Burst> {
    let since_last = last_list
        .map(|last| now.duration_since(last))
        .filter(|time| fresh >= FEWEST && *time > SignedDuration::ZERO)
        .map(|within| Burst { orders: fresh, within: within.max(LEAST), at: now });
    let before = before.filter(|burst| burst.counts(now));
    before
        .into_iter()
        .chain(since_last)
        .chain(densest(listed, window, now))
        // Of two equally fast ones the later is remembered for longer.
        .reduce(|fastest, burst| if fastest.is_faster(&burst) { fastest } else { burst })
}

/// Where in the list a fifth of a window is closest together.
fn densest(listed: &[ListedOrder], window: u32, now: Timestamp) -> Option<Burst> {
    let group = (window / 5).max(FEWEST);
    let mut made: Vec<Timestamp> = listed
        .iter()
        .filter_map(|line| line.created_at.or_else(|| line.order_no.created_hint()))
        .map(ShanghaiTime::timestamp)
        .collect();
    made.sort_unstable();
    made.windows(usize::try_from(group).ok()?)
        .filter_map(|group| Some(group.last()?.duration_since(*group.first()?)))
        .min()
        // The time between the first and the last is one order short.
        .map(|within| Burst { orders: group - 1, within: within.max(LEAST), at: now })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_767_574_800 + second).unwrap()
    }

    fn list(seconds: impl IntoIterator<Item = i64>) -> Vec<ListedOrder> {
        let line = |(n, second): (usize, i64)| {
            ListedOrder::new(
                format!("A{n}").parse().unwrap(),
                Some(ShanghaiTime::from_timestamp(at(second))),
            )
        };
        seconds.into_iter().enumerate().map(line).collect()
    }

    #[test]
    fn a_burst_after_a_quiet_stretch_is_not_averaged_away() {
        let quiet = (0..25).map(|n| n * 900);
        let busy = (0..5).map(|n| 25 * 900 + n * 5);
        let listed = list(quiet.chain(busy));
        let burst = fastest_burst(&listed, 30, 0, None, None, at(30_000)).unwrap();
        assert!(burst.window_lasts(30) > SignedDuration::from_secs(1800), "five are too few");

        let busy = (0..6).map(|n| 25 * 900 + n * 5);
        let listed = list((0..25).map(|n| n * 900).chain(busy));
        let burst = fastest_burst(&listed, 30, 0, None, None, at(30_000)).unwrap();
        assert_eq!(burst.window_lasts(30), SignedDuration::from_secs(150));
    }

    #[test]
    fn what_is_new_since_the_last_list_counts_even_where_no_line_has_a_time() {
        let undated = |line: ListedOrder| ListedOrder::new(line.order_no, None);
        let listed: Vec<_> = list(0..12).into_iter().map(undated).collect();
        let burst = fastest_burst(&listed, 30, 12, Some(at(0)), None, at(62)).unwrap();
        assert_eq!((burst.orders, burst.within), (12, SignedDuration::from_secs(62)));
        assert_eq!(burst.window_lasts(30), SignedDuration::from_secs(155));
        assert_eq!(fastest_burst(&listed, 30, 2, Some(at(0)), None, at(62)), None);
    }

    #[test]
    fn a_burst_is_remembered_for_a_day_and_not_longer() {
        let before = Burst { orders: 5, within: SignedDuration::from_secs(5), at: at(0) };
        let hours = |n: i64| at(n * 3600);
        let of = |now| fastest_burst(&[], 30, 0, None, Some(before), now);
        assert_eq!(of(hours(24)), Some(before));
        assert_eq!(of(hours(25)), None);
        assert_eq!(of(at(-1)), None, "a burst in the future was seen by a wrong clock");
    }

    #[test]
    fn the_faster_of_two_stays() {
        let slow = Burst { orders: 6, within: SignedDuration::from_secs(600), at: at(0) };
        let listed = list((0..6).map(|n| n * 2));
        let burst = fastest_burst(&listed, 30, 0, None, Some(slow), at(100)).unwrap();
        assert_eq!(burst.window_lasts(30), SignedDuration::from_secs(60));
        let fast = Burst { orders: 6, within: SignedDuration::from_secs(1), at: at(0) };
        assert_eq!(fastest_burst(&listed, 30, 0, None, Some(fast), at(100)), Some(fast));
    }

    #[test]
    fn orders_of_one_second_are_a_second_apart() {
        let burst = fastest_burst(&list([0; 30]), 30, 0, None, None, at(10)).unwrap();
        assert_eq!(burst.window_lasts(30), SignedDuration::from_secs(6));
    }
}
