//! What SQLite says, in words that tell a person what to do.

use std::{io, path::Path};

use qcc_sync::{StoreError, StoreErrorKind as Kind};
use rusqlite::ErrorCode;

/// What stops a piece of work, before the file it concerns is named.
#[derive(Debug)]
pub(crate) enum Fault {
    Sqlite(rusqlite::Error),
    Store(StoreError),
    /// A column holds what this program never writes.
    Unreadable(&'static str),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Fault {
    /// The error as a caller sees it.
    pub(crate) fn at(self, path: &Path) -> StoreError {
        match self {
            Self::Store(error) => error,
            Self::Sqlite(error) => sqlite(error, path),
            Self::Unreadable(column) => StoreError::new(
                Kind::Corrupt,
                format!(
                    "{} holds a value in column {column} that this program never writes; \
                     restore the file from a backup, or rebuild it from the kept archives (`qcc \
                     replay`)",
                    path.display()
                ),
            ),
        }
    }

    pub(crate) fn is_busy(&self) -> bool {
        matches!(self, Self::Sqlite(e) if kind(e) == Kind::Busy)
    }
}

fn sqlite(error: rusqlite::Error, path: &Path) -> StoreError {
    let kind = match kind(&error) {
        // A file that cannot be made or grown may only want room.
        Kind::Unavailable if is_full(path) => Kind::Full,
        kind => kind,
    };
    let path = path.display();
    let detail = match kind {
        Kind::Busy => format!(
            "{path} stayed locked by another process; try again, or stop that process first"
        ),
        Kind::Unavailable => match error.sqlite_error_code() {
            Some(ErrorCode::CannotOpen) => format!(
                "{path} or a file beside it (-wal, -shm, -inbox) cannot be opened; see whether \
                 this user may write into the folder, and raise the limit of open files where it \
                 is low (ulimit -n)"
            ),
            Some(ErrorCode::OutOfMemory) => {
                format!("there was not enough memory to work on {path}; try again")
            }
            _ if is_of_reading(&error) => format!(
                "{path} cannot be read: the disk failed; look into the system's log, and copy \
                 the file before anything else"
            ),
            _ => format!(
                "{path} cannot be written: the disk failed; look into the system's log, and see \
                 whether the disk is still there and writable"
            ),
        },
        Kind::Full => format!(
            "there is no room to write {path}; make room and try again (nothing half-written was \
             left)"
        ),
        Kind::ReadOnly => format!(
            "{path} cannot be written; give this user write permission for the file and its folder"
        ),
        Kind::Corrupt if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
            format!("{path} is not an SQLite database; name another file, or move this one away")
        }
        Kind::Corrupt => format!(
            "{path} is damaged; restore it from a backup, or move it and the files beside it away \
             and rebuild it from the kept archives (`qcc replay`)"
        ),
        _ => format!("SQLite refused to work on {path}"),
    };
    let told = StoreError::new(kind, detail);
    match (kind, error.sqlite_error_code()) {
        // SQLite's own word, "disk I/O error", would send a person to the wrong place.
        (Kind::Full, Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen)) => told,
        _ => told.with_source(error),
    }
}

/// The file of shared memory could not be given its size, which only room can keep
/// from it (SQLITE_IOERR_SHMSIZE).
const SHARED_MEMORY_SIZE: i32 = 4874;

/// READ, SHORT_READ, FSTAT, CORRUPTFS and DATA of SQLITE_IOERR.
const READING: [i32; 5] = [266, 522, 1802, 8458, 8202];

fn extended_code(error: &rusqlite::Error) -> Option<i32> {
    error.sqlite_error().map(|inner| inner.extended_code)
}

fn is_of_reading(error: &rusqlite::Error) -> bool {
    extended_code(error).is_some_and(|code| READING.contains(&code))
}

/// Whether nothing more can be written where a file lies.
#[cfg(unix)]
fn is_full(path: &Path) -> bool {
    /// Less than this is no room for a single page and its log.
    const LEAST: u64 = 64 * 1024;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let Ok(room) = rustix::fs::statvfs(folder.unwrap_or(Path::new("."))) else { return false };
    let no_files = room.f_files > 0 && room.f_favail == 0;
    no_files || room.f_bavail.saturating_mul(room.f_frsize) < LEAST
}

#[cfg(not(unix))]
fn is_full(_: &Path) -> bool {
    false
}

fn kind(error: &rusqlite::Error) -> Kind {
    if extended_code(error) == Some(SHARED_MEMORY_SIZE) {
        return Kind::Full;
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Kind::Busy,
        Some(ErrorCode::CannotOpen | ErrorCode::SystemIoFailure | ErrorCode::OutOfMemory) => {
            Kind::Unavailable
        }
        Some(ErrorCode::FileLockingProtocolFailed) => Kind::Busy,
        Some(ErrorCode::DiskFull) => Kind::Full,
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Kind::ReadOnly,
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Kind::Corrupt,
        _ => Kind::Other,
    }
}

/// The error where records could not be put aside in a file beside the store.
pub(crate) fn unspilled(error: io::Error, path: &Path) -> StoreError {
    let shown = path.display();
    let (kind, detail) = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => (
            Kind::Full,
            format!(
                "there is no room to sort an archive beside {shown}; make room and try again \
                 (nothing half-written was left)"
            ),
        ),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => (
            Kind::ReadOnly,
            format!("no file can be made beside {shown}; give this user write permission there"),
        ),
        _ => (
            Kind::Unavailable,
            format!("the disk under {shown} failed while an archive was sorted; check it"),
        ),
    };
    StoreError::new(kind, detail).with_source(error)
}

/// The error for a file that could not be made or reached at all.
pub(crate) fn unreachable_file(error: io::Error, path: &Path) -> StoreError {
    let shown = path.display();
    let (kind, detail) = match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => (
            Kind::ReadOnly,
            format!("{shown} cannot be written; give this user permission, or name another place"),
        ),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            (Kind::Full, format!("there is no room to make {shown}; make room and try again"))
        }
        io::ErrorKind::NotFound => (
            Kind::Unavailable,
            format!("there is no store at {shown}; a first sync makes one, or name another file"),
        ),
        io::ErrorKind::IsADirectory | io::ErrorKind::NotADirectory => {
            (Kind::Other, format!("{shown} is not the path of a file; name a file"))
        }
        _ => (Kind::Unavailable, format!("{shown} cannot be opened; check the path and the disk")),
    };
    StoreError::new(kind, detail).with_source(error)
}
