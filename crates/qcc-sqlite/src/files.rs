//! The files of a store: made for their owner alone, opened with care.

#[cfg(unix)]
mod reading;
mod sound;
mod watch;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use qcc_sync::{StoreError, StoreErrorKind};
use rusqlite::{Connection, OpenFlags, config::DbConfig};

use crate::{
    fault::{Fault, unreachable_file},
    migrations::{INBOX, STORE, Schema},
};
pub(crate) use watch::Watch;
use watch::beside;

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

/// What a store is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// To work on it; it is made where there is none.
    Create,
    /// To work on it, if there is one.
    Existing,
    /// To read it, if there is one. Where this process may not write it, or it is
    /// marked as not to be written, nothing is made, changed or locked.
    Read,
}

/// Which of the two databases of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Main,
    Inbox,
}

impl Kind {
    fn schema(self) -> &'static Schema {
        match self {
            Self::Main => &STORE,
            Self::Inbox => &INBOX,
        }
    }
}

/// Both files of a store as one thread sees them.
#[derive(Debug)]
pub(crate) struct Desk {
    /// Ledger and records.
    pub(crate) main: Connection,
    /// Calls that the ledger has not taken over yet.
    pub(crate) inbox: Connection,
    files: Files,
}

impl Desk {
    /// Fails where what is written now would be lost, because a path names another
    /// file by now, or none.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        Ok(self.files.watch.check()?)
    }

    /// What [`check`](Self::check) asks, while the connections are in use.
    pub(crate) fn watch(&self) -> Watch {
        self.files.watch.clone()
    }
}

/// The last connection of a database clears the log away, by its name. Where the
/// path has another file by now, the log of that name is another's too.
impl Drop for Desk {
    fn drop(&mut self) {
        for (connection, path) in [(&self.main, &self.files.main), (&self.inbox, &self.files.inbox)]
        {
            if self.files.watch.has_lost(path) {
                let _ = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
            }
        }
    }
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
    /// Whether nothing may be made or changed.
    still: bool,
    watch: Watch,
    closing: Arc<AtomicBool>,
}

impl Files {
    /// Makes what is missing and brings the schema up to date, as far as the access
    /// allows it.
    pub(crate) fn prepare(path: &Path, access: Access) -> Result<Self, StoreError> {
        let main = resolved(path, access)?;
        let files = Self {
            inbox: beside(&main, "-inbox"),
            still: access == Access::Read && is_read_only(&main),
            main,
            watch: Watch::default(),
            closing: Arc::new(AtomicBool::new(false)),
        };
        files.ready(&files.main, Kind::Main, access)?;
        if !files.still {
            files.ready(&files.inbox, Kind::Inbox, Access::Create)?;
        }
        Ok(files)
    }

    /// Remembers which files the desks have open, so that each notices when a path
    /// names another one.
    pub(crate) fn begin_watch(&self) -> Result<(), StoreError> {
        #[cfg(unix)]
        if self.still {
            let still: Vec<&Path> = [&*self.main, &*self.inbox]
                .into_iter()
                .filter(|path| reading::Way::of(path) == reading::Way::Still)
                .collect();
            self.watch.begin_still(&self.main, &still);
            return Ok(());
        }
        self.watch.begin(&self.main, &self.inbox)
    }

    /// Whether nothing may be made or changed.
    pub(crate) fn is_still(&self) -> bool {
        self.still
    }

