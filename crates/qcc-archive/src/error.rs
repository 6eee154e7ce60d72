//! Why an archive was refused, and what to do next.

use std::{error::Error as StdError, io, sync::Arc};

use crate::{Encryption, FileFormat};

mod text;

/// Why an archive or its entry was refused.
///
/// Cheap to clone: a [`Content`](crate::Content) that failed gives the same
/// error for every further read. [`from_io`](Self::from_io) finds it inside an
/// [`io::Error`]. It holds no password, no content and no path.
#[derive(Debug, Clone)]
pub struct Error(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    source: Option<io::Error>,
}

/// What is wrong with an archive.
///
/// `Display` gives one line that says what failed;
/// [`advice`](Self::advice) says what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes are not a zip archive but what [`FileFormat`] says.
    NotAnArchive(FileFormat),
    /// The archive ends too early.
    Truncated,
    /// The container violates the zip format; the text says where.
    Malformed(&'static str),
    /// The archive is one part of several.
    MultiDisk,
    /// No entry has the requested name.
    NoSuchEntry {
        /// The requested name; bytes that are not UTF-8 are replaced.
        wanted: String,
        /// Up to five names of entries in the archive, truncated and escaped.
        found: Vec<String>,
    },
    /// More than one entry has the requested name.
    DuplicateEntry,
    /// The entry is marked as a folder, a link or a device.
    NotAFile,
    /// Two entries share bytes, or one extends into the directory.
    Overlap,
    /// The entry's local header and the central directory disagree.
    HeaderMismatch {
        /// The field in which they differ.
        field: &'static str,
    },
    /// The entry is not encrypted.
    NotEncrypted,
    /// The entry's encryption is weaker than [`Options`](crate::Options) require.
    WeakEncryption(Encryption),
    /// The compression method is neither Deflate nor stored, or it is stored
    /// and [`Options`](crate::Options) do not allow that.
    UnsupportedMethod(u16),
    /// The entry uses a feature that this crate does not read; the text names it.
    UnsupportedFeature(&'static str),
    /// The password check value differs: the password is wrong, or the salt
    /// or the check value is damaged.
    WrongPassword,
    /// The MAC over the ciphertext differs: damage, forgery or, in 1 of
    /// 65,536 cases, a wrong password.
    Tampered,
    /// The CRC-32 of AE-1 differs although the MAC is right.
    Checksum,
    /// The content has more or fewer bytes than both headers declare.
    Size {
        /// The declared size in bytes.
        declared: u64,
    },
    /// The decrypted bytes are not a complete Deflate stream.
    Inflate,
    /// Bytes follow the end of the Deflate stream.
    TrailingData,
    /// The entry is marked as stored, but its bytes are one complete Deflate
    /// stream: the method, which no MAC covers, may have been changed.
    DisguisedDeflate,
    /// Something exceeds what [`Options`](crate::Options) allow.
    Limit {
        /// What exceeds its limit.
        which: LimitKind,
        /// The limit, in the unit that `which` names.
        limit: u64,
    },
    /// The source changed while it was read.
    Changed,
    /// The source could not be read; [`source`](StdError::source) has the cause.
    Io,
}

/// What a caller can do after an archive was refused.
///
/// This enum is exhaustive: there are no other answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Retry {
    /// Read the same archive again. The disk failed, or something wrote to the
    /// file during the reading; nothing is known against the archive itself.
    ReadAgain,
    /// Fetch the archive again. It may have been damaged, cut short or replaced
    /// on the way. If it arrives unchanged, it was created that way.
    FetchAgain,
    /// Neither helps: the archive was created that way. It takes a person or
    /// other [`Options`](crate::Options).
    Never,
}

/// Which limit was exceeded; the name is the unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LimitKind {
    /// Bytes of content.
    ContentBytes,
    /// Bytes of content per byte of ciphertext.
    ExpansionRatio,
    /// Entries in the archive.
    Entries,
    /// Bytes of central directory.
    DirectoryBytes,
    /// Bytes of an entry's name.
    NameBytes,
}

