//! Why a record is set aside.

use std::fmt;

/// Why a record is set aside.
///
/// The vendor wrote an invalid record; the rest of the document is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RecordFault {
    /// An array, a text, a number or `null` in place of a record.
    NotAnObject,
    /// `id` is absent. Any other field may be absent, which means `null`.
    Missing(RecordField),
    /// A field has another type than in the manual, or `id` is `null`.
    WrongType(RecordField),
    /// A key, known or not, comes twice.
    DuplicateKey,
    /// `id` is empty.
    EmptyId,
    /// `id` is longer than 128 bytes.
    LongId,
    /// `id` has a control character in it.
    ControlInId,
    /// `score`, a number or a text, is not a whole number from −2³¹ to 2³¹ − 1. A
    /// fraction of zeros is allowed, `-0` is not.
    ScoreRange,
    /// `monitorLevel` or `monitorType` is empty.
    EmptyWord(RecordField),
    /// `monitorLevel` holds a word of `monitorType` or the reverse.
    ForeignWord(RecordField),
    /// A text in the record contains U+0000, which databases refuse.
    NulInText,
    /// A text in the record contains the escape of half a surrogate pair: a
    /// character was cut in two.
    HalfSurrogate,
    /// A text in the record contains bytes that are not UTF-8.
    NotUtf8,
    /// Longer than [`ReaderLimits::record_bytes`](crate::ReaderLimits::record_bytes).
    TooLong,
    /// An unknown field is nested deeper than
    /// [`ReaderLimits::field_levels`](crate::ReaderLimits::field_levels).
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

    /// The field with the fault, if it is a single one.
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
            Self::DuplicateKey => f.write_str("a key comes twice"),
            Self::EmptyId => f.write_str("id is empty"),
            Self::LongId => f.write_str("id is longer than 128 bytes"),
            Self::ControlInId => f.write_str("id contains a control character"),
            Self::ScoreRange => f.write_str("score is not a 32-bit whole number"),
            Self::EmptyWord(field) => write!(f, "{field} is empty"),
            Self::ForeignWord(field) => write!(f, "{field} contains a word of another field"),
            Self::NulInText => f.write_str("a text contains U+0000"),
            Self::HalfSurrogate => f.write_str("a text contains half a surrogate pair"),
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
