//! Stores that this process may only read: a snapshot, a mounted backup, another
//! user's files.
//!
//! SQLite wants to write even where it reads: a log, an index of the log. There
//! are three ways around that, and which one holds depends on what lies beside the
//! file.

use std::{
    fs,
    io::Write as _,
    os::unix::{ffi::OsStrExt as _, fs::PermissionsExt as _},
    path::Path,
};

use rusqlite::{Connection, OpenFlags};

use super::watch::{beside, log_of};
use crate::fault::Fault;

/// How a file is read without changing anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Log and index lie beside it, and another process may be at work: as a
    /// reader among others.
    Shared,
    /// There is no log: as a file that does not change.
    Still,
    /// There is a log, as a copy of a running store has it, and no index: the index
    /// is made in memory, and nobody else is expected.
    Alone,
}

impl Way {
    pub(super) fn of(path: &Path) -> Self {
        match fs::metadata(log_of(path)) {
            Err(_) => Self::Still,
            Ok(_) if beside(path, "-shm").exists() => Self::Shared,
            Ok(log) if log.len() == 0 => Self::Still,
            Ok(_) => Self::Alone,
        }
    }

    pub(super) fn connect(self, path: &Path) -> Result<Connection, Fault> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_URI
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Ok(match self {
            Self::Shared => Connection::open_with_flags(uri(path, "readonly_shm=1"), flags)?,
            Self::Still => Connection::open_with_flags(uri(path, "immutable=1"), flags)?,
            Self::Alone => {
                let none = c"unix-none";
                let connection =
                    Connection::open_with_flags_and_vfs(uri(path, "mode=ro"), flags, none)?;
                connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
                connection
            }
        })
    }
}

/// Whether a store at this path can only be read: by the permissions of this user,
/// or because the files are marked so for everybody, the administrator included.
pub(crate) fn is_read_only(path: &Path) -> bool {
    let folder = path.parent().unwrap_or(Path::new("."));
    !is_writable(path) || !is_writable(folder)
}

fn is_writable(path: &Path) -> bool {
    let marked = fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o222 != 0);
    marked && rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok()
}

/// The path as SQLite reads it in a URI, whatever bytes it holds.
fn uri(path: &Path, parameter: &str) -> String {
    let mut uri = b"file:".to_vec();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' => uri.push(*byte),
            // Writing to memory does not fail.
            other => drop(write!(uri, "%{other:02X}")),
        }
    }
    uri.push(b'?');
    uri.extend_from_slice(parameter.as_bytes());
    String::from_utf8_lossy(&uri).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_uri_whatever_it_holds() {
        let path = Path::new("/srv/数 据?x=1#&%'.db");
        assert_eq!(
            uri(path, "immutable=1"),
            "file:/srv/%E6%95%B0%20%E6%8D%AE%3Fx%3D1%23%26%25%27.db?immutable=1"
        );
    }
}
