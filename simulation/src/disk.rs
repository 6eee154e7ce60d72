//! What is durable, and outlives every process.

use std::{io, sync::Arc};

use qcc_sqlite::SqliteStore;
use qcc_sync::{MemoryStore, Store, StoreError};
use tempfile::TempDir;

/// What is durable. Every process opens it anew.
pub(crate) trait Disk: Send + Sync + 'static {
    /// The store on it.
    type Store: Store;

    /// Whether its work is done by threads of its own, in real time.
    const REAL: bool;

    /// Opens the store.
    fn open(&self) -> impl Future<Output = Result<Arc<Self::Store>, StoreError>> + Send;
}

/// Each write of a [`MemoryStore`] happens whole or not at all, and what it holds
/// is what was written: a disk, as far as a process that dies is concerned.
impl Disk for MemoryStore {
    type Store = Self;

    const REAL: bool = false;

    async fn open(&self) -> Result<Arc<Self>, StoreError> {
        Ok(Arc::new(self.clone()))
    }
}

/// A database file. A process that dies drops its connections, whatever they
/// were at, and the next one finds what was committed.
pub(crate) struct File(TempDir);

impl File {
    pub(crate) fn new() -> io::Result<Self> {
        TempDir::new().map(Self)
    }
}

impl Disk for File {
    type Store = SqliteStore;

    const REAL: bool = true;

    async fn open(&self) -> Result<Arc<SqliteStore>, StoreError> {
        SqliteStore::open(self.0.path().join("qcc.db")).await.map(Arc::new)
    }
}

/// Work that other threads do in real time, while virtual time stands still.
///
/// A paused clock leaps ahead whenever nothing in this thread can go on, unless
/// some blocking task is under way: so there is one for as long.
pub(crate) async fn in_real_time<T>(work: impl Future<Output = T>) -> T {
    let (done, under_way) = std::sync::mpsc::channel::<()>();
    tokio::task::spawn_blocking(move || {
        let _ = under_way.recv();
    });
    let outcome = work.await;
    drop(done);
    outcome
}
