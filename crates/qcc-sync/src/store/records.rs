//! Records and orders on their way into a store and out of it.

use qcc_proto::{OrderNo, RiskRecord, ShanghaiTime};

use crate::StateName;

/// What decides between two versions of a record: the greater stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rank {
    /// The document's `pushDate`.
    pub push_date: ShanghaiTime,
    /// The order it came with, compared as bytes.
    pub order_no: OrderNo,
    /// Its place in the document's `result`, from 0.
    pub position: u64,
}

/// A record and its place in the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its place in `result`, from 0.
    pub position: u64,
    /// The record.
    pub record: RiskRecord,
}

/// What became of the records of an archive. Each record counts once, so the numbers
/// add up to the records that were written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// What became of the records that stand now.
    pub changes: Changes,
    /// Records that lost: to the version in the table, or to a later place in the same
    /// archive.
    pub superseded: u64,
}

/// What became of the records that stand now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Changes {
    /// Records whose id was not in the table.
    pub new: u64,
    /// Records that replaced a version of lesser or equal rank.
    pub updated: u64,
    /// Records that stood already, of the same rank and with the same fields.
    pub unchanged: u64,
}

impl Changes {
    /// All of them.
    pub const fn stored(self) -> u64 {
        self.new.saturating_add(self.updated).saturating_add(self.unchanged)
    }
}

impl std::ops::AddAssign for Changes {
    fn add_assign(&mut self, other: Self) {
        self.new = self.new.saturating_add(other.new);
        self.updated = self.updated.saturating_add(other.updated);
        self.unchanged = self.unchanged.saturating_add(other.unchanged);
    }
}

impl Written {
    /// Records that stand now.
    pub const fn stored(self) -> u64 {
        self.changes.stored()
    }
}

/// A record that is not as the manual describes, kept for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// Its place in `result`, from 0.
    pub position: u64,
    /// What is wrong with it: a stable code such as `missing_field`.
    pub code: String,
    /// What is wrong with it, in a sentence.
    pub detail: String,
    /// Its bytes, cut at the reader's limit.
    pub raw: Vec<u8>,
}

/// A word the manual does not list, and how often an archive used it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownWord {
    /// `monitorLevel` or `monitorType`.
    pub field: String,
    /// The word.
    pub word: String,
    /// How often it came.
    pub count: u64,
}

/// A record in the table, with what decided that it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRecord {
    /// The record.
    pub record: RiskRecord,
    /// Where it came from.
    pub rank: Rank,
}

/// Which orders.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct OrderFilter {
    /// Only in this state.
    pub state: Option<StateName>,
    /// At most so many.
    pub limit: Option<u32>,
}

/// Which records. Conditions join with *and*.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct RecordFilter {
    /// Exactly this `monitorLevel`.
    pub level: Option<String>,
    /// Exactly this `monitorType`.
    pub monitor_type: Option<String>,
    /// Exactly this `corpKeyNo`, or a part of `corpName`.
    pub corp: Option<String>,
    /// `changeDate` at or after this (`yyyy-MM-dd`, compared as text).
    pub changed_since: Option<String>,
    /// `pushDate` at or after this.
    pub pushed_since: Option<ShanghaiTime>,
    /// `pushDate` at or before this.
    pub pushed_until: Option<ShanghaiTime>,
    /// The latest `pushDate` first, and by `id` among equal ones, in place of by `id`. The
    /// next page is asked for with `pushed_until` set to the last record's `pushDate` and
    /// `after` to its `id`.
    pub newest_first: bool,
    /// From this order.
    pub order_no: Option<OrderNo>,
}
