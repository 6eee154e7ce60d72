//! What a table must hold, computed from the generator and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use qcc_proto::{OrderNo, ShanghaiTime};

use crate::{Fault, SimRecord};

/// What everything pushed so far amounts to.
///
/// Computed from what the vendor meant to send: no archive is read and no code
/// of the receiving side is used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Truth {
    /// The one version of each id that must stand.
    pub table: BTreeMap<String, TrueRecord>,
    /// Every order, pushed in the order of their numbers.
    pub orders: BTreeMap<OrderNo, TrueOrder>,
}

/// A record that must stand, and why: the greatest
/// `(push_date, order_no, position)` of its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrueRecord {
    /// The record.
    pub record: SimRecord,
    /// The `pushDate` of its document.
    pub push_date: ShanghaiTime,
    /// The order it came with.
    pub order_no: OrderNo,
    /// Its place in `result`, from 0; bad records have places too.
    pub position: u64,
}

/// What is true of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrueOrder {
    /// `createDate`.
    pub created_at: ShanghaiTime,
    /// The document's `pushDate`.
    pub push_date: ShanghaiTime,
    /// Records as the manual describes them.
    pub good: u64,
    /// Records that are not.
    pub bad: u64,
    /// What makes the archive unusable for good; `None` for a sound one.
    pub spoilt: Option<Fault>,
    /// In what odd manner it is written, where a lenient receiver reads it all the same.
    pub odd: Option<Fault>,
    /// The bad records that a receiver may set aside, or read with what cannot be read
    /// replaced and noted: place in `result` and id. [`Truth::table`] has them set aside.
    pub open: Vec<(u64, String)>,
    /// Whether a list that arrived ever named it.
    pub listed: bool,
    /// Whether a call about it was ever answered well.
    pub called: bool,
    /// Whether it left the window before any list that arrived named it: what a
    /// gap must cover.
    pub missed: bool,
}

impl Truth {
    /// The ids whose row depends on how a receiver takes the open records of
    /// [`TrueOrder::open`]: one that reads them may have another version of it, or a row more.
    pub fn open_ids(&self) -> BTreeSet<&str> {
        let open = self.orders.values().flat_map(|order| &order.open);
        open.map(|(_, id)| id.as_str()).collect()
    }

    pub(crate) fn add(&mut self, candidate: TrueRecord) {
        let rank = |r: &TrueRecord| (r.push_date, r.order_no.clone(), r.position);
        match self.table.get(&candidate.record.id) {
            Some(standing) if rank(standing) > rank(&candidate) => {}
            _ => {
                self.table.insert(candidate.record.id.clone(), candidate);
            }
        }
    }
}
