use std::time::Duration;

use qcc_sync::{Decision, Document, RecordFilter, Store as _, Want, Worker};
use tempfile::TempDir;

use super::*;
use crate::SqliteStore;

fn rows(range: std::ops::Range<u64>) -> Vec<Row> {
    let record = |n| {
        let mut record = qcc_proto::RiskRecord::new(format!("{n:032}"));
        record.monitor_content = Some("内容".repeat(50));
        record
    };
    range.map(|position| Row { position, record: record(position) }).collect()
}

async fn leased(store: &SqliteStore) -> Lease {
    let now = jiff::Timestamp::UNIX_EPOCH;
    let add = Decision::AddOrder { order_no: "A1".parse().unwrap() };
    store.decide(&add, now).await.unwrap();
    let hand = Worker { name: "hand".into(), term: Duration::from_secs(60) };
    store.claim(&hand, Want::Confirmed, &[], now).await.unwrap().lease().unwrap()
}

fn push_date() -> ShanghaiTime {
    "2024-01-01 00:00:00".parse().unwrap()
}

fn done(lease: &Lease) -> Commit {
    let at = jiff::Timestamp::UNIX_EPOCH;
    let document = Document { at, push_date: push_date(), total_size: 5000, set_aside: 0 };
    Commit { order: lease.order.clone().in_table(), document, unknown: Vec::new() }
}

#[tokio::test]
async fn a_full_disk_rolls_the_apply_back() {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(folder.path().join("qcc.db")).await.unwrap();
    let lease = leased(&store).await;
    let limit = |pages: u32| {
        store.threads().writer.call(move |desk| {
            let set = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
            Ok(desk.main.pragma_update_and_check(None, "max_page_count", pages, set)?)
        })
    };
    limit(100).await.unwrap();
    let mut apply = store.begin_apply(&lease, push_date()).await.unwrap();
    apply.write(rows(0..5000)).await.unwrap();
    let error = apply.commit(done(&lease)).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Full, "{error}");
    assert!(error.to_string().contains("make room"), "{error}");
    assert_eq!(store.records(&RecordFilter::default(), None, 1).await.unwrap(), []);
    assert_eq!(store.order(&lease.order.no).await.unwrap(), Some(lease.order.clone()));

    limit(1_000_000).await.unwrap();
    let mut apply = store.begin_apply(&lease, push_date()).await.unwrap();
    apply.write(rows(0..5000)).await.unwrap();
    apply.commit(done(&lease)).await.unwrap();
    assert_eq!(store.overview().await.unwrap().records, 5000, "with room it goes through");
}

#[tokio::test]
async fn a_batch_that_cannot_be_put_away_is_the_reason_that_is_told() {
    let folder = TempDir::new().unwrap();
    let (here, gone) = (folder.path().join("here"), folder.path().join("gone"));
    std::fs::create_dir(&here).unwrap();
    let store = SqliteStore::open(here.join("qcc.db")).await.unwrap();
    let lease = leased(&store).await;
    let mut apply = store.begin_apply(&lease, push_date()).await.unwrap();
    // Files that are open stay so; a new one finds no folder.
    std::fs::rename(&here, &gone).unwrap();
    let mut first = 0;
    let error = loop {
        match apply.write(rows(first..first + 2048)).await {
            Ok(()) => first += 2048,
            Err(error) => break error,
        }
        assert!(first < 1_000_000, "what cannot be put away is not noticed");
    };
    std::fs::rename(&gone, &here).unwrap();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
    assert_eq!(apply.write(rows(0..1)).await.unwrap_err().kind(), StoreErrorKind::Busy);
    drop(apply);
    assert_eq!(store.records(&RecordFilter::default(), None, 1).await.unwrap(), []);
}
