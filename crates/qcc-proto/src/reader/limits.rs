//! What the reader will hold and endure.

/// Limits of a [`RecordReader`](crate::RecordReader). The defaults suit files
/// of any size; change a field to change a limit.
///
/// ```
/// let mut limits = qcc_proto::ReaderLimits::default();
/// limits.quarantined = 100;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReaderLimits {
    /// Bytes one record may have in the document, 1 MiB by default. A longer
    /// one is set aside. The reader holds two to twelve times as much at worst,
    /// if a record is nothing but unknown fields, and 256 KiB as a rule.
    pub record: usize,
    /// Bytes kept of a record that is set aside, 64 KiB by default.
    pub raw: usize,
    /// Levels of brackets within one unknown field of a record, 64 by default.
    /// A record with a deeper one is set aside.
    pub depth: usize,
    /// Levels of brackets in whatever is skipped, 1,048,576 by default, at one
    /// bit each. Deeper documents are refused.
    pub nesting: usize,
    /// Records that may be set aside, 10,000 by default. A document with more
    /// is refused.
    pub quarantined: u64,
}

impl Default for ReaderLimits {
    fn default() -> Self {
        Self { record: 1 << 20, raw: 64 << 10, depth: 64, nesting: 1 << 20, quarantined: 10_000 }
    }
}
