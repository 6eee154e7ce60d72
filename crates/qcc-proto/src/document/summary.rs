//! What a whole document contained.

use crate::ShanghaiTime;

/// What a whole document contained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DocumentSummary {
    /// `pushDate`
    pub push_date: ShanghaiTime,
    /// `totalSize`: how many records the document should have.
    pub total_size: u64,
    /// Records that were valid.
    pub records: u64,
    /// Records that were set aside.
    pub set_aside: u64,
}

impl DocumentSummary {
    /// Whether `totalSize` is the number of records found, valid or not.
    ///
    /// In the manual's own sample it is not: that says 4 and shows 1.
    pub fn count_matches(&self) -> bool {
        self.total_size == self.found()
    }

    pub(super) fn found(&self) -> u64 {
        self.records + self.set_aside
    }
}
