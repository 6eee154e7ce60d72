//! The facts of one moment, as `qcc status` shows them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use qcc_proto::OrderNo;

use super::account::FUTURE;
use crate::{Callbacks, Gap, Hold, Life, Listing, ReasonCode, StateName, UnknownWord};

/// The facts of one moment.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Overview {
    /// How many orders are in each state; absent is 0. Without those that are
    /// [unconfirmed](Self::unconfirmed) or [dismissed](Self::dismissed).
    pub orders: BTreeMap<StateName, u64>,
    /// How many orders only calls named, and no list that was read since.
    pub unconfirmed: u64,
    /// How many orders only calls named since the last list was read: the next one
    /// tells whether the vendor knows them.
    pub awaiting_list: u64,
    /// How many such orders were forgotten since the store was made.
    pub forgotten: u64,
    /// How many orders a person dismissed.
    pub dismissed: u64,
    /// How many wait or are quarantined, by reason.
    pub reasons: BTreeMap<ReasonCode, u64>,
    /// The order that has waited longest for its records to be in the table.
    pub oldest_pending: Option<(OrderNo, Timestamp)>,
    /// When the next waiting order is due.
    pub next_due: Option<Timestamp>,
    /// Records in the table.
    pub records: u64,
    /// Records set aside.
    pub set_aside: u64,
    /// Those of them that nobody has acknowledged.
    pub set_aside_open: u64,
    /// Lines of order lists that could not be read and that nobody has acknowledged,
    /// as the largest number in one list.
    pub unreadable_open: u64,
    /// Words the manual does not list, most frequent first, a hundred at most.
    pub unknown_words: Vec<UnknownWord>,
    /// Open gaps.
    pub gaps: Vec<Gap>,
    /// The last list.
    pub last_listing: Option<Listing>,
    /// When the vendor last called about an order that a list named too.
    pub last_call: Option<Timestamp>,
    /// When a receiver was last alive, and what it last failed at.
    pub life: Option<Life>,
    /// When an archive was last applied.
    pub last_applied: Option<Timestamp>,
    /// The hold in force.
    pub hold: Option<Hold>,
    /// Whether and how the vendor calls.
    pub callbacks: Callbacks,
}

impl Overview {
    /// An empty overview, for stores to fill.
    pub fn empty() -> Self {
        Self {
            orders: BTreeMap::new(),
            unconfirmed: 0,
            awaiting_list: 0,
            forgotten: 0,
            dismissed: 0,
            reasons: BTreeMap::new(),
            oldest_pending: None,
            next_due: None,
            records: 0,
            set_aside: 0,
            set_aside_open: 0,
            unreadable_open: 0,
            unknown_words: Vec::new(),
            gaps: Vec::new(),
            last_listing: None,
            last_call: None,
            life: None,
            last_applied: None,
            hold: None,
            callbacks: Callbacks::default(),
        }
    }

    /// The same without facts from the future: a clock that was ahead wrote them, and
    /// they say nothing.
    #[must_use]
    pub fn believed(mut self, now: Timestamp) -> Self {
        let is_past = |at: &Timestamp| at.duration_since(now) <= FUTURE;
        self.last_listing = self.last_listing.filter(|listing| is_past(&listing.at));
        self.last_call = self.last_call.filter(is_past);
        self.last_applied = self.last_applied.filter(is_past);
        self.life = self.life.filter(|life| is_past(&life.at));
        self.hold = self.hold.map(|hold| hold.clamped(now));
        let callbacks = &mut self.callbacks;
        callbacks.errors = callbacks.errors.filter(|errors| is_past(&errors.last_at));
        self
    }

    /// How many orders are in a state.
    pub fn count(&self, state: StateName) -> u64 {
        self.orders.get(&state).copied().unwrap_or(0)
    }
}
