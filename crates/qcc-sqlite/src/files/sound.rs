//! Damage, looked for before anything is said or written.

use std::path::Path;

use qcc_sync::{StoreError, StoreErrorKind};
use rusqlite::Connection;

use super::Kind;
use crate::fault::Fault;

/// A file up to this size is read whole: that takes a twentieth of a second at most.
/// Of a larger one the beginning of each table is read, in the time of a few reads.
const WHOLE: i64 = 16 * 1024 * 1024;

/// Fails where the file is damaged, as far as that can be told at once.
pub(super) fn check(connection: &Connection, path: &Path, kind: Kind) -> Result<(), Fault> {
    let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
    let page: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    let outcome = if pages.saturating_mul(page) <= WHOLE {
        whole(connection)
    } else {
        roots(connection).map(|()| None)
    };
    match outcome {
        Ok(None) => Ok(()),
        Ok(Some(found)) => Err(damaged(path, kind, &found).into()),
        Err(error) if is_corrupt(&error) => {
            Err(damaged(path, kind, "it cannot be read").with_source(error).into())
        }
        Err(error) => Err(error.into()),
    }
}

fn whole(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok((found != "ok").then_some(found))
}

fn roots(connection: &Connection) -> rusqlite::Result<()> {
    let mut tables = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0")?;
    let names = tables.query_map([], |row| row.get::<_, String>(0))?;
    for name in names {
        let quoted = name?.replace('"', "\"\"");
        connection.prepare(&format!("SELECT * FROM \"{quoted}\" LIMIT 1"))?.exists([])?;
    }
    Ok(())
}

fn is_corrupt(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    matches!(error.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase))
}

/// The error that names the ways out.
pub(super) fn damaged(path: &Path, kind: Kind, found: &str) -> StoreError {
    let shown = path.display();
    // SQLite heads the list of what it found with the name of the database.
    let found = found.lines().next_back().unwrap_or(found);
    let detail = match kind {
        Kind::Main => format!(
            "{shown} is damaged ({found}); stop qcc, move it and the files beside it away, then \
             restore a backup, or rebuild it from the kept archives with `qcc replay`"
        ),
        Kind::Inbox => format!(
            "{shown} is damaged ({found}); it holds only calls that the ledger has not taken over \
             yet: stop qcc, move it and its -wal and -shm away, and start again; the next order \
             list names the orders anew"
        ),
    };
    StoreError::new(StoreErrorKind::Corrupt, detail)
}
