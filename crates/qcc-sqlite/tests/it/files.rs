//! Files that are taken away, damaged, reached by a link, or not to be changed.

use std::{
    fs,
    path::{Path, PathBuf},
};

use qcc_sqlite::{Copied, SqliteStore};
use qcc_sync::{AccountExt as _, OrderFilter, RecordFilter, Store, StoreErrorKind as Kind};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::given::{apply, at, no, rows, store};

const NOW: i64 = 5;

/// Takes a call, reads and writes; says how that fails.
async fn failures(store: &SqliteStore) -> Vec<String> {
    let outcomes = [
        store.note_call(&no("B1"), at(NOW)).await.map(drop),
        store.overview().await.map(drop),
        store.set_hold(Some(&hold())).await,
        store.order(&no("A1")).await.map(drop),
    ];
    let errors = outcomes.into_iter().map(|outcome| outcome.unwrap_err());
    errors
        .map(|error| {
            assert_eq!(error.kind(), Kind::Unavailable, "{error}");
            error.to_string()
        })
        .collect()
}

#[tokio::test]
async fn nothing_is_acknowledged_once_a_file_of_the_store_is_gone() {
    let victims = [
        "qcc.db",
        "qcc.db-wal",
        "qcc.db-shm",
        "qcc.db-inbox",
        "qcc.db-inbox-wal",
        "qcc.db-inbox-shm",
    ];
    for victim in victims {
        let (folder, store) = store().await;
        apply(&store, "A1", 0, vec![rows(0..10)]).await;
        store.note_call(&no("A2"), at(NOW)).await.unwrap();
        fs::remove_file(folder.path().join(victim)).unwrap();
        for error in failures(&store).await {
            assert!(error.contains(&format!("{victim} was removed")), "{error}");
        }
    }
}

#[tokio::test]
async fn a_file_put_in_the_place_of_the_store_is_noticed_and_left_alone() {
    let (folder, store) = store().await;
    apply(&store, "A1", 0, vec![rows(0..10)]).await;
    let path = store.path().to_owned();
    let (_other, backup) = self::store().await;
    apply(&backup, "C1", 0, vec![rows(0..10)]).await;
    let source = backup.path().to_owned();
    drop(backup);
    fs::rename(source, &path).unwrap();
    failures(&store).await;
    // Another process works on the new file meanwhile; the log of that name is its.
    fs::remove_file(folder.path().join("qcc.db-wal")).unwrap();
    fs::remove_file(folder.path().join("qcc.db-shm")).unwrap();
    let new = SqliteStore::open(&path).await.unwrap();
    apply(&new, "C2", 0, vec![rows(10..20)]).await;
    drop(store);
    assert!(folder.path().join("qcc.db-wal").exists(), "the other's log was removed");
    new.check_files().unwrap();
    drop(new);
    let again = SqliteStore::open_existing(&path).await.unwrap();
    assert_eq!(again.overview().await.unwrap().records, 20);
}

#[tokio::test]
async fn a_folder_that_is_moved_away_and_comes_back_is_good_again() {
    let folder = TempDir::new().unwrap();
    let (here, away) = (folder.path().join("here"), folder.path().join("away"));
    fs::create_dir(&here).unwrap();
    let store = SqliteStore::open(here.join("qcc.db")).await.unwrap();
    store.note_call(&no("A1"), at(NOW)).await.unwrap();
    fs::rename(&here, &away).unwrap();
    failures(&store).await;
    fs::rename(&away, &here).unwrap();
    store.note_call(&no("A2"), at(NOW)).await.unwrap();
    assert_eq!(store.orders(&OrderFilter::default()).await.unwrap().len(), 3);
}

