//! What a proof goes by, and what it tells while it works.

use std::path::PathBuf;

use jiff::SignedDuration;
use qcc_proto::ReaderLimits;

use crate::Policy;

/// How archives are read, and within what.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct VerifySettings {
    /// The name of the document in an archive.
    pub entry: String,
    /// How an archive is read.
    pub archive: qcc_archive::Options,
    /// How the document in it is read.
    pub document: ReaderLimits,
    /// A folder with room for about 100 bytes for each record; of what is put
    /// there nothing stays, whatever happens.
    pub scratch: PathBuf,
    /// How many bytes of records are sorted in memory; the process takes up to twice
    /// as much.
    pub memory: usize,
    /// How many findings are told one by one.
    pub told: usize,
    /// How far a document's `pushDate` may be from the time the vendor made its order;
    /// beyond that it is taken for another order's.
    pub push_date_slack: SignedDuration,
}

impl VerifySettings {
    /// Reads archives as a policy does.
    pub fn new(policy: &Policy, scratch: impl Into<PathBuf>) -> Self {
        Self {
            entry: policy.entry.clone(),
            archive: policy.archive.clone(),
            document: policy.document,
            scratch: scratch.into(),
            memory: 32 << 20,
            told: 100,
            push_date_slack: policy.push_date_apart,
        }
    }
}

/// How far a proof has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerifyStage {
    /// Archives are read.
    Reading {
        /// Orders so far.
        orders: u64,
        /// Records so far.
        records: u64,
    },
    /// The table is compared.
    Comparing {
        /// Rows so far.
        rows: u64,
    },
}
