//! Why a whole document is refused.

use std::{fmt, io};

/// The document is no `dd_risk_corp.json`, or could not be read to its end.
///
/// Records handed out before are as they stood, but the document as a whole
/// must not be applied. Every variant but [`Source`](Self::Source) is a property
/// of the bytes: reading them again gives the same answer. Offsets count bytes
/// from 0, a byte order mark included. Nothing of the content is shown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// The source failed. Whether to repeat is the source's to say.
    #[error("the document could not be read")]
    Source(#[source] io::Error),
    /// The source ended inside the document. Fetch the archive again.
    #[error("the document breaks off at byte {offset}")]
    Truncated {
        /// Where it broke off: the document's length as far as it is text.
        offset: u64,
    },
    /// The bytes are no JSON, or go on after the document's end.
    #[error("not JSON at byte {offset}: {what}")]
    Syntax {
        /// The first byte that cannot stand where it does.
        offset: u64,
        /// What is wrong there, for people.
        what: &'static str,
    },
    /// The bytes are another encoding than UTF-8. A record with a few broken
    /// characters is set aside instead.
    #[error("the document is not UTF-8 at byte {offset}; it seems to be {name}")]
    Encoding {
        /// Where that was found.
        offset: u64,
        /// What the encoding seems to be, for people.
        name: &'static str,
    },
    /// Brackets are nested deeper than [`ReaderLimits::document_levels`](crate::ReaderLimits::document_levels).
    #[error("brackets are nested too deep at byte {offset}")]
    TooDeep {
        /// The bracket that was one too many.
        offset: u64,
    },
    /// The document is JSON, but not an object.
    #[error("the document is not an object")]
    NotAnObject,
    /// A field that must be there is not.
    #[error("the document has no {0}")]
    Missing(DocumentField),
    /// A field stands twice, so it is unclear which one counts.
    #[error("the document has {0} twice")]
    Duplicate(DocumentField),
    /// `pushDate` is no time, `totalSize` no whole number from 0 to 2⁶⁴ − 1, or
    /// `result` no array (nor `null`, with a `totalSize` of 0).
    #[error("the document's {0} is not what the manual says")]
    Invalid(DocumentField),
    /// More records would have been set aside than
    /// [`ReaderLimits::set_aside_records`](crate::ReaderLimits::set_aside_records) allows.
    #[error("more than {limit} records are invalid")]
    TooManySetAside {
        /// The limit.
        limit: u64,
    },
    /// `totalSize` is not the number of records in `result`.
    #[error("the document says it has {declared} records and has {found}")]
    CountMismatch {
        /// `totalSize`.
        declared: u64,
        /// Records in `result`, those set aside included.
        found: u64,
    },
    /// The reader has returned an error before; it cannot go on.
    #[error("reading has failed before")]
    AlreadyFailed,
}

/// The fields of the document itself (6.2.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DocumentField {
    /// `pushDate`
    PushDate,
    /// `totalSize`
    TotalSize,
    /// `result`
    Result,
}

impl DocumentField {
    pub(super) const ALL: [Self; 3] = [Self::PushDate, Self::TotalSize, Self::Result];

    /// The field's key in the document.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PushDate => "pushDate",
            Self::TotalSize => "totalSize",
            Self::Result => "result",
        }
    }
}

impl fmt::Display for DocumentField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
