//! What a document says of itself, without its records.

use std::io::BufRead;

use super::{DocumentError, DocumentField, ReaderLimits, RecordReader, State};
use crate::ShanghaiTime;

/// `pushDate` and `totalSize` of a document.
///
/// Both may stand after the records, although the manual's sample has them
/// before. Whoever needs them first reads the document twice: this is the
/// first pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DocumentHeader {
    /// `pushDate`: when the order was pushed.
    pub push_date: ShanghaiTime,
    /// `totalSize`: how many records it says it has.
    pub total_size: u64,
}

impl DocumentHeader {
    /// Reads until both are known: the first 128 KiB in the manual's order, else
    /// past all records, of which nothing but the syntax is looked at.
    ///
    /// What follows is not looked at, so a header does not make a document.
    ///
    /// # Errors
    /// [`DocumentError`] as [`RecordReader`] has it, for what is looked at.
    pub fn read(source: impl BufRead, limits: ReaderLimits) -> Result<Self, DocumentError> {
        let mut reader = RecordReader::new(source, limits);
        loop {
            if let (Some(push_date), Some(total_size)) = (reader.push_date, reader.total_size) {
                return Ok(Self { push_date, total_size });
            }
            reader.skip_field()?;
        }
    }
}

impl<R: BufRead> RecordReader<R> {
    /// Walks past one field of the document, `result` included.
    fn skip_field(&mut self) -> Result<(), DocumentError> {
        loop {
            self.state = match self.state {
                State::Start => self.start()?,
                State::FieldOrEnd | State::AfterField => match (self.state, self.feed.peek()?) {
                    (_, b'}') => return Err(self.missing()),
                    (State::FieldOrEnd, _) => State::Field,
                    (_, b',') => self.take(State::Field),
                    _ => return Err(self.syntax("',' or '}' was expected")),
                },
                State::Field => match self.field()? {
                    State::Result => State::Result,
                    next => {
                        self.state = next;
                        return Ok(());
                    }
                },
                _ => {
                    self.frame(0)?;
                    self.state = State::AfterField;
                    return Ok(());
                }
            };
        }
    }

    fn missing(&self) -> DocumentError {
        DocumentError::Missing(match self.push_date {
            None => DocumentField::PushDate,
            Some(_) => DocumentField::TotalSize,
        })
    }
}
