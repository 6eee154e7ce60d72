//! Who may work on an order, and for how long.

use std::time::Duration;

use jiff::Timestamp;

use crate::{Order, State, is_resting};

/// Which orders a worker wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// Without an archive, and named by a list or a person.
    Confirmed,
    /// Without an archive, and named by a call alone; of these only those that a
    /// list has been read since, which did not name them.
    Unconfirmed,
    /// Their archive is kept: they can be applied without calling the vendor.
    Kept,
}

/// Who works on orders: a name, and how long each lease lasts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worker {
    /// A name no other worker of the same store has. Where two have the same, each may
    /// take over the other's orders; the epoch keeps their writes apart.
    pub name: String,
    /// How long a lease lasts unless it is renewed.
    pub term: Duration,
}

/// The right to work on an order, for a time.
///
/// Every claim of an order raises its epoch. A store accepts a write under a lease only
/// where worker and epoch are those of the last claim, so a worker that was taken for
/// dead changes nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Lease {
    /// The order. What is changed here is written by [`Store::save`](crate::Store::save).
    pub order: Order,
    /// Who holds it.
    pub worker: Worker,
    /// How often the order was leased, this time included.
    pub epoch: u64,
    /// Until when others leave the order alone, as of the claim.
    pub until: Timestamp,
}

/// What came of a claim.
#[derive(Debug, Clone, PartialEq)]
pub enum Claim {
    /// The most urgent of the wanted orders.
    Leased(Box<Lease>),
    /// None of them is due and free.
    Nothing {
        /// When the next of them is: see [`due_at`]. `None` where there is none. It may
        /// be sooner where something new is noted.
        next_due: Option<Timestamp>,
    },
}

impl Claim {
    /// The lease, if there is one.
    pub fn lease(self) -> Option<Lease> {
        match self {
            Self::Leased(lease) => Some(*lease),
            Self::Nothing { .. } => None,
        }
    }
}

/// When an order can be leased by a worker, whose own lease is no obstacle; `None` where
/// it is applied or quarantined. `lease_until` is the end of another worker's lease.
/// Pure; a store that works this out in its own language must come to the same.
pub fn due_at(order: &Order, lease_until: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    let rests_until = match &order.state {
        State::Seen | State::Located | State::Fetched => now,
        State::Waiting { until, reason } if is_resting(*until, reason.code, now) => *until,
        State::Waiting { .. } => now,
        State::Applied | State::Quarantined { .. } => return None,
    };
    Some(lease_until.map_or(rests_until, |lease_until| lease_until.max(rests_until)))
}

/// When a lease that is taken or renewed now ends.
pub fn lease_end(worker: &Worker, now: Timestamp) -> Timestamp {
    now.checked_add(worker.term).unwrap_or(Timestamp::MAX)
}
