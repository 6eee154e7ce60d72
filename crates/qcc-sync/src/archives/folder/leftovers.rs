//! What a process that was killed left half received.

use std::{
    fs, io,
    path::Path,
    time::{Duration, SystemTime},
};

/// Temporary files are named so while they grow.
pub(super) const RECEIVING: &str = "receiving-";
pub(super) const LABELLING: &str = "labelling-";

/// Another process may be at work in the same folder; none of its downloads rests
/// for so long.
const ABANDONED: Duration = Duration::from_secs(24 * 3600);

/// Removes what nobody has touched for a day. What cannot be removed stays: it is
/// in nobody's way.
pub(super) fn sweep(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_temporary = [RECEIVING, LABELLING].iter().any(|prefix| name.starts_with(prefix));
        if is_temporary && is_abandoned(&entry).unwrap_or(false) {
            let _ = fs::remove_file(entry.path());
        }
    }
    Ok(())
}

fn is_abandoned(entry: &fs::DirEntry) -> io::Result<bool> {
    let metadata = entry.metadata()?;
    let age = SystemTime::now().duration_since(metadata.modified()?).unwrap_or_default();
    Ok(metadata.is_file() && age >= ABANDONED)
}
