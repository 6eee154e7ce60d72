//! Secrets on their way in: never a flag, never shown, wiped when dropped.

use std::{fmt, fs, io, path::Path};

use zeroize::Zeroizing;

use super::{origin::Origin, small_file};
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
const LONGEST: usize = 4096;

/// Reads a secret from the file that `origin` names, without the line end that
/// editors add.
pub(super) fn from_file(path: &Path, origin: &Origin) -> Result<Secret, Usage> {
    let shown = path.display();
    let text = small_file::read(path).map_err(|error| {
        let what = match error.kind() {
            io::ErrorKind::NotFound => format!("there is no file {shown}, which {origin} names"),
            _ => format!("{shown}, which {origin} names, cannot be read"),
        };
        Usage::new(what).with_source(error)
    })?;
    if text.len() > LONGEST {
        return Err(Usage::new(format!("{shown} is too long to hold only a secret")));
    }
    let line = text.strip_suffix('\n').unwrap_or(&text);
    Ok(Secret::new(line.strip_suffix('\r').unwrap_or(line)))
}

/// A remark where others may read the file of a secret: container platforms
/// mount secrets so, hence no refusal.
pub(super) fn remark_on(path: &Path) -> Option<String> {
    let readable = fs::metadata(path).is_ok_and(|meta| readable_by_others(&meta));
    readable.then(|| format!("{} can be read by others: chmod 600 {0}", path.display()))
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
