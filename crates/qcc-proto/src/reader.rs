//! The streaming reader of `dd_risk_corp.json` (6.2.6).
//!
//! Written by hand, because it is the hot path and faces hostile input: it
//! answers in bounded memory and without recursion, whatever the document.

mod error;
mod feed;
mod header;
mod item;
mod limits;
mod record;
mod scan;
mod skip;

use std::io::{BufRead, BufReader, Read};

pub use self::{
    error::{DocumentError, DocumentField},
    header::DocumentHeader,
    item::{Item, ItemRef, QuarantinedRecord, RecordFault, RecordField, RecordRef},
    limits::ReaderLimits,
};
use self::{
    feed::Feed,
    record::{Draft, Stop},
    skip::{Skipper, Step, Stuck},
};
use crate::{ShanghaiTime, encoding, spelling::is_spelling_of};

/// Reads the records of one document as they stream by.
///
/// [`next`](Self::next) hands out owned [`Item`]s, [`next_ref`](Self::next_ref)
/// borrowed ones without allocating. A record that cannot be taken comes as
/// [`Item::Quarantined`], and the next one follows; a document that cannot be
/// taken ends with a [`DocumentError`]. [`finish`](Self::finish) tells whether
/// all went well.
///
/// Until `None` came, the document is not known to be whole. The crate's
/// documentation lists what is taken, set aside and refused.
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
/// while let Some(item) = reader.next()? {
///     match item {
///         Item::Record { record, .. } => assert_eq!(record.score, Some(82)),
///         Item::Quarantined(bad) => assert_eq!(bad.reason.to_string(), "id is missing"),
///     }
/// }
/// let summary = reader.finish()?;
/// assert_eq!((summary.records, summary.quarantined), (1, 1));
/// # Ok::<(), qcc_proto::DocumentError>(())
/// ```
#[derive(Debug)]
pub struct RecordReader<R> {
    feed: Feed<R>,
    limits: ReaderLimits,
    state: State,
    skipper: Skipper,
    draft: Draft,
    push_date: Option<ShanghaiTime>,
    total_size: Option<u64>,
    has_result: bool,
    /// `result` came as `null`.
    no_result: bool,
    records: u64,
    quarantined: u64,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Start,
    FieldOrEnd,
    Field,
    AfterField,
    /// At the bracket that opens `result`.
    Result,
    ItemOrEnd,
    AfterItem,
    Trailer,
    Done(DocumentSummary),
    Failed,
}

/// A value that was passed over.
struct Framed {
    /// Its first bytes.
    raw: Vec<u8>,
    /// Whether there were more.
    truncated: bool,
    /// Whether bytes in it were not UTF-8.
    not_utf8: bool,
}

impl Framed {
    fn keep(&mut self, bytes: &[u8], cap: usize) {
        let kept = bytes.len().min(cap - self.raw.len());
        self.raw.extend_from_slice(bytes.get(..kept).unwrap_or_default());
        self.truncated |= kept < bytes.len();
    }
}

enum Found {
    Record,
    Quarantined(QuarantinedRecord),
}

/// What a whole document held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DocumentSummary {
    /// `pushDate`
    pub push_date: ShanghaiTime,
    /// `totalSize`: what the document says of itself.
    pub total_size: u64,
    /// Records that were valid.
    pub records: u64,
    /// Records that were set aside.
    pub quarantined: u64,
}

impl DocumentSummary {
    /// Whether `totalSize` is the number of records found, valid or not.
    ///
    /// The manual's own sample is not: it says 4 and shows 1.
    pub fn count_matches(&self) -> bool {
        self.total_size == self.found()
    }