impl LimitKind {
    /// A stable code in snake case, for JSON and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ContentBytes => "content_bytes",
            Self::ExpansionRatio => "expansion_ratio",
            Self::Entries => "entries",
            Self::DirectoryBytes => "directory_bytes",
            Self::NameBytes => "name_bytes",
        }
    }
}

impl Retry {
    /// A stable code in snake case, for JSON and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReadAgain => "read_again",
            Self::FetchAgain => "fetch_again",
            Self::Never => "never",
        }
    }
}

impl Error {
    pub(crate) fn new(kind: ErrorKind) -> Self {
        Self(Arc::new(Inner { kind, source: None }))
    }

    /// The error for a failed read within the size that the source reported.
    pub(crate) fn io(source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::UnexpectedEof {
            return Self::new(ErrorKind::Changed);
        }
        Self(Arc::new(Inner { kind: ErrorKind::Io, source: Some(source) }))
    }

    /// What is wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// What the caller can do next; the same as [`ErrorKind::retry`].
    pub fn retry(&self) -> Retry {
        self.0.kind.retry()
    }

    /// Finds an error of this crate inside an [`io::Error`].
    pub fn from_io(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl ErrorKind {
    /// A stable code in snake case, for JSON and metrics.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::NotAnArchive(_) => "not_an_archive",
            Self::Truncated => "truncated",
            Self::Malformed(_) => "malformed",
            Self::MultiDisk => "multi_disk",
            Self::NoSuchEntry { .. } => "no_such_entry",
            Self::DuplicateEntry => "duplicate_entry",
            Self::NotAFile => "not_a_file",
            Self::Overlap => "overlap",
            Self::HeaderMismatch { .. } => "header_mismatch",
            Self::NotEncrypted => "not_encrypted",
            Self::WeakEncryption(_) => "weak_encryption",
            Self::UnsupportedMethod(_) => "unsupported_method",
            Self::UnsupportedFeature(_) => "unsupported_feature",
            Self::WrongPassword => "wrong_password",
            Self::Tampered => "tampered",
            Self::Checksum => "checksum",
            Self::Size { .. } => "size",
            Self::Inflate => "inflate",
            Self::TrailingData => "trailing_data",
            Self::DisguisedDeflate => "disguised_deflate",
            Self::Limit { .. } => "limit",
            Self::Changed => "changed",
            Self::Io => "io",
        }
    }

    /// What the caller can do next.
    ///
    /// Where damage in transit cannot be ruled out, the answer is
    /// [`FetchAgain`](Retry::FetchAgain); the caller limits the attempts.
    pub fn retry(&self) -> Retry {
        match self {
            // A disk that failed, or a file that was still being written, may give
            // the whole archive the next time.
            Self::Changed | Self::Io => Retry::ReadAgain,
            // Another file arrived, or only a part of this one.
            Self::NotAnArchive(_) | Self::Truncated => Retry::FetchAgain,
            // One changed bit in the container can cause each of these.
            Self::Malformed(_)
            | Self::MultiDisk
            | Self::NoSuchEntry { .. }
            | Self::NotAFile
            | Self::Overlap
            | Self::HeaderMismatch { .. }
            | Self::Limit { which: LimitKind::NameBytes, .. } => Retry::FetchAgain,
            // A changed bit in the salt, check value, ciphertext or MAC.
            Self::WrongPassword | Self::Tampered => Retry::FetchAgain,
            // The MAC is right, so a change in what it does not cover: CRC, size, method.
            Self::Checksum
            | Self::Size { .. }
            | Self::Inflate
            | Self::TrailingData
            | Self::DisguisedDeflate => Retry::FetchAgain,
            // Both headers say so, or many entries do: no random damage does that.
            Self::DuplicateEntry
            | Self::NotEncrypted
            | Self::WeakEncryption(_)
            | Self::UnsupportedMethod(_)
            | Self::UnsupportedFeature(_)
            | Self::Limit {
                which:
                    LimitKind::ContentBytes
                    | LimitKind::ExpansionRatio
                    | LimitKind::Entries
                    | LimitKind::DirectoryBytes,
                ..
            } => Retry::Never,
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().map(|source| source as _)
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self::new(kind)
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = error.0.source.as_ref().map_or(io::ErrorKind::InvalidData, Self::kind);
        Self::new(kind, error)
    }
}
