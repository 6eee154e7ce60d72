//! Files that are opened to be read: regular ones only, and not without end.
//!
//! A pipe in the place of a file never answers, a device never ends, and a link
//! leads out of the folder. None of them may stop what works on the others.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

/// No label is longer, in bytes; ours are some hundreds.
const LABEL: u64 = 64 * 1024;

/// Opens a file, unless something else bears its name.
pub(super) fn open(path: &Path) -> io::Result<File> {
    // Looked at by name first: merely opening a pipe waits for its other end.
    refuse_others(&fs::symlink_metadata(path)?)?;
    let file = File::open(path)?;
    refuse_others(&file.metadata()?)?;
    Ok(file)
}

/// The whole of a file that holds a label.
pub(super) fn read_label(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    open(path)?.take(LABEL + 1).read_to_end(&mut text)?;
    if text.len() as u64 > LABEL {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the file is too long for a label"));
    }
    Ok(text)
}

fn refuse_others(found: &fs::Metadata) -> io::Result<()> {
    let kind = found.file_type();
    if kind.is_file() {
        return Ok(());
    }
    let what = match () {
        () if kind.is_dir() => "it is a folder, not a file",
        () if kind.is_symlink() => "it is a link, not a file",
        () => "it is a pipe or a device, not a file",
    };
    Err(io::Error::new(io::ErrorKind::InvalidInput, what))
}

/// Frees the place of a file of ours from a folder that bears its name. It is kept,
/// under another name.
pub(super) fn make_way(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path).is_ok_and(|found| found.is_dir()) {
        let aside = aside(path);
        tracing::warn!(path = %path.display(), to = %aside.display(), "a folder in our place");
        fs::rename(path, aside)?;
    }
    Ok(())
}

/// Frees the place of a folder of ours from what is none.
pub(super) fn make_way_for_folder(path: &Path) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|found| !found.is_dir()) {
        let aside = aside(path);
        tracing::warn!(path = %path.display(), to = %aside.display(), "a file in our place");
        fs::rename(path, aside)?;
    }
    Ok(())
}

fn aside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".stray");
    name.into()
}
