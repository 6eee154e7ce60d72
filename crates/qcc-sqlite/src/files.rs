//! The files of a store: made for their owner alone, opened with care.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use qcc_sync::{StoreError, StoreErrorKind};
use rusqlite::{Connection, OpenFlags};

use crate::{
    fault::{Fault, unreachable_file},
    migrations::{INBOX, STORE, Schema},
};

/// How long a writer waits for other processes. An archive of ten million
/// records holds the lock for about two minutes.
const PATIENCE: Duration = Duration::from_secs(300);

/// Between two looks whether the lock is free.
const PAUSE: Duration = Duration::from_millis(10);

/// So many looks come faster after one another.
const SHORT_PAUSES: i32 = 20;

/// Pages a writer may hold before it spills them to the log, in KiB. The log
/// takes what does not fit, so that the size of an archive never shows in memory.
/// Archives are merged by id, so hardly a page is met twice and more would not help.
const WRITER_CACHE_KIB: i64 = 8 * 1024;

/// The page size of new files, in bytes. Twice SQLite's own: half as many calls
/// for what is appended.
const PAGE: u32 = 8192;

/// The log is cut back to this after a large transaction, in bytes.
const LOG_LIMIT: i64 = 64 * 1024 * 1024;

/// What to do where there is no file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    Create,
    Refuse,
}

/// Both files of a store as one thread sees them.
#[derive(Debug)]
pub(crate) struct Desk {
    /// Ledger and records.
    pub(crate) main: Connection,
    /// Calls that the ledger has not taken over yet.
    pub(crate) inbox: Connection,
}

/// What a thread does with the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Writes the main file, clears the inbox.
    Writer,
    /// Writes the inbox.
    Recorder,
    /// Writes nothing.
    Reader,
}

/// Where a store lies.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    main: PathBuf,
    inbox: PathBuf,
    closing: Arc<AtomicBool>,
}

impl Files {
    /// Makes what is missing and brings the schema up to date.
    pub(crate) fn prepare(path: &Path, missing: Missing) -> Result<Self, StoreError> {
        // An absolute path is never taken for a URI or for SQLite's own names.
        let main = std::path::absolute(path).map_err(|e| unreachable_file(e, path))?;
        let mut inbox = OsString::from(main.as_os_str());
        inbox.push("-inbox");
        let files = Self { main, inbox: inbox.into(), closing: Arc::new(AtomicBool::new(false)) };
        if missing == Missing::Create {
            make_folder(&files.main).map_err(|e| unreachable_file(e, &files.main))?;
        }
        files.ready(&files.main, &STORE, missing)?;
        files.ready(&files.inbox, &INBOX, Missing::Create)?;
        Ok(files)
    }

    /// The path of the main file.
    pub(crate) fn path(&self) -> &Path {
        &self.main
    }

    /// Ends all waiting for locks.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    /// Connections for a thread of the store.
    pub(crate) fn desk(&self, role: Role) -> Result<Desk, StoreError> {
        self.open(role).map_err(|fault| fault.at(&self.main))
    }

    fn open(&self, role: Role) -> Result<Desk, Fault> {
        let desk = Desk { main: self.connect(&self.main)?, inbox: self.connect(&self.inbox)? };
        match role {
            Role::Writer => {
                desk.main.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
                // A power cut may bring calls back that the ledger has taken over
                // already; it takes them over again.
                desk.inbox.pragma_update(None, "synchronous", "NORMAL")?;
            }
            Role::Recorder => desk.main.pragma_update(None, "query_only", true)?,
            Role::Reader => {
                desk.main.pragma_update(None, "query_only", true)?;
                desk.inbox.pragma_update(None, "query_only", true)?;
            }
        }
        Ok(desk)
    }

    fn ready(&self, path: &Path, schema: &Schema, missing: Missing) -> Result<(), StoreError> {
        make_file(path, missing).map_err(|e| unreachable_file(e, path))?;
        let begun = Instant::now();
        loop {
            match self.initialise(path, schema) {
                // Switching to write-ahead logging does not wait for others by itself.
                Err(fault) if fault.is_busy() && begun.elapsed() < PATIENCE => {
                    std::thread::sleep(PAUSE);
                }
                outcome => return outcome.map_err(|fault| opening(fault.at(path), path)),
            }
        }
    }

    fn initialise(&self, path: &Path, schema: &Schema) -> Result<(), Fault> {
        let connection = self.connect(path)?;
        schema.check(&connection, path)?;
        if connection.is_readonly("main")? {
            let denied = io::Error::from(io::ErrorKind::PermissionDenied);
            return Err(unreachable_file(denied, path).into());
        }
        // A file that has pages keeps their size.
        connection.pragma_update(None, "page_size", PAGE)?;
        let mode: String =
            connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
        if mode != "wal" {
            let detail = format!(
                "{} lies where SQLite cannot keep a write-ahead log; name a file on a local disk",
                path.display()
            );
            return Err(StoreError::new(StoreErrorKind::Other, detail).into());
        }
        schema.migrate(&connection, path)
    }

    fn connect(&self, path: &Path) -> Result<Connection, Fault> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags)?;
        let (closing, mut since) = (Arc::clone(&self.closing), Instant::now());
        connection.busy_handler(Some(move |tries| {
            if tries == 0 {
                since = Instant::now();
            }
            // Most locks are held for a moment, and the vendor may be waiting.
            std::thread::sleep(if tries < SHORT_PAUSES { PAUSE / 20 } else { PAUSE });
            since.elapsed() < PATIENCE && !closing.load(Ordering::Relaxed)
        }))?;
        // FULL: what is acknowledged survives a power cut.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.pragma_update(None, "journal_size_limit", LOG_LIMIT)?;
        Ok(connection)
    }
}

/// The file was there and could be written, so what SQLite misses is the folder,
/// unless the disk fails.
fn opening(error: StoreError, path: &Path) -> StoreError {
    if error.kind() != StoreErrorKind::Unavailable || !is_unopened(&error) {
        return error;
    }
    let detail = format!(
        "SQLite cannot keep its log beside {}; give this user write permission for the folder, and \
         check the disk",
        path.display()
    );
    StoreError::new(StoreErrorKind::ReadOnly, detail).with_source(error)
}

fn is_unopened(error: &StoreError) -> bool {
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref());
    cause.is_some_and(|cause: &rusqlite::Error| {
        cause.sqlite_error_code() == Some(rusqlite::ErrorCode::CannotOpen)
    })
}

fn make_folder(path: &Path) -> io::Result<()> {
    let Some(folder) = path.parent() else { return Ok(()) };
    if folder.exists() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Makes the file before SQLite does, for its owner alone: it holds the
/// archives' passwords. SQLite gives the files beside it the same mode.
fn make_file(path: &Path, missing: Missing) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true);
    if missing == Missing::Create {
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.clone().create_new(true).open(path) {
            Ok(_) => return Ok(()),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e),
        }
    }
    let file = options.open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    warn_if_shared(&file.metadata()?, path);
    Ok(())
}

#[cfg(unix)]
fn warn_if_shared(metadata: &fs::Metadata, path: &Path) {
    let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions());
    if mode & 0o007 != 0 {
        tracing::warn!(path = %path.display(), mode = format_args!("{:o}", mode & 0o777),
            "every user of this machine can open the store, which holds archive passwords");
    }
}

#[cfg(not(unix))]
fn warn_if_shared(_: &fs::Metadata, _: &Path) {}