    fn found(&self) -> u64 {
        self.records + self.quarantined
    }
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
    /// It reads ahead, so what is left of `source` afterwards means nothing.
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
            quarantined: 0,
        }
    }

    /// `pushDate`, once it went by. It may stand after the records: where each
    /// record needs it, call [`DocumentHeader::read`] on a first pass.
    pub fn push_date(&self) -> Option<ShanghaiTime> {
        self.push_date
    }

    /// `totalSize`, once it went by.
    pub fn total_size(&self) -> Option<u64> {
        self.total_size
    }

    /// The next element of `result`, owned; `None` at the document's end.
    ///
    /// # Errors
    /// As [`next_ref`](Self::next_ref).
    #[expect(clippy::should_implement_trait, reason = "an iterator could be read past its error")]
    pub fn next(&mut self) -> Result<Option<Item>, DocumentError> {
        Ok(self.next_ref()?.map(ItemRef::into_item))
    }

    /// The next element of `result`, borrowed; `None` at the document's end.
    ///
    /// # Errors
    /// [`DocumentError`] where the document is refused; after the first one,
    /// [`DocumentError::AlreadyFailed`].
    pub fn next_ref(&mut self) -> Result<Option<ItemRef<'_>>, DocumentError> {
        let position = self.records + self.quarantined;
        match self.walk() {
            Ok(Some(Found::Record)) => {
                self.records += 1;
                let record = self.draft.record(self.feed.text());
                Ok(Some(ItemRef::Record { position, record }))
            }
            Ok(Some(Found::Quarantined(record))) => {
                self.quarantined += 1;
                Ok(Some(ItemRef::Quarantined(record)))
            }
            Ok(None) => Ok(None),
            Err(error) => {
                self.state = State::Failed;
                Err(error)
            }
        }
    }

    /// What the document held, once `next` or `next_ref` answered `None`;
    /// whether [its count matches](DocumentSummary::count_matches) is not judged.
    pub fn summary(&self) -> Option<DocumentSummary> {
        match self.state {
            State::Done(summary) => Some(summary),
            _ => None,
        }
    }

    /// Reads on to the end, if that was not reached, and judges the whole.
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

    /// Walks the document to its next record or its end.
    fn walk(&mut self) -> Result<Option<Found>, DocumentError> {
        loop {
            self.state = match self.state {
                State::Start => self.start()?,
                State::FieldOrEnd => match self.feed.peek()? {
                    b'}' => self.take(State::Trailer),
                    _ => State::Field,
                },
                State::Field => self.field()?,
                State::AfterField => match self.feed.peek()? {
                    b',' => self.take(State::Field),
                    b'}' => self.take(State::Trailer),
                    _ => return Err(self.syntax("',' or '}' was expected")),
                },
                State::Result => self.take(State::ItemOrEnd),
                State::ItemOrEnd => match self.feed.peek()? {
                    b']' => self.take(State::AfterField),
                    _ => return self.item().map(Some),
                },
                State::AfterItem => match self.feed.peek()? {
                    b',' => {
                        self.feed.advance(1);
                        self.feed.peek()?;
                        return self.item().map(Some);
                    }
                    b']' => self.take(State::AfterField),
                    _ => return Err(self.syntax("',' or ']' was expected")),
                },
                State::Trailer => match self.feed.peek_or_end()? {
                    None => State::Done(self.whole()?),
                    Some(_) => return Err(self.syntax("nothing may follow the document")),
                },
                State::Done(_) => return Ok(None),
                State::Failed => return Err(DocumentError::AlreadyFailed),
            };
        }
    }

    fn take(&mut self, next: State) -> State {
        self.feed.advance(1);
        next
    }

    fn start(&mut self) -> Result<State, DocumentError> {
        self.feed.more()?;
        if let Some(name) = encoding::of_start(&self.feed.first_bytes()) {
            return Err(DocumentError::Encoding { offset: 0, name });
        }
        if self.feed.text().starts_with('\u{FEFF}') {
            self.feed.advance('\u{FEFF}'.len_utf8());
        }
        match self.feed.peek()? {
            b'{' => Ok(self.take(State::FieldOrEnd)),
            b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => {
                Err(DocumentError::NotAnObject)
            }
            _ => Err(self.syntax("an object was expected")),
        }
    }

    /// Takes one field of the document: the key, and a value unless it is `result`.
    fn field(&mut self) -> Result<State, DocumentError> {
        // A key of ours has at most nine letters; escaped, each takes six bytes.
        const LONGEST_KEY: usize = 64;
        const LONGEST_VALUE: usize = 256;
        if self.feed.peek()? != b'"' {
            return Err(self.syntax("a key was expected"));
        }
        let key = record::lone_string(&self.frame(LONGEST_KEY)?.raw);
        if self.feed.peek()? != b':' {
            return Err(self.syntax("':' was expected"));
        }
        self.feed.advance(1);
        let first = self.feed.peek()?;
        let is = |field: &DocumentField| {
            key.as_deref().is_some_and(|key| is_spelling_of(key, field.as_str()))
        };
        let field = DocumentField::ALL.into_iter().find(is);
        let is_again = match field {
            None => false,
            Some(DocumentField::PushDate) => self.push_date.is_some(),
            Some(DocumentField::TotalSize) => self.total_size.is_some(),
            Some(DocumentField::Result) => self.has_result,
        };
        match field {
            Some(field) if is_again => return Err(DocumentError::Duplicate(field)),
            Some(DocumentField::Result) if first == b'[' => {
                self.has_result = true;
                return Ok(State::Result);
            }
            Some(field @ DocumentField::Result) => {
                if self.frame(LONGEST_VALUE)?.raw != b"null" {
                    return Err(DocumentError::Invalid(field));
                }
                (self.has_result, self.no_result) = (true, true);
            }
            None => drop(self.frame(0)?),
            Some(field) => {
                let value = self.frame(LONGEST_VALUE)?.raw;
                let invalid = || DocumentError::Invalid(field);
                if matches!(field, DocumentField::PushDate) {
                    let json = serde_json::from_slice(&value).map_err(|_| invalid())?;
                    self.push_date = Some(ShanghaiTime::from_json(&json).ok_or_else(invalid)?);
                } else {
                    let digits = record::lone_string(&value)
                        .or_else(|| String::from_utf8(value).ok())
                        .ok_or_else(invalid)?;
                    self.total_size = Some(record::whole(&digits).ok_or_else(invalid)?);
                }
            }
        }
        Ok(State::AfterField)
    }

    /// Takes the element of `result` that begins here.
    fn item(&mut self) -> Result<Found, DocumentError> {
        let reason = loop {
            let (at, held) = (self.feed.at(), self.feed.text().len());
            let end = held.min(at.saturating_add(self.limits.record));
            match record::read(
                self.feed.text(),
                at,
                end,
                &mut self.draft,
                &mut self.skipper,
                self.limits.depth,
            ) {
                Ok(end) => {
                    self.feed.advance(end - at);
                    self.state = State::AfterItem;
                    return Ok(Found::Record);
                }
                Err(Stop::Fault(reason)) => break Some(reason),
                Err(Stop::Syntax) => break None,
                Err(Stop::Short) if end - at >= self.limits.record => {
                    break Some(RecordFault::TooLong);
                }
                Err(Stop::Short) => self.feed.more()?,
            }
        };
        let start = self.feed.offset();
        let Framed { raw, truncated, not_utf8 } = self.frame(self.limits.raw)?;
        if not_utf8 && let Some(name) = encoding::of_text(&raw) {
            return Err(DocumentError::Encoding { offset: start, name });
        }
        // The framing above has found the fault of syntax, if there was one.
        let reason = match reason {
            Some(reason) => reason,
            None if not_utf8 => RecordFault::NotUtf8,
            None => return Err(DocumentError::Syntax { offset: start, what: "not a record" }),
        };
        if self.quarantined >= self.limits.quarantined {
            return Err(DocumentError::TooManyFaults { limit: self.limits.quarantined });
        }
        self.state = State::AfterItem;
        let position = self.records + self.quarantined;
        Ok(Found::Quarantined(QuarantinedRecord { position, reason, raw, truncated }))
    }

    /// Takes the value that begins here, whatever and however long it is: its
    /// first `cap` bytes, and whether there were more.
    fn frame(&mut self, cap: usize) -> Result<Framed, DocumentError> {
        let mut framed = Framed { raw: Vec::new(), truncated: false, not_utf8: false };
        self.skipper.restart(self.limits.nesting);
        loop {
            let at = |at: usize| self.feed.offset() + at as u64;
            let (used, is_done) = match self.skipper.feed(self.feed.unused()) {
                Ok(Step::Done(used)) => (used, true),
                Ok(Step::Short(used)) => (used, false),
                Err(Stuck::Syntax(n, what)) => {
                    return Err(DocumentError::Syntax { offset: at(n), what });
                }
                Err(Stuck::TooDeep(n)) => return Err(DocumentError::TooDeep { offset: at(n) }),
                Err(Stuck::Control(used)) => {
                    framed.keep(self.feed.unused().get(..used).unwrap_or_default(), cap);
                    self.feed.advance(used);
                    self.pass_broken(&mut framed, cap)?;
                    continue;
                }
            };
            framed.keep(self.feed.unused().get(..used).unwrap_or_default(), cap);
            self.feed.advance(used);
            if is_done {
                return Ok(framed);
            }
            self.feed.more()?;
        }
    }

    /// Passes over a byte of a string that is not UTF-8.
    ///
    /// In GBK a backslash may be the second half of a character, and then the
    /// string would end elsewhere: a document is not read by guessing.
    fn pass_broken(&mut self, framed: &mut Framed, cap: usize) -> Result<(), DocumentError> {
        let offset = self.feed.offset();
        let Some(byte) = self.feed.broken_at(offset) else {
            return Err(self.syntax("a bare control character in a string"));
        };
        framed.keep(&[byte], cap);
        framed.not_utf8 = true;
        self.feed.advance(1);
        if self.feed.unused().is_empty() {
            self.feed.more()?;
        }
        if self.feed.unused().first() == Some(&b'\\') {
            let name = encoding::of_text(&framed.raw).unwrap_or("an unknown encoding");
            return Err(DocumentError::Encoding { offset, name });
        }
        Ok(())
    }

    fn whole(&self) -> Result<DocumentSummary, DocumentError> {
        let missing = DocumentError::Missing;
        let push_date = self.push_date.ok_or(missing(DocumentField::PushDate))?;
        let total_size = self.total_size.ok_or(missing(DocumentField::TotalSize))?;
        // What a writer that leaves nulls out makes of a list of nothing.
        if !self.has_result && total_size != 0 {
            return Err(missing(DocumentField::Result));
        }
        if self.no_result && total_size != 0 {
            return Err(DocumentError::Invalid(DocumentField::Result));
        }
        let (records, quarantined) = (self.records, self.quarantined);
        Ok(DocumentSummary { push_date, total_size, records, quarantined })
    }

    fn syntax(&self, what: &'static str) -> DocumentError {
        DocumentError::Syntax { offset: self.feed.offset(), what }
    }
}

#[cfg(test)]
mod tests;
