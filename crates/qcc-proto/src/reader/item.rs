//! What the reader hands out: records, and records set aside.

use std::fmt;

use crate::RiskRecord;

/// One element of `result`, owned. Borrowed: [`ItemRef`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A valid record.
    Record {
        /// Its index in `result`, from 0.
        position: u64,
        /// The record.
        record: RiskRecord,
    },
    /// One that is set aside.
    Quarantined(QuarantinedRecord),
}

/// One element of `result`, borrowed from the reader until its next call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemRef<'a> {
    /// A valid record.
    Record {
        /// Its index in `result`, from 0.
        position: u64,
        /// The record.
        record: RecordRef<'a>,
    },
    /// One that is set aside.
    Quarantined(QuarantinedRecord),
}

impl ItemRef<'_> {
    /// The same, owned.
    pub fn into_item(self) -> Item {
        match self {
            Self::Record { position, record } => {
                Item::Record { position, record: record.to_record() }
            }
            Self::Quarantined(record) => Item::Quarantined(record),
        }
    }
}

/// A [`RiskRecord`] whose texts lie in the reader: reading one allocates nothing.
///
/// The fields mean what those of [`RiskRecord`] mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordRef<'a> {
    /// `id`: 1 to 128 bytes, no controls.
    pub id: &'a str,
    /// `corpKeyNo`
    pub corp_key_no: Option<&'a str>,
    /// `corpName`
    pub corp_name: Option<&'a str>,
    /// `monitorContent`
    pub monitor_content: Option<&'a str>,
    /// `monitorLevel`: a word, known or not, and never empty.
    pub monitor_level: Option<&'a str>,
    /// `monitorType`: a word, known or not, and never empty.
    pub monitor_type: Option<&'a str>,
    /// `score`
    pub score: Option<i32>,
    /// `changeDate`
    pub change_date: Option<&'a str>,
    /// Fields unknown to this version: a JSON object, or `None`.
    pub extra: Option<&'a str>,
}

impl RecordRef<'_> {
    /// Copies the record out of the reader.
    pub fn to_record(&self) -> RiskRecord {
        RiskRecord {
            id: self.id.to_owned(),
            corp_key_no: self.corp_key_no.map(str::to_owned),
            corp_name: self.corp_name.map(str::to_owned),
            monitor_content: self.monitor_content.map(str::to_owned),
            monitor_level: self.monitor_level.map(Into::into),
            monitor_type: self.monitor_type.map(Into::into),
            score: self.score,
            change_date: self.change_date.map(str::to_owned),
            extra: self.extra.map(str::to_owned),
        }
    }
}

/// A record that cannot be stored as it is: where it stands, why, and its bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct QuarantinedRecord {
    /// Its index in `result`, from 0.
    pub position: u64,
    /// The first fault found in it.
    pub reason: RecordFault,
    /// Its bytes as they stand in the document: JSON, unless `truncated` or not
    /// UTF-8.
    pub raw: Vec<u8>,
    /// Whether `raw` is only the beginning, cut at
    /// [`ReaderLimits::raw`](crate::ReaderLimits::raw), perhaps inside a character.
    pub truncated: bool,
}

impl fmt::Debug for QuarantinedRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QuarantinedRecord")
            .field("position", &self.position)
            .field("reason", &self.reason)
            .field("raw", &format_args!("{} bytes", self.raw.len()))
            .field("truncated", &self.truncated)
            .finish()
    }
}

/// Why a record is set aside. The record is the vendor's fault; the rest of its
/// document is sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RecordFault {
    /// An array, a text, a number or `null` stands where a record should.
    NotAnObject,
    /// `id` is not there. Any other field may be absent, which is `null`.
    Missing(RecordField),
    /// A field's value is of another type than the manual's; also a `null` id.
    WrongType(RecordField),
    /// A key, known or not, stands twice.
    DuplicateKey,
    /// `id` is empty.
    EmptyId,
    /// `id` is longer than 128 bytes.
    LongId,
    /// `id` has a control character in it.
    ControlInId,
    /// `score`, as number or text, is not written as a whole number from
    /// −2³¹ to 2³¹ − 1, perhaps with a fraction of zeros (`-0` is not).
    ScoreRange,
    /// `monitorLevel` or `monitorType` is empty.
    EmptyWord(RecordField),
    /// `monitorLevel` holds a word of `monitorType` or the reverse.
    ForeignWord(RecordField),
    /// A text anywhere in the record holds U+0000, which databases refuse.
    NulInText,
    /// A text anywhere in the record holds the escape of half a surrogate pair: a
    /// character was cut in two.
    HalfSurrogate,
    /// A text anywhere in the record holds bytes that are not UTF-8.
    NotUtf8,
    /// Longer than [`ReaderLimits::record`](crate::ReaderLimits::record).
    TooLong,
    /// An unknown field is nested deeper than
    /// [`ReaderLimits::depth`](crate::ReaderLimits::depth).
    TooDeep,
}

