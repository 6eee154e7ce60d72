//! What was removed on purpose, so that a proof does not take it for lost.

use std::{collections::BTreeMap, fmt};

use async_trait::async_trait;
use jiff::Timestamp;
use qcc_proto::{OrderNo, ShanghaiTime};
use serde::{Deserialize, Serialize};

use super::{Archives, ArchivesError, KeptArchive};

/// What of the past is no longer kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retention {
    /// Applied orders whose archives were removed.
    pub pruned: BTreeMap<OrderNo, Pruned>,
    /// Records that were pushed before this were removed from the table.
    pub records_before: Option<ShanghaiTime>,
}

/// An archive that was removed on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pruned {
    /// The archive it was.
    pub archive: KeptArchive,
    /// When it was removed.
    pub at: Timestamp,
}

impl Retention {
    /// Whether this archive of an order was removed on purpose.
    pub fn has_pruned(&self, order_no: &OrderNo, archive: &KeptArchive) -> bool {
        self.pruned.get(order_no).is_some_and(|pruned| pruned.archive == *archive)
    }

    /// Both taken together: what one of them removed is removed.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.pruned.extend(other.pruned.iter().map(|(no, pruned)| (no.clone(), *pruned)));
        self.records_before = self.records_before.max(other.records_before);
        self
    }

    /// As a file holds it.
    pub(super) fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        let pruned = self.pruned.iter().map(|(order_no, Pruned { archive, at })| WrittenPruned {
            order_no: order_no.clone(),
            sha256: archive.sha256.to_string(),
            size: archive.size,
            pruned_at: at.to_string(),
        });
        let written = Written { records_before: self.records_before, pruned: pruned.collect() };
        let mut text = serde_json::to_vec_pretty(&written)?;
        text.push(b'\n');
        Ok(text)
    }

    /// What a file holds.
    pub(super) fn from_json(text: &[u8]) -> Result<Self, Unreadable> {
        let written: Written = serde_json::from_slice(text).map_err(|_| Unreadable)?;
        let pruned = written.pruned.into_iter().map(|pruned| {
            let archive = KeptArchive {
                sha256: pruned.sha256.parse().map_err(|_| Unreadable)?,
                size: pruned.size,
            };
            let at = pruned.pruned_at.parse().map_err(|_| Unreadable)?;
            Ok((pruned.order_no, Pruned { archive, at }))
        });
        Ok(Self {
            pruned: pruned.collect::<Result<_, _>>()?,
            records_before: written.records_before,
        })
    }
}

/// The file should say what was removed, and does not.
#[derive(Debug)]
pub(super) struct Unreadable;

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("retention.json in the archive folder cannot be read: restore it from a backup")
    }
}

impl std::error::Error for Unreadable {}

#[derive(Serialize, Deserialize)]
struct Written {
    records_before: Option<ShanghaiTime>,
    pruned: Vec<WrittenPruned>,
}

#[derive(Serialize, Deserialize)]
struct WrittenPruned {
    order_no: OrderNo,
    sha256: String,
    size: u64,
    pruned_at: String,
}

/// Archives of which some can be removed again.
#[async_trait]
pub trait Discard: Archives {
    /// Adds to what was removed on purpose. Durable when it returns: it is called
    /// before anything is removed.
    ///
    /// # Errors
    /// [`ArchivesError`] where the disk is full or fails, as for every method here.
    async fn note_pruned(&self, retention: &Retention) -> Result<(), ArchivesError>;

    /// When an archive was last written; `None` where there is none of that name.
    async fn kept_at(&self, archive: &KeptArchive) -> Result<Option<Timestamp>, ArchivesError>;

    /// Removes the label of one order from an archive. Where there is none, nothing
    /// happens.
    async fn unlabel(&self, archive: &KeptArchive, order_no: &OrderNo)
    -> Result<(), ArchivesError>;
}
