//! Why an archive was refused, and what to do about it.

use std::{error::Error as StdError, fmt, io, sync::Arc};

use crate::{Encryption, Looks};

/// Why an archive or its entry was refused.
///
/// Cheap to clone: a [`Content`](crate::Content) that failed gives the same
/// error for every further read. Inside an [`io::Error`] it is found again by
/// [`from_io`](Self::from_io). It holds no password, no content and no path.
#[derive(Debug, Clone)]
pub struct Error(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    source: Option<io::Error>,
}

/// The reasons, by what a caller does about them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes are not a zip archive but what [`Looks`] says.
    NotAnArchive(Looks),
    /// The archive breaks off.
    Truncated,
    /// The container breaks the format's rules; the text says where.
    Malformed(&'static str),
    /// The archive is one part of several.
    MultiDisk,
    /// No entry has the wanted name.
    NoSuchEntry {
        /// The name asked for.
        wanted: String,
        /// Up to five of the names there are, cut and escaped.
        found: Vec<String>,
    },
    /// More than one entry has the wanted name.
    DuplicateEntry,
    /// The entry is marked as a folder, a link or a device.
    NotAFile,
    /// Two entries share bytes, or one reaches into the directory.
    Overlap,
    /// The entry's own header and the central directory disagree.
    HeaderMismatch {
        /// What they disagree about.
        field: &'static str,
    },
    /// The entry is not encrypted.
    NotEncrypted,
    /// The entry is encrypted, but less well than required.
    WeakEncryption(Encryption),
    /// The entry is compressed by a method other than Deflate and Stored,
    /// or Stored where that is not allowed.
    UnsupportedMethod(u16),
    /// The entry uses a feature that is not read; the text says which.
    UnsupportedFeature(&'static str),
    /// The password check value differs: the password is wrong, or the salt
    /// or the check value is damaged.
    WrongPassword,
    /// The MAC over the whole ciphertext differs: damage, forgery, or, in 1
    /// of 65,536 cases, a wrong password.
    Tampered,
    /// AE-1's CRC-32 differs although the MAC is right.
    Checksum,
    /// The content has more or fewer bytes than both headers say.
    Size {
        /// What the headers say.
        declared: u64,
    },
    /// The decrypted bytes are not a complete Deflate stream.
    Inflate,
    /// Bytes follow the end of the Deflate stream.
    TrailingData,
    /// The entry claims to be stored, but its bytes are one complete Deflate
    /// stream: the method, which no MAC covers, was changed.
    DisguisedDeflate,
    /// More than [`Options`](crate::Options) allow.
    Limit {
        /// Of what.
        which: LimitKind,
        /// How much is allowed.
        limit: u64,
    },
    /// The bytes were not the same when they were read again.
    Changed,
    /// The source could not be read; [`source`](StdError::source) tells why.
    Io,
}

/// What may help after an archive was refused.
///
/// There will be no other answers, so that a caller can give each its own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Retry {
    /// Reading the same archive again: the disk failed, or the file was written
    /// to meanwhile. Nothing is known against the archive.
    ReadAgain,
    /// Fetching the archive again: it may have been damaged, cut or replaced on
    /// the way. If it comes the same again, it was made so.
    FetchAgain,
    /// Nothing: the archive was made so, and would come the same again. A person
    /// or other [`Options`](crate::Options) are needed.
    Never,
}

