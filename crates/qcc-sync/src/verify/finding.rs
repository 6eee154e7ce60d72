//! What a proof comes to.

use qcc_proto::{OrderNo, RecordRef, ShanghaiTime};

use super::sorter::Place;
use crate::{Rank, Reason, Sha256, StateName, StoredRecord};

/// What [`verify`](crate::verify) found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verdict {
    /// What is wrong, the first of it; the counts below count all.
    pub findings: Vec<Finding>,
    /// Differences between archives and store.
    pub differences: u64,
    /// Applied orders whose archive is gone.
    pub missing: u64,
    /// Applied orders whose archive is refused.
    pub refused: u64,
    /// Applied orders whose archive was removed on purpose: what is left is proven. No
    /// difference.
    pub pruned: u64,
    /// Applied orders whose archive seems to be another order's.
    pub shared: u64,
    /// Applied orders.
    pub orders: u64,
    /// Bytes of archives that held.
    pub bytes: u64,
    /// Records read from them.
    pub records: u64,
    /// Records that are not as the manual describes, read from them.
    pub set_aside: u64,
    /// Rows of the table, each compared.
    pub rows: u64,
    /// Records that should stand, of those read: the latest with each id. The others
    /// are superseded.
    pub standing: u64,
    /// Those of them that were removed from the table on purpose. No difference.
    pub pruned_records: u64,
    /// Rows that only an archive that is gone or refused could prove.
    pub unproven: u64,
    /// Those of them that only an archive that was removed on purpose could prove.
    pub unproven_pruned: u64,
    /// Applied orders whose archive held, but has no label with its password: they
    /// would not come back from the archives alone. No difference.
    pub unlabelled: u64,
    /// Orders of which an archive is kept, and which the ledger does not know:
    /// `qcc replay` applies them.
    pub unapplied: u64,
    /// Orders that the ledger knows and rest without an archive, of which one is kept
    /// that opens: `qcc replay` applies them.
    pub recoverable: u64,
    /// Orders that the ledger knows and has not applied yet. No difference.
    pub waiting: u64,
    /// Kept archives that do not open and that the ledger does not name, such as
    /// downloads that were damaged on their way. No difference.
    pub refused_kept: u64,
    /// Their bytes.
    pub refused_bytes: u64,
    /// Kept archives of which neither a label nor the ledger says whose they are. No
    /// difference.
    pub strays: u64,
    /// Their bytes.
    pub stray_bytes: u64,
    /// SHA-256 over all rows: what two runs of one version of this program can be
    /// compared by.
    pub digest: Sha256,
}

impl Verdict {
    /// Whether every archive held, and the store is what they say.
    pub fn is_equal(&self) -> bool {
        self.differences == 0
            && self.missing == 0
            && self.refused == 0
            && self.unapplied == 0
            && self.recoverable == 0
            && self.shared == 0
    }

    /// Applied orders whose archive held: what the proof stands on.
    pub fn held(&self) -> u64 {
        self.orders.saturating_sub(self.missing + self.refused + self.pruned)
    }

