//! The reader's public interface: one record after the other.

use std::io::{BufRead, BufReader, Read};

use super::{
    DocumentError, DocumentSummary, Item, ItemRef, ReaderLimits,
    feed::Feed,
    record::Draft,
    skip::Skipper,
    walk::{Found, State},
};
use crate::ShanghaiTime;

/// Streams the records of one document.
///
/// [`next_item`](Self::next_item) returns owned [`Item`]s;
/// [`next_ref`](Self::next_ref) returns borrowed ones without allocating. An invalid
/// record is returned as [`Item::SetAside`], and the next one follows. An invalid
/// document is a [`DocumentError`]. [`finish`](Self::finish) reads to the end and
/// checks the number of records.
///
/// The reader is not an [`Iterator`], because that could be read on after an error.
/// Until `None` is returned, the document may turn out to be invalid. The crate's
/// documentation lists what is read, set aside and refused.
///
/// ```
/// use qcc_proto::{Item, ReaderLimits, RecordReader};
///
/// let json = r#"{"pushDate": "2022-06-07 10:13:42", "totalSize": 2, "result": [
///     {"id": "ffedc4cfc1754968ae6afadb695a9d49", "corpKeyNo": "00a0e21af7e4",
///      "corpName": "四川中津建设集团有限公司", "monitorContent": null,
///      "monitorLevel": "高风险信息", "monitorType": "高风险",
///      "score": 82, "changeDate": "2022-06-01"},
///     {"corpName": "all but an id"}]}"#;
/// let mut reader = RecordReader::new(json.as_bytes(), ReaderLimits::default());
/// while let Some(item) = reader.next_item()? {
///     match item {
///         Item::Record { record, .. } => assert_eq!(record.score, Some(82)),
///         Item::SetAside(bad) => assert_eq!(bad.reason.to_string(), "id is missing"),
///     }
/// }
/// let summary = reader.finish()?;
/// assert_eq!((summary.records, summary.set_aside), (1, 1));
/// # Ok::<(), qcc_proto::DocumentError>(())
/// ```
#[derive(Debug)]
pub struct RecordReader<R> {
    pub(super) feed: Feed<R>,
    pub(super) limits: ReaderLimits,
    pub(super) state: State,
    pub(super) skipper: Skipper,
    pub(super) draft: Draft,
    pub(super) push_date: Option<ShanghaiTime>,
    pub(super) total_size: Option<u64>,
    pub(super) has_result: bool,
    /// `result` is `null`.
    pub(super) no_result: bool,
    pub(super) records: u64,
    pub(super) set_aside: u64,
}

impl<R: Read> RecordReader<BufReader<R>> {
    /// A reader over a source without a buffer of its own.
    pub fn buffered(source: R, limits: ReaderLimits) -> Self {
        Self::new(BufReader::with_capacity(64 * 1024, source), limits)
    }
}

impl<R: BufRead> RecordReader<R> {
    /// A reader at the beginning of the document in `source`.
    ///
    /// It reads ahead, so do not use `source` afterwards.
    pub fn new(source: R, limits: ReaderLimits) -> Self {
        Self {
            feed: Feed::new(source),
            limits,
            state: State::Start,
            skipper: Skipper::new(),
            draft: Draft::default(),
            push_date: None,
            total_size: None,
            has_result: false,
            no_result: false,
            records: 0,
            set_aside: 0,
        }
    }

    /// `pushDate`, if it was read already. It may come after the records: if you
    /// need it before, call [`DocumentHeader::read`](crate::DocumentHeader::read) on a first pass.
    pub fn push_date(&self) -> Option<ShanghaiTime> {
        self.push_date
    }

    /// `totalSize`, if it was read already.
    pub fn total_size(&self) -> Option<u64> {
        self.total_size
    }

    /// The next element of `result`, owned; `None` at the document's end.
    ///
    /// # Errors
    /// As [`next_ref`](Self::next_ref).
    pub fn next_item(&mut self) -> Result<Option<Item>, DocumentError> {
        Ok(self.next_ref()?.map(ItemRef::into_item))
    }

    /// The next element of `result`, borrowed; `None` at the document's end.
    ///
    /// # Errors
    /// [`DocumentError`] if the document is refused; after the first error,
    /// [`DocumentError::AlreadyFailed`].
    pub fn next_ref(&mut self) -> Result<Option<ItemRef<'_>>, DocumentError> {
        let position = self.records + self.set_aside;
        match self.walk() {
            Ok(Some(Found::Record)) => {
                self.records += 1;
                let record = self.draft.record(self.feed.text());
                Ok(Some(ItemRef::Record { position, record }))
            }
            Ok(Some(Found::SetAside(record))) => {
                self.set_aside += 1;
                Ok(Some(ItemRef::SetAside(record)))
            }
            Ok(None) => Ok(None),
            Err(error) => {
                self.state = State::Failed;
                Err(error)
            }
        }
    }

    /// What the document contained, after `next_item` or `next_ref` returned `None`.
    /// Does not check whether [the count matches](DocumentSummary::count_matches).
    pub fn summary(&self) -> Option<DocumentSummary> {
        match self.state {
            State::Done(summary) => Some(summary),
            _ => None,
        }
    }

    /// Reads to the end and checks the document as a whole.
    ///
    /// # Errors
    /// [`DocumentError`]: the document is refused, or was before
    /// ([`AlreadyFailed`](DocumentError::AlreadyFailed)), or its `totalSize` is not
    /// what was found ([`CountMismatch`](DocumentError::CountMismatch)).
    pub fn finish(mut self) -> Result<DocumentSummary, DocumentError> {
        loop {
            if let State::Done(summary) = self.state {
                return if summary.count_matches() {
                    Ok(summary)
                } else {
                    let (declared, found) = (summary.total_size, summary.found());
                    Err(DocumentError::CountMismatch { declared, found })
                };
            }
            self.next_ref()?;
        }
    }
}

#[cfg(test)]
mod tests;
