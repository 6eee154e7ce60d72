//! The window of the order list: what it proves, and what it cannot.

use jiff::{SignedDuration, Timestamp};
use qcc_proto::{ListedOrder, OrderNo, ShanghaiTime};

/// What one order list showed (6.2.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// When it was asked for.
    pub at: Timestamp,
    /// How many orders the list holds at most: 30.
    pub window: u32,
    /// How many it named.
    pub listed: u32,
    /// How many of them no earlier list had named.
    pub fresh: u32,
    /// The oldest creation time in it.
    pub oldest: Option<ShanghaiTime>,
    /// The newest creation time in it.
    pub newest: Option<ShanghaiTime>,
}

/// How a list joins on to the lists before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Continuity {
    /// How many of the orders earlier lists had named.
    pub listed_before: u32,
    /// The newest order any earlier list named; `None` before the first list.
    pub newest_listed: Option<ListedOrder>,
}

/// Orders may be missing here: more were made than the list can show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// What it is called by; the store numbers gaps from 1. 0 before it is stored.
    pub id: i64,
    /// When it was found.
    pub found_at: Timestamp,
    /// The last order before it.
    pub after: ListedOrder,
    /// The first order behind it.
    pub before: ListedOrder,
    /// When a person closed it; open until then.
    pub closed_at: Option<Timestamp>,
}

/// Finds the gap that a list reveals.
///
/// A list that shares no order with any list before it leaves a stretch of which
/// nothing is known. Orders known only from the vendor's calls do not close that
/// stretch: a call says nothing about the orders around it. Nor does it matter
/// whether the list is full: a short one should still hold what was listed before,
/// and one that lags behind or shows less than it used to hides just as much.
/// The first list of all has nothing to join on to and reveals no gap.
pub fn detect_gap(listed: &[ListedOrder], continuity: &Continuity, now: Timestamp) -> Option<Gap> {
    if continuity.listed_before > 0 {
        return None;
    }
    let after = continuity.newest_listed.clone()?;
    let before = listed.iter().min_by(|a, b| age(a).cmp(&age(b)))?.clone();
    Some(Gap { id: 0, found_at: now, after, before, closed_at: None })
}

/// Orders by creation time; those without one by the hint in their number.
fn age(order: &ListedOrder) -> (Option<ShanghaiTime>, &OrderNo) {
    (order.created_at.or_else(|| order.order_no.created_hint()), &order.order_no)
}

/// How close the list is to pushing out orders that were never seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WindowPressure {
    /// Share of the window that was fresh at the last list: 1.0 is the edge.
    pub share: f64,
    /// How long one full window lasts at the rate it shows: we may be away for
    /// that long and miss nothing. `None` where the list is not full.
    pub lasts: Option<SignedDuration>,
}

impl Listing {
    /// The pressure this list shows.
    pub fn pressure(&self) -> WindowPressure {
        let full = self.listed >= self.window;
        let span = self.oldest.zip(self.newest).filter(|_| full);
        WindowPressure {
            share: f64::from(self.fresh) / f64::from(self.window.max(1)),
            lasts: span.map(|(old, new)| new.timestamp().duration_since(old.timestamp())),
        }
    }
}
