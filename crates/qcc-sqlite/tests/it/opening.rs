//! Which files are opened, how they are made, and what is said of the others.

use std::{fs, path::Path};

use qcc_sqlite::SqliteStore;
use qcc_sync::{
    AccountExt as _, Callbacks, RecordFilter, Store, StoreError, StoreErrorKind as Kind,
};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::given::{apply, no, rows, store};

/// Opening must fail so, name the path, and leave the file as it is.
#[track_caller]
fn refused(outcome: Result<SqliteStore, StoreError>, path: &Path, kind: Kind, says: &str) {
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    let text = error.to_string();
    assert!(text.contains(says) && text.contains(path.to_str().unwrap()), "{text}");
}

#[tokio::test]
async fn everything_is_there_after_reopening() {
    let (folder, store) = store().await;
    let path = store.path().to_owned();
    apply(&store, "A1", 0, vec![rows(0..100)]).await;
    store.note_call(&no("A2"), crate::given::at(5)).await.unwrap();
    let before = store.overview().await.unwrap();
    drop(store);
    assert!(!folder.path().join("qcc.db-wal").exists(), "closed files leave no log");
    let store = SqliteStore::open_existing(&path).await.unwrap();
    assert_eq!(store.overview().await.unwrap(), before);
    assert_eq!(before.records, 100);
    let all = store.records(&RecordFilter::default(), None, 1000).await.unwrap();
    assert_eq!(all.len(), 100);
    assert!(store.order(&no("A2")).await.unwrap().is_some());
}

#[tokio::test]
async fn a_missing_store_is_made_only_where_asked() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a/b/qcc.db");
    refused(SqliteStore::open_existing(&path).await, &path, Kind::Unavailable, "no store");
    refused(SqliteStore::open(&path).await, &path, Kind::Unavailable, "its folder is not there");
    assert!(!folder.path().join("a").exists(), "nothing was made");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(store.path(), path);
}

#[cfg(unix)]
#[tokio::test]
async fn files_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = TempDir::new().unwrap();
    let made = folder.path();
    let store = SqliteStore::open(made.join("qcc.db")).await.unwrap();
    apply(&store, "A1", 0, vec![rows(0..10)]).await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let mut seen: Vec<String> = Vec::new();
    for entry in fs::read_dir(made).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        seen.push(path.file_name().unwrap().to_str().unwrap().to_owned());
    }
    seen.sort();
    let suffixes = ["", "-inbox", "-inbox-shm", "-inbox-wal", "-shm", "-wal"];
    assert_eq!(seen, suffixes.map(|suffix| format!("qcc.db{suffix}")));
}

#[tokio::test]
async fn foreign_files_are_left_alone() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("other.db");
    let other = Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE contacts (name TEXT)").unwrap();
    drop(other);
    let text = folder.path().join("text.db");
    fs::write(&text, "-- these are my notes, and they are longer than a header\n".repeat(20))
        .unwrap();
    for (path, says) in [(&path, "another program"), (&text, "not an SQLite database")] {
        let before = fs::read(path).unwrap();
        refused(SqliteStore::open(path).await, path, Kind::Corrupt, says);
        assert_eq!(fs::read(path).unwrap(), before, "not a byte was changed");
    }
    refused(SqliteStore::open(folder.path()).await, folder.path(), Kind::Other, "name a file");
    let below = text.join("qcc.db");
    refused(SqliteStore::open(&below).await, &below, Kind::Other, "name a file");
}

#[tokio::test]
async fn an_empty_file_becomes_a_store() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("empty.db");
    fs::write(&path, "").unwrap();
    SqliteStore::open(&path).await.unwrap();
    let version: i64 = Connection::open(&path)
        .unwrap()
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    assert!(version > 0);
}

#[tokio::test]
async fn a_store_of_the_first_schema_is_brought_up_to_date() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("qcc.db");
    let first = Connection::open(&path).unwrap();
    first.execute_batch(include_str!("../../migrations/0001_ledger_and_records.sql")).unwrap();
    first
        .execute_batch(
            "INSERT INTO orders (order_no, state, created_at, first_seen_at, seen_by, listed_at,
                 ordered_at)
             VALUES ('A1', 'seen', '2024-01-01 08:00:00', '2024-01-01T00:10:00.000Z', 'list',
                 '2024-01-01T00:10:00.000Z', '2024-01-01T00:00:00.000Z');
             UPDATE facts SET last_call_at = '2024-01-01T00:00:05.000Z';
             PRAGMA application_id = 0x51434331;
             PRAGMA user_version = 1;",
        )
        .unwrap();
    drop(first);
    let store = SqliteStore::open(&path).await.unwrap();
    let overview = store.overview().await.unwrap();
    assert_eq!(overview.last_call, Some("2024-01-01T00:00:05Z".parse().unwrap()));
    assert_eq!(overview.callbacks, Callbacks::default());
    store.expect_calls("2023-12-31T00:00:00Z".parse().unwrap()).await.unwrap();
    assert_eq!(store.overview().await.unwrap().callbacks.uncalled, 1);
    assert_eq!(store.secret_path().await.unwrap(), None);
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let (_folder, store) = store().await;
    let path = store.path().to_owned();
    drop(store);
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 999).unwrap();
    refused(SqliteStore::open(&path).await, &path, Kind::NewerSchema, "newer program");
}

#[tokio::test]
async fn a_damaged_file_is_named_as_such() {
    let (_folder, store) = store().await;
    let path = store.path().to_owned();
    apply(&store, "A1", 0, vec![rows(0..2000)]).await;
    drop(store);
    let mut bytes = fs::read(&path).unwrap();
    bytes[4096..].fill(0x5a);
    fs::write(&path, bytes).unwrap();
    let error = match SqliteStore::open(&path).await {
        Err(error) => error,
        Ok(store) => store.overview().await.unwrap_err(),
    };
    assert_eq!(error.kind(), Kind::Corrupt, "{error}");
    assert!(error.to_string().contains("backup"), "{error}");
}

#[tokio::test]
async fn names_that_mean_something_to_sqlite_are_file_names() {
    let folder = TempDir::new().unwrap();
    for name in ["file:x?mode=memory", ":memory:", "数据 库'.db"] {
        let path = folder.path().join(name);
        SqliteStore::open(&path).await.unwrap();
        assert!(path.is_file(), "{name}");
    }
}
