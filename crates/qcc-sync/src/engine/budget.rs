//! How often something may be done that strangers can cause.

use jiff::{SignedDuration, Timestamp};

/// Some at once, and then one for each stretch of time.
#[derive(Debug)]
pub(super) struct Budget {
    left: u32,
    most: u32,
    every: SignedDuration,
    /// When the last one came back.
    counted_at: Option<Timestamp>,
}

impl Budget {
    /// For locating orders that only calls named: less than 150 a day.
    pub(super) fn for_unconfirmed() -> Self {
        Self::new(3, SignedDuration::from_mins(10))
    }

    /// For reading the list because of a call.
    pub(super) fn for_lists() -> Self {
        Self::new(6, SignedDuration::from_mins(1))
    }

    fn new(most: u32, every: SignedDuration) -> Self {
        Self { left: most, most, every, counted_at: None }
    }

    /// Takes one; `false` where none is left.
    pub(super) fn take(&mut self, now: Timestamp) -> bool {
        self.refill(now);
        let is_left = self.left > 0;
        self.left = self.left.saturating_sub(1);
        is_left
    }

    /// When there is one to take.
    pub(super) fn next_at(&mut self, now: Timestamp) -> Timestamp {
        self.refill(now);
        let counted_at = self.counted_at.unwrap_or(now);
        match self.left {
            0 => counted_at.checked_add(self.every).unwrap_or(Timestamp::MAX),
            _ => now,
        }
    }

    fn refill(&mut self, now: Timestamp) {
        // A clock that was set back begins to count anew.
        let counted_at = self.counted_at.filter(|at| *at <= now).unwrap_or(now);
        let passed = now.duration_since(counted_at).as_millis() / self.every.as_millis().max(1);
        let passed = u32::try_from(passed).unwrap_or(u32::MAX);
        self.left = self.left.saturating_add(passed).min(self.most);
        let is_full = self.left == self.most;
        let counted = self.every.saturating_mul(i32::try_from(passed).unwrap_or(i32::MAX));
        self.counted_at =
            Some(if is_full { now } else { counted_at.checked_add(counted).unwrap_or(now) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn taken(budget: &mut Budget, second: i64) -> u32 {
        (0..100).map(|_| u32::from(budget.take(at(second)))).sum()
    }

    #[test]
    fn some_at_once_and_then_one_in_each_stretch() {
        let mut budget = Budget::new(3, SignedDuration::from_secs(10));
        assert_eq!(taken(&mut budget, 0), 3);
        assert_eq!(budget.next_at(at(4)), at(10));
        assert_eq!(taken(&mut budget, 9), 0);
        assert_eq!(taken(&mut budget, 10), 1);
        assert_eq!(taken(&mut budget, 35), 2);
        assert_eq!(budget.next_at(at(35)), at(40), "half a stretch is not lost");
        assert_eq!(taken(&mut budget, 1_000_000), 3, "never more than at the start");
    }

    #[test]
    fn a_clock_set_back_makes_no_wait_longer() {
        let mut budget = Budget::new(1, SignedDuration::from_secs(10));
        assert_eq!(taken(&mut budget, 1000), 1);
        assert_eq!(budget.next_at(at(0)), at(10));
        assert_eq!(taken(&mut budget, 10), 1);
    }
}
