//! Secrets on their way in: never a flag, never shown, wiped when dropped.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use super::Config;
use crate::exit::Usage;

/// A text nobody may see.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(Zeroizing<String>);

impl Secret {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A file that holds a secret and no more than this is one line.
const LONGEST: u64 = 4096;

/// Reads a secret from a file, without the line end that editors add.
///
/// Also returns a remark where others may read the file: container platforms
/// mount secrets so, hence no refusal.
pub(super) fn from_file(path: &Path) -> Result<(Secret, Option<String>), Usage> {
    let meta = fs::metadata(path).map_err(|e| unreadable(path, e))?;
    if meta.len() > LONGEST {
        let message = format!("{} is too long to hold only a secret", path.display());
        return Err(Usage::new(message));
    }
    let text = Zeroizing::new(fs::read_to_string(path).map_err(|e| unreadable(path, e))?);
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    let remark = readable_by_others(&meta)
        .then(|| format!("{} can be read by others: chmod 600 {0}", path.display()));
    Ok((Secret::new(line), remark))
}

fn unreadable(path: &Path, error: io::Error) -> Usage {
    Usage::new(format!("{} cannot be read", path.display())).with_source(error)
}

/// Whether a file's mode lets anyone but its owner read it.
#[cfg(unix)]
pub(super) fn readable_by_others(meta: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    meta.mode() & 0o044 != 0
}

/// Other systems have no such mode.
#[cfg(not(unix))]
pub(super) fn readable_by_others(_: &fs::Metadata) -> bool {
    false
}

/// The password for an archive: from the file named, else from the environment
/// or the configuration file.
pub(crate) fn password_from(file: Option<&PathBuf>, config: &Config) -> Result<Secret, Usage> {
    if let Some(path) = file {
        return from_file(path).map(|(secret, _)| secret);
    }
    let known = config.archive_password.as_ref().map(|password| password.value.clone());
    known.ok_or_else(|| {
        Usage::new("no password: set QCC_ARCHIVE_PASSWORD, or name a file with --password-file")
    })
}
