//! Schema versions: numbered files, applied in order, never backwards.

use std::path::Path;

use qcc_sync::{StoreError, StoreErrorKind as Kind};
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::fault::Fault;

/// A kind of database: the number that marks its files, and how they came to be.
#[derive(Debug)]
pub(crate) struct Schema {
    application_id: i32,
    migrations: &'static [&'static str],
}

/// Ledger and records. `QCC1` in a file's header.
pub(crate) const STORE: Schema = Schema {
    application_id: 0x5143_4331,
    migrations: &[
        include_str!("../migrations/0001_ledger_and_records.sql"),
        include_str!("../migrations/0002_callbacks.sql"),
        include_str!("../migrations/0003_told_setting.sql"),
        include_str!("../migrations/0004_listed_first.sql"),
        include_str!("../migrations/0005_damaged_archives.sql"),
        include_str!("../migrations/0006_doubts_and_decisions.sql"),
        include_str!("../migrations/0007_new_updated_unchanged.sql"),
        include_str!("../migrations/0008_leases_and_account.sql"),
    ],
};

/// Calls that the ledger has not taken over yet. `QCCi` in a file's header.
pub(crate) const INBOX: Schema = Schema {
    application_id: 0x5143_4369,
    migrations: &[include_str!("../migrations/inbox/0001_calls.sql")],
};

impl Schema {
    /// Refuses files that are not ours to change. Reads only.
    pub(crate) fn check(&self, connection: &Connection, path: &Path) -> Result<(), Fault> {
        let found = marks(connection)?;
        let newest = self.version();
        if found.application_id == self.application_id {
            if found.version <= newest {
                return Ok(());
            }
            let detail = format!(
                "{} was made by a newer version of this program (schema {}, this one knows \
                 {newest}); use the newer program",
                path.display(),
                found.version
            );
            return Err(StoreError::new(Kind::NewerSchema, detail).into());
        }
        if found.is_blank() {
            return Ok(());
        }
        let detail = format!(
            "{} is another program's database; name another file, or move this one away",
            path.display()
        );
        Err(StoreError::new(Kind::Corrupt, detail).into())
    }

    /// Refuses files that would have to be brought up to date first. Reads only.
    pub(crate) fn check_current(&self, connection: &Connection, path: &Path) -> Result<(), Fault> {
        if marks(connection)?.version == self.version() {
            return Ok(());
        }
        let detail = format!(
            "{} was made by an older version of this program and cannot be brought up to date \
             where it must not be changed; copy it to a place that can be written, and name the copy",
            path.display()
        );
        Err(StoreError::new(Kind::Other, detail).into())
    }

    /// Brings the file to the newest schema, in one transaction.
    pub(crate) fn migrate(&self, connection: &Connection, path: &Path) -> Result<(), Fault> {
        if marks(connection)?.version == self.version() {
            return Ok(());
        }
        let tx = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
        // Another process may have been faster.
        self.check(&tx, path)?;
        let done = usize::try_from(marks(&tx)?.version).unwrap_or(0);
        for migration in self.migrations.iter().skip(done) {
            tx.execute_batch(migration)?;
        }
        tx.pragma_update(None, "application_id", self.application_id)?;
        tx.pragma_update(None, "user_version", self.version())?;
        tx.commit()?;
        Ok(())
    }

    fn version(&self) -> i64 {
        i64::try_from(self.migrations.len()).unwrap_or(i64::MAX)
    }
}

struct Marks {
    application_id: i32,
    version: i64,
    tables: i64,
}

impl Marks {
    fn is_blank(&self) -> bool {
        self.application_id == 0 && self.version == 0 && self.tables == 0
    }
}

fn marks(connection: &Connection) -> Result<Marks, Fault> {
    Ok(Marks {
        application_id: connection.pragma_query_value(None, "application_id", |row| row.get(0))?,
        version: connection.pragma_query_value(None, "user_version", |row| row.get(0))?,
        tables: connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?,
    })
}
