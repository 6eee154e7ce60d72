//! What is accepted, and how much of it.

use crate::KeyStrength;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// Limits and policy for reading an archive.
///
/// The defaults suit an archive that a stranger may have changed.
/// Each limit is inclusive: a value equal to it passes.
///
/// ```
/// use qcc_archive::{KeyStrength, Options};
///
/// let options = Options::default()
///     .with_max_content(1 << 30)
///     .with_min_strength(KeyStrength::Aes128);
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Options {
    pub(crate) max_content: u64,
    pub(crate) max_ratio: u64,
    pub(crate) ratio_floor: u64,
    pub(crate) max_entries: u64,
    pub(crate) max_directory: u64,
    pub(crate) max_name: u64,
    pub(crate) min_strength: KeyStrength,
    pub(crate) stored: bool,
    pub(crate) directory_prefix: bool,
    pub(crate) hold_back: u64,
    pub(crate) in_memory: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_content: 4096 * MIB,
            max_ratio: 256,
            ratio_floor: 32 * MIB,
            max_entries: 10_000,
            max_directory: 4 * MIB,
            max_name: 1024,
            min_strength: KeyStrength::Aes256,
            stored: true,
            directory_prefix: false,
            hold_back: 4 * MIB,
            in_memory: 8 * MIB,
        }
    }
}

impl Options {
    /// The largest content of the entry, in bytes. Default: 4 GiB.
    pub fn with_max_content(mut self, bytes: u64) -> Self {
        self.max_content = bytes;
        self
    }

    /// How many times larger than its ciphertext a content may be, unless it
    /// has at most `floor` bytes. Default: 256 times, from 32 MiB on.
    ///
    /// Deflate reaches about 1030; a list of records with random ids, 20.
    pub fn with_max_ratio(mut self, times: u64, floor: u64) -> Self {
        self.max_ratio = times;
        self.ratio_floor = floor;
        self
    }

    /// The most entries an archive may list. Default: 10,000.
    pub fn with_max_entries(mut self, entries: u64) -> Self {
        self.max_entries = entries;
        self
    }

    /// The largest central directory, in bytes. Default: 4 MiB.
    pub fn with_max_directory(mut self, bytes: u64) -> Self {
        self.max_directory = bytes;
        self
    }

    /// The longest entry name, in bytes. Default: 1024.
    pub fn with_max_name(mut self, bytes: u64) -> Self {
        self.max_name = bytes;
        self
    }

    /// The weakest key accepted. Default: [`KeyStrength::Aes256`].
    pub fn with_min_strength(mut self, strength: KeyStrength) -> Self {
        self.min_strength = strength;
        self
    }

    /// Whether an entry may be stored instead of deflated. Default: yes.
    pub fn with_stored(mut self, allowed: bool) -> Self {
        self.stored = allowed;
        self
    }

    /// Whether the wanted entry may lie in a folder. Default: no, its name is
    /// compared byte by byte.
    ///
    /// Then `data/list.json` is found as `list.json`, and `data\list.json` as
    /// well, however deep the folders are. They must be a plain relative path: no
    /// `.` or `..`, no separator at the beginning or twice in a row, no drive,
    /// not both kinds of separators.
    ///
    /// Where two entries fit, they are refused as
    /// [`DuplicateEntry`](crate::ErrorKind::DuplicateEntry), and also if one of
    /// them has exactly the wanted name: no rule tells which of them is meant,
    /// and whoever altered the archive could have added the other one.
    ///
    /// ```
    /// use std::fs;
    ///
    /// use qcc_archive::{Archive, Options};
    ///
    /// let bytes = fs::read("../../fixtures/archives/folder.zip")?;
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

    /// Contents up to this size are released only after the last check, so
    /// that nothing of them is seen if one fails. Default: 4 MiB.
    ///
    /// It costs as much memory. The MAC is checked first whatever this says;
    /// what may still fail late is a size, a CRC or the Deflate stream.
    pub fn with_hold_back(mut self, bytes: u64) -> Self {
        self.hold_back = bytes;
        self
    }

    /// Ciphertexts up to this size are read once and kept; larger ones are
    /// read a second time and compared. Default: 8 MiB.
    pub fn with_in_memory(mut self, bytes: u64) -> Self {
        self.in_memory = bytes;
        self
    }
}
