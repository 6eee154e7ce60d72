//! Whether the files that are open are still the ones that their paths name.
//!
//! The system lets a file be removed, moved or replaced while a program has it
//! open. What is written then goes to a file that nobody will find again, and
//! SQLite does not notice. So everything that is promised is preceded by a look at
//! the paths, which costs about a microsecond for each.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use qcc_sync::{StoreError, StoreErrorKind};

/// The files of a store as they were when it was opened.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watch(Arc<OnceLock<Watched>>);

#[derive(Debug)]
struct Watched {
    main: PathBuf,
    expected: Vec<(PathBuf, Expected)>,
}

#[derive(Debug)]
enum Expected {
    /// This file and no other.
    File(Identity),
    /// No log, or an empty one: it was opened as a file that nobody writes.
    Nothing,
}

/// What tells a file from every other on this machine, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity(u64, u64);

impl Watch {
    /// Remembers which files these are. They must be open by now.
    pub(crate) fn begin(&self, main: &Path, inbox: &Path) -> Result<(), StoreError> {
        let mut expected = Vec::new();
        for database in [main, inbox] {
            // Whoever opens a database without its log or the log's index makes new ones,
            // and from then on the two do not know of each other.
            for path in [database.to_owned(), log_of(database), beside(database, "-shm")] {
                let identity = identity(&path).map_err(|error| gone(main, &path, Some(error)))?;
                expected.push((path, Expected::File(identity)));
            }
        }
        let _ = self.0.set(Watched { main: main.to_owned(), expected });
        Ok(())
    }

    /// Remembers that nobody was at work on these files.
    pub(crate) fn begin_still(&self, main: &Path, still: &[&Path]) {
        let expected = still.iter().map(|path| (log_of(path), Expected::Nothing)).collect();
        let _ = self.0.set(Watched { main: main.to_owned(), expected });
    }

    /// Fails where one of the files is no longer the one that is open.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        let Some(Watched { main, expected }) = self.0.get() else { return Ok(()) };
        for (path, expected) in expected {
            match expected {
                Expected::File(known) => match identity(path) {
                    Ok(found) if found == *known => {}
                    found => return Err(gone(main, path, found.err())),
                },
                Expected::Nothing => {
                    if fs::metadata(path).is_ok_and(|log| log.len() > 0) {
                        return Err(stirred(main));
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether the path names another file by now, or none.
    pub(crate) fn has_lost(&self, path: &Path) -> bool {
        let watched = self.0.get().map(|watched| &*watched.expected).unwrap_or_default();
        watched.iter().any(|(known, expected)| match expected {
            Expected::File(known_identity) if known == path => {
                identity(path).ok() != Some(*known_identity)
            }
            _ => false,
        })
    }
}

/// The write-ahead log beside a database.
pub(super) fn log_of(path: &Path) -> PathBuf {
    beside(path, "-wal")
}

/// The file beside a database that its name and a suffix name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(unix)]
fn identity(path: &Path) -> io::Result<Identity> {
    use std::os::unix::fs::MetadataExt;
    // The paths were resolved at the start: a link in the place of a file is another
    // file.
    fs::symlink_metadata(path).map(|metadata| Identity(metadata.dev(), metadata.ino()))
}

/// Elsewhere the system keeps an open file from being removed.
#[cfg(not(unix))]
fn identity(path: &Path) -> io::Result<Identity> {
    fs::symlink_metadata(path).map(|_| Identity(0, 0))
}

fn gone(main: &Path, path: &Path, error: Option<io::Error>) -> StoreError {
    let shown = path.display();
    let is_temporary = ["-wal", "-shm"].iter().any(|end| shown.to_string().ends_with(end));
    let remedy = if is_temporary {
        "stop this program, which saves what the log holds, then start it again".to_owned()
    } else {
        format!(
            "check that the disk is mounted, put {} and the files beside it back or restore them \
             from a backup, then start this program again (`qcc replay` rebuilds a lost database \
             from the kept archives)",
            main.display()
        )
    };
    let detail = format!(
        "{shown} was removed, moved or replaced while this program had it open, so nothing can be \
         kept; {remedy}"
    );
    let error_of = StoreError::new(StoreErrorKind::Unavailable, detail);
    match error {
        Some(error) => error_of.with_source(error),
        None => error_of,
    }
}

fn stirred(main: &Path) -> StoreError {
    let detail = format!(
        "another process began to write {} while it was read; run the command again",
        main.display()
    );
    StoreError::new(StoreErrorKind::Busy, detail)
}
