//! The window of the order list: what it proves, and what it cannot.

use jiff::{SignedDuration, Timestamp};
use qcc_proto::{ListedOrder, OrderNo, ShanghaiTime};

use crate::{Burst, Order, fastest_burst, store::FUTURE};

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
    /// How many of its lines could not be read.
    pub unreadable: u32,
    /// The fastest that orders came of late, as far as this list and those before it
    /// tell.
    pub burst: Option<Burst>,
}

/// How a list joins on to the lists before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Continuity {
    /// How many of the orders earlier lists had named.
    pub listed_before: u32,
    /// The newest order any earlier list named; `None` before the first list.
    pub newest_listed: Option<ListedOrder>,
    /// Before the first list: the oldest order made before the oldest of this one
    /// whose archive is kept, so that the vendor has it; see [`oldest_before`].
    pub oldest_kept: Option<ListedOrder>,
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
    /// Why a person closed it, or opened it again.
    pub note: Option<String>,
}

/// Finds the gap that a list reveals.
///
/// A list that shares no order with any list before it leaves a stretch of which
/// nothing is known. Orders known only from the vendor's calls do not close that
/// stretch: a call says nothing about the orders around it. Nor does it matter
/// whether the list is full: a short one should still hold what was listed before,
/// and one that lags behind or shows less than it used to hides just as much.
/// The first list of all has no list to join on to. It reveals a gap where the
/// archive of an order is kept, one that came by call, that has left it already:
/// since the oldest of these, others may have come and gone.
pub fn detect_gap(listed: &[ListedOrder], continuity: &Continuity, now: Timestamp) -> Option<Gap> {
    if continuity.listed_before > 0 {
        return None;
    }
    let known = continuity.newest_listed.as_ref().or(continuity.oldest_kept.as_ref());
    let (after, before) = (known?.clone(), oldest(listed)?.clone());
    Some(Gap { id: 0, found_at: now, after, before, closed_at: None, note: None })
}

/// What came of a list that was noted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotedList {
    /// How many orders were new to the ledger.
    pub new: u32,
    /// How the list joined on to the lists before it.
    pub continuity: Continuity,
    /// The gap it revealed, where it was not kept already.
    pub gap: Option<Gap>,
    /// How many orders that only calls had named were forgotten.
    pub forgotten: u64,
}

/// What follows from a list and what was known before it. See [`join_list`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinedList {
    /// The facts of the list, with how many orders were fresh and the fastest burst.
    pub listing: Listing,
    /// Whether these facts are the latest. Otherwise those of `before` stay.
    pub is_latest: bool,
    /// The gap that the list reveals.
    pub gap: Option<Gap>,
}

/// Works out what a list says in the light of what was noted before it. Pure. For a
/// [`Store`](crate::Store), within the transaction that notes the list: `continuity` and
/// `before`, the facts of the latest list, are read there.
///
/// The facts of a list that was asked for earlier than the latest one are not kept,
/// unless that is dated minutes ahead: then a clock was wrong.
pub fn join_list(
    listed: &[ListedOrder],
    listing: &Listing,
    continuity: &Continuity,
    before: Option<&Listing>,
) -> JoinedList {
    let now = listing.at;
    let believed = before.filter(|before| before.at.duration_since(now) <= FUTURE);
    let fresh = listing.listed.saturating_sub(continuity.listed_before);
    let last_list = believed.map(|before| before.at);
    let burst = believed.and_then(|before| before.burst);
    let burst = fastest_burst(listed, listing.window, fresh, last_list, burst, now);
    JoinedList {
        listing: Listing { fresh, burst, ..listing.clone() },
        is_latest: believed.is_none_or(|before| before.at <= now),
        gap: detect_gap(listed, continuity, now),
    }
}

/// Of orders whose archives are kept, the oldest, if it was made before the oldest
/// of a list. An order that a call alone has named says when it was made in its
/// number; failing that, it was made before we heard of it.
pub fn oldest_before(
    listed: &[ListedOrder],
    kept: impl IntoIterator<Item = Order>,
) -> Option<ListedOrder> {
    let oldest = oldest(listed)?;
    let line = |order: Order| {
        let hint = order.created_at.or_else(|| order.no.created_hint());
        let heard = || ShanghaiTime::from_timestamp(order.first_seen_at);
        ListedOrder::new(order.no, Some(hint.unwrap_or_else(heard)))
    };
    let first = kept.into_iter().map(line).min_by(|a, b| age(a).cmp(&age(b)));
    first.filter(|first| age(first) < age(oldest))
}

fn oldest(listed: &[ListedOrder]) -> Option<&ListedOrder> {
    listed.iter().min_by(|a, b| age(a).cmp(&age(b)))
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
    /// How long a window of orders lasts at the fastest rate seen of late. An
    /// estimate; `None` where too few orders were seen to make one.
    pub lasts: Option<SignedDuration>,
}

impl Listing {
    /// The facts that a list shows by itself. What only its predecessors tell, how many
    /// orders are fresh and how fast they came, a store adds (see [`join_list`]).
    pub fn of(listed: &[ListedOrder], window: u32, unreadable: u32, at: Timestamp) -> Self {
        Self {
            at,
            window,
            listed: u32::try_from(listed.len()).unwrap_or(u32::MAX),
            fresh: 0,
            oldest: listed.iter().filter_map(|line| line.created_at).min(),
            newest: listed.iter().filter_map(|line| line.created_at).max(),
            unreadable,
            burst: None,
        }
    }

    /// The pressure this list shows.
    pub fn pressure(&self) -> WindowPressure {
        WindowPressure {
            share: f64::from(self.fresh) / f64::from(self.window.max(1)),
            lasts: self.burst.map(|burst| burst.window_lasts(self.window)),
        }
    }

    /// Whether every order that it named was new, so that more may have come and gone
    /// before it.
    pub fn is_all_fresh(&self) -> bool {
        self.fresh > 0 && self.fresh >= self.listed
    }

    /// Whether it joins on to lists before it and nothing in it is hidden: what it does
    /// not name had not been made when it was read.
    pub(crate) fn shows_the_window(&self) -> bool {
        self.listed > 0 && self.unreadable == 0 && !self.is_all_fresh()
    }

    /// Whether it was so far from what was known that it must be read again at once.
    pub fn is_mostly_fresh(&self) -> bool {
        self.fresh.saturating_mul(2) >= self.window
    }

    /// Whether lines came and none could be read.
    pub fn is_unreadable(&self) -> bool {
        self.listed == 0 && self.unreadable > 0
    }
}
