//! What a person decides, and what the store remembers of receivers.

use jiff::{SignedDuration, Timestamp};
use qcc_proto::{OrderNo, UnzipPassword};

use crate::{Dismissal, KeptArchive, Order, State};

/// Something a person decided. [`Store::decide`](crate::Store::decide) carries it out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// An order's number comes from elsewhere, as from the vendor's support: it is
    /// brought in like any that a list named.
    AddOrder {
        /// Its number.
        order_no: OrderNo,
    },
    /// An order's archive came by another way. It is applied like any other.
    AddArchive {
        /// The order's number.
        order_no: OrderNo,
        /// The archive, which is kept already.
        archive: KeptArchive,
        /// What opens it.
        password: UnzipPassword,
    },
    /// An order is to be applied in spite of what speaks against its archive: a count
    /// that is wrong, no record that can be used, another order's archive.
    Accept {
        /// Its number.
        order_no: OrderNo,
    },
    /// Nothing more is to be done about an order that waits or is quarantined.
    Dismiss {
        /// Its number.
        order_no: OrderNo,
        /// Why.
        note: String,
    },
    /// A gap is accounted for.
    CloseGap {
        /// Its number.
        id: i64,
        /// Why.
        note: Option<String>,
    },
    /// A gap was closed too early.
    ReopenGap {
        /// Its number.
        id: i64,
        /// Why.
        note: Option<String>,
    },
    /// Somebody has seen the records that were set aside: of one order, or all.
    AcknowledgeRecords {
        /// The order; `None` for all.
        order_no: Option<OrderNo>,
    },
    /// Somebody has seen that lines of an order list could not be read.
    AcknowledgeLines,
}

impl Order {
    /// What an [`AddOrder`](Decision::AddOrder) makes of an order that is known.
    #[must_use]
    pub fn added(mut self, now: Timestamp) -> Self {
        self.added_at = self.added_at.or(Some(now));
        match self.state {
            State::Waiting { .. } | State::Quarantined { .. } if self.applied.is_none() => {
                self.clone().retried().unwrap_or(self)
            }
            _ => self,
        }
    }

    /// What an [`AddArchive`](Decision::AddArchive) makes of an order; `None` where it
    /// is applied already.
    #[must_use]
    pub fn with_archive(
        mut self,
        archive: KeptArchive,
        password: UnzipPassword,
        now: Timestamp,
    ) -> Option<Self> {
        if self.state == State::Applied {
            return None;
        }
        self.added_at = self.added_at.or(Some(now));
        self.password = Some(password);
        self.dismissed = None;
        Some(self.fetched(archive).unfailed())
    }

    /// What an [`Accept`](Decision::Accept) makes of an order; `None` where no archive
    /// is kept that could be applied.
    #[must_use]
    pub fn accepted(self) -> Option<Self> {
        let archive = self.archive?;
        let order = self.retried()?;
        Some(Self { accepted: true, ..order.fetched(archive) })
    }

    /// What a [`Dismiss`](Decision::Dismiss) makes of an order; `None` where it neither
    /// waits nor is quarantined, or is dismissed already.
    #[must_use]
    pub fn dismissed(mut self, note: String, now: Timestamp) -> Option<Self> {
        self.state = match self.state {
            State::Waiting { reason, .. } | State::Quarantined { reason }
                if self.dismissed.is_none() =>
            {
                State::Quarantined { reason }
            }
            _ => return None,
        };
        self.dismissed = Some(Dismissal { at: now, note });
        Some(self)
    }
}

/// A receiver's sign of life, as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    /// When it was given.
    pub at: Timestamp,
    /// Who gave it.
    pub worker: String,
    /// Whether it was the last one: the receiver was asked to stop.
    pub stopped: bool,
    /// What it last failed at, where it has not succeeded since.
    pub trouble: Option<String>,
}

/// An order that only calls named is forgotten after so long, where lists that were
/// read since did not name it and the vendor says that it does not know it.
pub const DENIED_FORGOTTEN_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// And after so long where the vendor could not be asked.
pub const FORGOTTEN_AFTER: SignedDuration = SignedDuration::from_hours(7 * 24);

/// So many orders that only calls named are remembered at most.
pub const MOST_UNCONFIRMED: u64 = 10_000;
