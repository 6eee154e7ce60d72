//! What is accepted, and how much of it.

use crate::KeyStrength;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// Limits and policy for reading an archive.
///
/// The defaults suit an archive that a stranger may have altered.
/// Every limit is inclusive: a value equal to it is accepted.
///
/// ```
/// use qcc_archive::{KeyStrength, Options};
///
/// let options = Options::default()
///     .with_max_content_bytes(1 << 30)
///     .with_min_strength(KeyStrength::Aes128);
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Options {
    pub(crate) max_content_bytes: u64,
    pub(crate) max_ratio: u64,
    pub(crate) ratio_floor_bytes: u64,
    pub(crate) max_entries: u64,
    pub(crate) max_directory_bytes: u64,
    pub(crate) max_name_bytes: u64,
    pub(crate) min_strength: KeyStrength,
    pub(crate) stored: bool,
    pub(crate) disguised_deflate: bool,
    pub(crate) directory_prefix: bool,
    pub(crate) hold_back_bytes: u64,
    pub(crate) in_memory_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_content_bytes: 4096 * MIB,
            max_ratio: 256,
            ratio_floor_bytes: 32 * MIB,
            max_entries: 10_000,
            max_directory_bytes: 4 * MIB,
            max_name_bytes: 1024,
            min_strength: KeyStrength::Aes256,
            stored: true,
            disguised_deflate: false,
            directory_prefix: false,
            hold_back_bytes: 4 * MIB,
            in_memory_bytes: 8 * MIB,
        }
    }
}

impl Options {
    /// The largest content of the entry. Default: 4 GiB.
    pub fn with_max_content_bytes(mut self, bytes: u64) -> Self {
        self.max_content_bytes = bytes;
        self
    }

    /// How many times larger than its ciphertext a content may be. Default: 256.
    ///
    /// Deflate reaches about 1030; a list of records with random ids, 20. Content
    /// of up to [`with_ratio_floor_bytes`](Self::with_ratio_floor_bytes) may have
    /// any ratio.
    pub fn with_max_ratio(mut self, times: u64) -> Self {
        self.max_ratio = times;
        self
    }

    /// The size up to which content may have any ratio to its ciphertext.
    /// Default: 32 MiB.
    pub fn with_ratio_floor_bytes(mut self, bytes: u64) -> Self {
        self.ratio_floor_bytes = bytes;
        self
    }

    /// The most entries an archive may list. Default: 10,000.
    pub fn with_max_entries(mut self, entries: u64) -> Self {
        self.max_entries = entries;
        self
    }

    /// The largest central directory. Default: 4 MiB.
    pub fn with_max_directory_bytes(mut self, bytes: u64) -> Self {
        self.max_directory_bytes = bytes;
        self
    }

    /// The longest entry name. Default: 1024 bytes.
    pub fn with_max_name_bytes(mut self, bytes: u64) -> Self {
        self.max_name_bytes = bytes;
        self
    }

    /// The weakest key accepted. Default: [`KeyStrength::Aes256`].
    pub fn with_min_strength(mut self, strength: KeyStrength) -> Self {
        self.min_strength = strength;
        self
    }

    /// Whether an entry may be stored instead of compressed. Default: yes.
    pub fn with_stored(mut self, allowed: bool) -> Self {
        self.stored = allowed;
        self
    }

    /// Whether a stored entry may be one complete Deflate stream. Default: no, it
    /// is refused as [`DisguisedDeflate`](crate::ErrorKind::DisguisedDeflate).
    ///
    /// The MAC does not cover the compression method, so such an entry may be a
    /// compressed one that someone relabelled to make readers return compressed
    /// bytes. Allow it if the sender stores Deflate streams on purpose.
    pub fn with_disguised_deflate(mut self, allowed: bool) -> Self {
        self.disguised_deflate = allowed;
        self
    }

    /// Whether the requested entry may be in a folder. Default: no, its name is
    /// compared byte by byte.
    ///
    /// If allowed, `data/list.json` is found as `list.json`, and so is
    /// `data\list.json`, at any depth. The folders must be a plain relative path: no
    /// `.` or `..`, no separator at the beginning or twice in a row, no drive, and
    /// not both kinds of separators.
    ///
    /// Where two entries match, both are refused as
    /// [`DuplicateEntry`](crate::ErrorKind::DuplicateEntry), even if one of them has
    /// exactly the requested name: no rule decides between them, and whoever altered
    /// the archive could have added the other one.
    ///
    /// ```
    /// use std::fs;
    ///
    /// use qcc_archive::{Archive, Options};
    ///
    /// let bytes = fs::read("fixtures/folder.zip")?;
    /// let options = Options::default().with_directory_prefix(true);
    /// let archive = Archive::open(&bytes, options)?;
    /// let verified = archive.authenticate("dd_risk_corp.json", b"fixture-password")?;
    /// assert_eq!(verified.entry().name(), "2022/06/dd_risk_corp.json");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_directory_prefix(mut self, allowed: bool) -> Self {
        self.directory_prefix = allowed;
        self
    }

    /// Content of up to this size is released only after the last check, so that
    /// none of it is seen if a check fails. Default: 4 MiB.
    ///
    /// It takes as much memory. The MAC is always checked first; the checks that
    /// can fail late are those of size, CRC and the Deflate stream.
    pub fn with_hold_back_bytes(mut self, bytes: u64) -> Self {
        self.hold_back_bytes = bytes;
        self
    }

    /// A ciphertext of up to this size is read once and kept; a larger one is read
    /// a second time and compared. Default: 8 MiB.
    pub fn with_in_memory_bytes(mut self, bytes: u64) -> Self {
        self.in_memory_bytes = bytes;
        self
    }
}
