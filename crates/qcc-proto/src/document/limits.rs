//! How much the reader holds and accepts.

/// Limits of a [`RecordReader`](crate::RecordReader).
///
/// The defaults suit documents of any size; change a field to change a limit.
///
/// ```
/// let mut limits = qcc_proto::ReaderLimits::default();
/// limits.set_aside_records = 100;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReaderLimits {
    /// Bytes of one record in the document, 1 MiB by default.
    ///
    /// A longer record is set aside. The reader holds 256 KiB as a rule, and two
    /// to twelve times this limit at worst, for records that consist of unknown
    /// fields.
    pub record_bytes: usize,
    /// Bytes kept of a record that is set aside, 64 KiB by default.
    pub raw_bytes: usize,
    /// Levels of brackets within one unknown field of a record, 64 by default.
    ///
    /// A record with more is set aside.
    pub field_levels: usize,
    /// Levels of brackets in anything that is skipped, 1,048,576 by default. Each
    /// takes one bit of memory.
    ///
    /// A document with more is refused.
    pub document_levels: usize,
    /// Records that may be set aside, 10,000 by default.
    ///
    /// A document with more is refused.
    pub set_aside_records: u64,
}

impl Default for ReaderLimits {
    fn default() -> Self {
        Self {
            record_bytes: 1 << 20,
            raw_bytes: 64 << 10,
            field_levels: 64,
            document_levels: 1 << 20,
            set_aside_records: 10_000,
        }
    }
}
