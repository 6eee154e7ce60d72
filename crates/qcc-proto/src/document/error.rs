//! Why a whole document is refused.

use std::{error::Error, fmt, io};

/// The document is not a valid `dd_risk_corp.json`, or could not be read.
///
/// Records returned before are valid, but the document as a whole must not be
/// applied. Every variant except [`Source`](Self::Source) depends on the bytes
/// alone: reading them again gives the same error. Offsets count bytes from 0, a
/// byte order mark included. Nothing of the content is shown.
#[derive(Debug)]
#[non_exhaustive]
pub enum DocumentError {
    /// The source failed. Its error says whether to repeat.
    Source(io::Error),
    /// The source ended inside the document.
    Truncated {
        /// Where it ended: the length of the text.
        offset: u64,
    },
    /// The bytes are not JSON, or continue after the document's end.
    Syntax {
        /// The first byte that is not allowed in its place.
        offset: u64,
        /// What is wrong there, for people.
        what: &'static str,
    },
    /// The encoding is not UTF-8. A record with a few broken
    /// characters is set aside instead.
    Encoding {
        /// Where this was found.
        offset: u64,
        /// The probable encoding, for people.
        name: &'static str,
    },
    /// Brackets are nested deeper than [`ReaderLimits::document_levels`](crate::ReaderLimits::document_levels).
    TooDeep {
        /// The first bracket beyond the limit.
        offset: u64,
    },
    /// The document is JSON, but not an object.
    NotAnObject,
    /// A required field is missing.
    Missing(DocumentField),
    /// A field comes twice, so it is unclear which one counts.
    Duplicate(DocumentField),
    /// `pushDate` is not a time, `totalSize` is not a whole number from 0 to
    /// 2⁶⁴ − 1, or `result` is neither an array nor `null` with a `totalSize` of 0.
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
        /// Records in `result`, including those set aside.
        found: u64,
    },
    /// The reader returned an error before and cannot continue.
    AlreadyFailed,
}

impl DocumentError {
    /// What to do about it.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Source(_) => "Do what the error of the source asks for; reading again may help.",
            Self::Truncated { .. } => {
                "Fetch the archive again; if it ends early again, ask the vendor for a new one."
            }
            Self::CountMismatch { .. } => {
                "Ask the vendor which number is right; the records read are valid."
            }
            Self::Syntax { .. }
            | Self::Encoding { .. }
            | Self::TooDeep { .. }
            | Self::NotAnObject
            | Self::Missing(_)
            | Self::Duplicate(_)
            | Self::Invalid(_)
            | Self::TooManySetAside { .. } => {
                "The document was sent like this: reading again gives the same error. Ask the \
                 vendor for a new one."
            }
            Self::AlreadyFailed => "See the first error of this reader.",
        }
    }
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
