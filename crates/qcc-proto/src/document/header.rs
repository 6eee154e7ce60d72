//! The fields of a document besides its records.

use std::io::BufRead;

use super::{DocumentError, DocumentField, ReaderLimits, RecordReader, walk::State};
use crate::ShanghaiTime;

/// `pushDate` and `totalSize` of a document.
///
/// Both may come after the records, although the manual's sample has them before.
/// If you need them first, read the document twice and start with this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DocumentHeader {
    /// `pushDate`: when the order was pushed.
    pub push_date: ShanghaiTime,
    /// `totalSize`: how many records the document should have.
    pub total_size: u64,
}

impl DocumentHeader {
    /// Reads until both are known.
    ///
    /// Reads the first 128 KiB if the fields come in the manual's order. Otherwise
    /// reads past the records, of which only the syntax is checked. What follows
    /// is not read, so a header does not prove a document whole.
    ///
    /// # Errors
    /// [`DocumentError`] as from [`RecordReader`], for the part that is read.
    pub fn read(source: impl BufRead, limits: ReaderLimits) -> Result<Self, DocumentError> {
        let mut reader = RecordReader::new(source, limits);
        loop {
            if let (Some(push_date), Some(total_size)) = (reader.push_date, reader.total_size) {
                return Ok(Self { push_date, total_size });
            }
            reader.state = match reader.state {
                State::Result => {
                    reader.frame(0)?;
                    State::AfterField
                }
                State::Trailer => return Err(reader.missing()),
                _ => reader.between_records()?,
            };
        }
    }
}

impl<R: BufRead> RecordReader<R> {
    fn missing(&self) -> DocumentError {
        DocumentError::Missing(match self.push_date {
            None => DocumentField::PushDate,
            Some(_) => DocumentField::TotalSize,
        })
    }
}
