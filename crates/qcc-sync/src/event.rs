//! What the engine tells while it works.

use jiff::Timestamp;
use qcc_proto::OrderNo;

use crate::{Applied, Gap, Hold, Reason};

/// Something happened that a person may want to see.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The order list was read.
    Listed {
        /// Orders it named.
        listed: u32,
        /// Orders the ledger had not known.
        fresh: u32,
    },
    /// The list revealed a gap.
    Gap(Gap),
    /// An order's link and password are known.
    Located {
        /// Which order.
        order_no: OrderNo,
    },
    /// A download goes on.
    Downloading {
        /// Which order.
        order_no: OrderNo,
        /// Bytes received.
        received: u64,
        /// Bytes in all, where the file host says.
        total: Option<u64>,
    },
    /// An archive is on disk.
    Fetched {
        /// Which order.
        order_no: OrderNo,
        /// Its bytes.
        size: u64,
    },
    /// Records are being written.
    Applying {
        /// Which order.
        order_no: OrderNo,
        /// Records so far.
        records: u64,
        /// Records in all, where the document says so early.
        total: Option<u64>,
    },
    /// An order is in the table.
    Applied {
        /// Which order.
        order_no: OrderNo,
        /// What it did.
        applied: Applied,
    },
    /// An order has to wait.
    Waiting {
        /// Which order.
        order_no: OrderNo,
        /// Until when.
        until: Timestamp,
        /// Why.
        reason: Reason,
    },
    /// An order needs a person.
    Quarantined {
        /// Which order.
        order_no: OrderNo,
        /// Why.
        reason: Reason,
    },
    /// All calls to the vendor rest.
    Held(Hold),
}

/// Is told of every event, on the engine's task: be quick.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn event(&self, event: &Event);
}

/// Tells nobody.
impl Observer for () {
    fn event(&self, _: &Event) {}
}

impl<F: Fn(&Event) + Send + Sync> Observer for F {
    fn event(&self, event: &Event) {
        self(event);
    }
}