#[cfg(unix)]
#[tokio::test]
async fn a_store_reached_by_a_link_is_the_same_store() {
    let folder = TempDir::new().unwrap();
    let (real, links) = (folder.path().join("real"), folder.path().join("links"));
    fs::create_dir(&real).unwrap();
    fs::create_dir(&links).unwrap();
    let store = SqliteStore::open(real.join("data.db")).await.unwrap();
    std::os::unix::fs::symlink(real.join("data.db"), links.join("qcc.db")).unwrap();
    let linked = SqliteStore::open(links.join("qcc.db")).await.unwrap();
    assert_eq!(linked.path(), store.path());
    linked.note_call(&no("A1"), at(NOW)).await.unwrap();
    assert!(store.order(&no("A1")).await.unwrap().is_some(), "each had an inbox of its own");
    assert_eq!(fs::read_dir(&links).unwrap().count(), 1, "nothing lies beside the link");
    std::os::unix::fs::symlink(folder.path().join("nowhere.db"), links.join("dead.db")).unwrap();
    let error = SqliteStore::open(links.join("dead.db")).await.unwrap_err();
    assert!(error.to_string().contains("a link to a file that is not there"), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_no_file_is_refused_without_being_opened() {
    let folder = TempDir::new().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for path in [&*pipe, Path::new("/dev/zero"), folder.path()] {
        for opened in [SqliteStore::open(path).await, SqliteStore::open_to_read(path).await] {
            assert!(opened.unwrap_err().to_string().contains("name a file"));
        }
    }
}

/// Names, contents and times of what lies in a folder.
fn all_of(folder: &Path) -> Vec<(PathBuf, Vec<u8>, std::time::SystemTime)> {
    let mut found: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let modified = fs::metadata(&path).unwrap().modified().unwrap();
            (path.clone(), fs::read(&path).unwrap(), modified)
        })
        .collect();
    found.sort();
    found
}

