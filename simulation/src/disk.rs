//! What is durable, and outlives every process.

use std::{
    io,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

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

/// Work that other threads do in real time, while virtual time stands still and
/// nothing else happens in this one.
///
/// Nothing in it may need the runtime: no timer of it goes on meanwhile.
pub(crate) async fn in_real_time<T>(work: impl Future<Output = T>) -> T {
    // What is waited for here must not look exhausted because the task is.
    let mut work = pin!(tokio::task::unconstrained(work));
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match work.as_mut().poll(&mut context) {
            Poll::Ready(outcome) => return outcome,
            Poll::Pending => thread::park(),
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