/// What there was too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LimitKind {
    /// Bytes of content.
    Content,
    /// Content per byte of ciphertext.
    Ratio,
    /// Entries.
    Entries,
    /// Bytes of central directory.
    Directory,
    /// Bytes of an entry's name.
    Name,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind) -> Self {
        Self(Arc::new(Inner { kind, source: None }))
    }

    /// A failed read of a part that lies within the size the source stated.
    pub(crate) fn io(source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::UnexpectedEof {
            return Self::new(ErrorKind::Changed);
        }
        Self(Arc::new(Inner { kind: ErrorKind::Io, source: Some(source) }))
    }

    /// The reason.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The error of this crate inside an [`io::Error`], if that is what it is.
    pub fn from_io(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl ErrorKind {
    /// A stable name in snake case, for JSON and metrics.
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

    /// What may help against it.
    ///
    /// In doubt between the archive and the way it came, the answer is
    /// [`FetchAgain`](Retry::FetchAgain): a caller counts, and stops.
    pub fn retry(&self) -> Retry {
        match self {
            // The same archive may be read whole the next time.
            Self::Changed | Self::Io => Retry::ReadAgain,
            // Bytes lost or altered on the way can explain these.
            Self::NotAnArchive(_)
            | Self::Truncated
            | Self::Malformed(_)
            | Self::MultiDisk
            | Self::NoSuchEntry { .. }
            | Self::NotAFile
            | Self::Overlap
            | Self::HeaderMismatch { .. }
            | Self::WrongPassword
            | Self::Tampered
            | Self::Checksum
            | Self::Size { .. }
            | Self::Inflate
            | Self::TrailingData
            | Self::DisguisedDeflate
            | Self::Limit { which: LimitKind::Name, .. } => Retry::FetchAgain,
            // These were said twice, by both headers, or by many.
            Self::DuplicateEntry
            | Self::NotEncrypted
            | Self::WeakEncryption(_)
            | Self::UnsupportedMethod(_)
            | Self::UnsupportedFeature(_)
            | Self::Limit {
                which:
                    LimitKind::Content | LimitKind::Ratio | LimitKind::Entries | LimitKind::Directory,
                ..
            } => Retry::Never,
        }
    }

    /// Whether bytes lost or altered on the way can explain it: whether
    /// [`retry`](Self::retry) says [`FetchAgain`](Retry::FetchAgain).
    ///
    /// `false` has two meanings, [`ReadAgain`](Retry::ReadAgain) and
    /// [`Never`](Retry::Never); match on `retry` where they differ.
    pub fn may_be_damage(&self) -> bool {
        self.retry() == Retry::FetchAgain
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.kind.fmt(f)
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnArchive(looks) => not_an_archive(looks, f),
            Self::Truncated => f.write_str("the archive breaks off; download it again"),
            Self::Malformed(what) => {
                write!(f, "the archive is damaged: {what}; download it again")
            }
            Self::MultiDisk => {
                f.write_str("the archive is one part of several; only whole archives are read")
            }
            Self::NoSuchEntry { wanted, found } => no_such_entry(wanted, found, f),
            Self::DuplicateEntry => {
                f.write_str("two entries have the wanted name, and nothing tells which is meant")
            }
            Self::NotAFile => {
                f.write_str("the wanted entry is marked as something else than a file")
            }
            Self::Overlap => f.write_str(
                "entries share bytes or reach too far: damaged or made to deceive; \
                 download it again",
            ),
            Self::HeaderMismatch { field } => write!(
                f,
                "the entry's header and the central directory disagree about {field}: \
                 damaged or tampered with; download it again"
            ),
            Self::NotEncrypted => {
                f.write_str("the entry is not encrypted, so nothing proves where it comes from")
            }
            Self::WeakEncryption(found) => {
                write!(f, "the entry is encrypted by {found}, which is weaker than required")
            }
            Self::UnsupportedMethod(method) => {
                write!(f, "the entry is compressed by method {method}, which is not accepted")
            }
            Self::UnsupportedFeature(what) => write!(f, "the entry has {what}, which is not read"),
            Self::WrongPassword => f.write_str(
                "wrong password, or the entry's first bytes are damaged; \
                 take the password that came with this archive, or download it again",
            ),
            Self::Tampered => f.write_str(
                "the authentication code does not match: damaged or tampered with, or \
                 (1 in 65,536) the password is wrong; download it again",
            ),
            Self::Checksum => f.write_str(
                "the checksum does not match although the authentication code does: \
                 the header was altered or the writer is at fault; download it again",
            ),
            Self::Size { declared } => write!(
                f,
                "the content does not have the {declared} bytes its headers declare: \
                 they were altered or the writer is at fault; download it again"
            ),
            Self::Inflate => f.write_str("the content is not a complete Deflate stream"),
            Self::TrailingData => f.write_str("bytes follow the end of the compressed content"),
            Self::DisguisedDeflate => f.write_str(
                "the entry claims to be stored but holds a Deflate stream: \
                 its headers were altered; download it again",
            ),
            Self::Limit { which, limit } => over_limit(*which, *limit, f),
            Self::Changed => f.write_str("the archive changed while it was read; read it again"),
            Self::Io => f.write_str("reading the archive failed"),
        }
    }
}

fn not_an_archive(looks: &Looks, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("not a zip archive: ")?;
    match looks {
        Looks::Html => f.write_str(
            "a web page, perhaps from a proxy; see who answers on the way, then download it again",
        ),
        Looks::Xml { code: Some(code) } => write!(
            f,
            "an error message of an object store, code {code}; \
             ask for a new link and download it again"
        ),
        Looks::Xml { code: None } => f.write_str("XML; ask for a new link and download it again"),
        Looks::Json => f.write_str("JSON; whatever it says, it is not encrypted"),
        Looks::Gzip => f.write_str("a gzip stream; download it again without content decoding"),
        Looks::OtherArchive => f.write_str("an archive of another format"),
        Looks::Empty => f.write_str("empty; download it again"),
        Looks::Zip | Looks::Unknown => {
            f.write_str("it does not begin and end like one; download it again")
        }
    }
}

fn no_such_entry(wanted: &str, found: &[String], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "no entry is named {wanted:?}; ")?;
    match found {
        [] => f.write_str("the archive is empty"),
        _ => write!(f, "there is: {}", found.join(", ")),
    }
}

fn over_limit(which: LimitKind, limit: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match which {
        LimitKind::Content => write!(f, "the content is larger than {limit} bytes"),
        LimitKind::Ratio => {
            write!(f, "the content is more than {limit} times as large as what it is packed in")
        }
        LimitKind::Entries => write!(f, "the archive lists more than {limit} entries"),
        LimitKind::Directory => write!(f, "the central directory is larger than {limit} bytes"),
        LimitKind::Name => write!(f, "an entry's name is longer than {limit} bytes"),
    }?;
    f.write_str("; raise the limit if that is expected")
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
