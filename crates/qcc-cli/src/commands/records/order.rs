//! In which order records are printed. For an order the store does not know, as many are
//! kept in memory as are printed.

use std::{cmp::Reverse, collections::BTreeMap};

use clap::ValueEnum;
use qcc_sync::StoredRecord;

/// What comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Sort {
    /// The last pushed
    Pushed,
    /// The last changed
    Changed,
    /// The highest score
    Score,
    /// The least id
    Id,
}

impl Sort {
    /// Whether the store cannot sort so.
    pub(super) fn is_in_memory(self) -> bool {
        matches!(self, Self::Changed | Self::Score)
    }
}

/// What is compared; the first is the least.
type Key = (Reverse<Option<String>>, Reverse<Option<i32>>, Reverse<String>, u64, String);

/// The first N of all that are put in.
#[derive(Debug)]
pub(super) struct First {
    sort: Sort,
    most: u64,
    kept: BTreeMap<Key, StoredRecord>,
    /// Whether there were more.
    pub(super) more: bool,
}

impl First {
    pub(super) fn new(sort: Sort, most: u64) -> Self {
        Self { sort, most, kept: BTreeMap::new(), more: false }
    }

    pub(super) fn put(&mut self, stored: StoredRecord) {
        self.kept.insert(self.key(&stored), stored);
        if self.kept.len() as u64 > self.most {
            self.kept.pop_last();
            self.more = true;
        }
    }

    pub(super) fn into_rows(self) -> impl Iterator<Item = StoredRecord> {
        self.kept.into_values()
    }

    fn key(&self, stored: &StoredRecord) -> Key {
        let (record, rank) = (&stored.record, &stored.rank);
        let pushed = Reverse(rank.push_date.to_string());
        let score = || Reverse(record.score);
        let id = record.id.clone();
        match self.sort {
            Sort::Score => (Reverse(None), score(), pushed, rank.position, id),
            Sort::Pushed | Sort::Changed | Sort::Id => {
                (Reverse(record.change_date.clone()), Reverse(None), pushed, rank.position, id)
            }
        }
    }
}
