//! How an apply ends.

use jiff::Timestamp;
use qcc_proto::ShanghaiTime;

use crate::{Applied, Order, UnknownWord, Written};

/// What is committed together with the records of an archive.
#[derive(Debug, Clone, PartialEq)]
pub struct Commit {
    /// The order as it is to be. What its records came to is filled in by
    /// [`order`](Self::order).
    pub order: Order,
    /// What the document says.
    pub document: Document,
    /// The words in it that the manual does not list, in place of those of an earlier
    /// apply of the order.
    pub unknown: Vec<UnknownWord>,
}

/// What is known of a document once it was read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Document {
    /// When it is applied.
    pub at: Timestamp,
    /// Its `pushDate`.
    pub push_date: ShanghaiTime,
    /// Its `totalSize`.
    pub total_size: u64,
    /// How many of its records were set aside.
    pub set_aside: u64,
}

impl Document {
    /// What applying it did.
    pub fn applied(&self, written: Written) -> Applied {
        Applied {
            at: self.at,
            push_date: self.push_date,
            total_size: self.total_size,
            stored: written.stored(),
            changes: Some(written.changes),
            superseded: written.superseded,
            quarantined: self.set_aside,
        }
    }
}

impl Commit {
    /// The order as a store writes it, once it has counted the records. Pure.
    ///
    /// Where the document was applied before and says the same again, what was noted
    /// then stays: a repetition that changes nothing is not news.
    pub fn order(&self, written: Written) -> Order {
        let now = self.document.applied(written);
        let noted = self.order.applied.as_ref().filter(|noted| noted.agrees(&now)).cloned();
        Order { applied: Some(noted.unwrap_or(now)), ..self.order.clone() }
    }
}