    /// Fails where a path names another file than the one that is open.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        self.watch.check()
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
        let (main, inbox) = if self.still {
            (self.connect_to_read(&self.main)?, self.inbox_to_read()?)
        } else {
            (self.connect(&self.main)?, self.connect(&self.inbox)?)
        };
        let desk = Desk { main, inbox, files: self.clone() };
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
        for connection in [&desk.main, &desk.inbox] {
            // The first read is what opens the log.
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        }
        Ok(desk)
    }

    fn ready(&self, path: &Path, kind: Kind, access: Access) -> Result<(), StoreError> {
        if self.still {
            return self.readable(path, kind).map_err(|fault| explained(fault, path, kind));
        }
        make_file(path, access, self.mode(kind)).map_err(|e| unreachable_file(e, path))?;
        let begun = Instant::now();
        loop {
            match self.initialise(path, kind) {
                // Switching to write-ahead logging does not wait for others by itself.
                Err(fault) if fault.is_busy() && begun.elapsed() < PATIENCE => {
                    std::thread::sleep(PAUSE);
                }
                outcome => {
                    return outcome.map_err(|fault| opening(explained(fault, path, kind), path));
                }
            }
        }
    }

    fn initialise(&self, path: &Path, kind: Kind) -> Result<(), Fault> {
        let connection = self.connect(path)?;
        let schema = kind.schema();
        schema.check(&connection, path)?;
        if connection.is_readonly("main")? {
            let denied = io::Error::from(io::ErrorKind::PermissionDenied);
            return Err(unreachable_file(denied, path).into());
        }
        sound::check(&connection, path, kind)?;
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

    /// Whether a store that may not be changed can be read as it is.
    fn readable(&self, path: &Path, kind: Kind) -> Result<(), Fault> {
        let found = fs::metadata(path).map_err(|e| unreachable_file(e, path))?;
        if !found.is_file() {
            return Err(not_a_file(path).into());
        }
        let connection = self.connect_to_read(path)?;
        kind.schema().check(&connection, path)?;
        sound::check(&connection, path, kind)?;
        kind.schema().check_current(&connection, path)
    }

    #[cfg(unix)]
    fn connect_to_read(&self, path: &Path) -> Result<Connection, Fault> {
        self.set_up(reading::Way::of(path).connect(path)?)
    }

    #[cfg(not(unix))]
    fn connect_to_read(&self, path: &Path) -> Result<Connection, Fault> {
        self.connect(path)
    }

    /// The inbox; where none lies beside the store, or it cannot be opened, an empty
    /// one: the calls in it are in the next order list too.
    fn inbox_to_read(&self) -> Result<Connection, Fault> {
        if self.inbox.exists() {
            match self.readable(&self.inbox, Kind::Inbox) {
                Ok(()) => return self.connect_to_read(&self.inbox),
                Err(fault) => {
                    let error = explained(fault, &self.inbox, Kind::Inbox);
                    tracing::warn!(%error, "the inbox is left out");
                }
            }
        }
        let empty = self.set_up(Connection::open_in_memory()?)?;
        INBOX.migrate(&empty, &self.inbox)?;
        Ok(empty)
    }

    fn connect(&self, path: &Path) -> Result<Connection, Fault> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        self.set_up(Connection::open_with_flags(path, flags)?)
    }

    fn set_up(&self, mut connection: Connection) -> Result<Connection, Fault> {
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

    /// The permissions of a file that is made: its owner alone. Who may read the
    /// ledger may read the calls that it has not taken over yet.
    #[cfg(unix)]
    fn mode(&self, kind: Kind) -> u32 {
        use std::os::unix::fs::PermissionsExt;
        let main = fs::metadata(&self.main).map_or(0, |found| found.permissions().mode());
        match kind {
            Kind::Main => 0o600,
            Kind::Inbox => 0o600 | (main & 0o044),
        }
    }

    #[cfg(not(unix))]
    fn mode(&self, _: Kind) -> u32 {
        0
    }
}

#[cfg(unix)]
use reading::is_read_only;

#[cfg(not(unix))]
fn is_read_only(_: &Path) -> bool {
    false
}

/// Damage has ways out that the words for any error of SQLite do not name.
fn explained(fault: Fault, path: &Path, kind: Kind) -> StoreError {
    match fault {
        Fault::Sqlite(error)
            if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseCorrupt) =>
        {
            sound::damaged(path, kind, "it cannot be read").with_source(error)
        }
        fault => fault.at(path),
    }
}

/// The real path, whatever links lead to it: what lies beside the file belongs to
/// the file and not to a name. It is absolute, so that it is never taken for a URI
/// or for one of SQLite's own names.
fn resolved(path: &Path, access: Access) -> Result<PathBuf, StoreError> {
    let failed = |e| unreachable_file(e, path);
    let named = std::path::absolute(path).map_err(failed)?;
    match canonical(&named) {
        Ok(real) => Ok(real),
        Err(e) if e.kind() == io::ErrorKind::NotFound && access == Access::Create => {
            let (Some(folder), Some(name)) = (named.parent(), named.file_name()) else {
                return Err(unreachable_file(e, &named));
            };
            if fs::symlink_metadata(&named).is_ok() {
                return Err(absent(&named, "it is a link to a file that is not there"));
            }
            match canonical(folder) {
                Ok(folder) => Ok(folder.join(name)),
                Err(e) if e.kind() == io::ErrorKind::NotFound => {
                    Err(absent(&named, "its folder is not there"))
                }
                Err(e) => Err(unreachable_file(e, &named)),
            }
        }
        Err(e) => Err(unreachable_file(e, &named)),
    }
}

#[cfg(unix)]
fn canonical(path: &Path) -> io::Result<PathBuf> {
    path.canonicalize()
}

/// Elsewhere that makes a path of a form that not every program understands.
#[cfg(not(unix))]
fn canonical(path: &Path) -> io::Result<PathBuf> {
    fs::metadata(path).map(|_| path.to_owned())
}

/// A path that was mistyped, or whose disk is not mounted, must not become a new
/// store.
fn absent(path: &Path, what: &str) -> StoreError {
    let detail = format!(
        "{} cannot be made: {what}; check the path and whether its disk is mounted, or make the \
         folder first",
        path.display()
    );
    StoreError::new(StoreErrorKind::Unavailable, detail)
}

fn not_a_file(path: &Path) -> StoreError {
    unreachable_file(io::ErrorKind::IsADirectory.into(), path)
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

/// Makes the file before SQLite does, for its owner alone: it holds the
/// archives' passwords. SQLite gives the files beside it the same mode.
fn make_file(path: &Path, access: Access, mode: u32) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true);
    if access == Access::Create {
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
        #[cfg(not(unix))]
        let _ = mode;
        match options.clone().create_new(true).open(path) {
            Ok(_) => {
                tracing::info!(path = %path.display(), "new database");
                return Ok(());
            }
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e),
        }
    }
    // Opening a pipe or a device may never return, or do something.
    if !fs::metadata(path)?.is_file() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let file = options.open(path)?;
    if access != Access::Create && file.metadata()?.len() == 0 {
        return Err(io::ErrorKind::NotFound.into());
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
