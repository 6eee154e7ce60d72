//! The suite that every store must pass.

use std::sync::Arc;

use qcc_sqlite::SqliteStore;
use qcc_sync::{Store, store_conformance};
use tempfile::TempDir;

async fn fresh() -> Arc<dyn Store> {
    // Removed with the process's temporary files: the store is still open then.
    let folder = TempDir::new().unwrap().keep();
    Arc::new(SqliteStore::open(folder.join("qcc.db")).await.unwrap())
}

store_conformance!(fresh);
