//! Raw archives: on disk, whole and named by their content, before any is opened.

mod folder;
mod label;
mod memory;
mod retention;

pub use folder::{FolderArchives, Strays};
pub use label::{Label, ShelvedArchive};
pub use memory::MemoryArchives;
pub use retention::{Discard, Pruned, Retention};

use std::{error::Error as StdError, fmt, str::FromStr};

use async_trait::async_trait;
use qcc_archive::ReadAt;
use qcc_proto::OrderNo;

/// The SHA-256 of an archive's bytes: its name, and the proof that it is whole.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256([u8; 32]);

impl Sha256 {
    /// From the digest's bytes.
    pub const fn new(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// The digest's bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Sha256 {
    type Err = InvalidSha256;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = InvalidSha256(());
        if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(invalid);
        }
        let mut digest = [0; 32];
        for (byte, at) in digest.iter_mut().zip((0..).step_by(2)) {
            let pair = text.get(at..at + 2).ok_or(InvalidSha256(()))?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| InvalidSha256(()))?;
        }
        Ok(Self(digest))
    }
}

/// The text is no SHA-256.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a SHA-256: 64 hex digits are expected")]
pub struct InvalidSha256(());

/// An archive that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptArchive {
    /// What it is called by.
    pub sha256: Sha256,
    /// Its length in bytes.
    pub size: u64,
}

/// A kept archive, open to be read.
pub type ArchiveFile = Box<dyn ReadAt + Send + Sync>;

/// Where raw archives are kept. Keeping the same bytes twice keeps them once. Used as
/// `Arc<dyn Archives>`.
///
/// No method blocks the thread it is polled on: what blocks is done on a thread of the
/// implementer's.
#[async_trait]
pub trait Archives: Send + Sync + 'static {
    /// Begins to receive the archive of an order.
    ///
    /// # Errors
    /// [`ArchivesError`] where there is no room or no permission.
    async fn begin(&self, order_no: &OrderNo) -> Result<Box<dyn Partial>, ArchivesError>;

    /// Opens a kept archive, or `None` where there is none of that name.
    ///
    /// It is read twice, at any offset, on a thread that may block: what is not a local
    /// file is copied to one first.
    ///
    /// # Errors
    /// [`ArchivesError`] where it cannot be read.
    async fn open(&self, archive: &KeptArchive) -> Result<Option<ArchiveFile>, ArchivesError>;

    /// Writes down whose archive it is, in the place of what was written for that
    /// order and archive before. Durable when it returns.
    ///
    /// # Errors
    /// [`ArchivesError`] where the disk is full or fails.
    async fn label(&self, archive: &KeptArchive, label: &Label) -> Result<(), ArchivesError>;

    /// Removes an archive that is of no use, and with it what was written down of
    /// whose it is. One that is not there is no failure.
    ///
    /// # Errors
    /// [`ArchivesError`] where the disk fails.
    async fn discard(&self, archive: &KeptArchive) -> Result<(), ArchivesError>;

    /// What is kept, by name, at most `limit`, after `after`.
    ///
    /// # Errors
    /// [`ArchivesError`] where it cannot be read.
    async fn shelved(
        &self,
        after: Option<&Sha256>,
        limit: usize,
    ) -> Result<Vec<ShelvedArchive>, ArchivesError>;

    /// What was removed on purpose. Nothing, where nothing can be removed (see
    /// [`Discard`]).
    ///
    /// # Errors
    /// [`ArchivesError`] where what was written down cannot be read.
    async fn retention(&self) -> Result<Retention, ArchivesError> {
        Ok(Retention::default())
    }
}

/// An archive being received; dropped unfinished, it leaves nothing.
#[async_trait]
pub trait Partial: Send {
    /// Bytes received so far.
    fn len(&self) -> u64;

    /// Whether nothing was received yet.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`ArchivesError`] where the disk is full or fails.
    async fn append(&mut self, bytes: &[u8]) -> Result<(), ArchivesError>;

    /// Forgets what was received.
    ///
    /// # Errors
    /// [`ArchivesError`] where the disk fails.
    async fn restart(&mut self) -> Result<(), ArchivesError>;

    /// Makes it durable under its SHA-256. When this returns, a power cut
    /// cannot take it away.
    ///
    /// # Errors
    /// [`ArchivesError`] where the disk fails.
    async fn keep(self: Box<Self>) -> Result<KeptArchive, ArchivesError>;
}

/// Keeping or reading an archive failed: the disk's fault, worth repeating
/// once a person made room or gave permission.
#[derive(Debug)]
pub struct ArchivesError {
    doing: &'static str,
    source: Box<dyn StdError + Send + Sync>,
}

impl ArchivesError {
    /// What was being done (`"writing an archive"`), and what stopped it.
    pub fn new(doing: &'static str, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { doing, source: source.into() }
    }
}

impl fmt::Display for ArchivesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed", self.doing)
    }
}

impl StdError for ArchivesError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.source)
    }
}
