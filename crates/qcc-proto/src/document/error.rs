//! Why a whole document is refused.

use std::{error::Error, fmt, io};

/// The document is no `dd_risk_corp.json`, or could not be read to its end.
///
/// Records handed out before are as they stood, but the document as a whole
/// must not be applied. Every variant but [`Source`](Self::Source) is a property
/// of the bytes: reading them again gives the same answer. Offsets count bytes
/// from 0, a byte order mark included. Nothing of the content is shown.
#[derive(Debug)]
#[non_exhaustive]
pub enum DocumentError {
    /// The source failed. Whether to repeat is the source's to say.
    Source(io::Error),
    /// The source ended inside the document. Fetch the archive again.
    Truncated {
        /// Where it broke off: the document's length as far as it is text.
        offset: u64,
    },
    /// The bytes are no JSON, or go on after the document's end.
    Syntax {
        /// The first byte that cannot stand where it does.
        offset: u64,
        /// What is wrong there, for people.
        what: &'static str,
    },
    /// The bytes are another encoding than UTF-8. A record with a few broken
    /// characters is set aside instead.
    Encoding {
        /// Where that was found.
        offset: u64,
        /// What the encoding seems to be, for people.
        name: &'static str,
    },
    /// Brackets are nested deeper than [`ReaderLimits::document_levels`](crate::ReaderLimits::document_levels).
    TooDeep {
        /// The bracket that was one too many.
        offset: u64,
    },
    /// The document is JSON, but not an object.
    NotAnObject,
    /// A field that must be there is not.
    Missing(DocumentField),
    /// A field stands twice, so it is unclear which one counts.
    Duplicate(DocumentField),
    /// `pushDate` is no time, `totalSize` no whole number from 0 to 2⁶⁴ − 1, or
    /// `result` no array (nor `null`, with a `totalSize` of 0).
    Invalid(DocumentField),
    /// More records would have been set aside than
    /// [`ReaderLimits::set_aside_records`](crate::ReaderLimits::set_aside_records) allows.
    TooManySetAside {
        /// The limit.
        limit: u64,
    },
    /// `totalSize` is not the number of records in `result`.
    CountMismatch {
        /// `totalSize`.
        declared: u64,
        /// Records in `result`, those set aside included.
        found: u64,
    },
    /// The reader has returned an error before; it cannot go on.
    AlreadyFailed,
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(_) => f.write_str("the document could not be read"),
            Self::Truncated { offset } => write!(f, "the document ends early, at byte {offset}"),
            Self::Syntax { offset, what } => write!(f, "not JSON at byte {offset}: {what}"),
            Self::Encoding { offset, name } => {
                write!(f, "the document is not UTF-8 at byte {offset}; it seems to be {name}")
            }
            Self::TooDeep { offset } => write!(f, "brackets are nested too deep at byte {offset}"),
            Self::NotAnObject => f.write_str("the document is not an object"),
            Self::Missing(field) => write!(f, "the document has no {field}"),
            Self::Duplicate(field) => write!(f, "the document has {field} twice"),
            Self::Invalid(field) => {
                write!(f, "the document's {field} is not what the manual says")
            }
            Self::TooManySetAside { limit } => write!(f, "more than {limit} records are invalid"),
            Self::CountMismatch { declared, found } => {
                write!(f, "the document says it has {declared} records and has {found}")
            }
            Self::AlreadyFailed => f.write_str("the reader has failed before"),
        }
    }
}

impl Error for DocumentError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Source(source) => Some(source),
            _ => None,
        }
    }
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