impl RecordFault {
    /// A code for logs, metrics and tables; it does not change.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotAnObject => "not-an-object",
            Self::Missing(_) => "missing-field",
            Self::WrongType(_) => "wrong-type",
            Self::DuplicateKey => "duplicate-key",
            Self::EmptyId => "empty-id",
            Self::LongId => "long-id",
            Self::ControlInId => "control-in-id",
            Self::ScoreRange => "score-range",
            Self::EmptyWord(_) => "empty-word",
            Self::ForeignWord(_) => "foreign-word",
            Self::NulInText => "nul-in-text",
            Self::HalfSurrogate => "half-surrogate",
            Self::NotUtf8 => "not-utf-8",
            Self::TooLong => "too-long",
            Self::TooDeep => "too-deep",
        }
    }

    /// The field at fault, where it is one.
    pub fn field(self) -> Option<RecordField> {
        match self {
            Self::Missing(field)
            | Self::WrongType(field)
            | Self::EmptyWord(field)
            | Self::ForeignWord(field) => Some(field),
            Self::EmptyId | Self::LongId | Self::ControlInId => Some(RecordField::Id),
            Self::ScoreRange => Some(RecordField::Score),
            _ => None,
        }
    }
}

impl fmt::Display for RecordFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnObject => f.write_str("the record is not an object"),
            Self::Missing(field) => write!(f, "{field} is missing"),
            Self::WrongType(field) => write!(f, "{field} is of the wrong type"),
            Self::DuplicateKey => f.write_str("a key stands twice"),
            Self::EmptyId => f.write_str("id is empty"),
            Self::LongId => f.write_str("id is longer than 128 bytes"),
            Self::ControlInId => f.write_str("id has a control character"),
            Self::ScoreRange => f.write_str("score is not a 32-bit whole number"),
            Self::EmptyWord(field) => write!(f, "{field} is empty"),
            Self::ForeignWord(field) => write!(f, "{field} holds a word of another field"),
            Self::NulInText => f.write_str("a text holds U+0000"),
            Self::HalfSurrogate => f.write_str("a text holds half a surrogate pair"),
            Self::NotUtf8 => f.write_str("a text is not UTF-8"),
            Self::TooLong => f.write_str("the record is too long"),
            Self::TooDeep => f.write_str("an unknown field is nested too deep"),
        }
    }
}

/// The fields of a record (6.2.6), in the manual's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RecordField {
    /// `id`
    Id,
    /// `corpKeyNo`
    CorpKeyNo,
    /// `corpName`
    CorpName,
    /// `monitorContent`
    MonitorContent,
    /// `monitorLevel`
    MonitorLevel,
    /// `monitorType`
    MonitorType,
    /// `score`
    Score,
    /// `changeDate`
    ChangeDate,
}

impl RecordField {
    pub(super) const ALL: [Self; 8] = [
        Self::Id,
        Self::CorpKeyNo,
        Self::CorpName,
        Self::MonitorContent,
        Self::MonitorLevel,
        Self::MonitorType,
        Self::Score,
        Self::ChangeDate,
    ];

    /// The field's key in the record.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::CorpKeyNo => "corpKeyNo",
            Self::CorpName => "corpName",
            Self::MonitorContent => "monitorContent",
            Self::MonitorLevel => "monitorLevel",
            Self::MonitorType => "monitorType",
            Self::Score => "score",
            Self::ChangeDate => "changeDate",
        }
    }
}

impl fmt::Display for RecordField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
