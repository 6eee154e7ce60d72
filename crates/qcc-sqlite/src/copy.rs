//! A copy of the store at one moment, for a backup or for people who may not read
//! the store itself.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use qcc_sync::{StoreError, StoreErrorKind};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tempfile::NamedTempFile;

use crate::{
    SqliteStore, account,
    calls::{self, Call, Pending},
    fault::{Fault, unreachable_file},
    files::Desk,
    thread::Thread,
};

/// What of a store is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copied {
    /// All of it, for its owner alone (mode 0600).
    Everything,
    /// All but the archives' passwords and the secret paths, for every user of the
    /// machine (mode 0644).
    WithoutSecrets,
}

impl SqliteStore {
    /// Copies the store as it is at this moment into one new file, with the calls that
    /// the ledger has not taken over yet. Others go on reading and writing meanwhile.
    /// The file appears when it is whole; it needs no log beside it.
    ///
    /// # Errors
    /// [`StoreError`]: `Other` where something of that name is there already; `Full`,
    /// `ReadOnly` and `Unavailable` where the file cannot be made.
    pub async fn copy_to(
        &self,
        target: impl Into<PathBuf>,
        copied: Copied,
    ) -> Result<(), StoreError> {
        let target = target.into();
        let thread = Thread::reading(self.reader()?, self.path())?;
        thread.call(move |desk| copy(desk, &target, copied)).await
    }
}

fn copy(desk: &mut Desk, target: &Path, copied: Copied) -> Result<(), Fault> {
    let failed = |error: io::Error| Fault::from(unreachable_file(error, target));
    let target = &std::path::absolute(target).map_err(failed)?;
    if fs::symlink_metadata(target).is_ok() {
        return Err(occupied(target).into());
    }
    let folder = target.parent().unwrap_or(Path::new("/"));
    let file = NamedTempFile::with_prefix_in(".qcc-snapshot-", folder).map_err(failed)?;
    let Some(name) = file.path().to_str() else {
        let detail = format!("{} is not named in UTF-8; name another file", target.display());
        return Err(StoreError::new(StoreErrorKind::Other, detail).into());
    };
    // A call is in the inbox, the ledger or both, if one looks in this order.
    let pending = Pending::now(&desk.inbox)?;
    // The new file is what is written.
    desk.main.pragma_update(None, "query_only", false)?;
    let made = desk.main.execute("VACUUM INTO ?1", [name]).map_err(Fault::from);
    let made = made.and_then(|_| complete(file.path(), &pending, copied));
    if let Err(fault) = made {
        // What failed may be the new file, which the error must name.
        return Err(fault.at(target).into());
    }
    share(&file, copied).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    match file.persist_noclobber(target) {
        Ok(_) => Ok(()),
        Err(e) if e.error.kind() == io::ErrorKind::AlreadyExists => Err(occupied(target).into()),
        Err(e) => Err(failed(e.error)),
    }
}

/// Brings in what the ledger does not have yet, and removes what is not for others.
fn complete(file: &Path, pending: &Pending<'_>, copied: Copied) -> Result<(), Fault> {
    let connection = Connection::open(file)?;
    // What is removed leaves no trace in the file.
    connection.pragma_update(None, "secure_delete", true)?;
    let tx = Transaction::new_unchecked(&connection, TransactionBehavior::Immediate)?;
    pending.each(|call: Call| calls::take_over(&tx, &[call]))?;
    if copied == Copied::WithoutSecrets {
        tx.execute("UPDATE orders SET unzip_password = NULL", [])?;
        let mut account = account::read(&tx)?;
        account.value.secret_path = None;
        account::put(&tx, account.version, &account.value)?;
    }
    Ok(tx.commit()?)
}

#[cfg(unix)]
fn share(file: &NamedTempFile, copied: Copied) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = match copied {
        Copied::Everything => 0o600,
        Copied::WithoutSecrets => 0o644,
    };
    file.as_file().set_permissions(fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn share(_: &NamedTempFile, _: Copied) -> io::Result<()> {
    Ok(())
}

fn occupied(target: &Path) -> StoreError {
    let detail = format!("{} is there already; name a new file", target.display());
    StoreError::new(StoreErrorKind::Other, detail)
}
