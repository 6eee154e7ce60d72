//! The suite that every store must pass.

use std::sync::atomic::{AtomicU32, Ordering};

use qcc_sqlite::SqliteStore;
use qcc_sync::conformance;
use tempfile::TempDir;

#[tokio::test]
async fn the_store_conforms() {
    let folder = TempDir::new().unwrap();
    let count = AtomicU32::new(0);
    conformance::store(|| {
        let file = format!("{}.db", count.fetch_add(1, Ordering::Relaxed));
        let path = folder.path().join(file);
        async move { SqliteStore::open(path).await.unwrap() }
    })
    .await;
}

#[tokio::test]
async fn it_can_be_proven_and_rebuilt() {
    let folder = TempDir::new().unwrap();
    let count = AtomicU32::new(0);
    conformance::rebuild(|| {
        let file = format!("{}.db", count.fetch_add(1, Ordering::Relaxed));
        let path = folder.path().join(file);
        async move { SqliteStore::open(path).await.unwrap() }
    })
    .await;
}