/// Marks a folder and what is in it as not to be written, as a snapshot is.
#[cfg(unix)]
fn freeze(folder: &Path, frozen: bool) {
    use std::os::unix::fs::PermissionsExt as _;
    let (file, dir) = if frozen { (0o444, 0o555) } else { (0o600, 0o700) };
    for entry in fs::read_dir(folder).unwrap() {
        fs::set_permissions(entry.unwrap().path(), fs::Permissions::from_mode(file)).unwrap();
    }
    fs::set_permissions(folder, fs::Permissions::from_mode(dir)).unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn a_snapshot_is_read_and_nothing_in_it_changes() {
    let everything = ["qcc.db", "qcc.db-wal", "qcc.db-shm", "qcc.db-inbox", "qcc.db-inbox-wal"];
    let cases: [(&str, &[&str]); 5] = [
        ("of a store at rest", &["qcc.db", "qcc.db-inbox"]),
        ("of a store at rest, only the database", &["qcc.db"]),
        ("of a running store", &everything),
        ("of a running store, without the index", &["qcc.db", "qcc.db-wal", "qcc.db-inbox"]),
        ("of a running store, the index of a log that is empty", &everything),
    ];
    for (name, files) in cases {
        let (folder, store) = store().await;
        apply(&store, "A1", 0, vec![rows(0..100)]).await;
        let running = name.contains("running");
        if !running || name.contains("empty") {
            drop(store);
            // Held only where it should be running.
            if running {
                fs::write(folder.path().join("qcc.db-wal"), "").unwrap();
                fs::write(folder.path().join("qcc.db-shm"), "").unwrap();
                fs::write(folder.path().join("qcc.db-inbox-wal"), "").unwrap();
            }
            copy_and_read(folder.path(), files, name).await;
        } else {
            copy_and_read(folder.path(), files, name).await;
            drop(store);
        }
    }
}

#[cfg(unix)]
async fn copy_and_read(source: &Path, files: &[&str], name: &str) {
    let folder = TempDir::new().unwrap();
    let snapshot = folder.path().join("snapshot 1");
    fs::create_dir(&snapshot).unwrap();
    for file in files {
        fs::copy(source.join(file), snapshot.join(file)).unwrap();
    }
    freeze(&snapshot, true);
    let before = all_of(&snapshot);
    {
        let store = SqliteStore::open_to_read(snapshot.join("qcc.db")).await.expect(name);
        assert_eq!(store.overview().await.expect(name).records, 100, "{name}");
        let all = store.records(&RecordFilter::default(), None, 1000).await.expect(name);
        assert_eq!(all.len(), 100, "{name}");
        assert!(store.order(&no("A1")).await.expect(name).is_some(), "{name}");
        let mut proof = store.snapshot().await.expect(name);
        assert_eq!(proof.counted().await.expect(name), 100);
        assert!(store.note_call(&no("Z1"), at(NOW)).await.is_err(), "{name}: it took a call");
        assert_eq!(
            store.set_hold(Some(&hold())).await.unwrap_err().kind(),
            Kind::ReadOnly,
            "{name}"
        );
    }
    assert_eq!(all_of(&snapshot), before, "{name}");
    freeze(&snapshot, false);
}

#[cfg(unix)]
#[tokio::test]
async fn a_reader_beside_a_running_store_sees_what_is_in_its_log() {
    let (folder, store) = store().await;
    apply(&store, "A1", 0, vec![rows(0..50)]).await;
    // The administrator takes the right to write away; the store has its files open.
    freeze(folder.path(), true);
    let reader = SqliteStore::open_to_read(store.path()).await.unwrap();
    assert_eq!(reader.overview().await.unwrap().records, 50);
    apply(&store, "A2", 1, vec![rows(50..60)]).await;
    assert_eq!(reader.overview().await.unwrap().records, 60, "it sees what came since");
    drop(reader);
    store.check_files().unwrap();
    freeze(folder.path(), false);
}

#[tokio::test]
async fn a_store_that_is_empty_or_not_there_is_not_made_by_reading() {
    let folder = TempDir::new().unwrap();
    let (empty, missing) = (folder.path().join("empty.db"), folder.path().join("missing.db"));
    fs::write(&empty, "").unwrap();
    for path in [&empty, &missing] {
        let error = SqliteStore::open_to_read(path).await.unwrap_err();
        assert!(error.to_string().contains("there is no store"), "{error}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    assert_eq!(fs::metadata(&empty).unwrap().len(), 0);
}

#[tokio::test]
async fn damage_is_told_at_the_start_with_the_ways_out() {
    let (_folder, store) = store().await;
    let path = store.path().to_owned();
    apply(&store, "A1", 0, vec![rows(0..3000)]).await;
    drop(store);
    let sound = fs::read(&path).unwrap();
    let pages = sound.len() / 8192;
    assert!(pages > 40);
    let mut noticed = 0;
    for page in 1..pages {
        let mut bytes = sound.clone();
        bytes[page * 8192..page * 8192 + 4096].fill(0x5a);
        fs::write(&path, bytes).unwrap();
        let Err(error) = SqliteStore::open_to_read(&path).await else { continue };
        assert_eq!(error.kind(), Kind::Corrupt, "{error}");
        let text = error.to_string();
        assert!(text.contains("backup") && text.contains("qcc replay"), "{text}");
        noticed += 1;
    }
    assert!(noticed * 100 >= (pages - 1) * 95, "{noticed} of {pages}");
    fs::write(&path, &sound[..sound.len() / 2]).unwrap();
    assert_eq!(SqliteStore::open_to_read(&path).await.unwrap_err().kind(), Kind::Corrupt);
}

#[tokio::test]
async fn a_damaged_inbox_says_how_little_is_lost() {
    let (_folder, store) = store().await;
    let path = store.path().to_owned();
    drop(store);
    let inbox = path.with_file_name("qcc.db-inbox");
    let mut bytes = fs::read(&inbox).unwrap();
    bytes[8192..].fill(0x5a);
    fs::write(&inbox, bytes).unwrap();
    let error = SqliteStore::open(&path).await.unwrap_err();
    assert!(error.to_string().contains("the next order list names the orders"), "{error}");
}

#[tokio::test]
async fn indexes_and_tables_of_the_owner_are_no_damage() {
    let (_folder, store) = store().await;
    let path = store.path().to_owned();
    apply(&store, "A1", 0, vec![rows(0..100)]).await;
    drop(store);
    let own = "CREATE INDEX own ON risk_records (corp_key_no); CREATE TABLE \"my \"\"own\" (x);";
    Connection::open(&path).unwrap().execute_batch(own).unwrap();
    SqliteStore::open(&path).await.unwrap();
}

#[tokio::test]
async fn a_copy_holds_what_only_the_inbox_knew_and_appears_whole_or_not_at_all() {
    let (folder, store) = store().await;
    apply(&store, "A1", 0, vec![rows(0..100)]).await;
    store.note_call(&no("A2"), at(NOW)).await.unwrap();
    let target = folder.path().join("copy.db");
    store.copy_to(&target, Copied::Everything).await.unwrap();
    let error = store.copy_to(&target, Copied::Everything).await.unwrap_err();
    assert!(error.to_string().contains("is there already"), "{error}");
    let names = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let copies = names.filter(|name| !name.to_str().unwrap().starts_with("qcc.db")).count();
    assert_eq!(copies, 1, "something was left beside it");
    let alone = TempDir::new().unwrap();
    fs::rename(&target, alone.path().join("qcc.db")).unwrap();
    let copy = SqliteStore::open_existing(alone.path().join("qcc.db")).await.unwrap();
    assert!(copy.order(&no("A2")).await.unwrap().is_some());
    assert_eq!(copy.overview().await.unwrap().records, 100);
    store.note_call(&no("A3"), at(NOW)).await.unwrap();
}

fn hold() -> qcc_sync::Hold {
    let reason = qcc_sync::Reason::new(qcc_sync::ReasonCode::Account, "ask");
    qcc_sync::Hold { since: jiff::Timestamp::UNIX_EPOCH, until: None, reason }
}