    /// Whether nothing was found wrong for want of anything to look at: no archive
    /// held, so nothing is proven.
    pub fn is_empty(&self) -> bool {
        self.is_equal() && self.held() == 0
    }
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// The archive of an applied order is gone.
    ArchiveMissing {
        /// Whose.
        order_no: OrderNo,
        /// Its name; `None` where the ledger does not know one.
        sha256: Option<Sha256>,
    },
    /// The archive of an applied order is there, and proves nothing.
    ArchiveRefused {
        /// Whose.
        order_no: OrderNo,
        /// Why.
        detail: String,
    },
    /// An archive is kept of an order that the ledger does not know.
    Unapplied {
        /// Whose, as its label says.
        order_no: OrderNo,
        /// Its name.
        sha256: Sha256,
    },
    /// An archive is kept and opens; the ledger knows its order, but not the archive,
    /// and has not applied it.
    NotApplied {
        /// Whose, as its label says.
        order_no: OrderNo,
        /// Its name.
        sha256: Sha256,
        /// How far the ledger has come with the order.
        state: StateName,
        /// What is in its way.
        reason: Option<Reason>,
    },
    /// An order was applied with an archive that seems to be another order's.
    SharedArchive {
        /// Of which order.
        order_no: OrderNo,
        /// The archive's name.
        sha256: Sha256,
        /// The order that was applied with the same bytes.
        with: Option<OrderNo>,
        /// When the vendor made the order, and the `pushDate` of the document, where
        /// they are far apart.
        dates: Option<(ShanghaiTime, ShanghaiTime)>,
    },
    /// The ledger says something else of an order than its document.
    Ledger {
        /// Of which order.
        order_no: OrderNo,
        /// What differs.
        field: Difference,
    },
    /// A record that should be set aside is not, or is another.
    SetAside {
        /// Of which order.
        order_no: OrderNo,
        /// Its place in the document.
        position: u64,
        /// What is wrong.
        fault: AsideFault,
    },
    /// A row should stand, and none does.
    RowMissing {
        /// Its id.
        id: String,
        /// Where it comes from.
        rank: Rank,
    },
    /// A row stands whose id no archive holds.
    RowExtra {
        /// Its id.
        id: String,
        /// Where it says it comes from.
        rank: Rank,
    },
    /// Another version of a row should stand, or the row was changed.
    RowDiffers {
        /// Its id.
        id: String,
        /// What differs, by column.
        fields: Vec<Difference>,
    },
    /// The store counts its rows wrongly.
    Count {
        /// What it counts.
        counted: u64,
        /// How many there are.
        rows: u64,
    },
}

/// What is wrong with something that was set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsideFault {
    /// The store does not have it.
    Missing,
    /// The archive does not have it.
    Extra,
    /// They differ.
    Differs,
}

/// A value in the store, and what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Which one, as the tables name it.
    pub field: &'static str,
    /// What it is.
    pub found: Option<String>,
    /// What the archive says.
    pub expected: Option<String>,
}

impl Difference {
    pub(super) fn of(
        field: &'static str,
        found: impl ToString,
        expected: impl ToString,
    ) -> Option<Self> {
        let (found, expected) = (found.to_string(), expected.to_string());
        (found != expected).then_some(Self { field, found: Some(found), expected: Some(expected) })
    }
}

/// What tells a row from what should stand in its place, column by column.
pub(super) fn differences(row: &StoredRecord, expected: &StoredRecord) -> Vec<Difference> {
    let (found, wanted) = (columns(row), columns(expected));
    found
        .into_iter()
        .zip(wanted)
        .filter(|(found, wanted)| found != wanted)
        .map(|((field, found), (_, expected))| Difference { field, found, expected })
        .collect()
}

fn columns(stored: &StoredRecord) -> [(&'static str, Option<String>); 11] {
    let StoredRecord { record, rank } = stored;
    let record = RecordRef::from(record);
    let text = |text: Option<&str>| text.map(str::to_owned);
    [
        ("corp_key_no", text(record.corp_key_no)),
        ("corp_name", text(record.corp_name)),
        ("monitor_content", text(record.monitor_content)),
        ("monitor_level", text(record.monitor_level)),
        ("monitor_type", text(record.monitor_type)),
        ("score", record.score.map(|score| score.to_string())),
        ("change_date", text(record.change_date)),
        ("extra", text(record.extra)),
        ("push_date", Some(rank.push_date.to_string())),
        ("order_no", Some(rank.order_no.to_string())),
        ("position", Some(rank.position.to_string())),
    ]
}

/// The rank that a place stands for.
pub(super) fn rank(place: Place, source: &super::reading::Source) -> Option<Rank> {
    Some(Rank {
        push_date: source.push_date?,
        order_no: source.no.clone(),
        position: place.position,
    })
}
