//! Stores, orders and records to begin with.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use qcc_proto::{OrderNo, RiskRecord, ShanghaiTime};
use qcc_sqlite::SqliteStore;
use qcc_sync::{Commit, Decision, Document, Lease, Order, Row, Store, Want, Worker, Written};
use tempfile::TempDir;

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_704_067_200).unwrap() + SignedDuration::from_secs(second)
}

pub(crate) fn local(second: i64) -> ShanghaiTime {
    ShanghaiTime::from_timestamp(at(second))
}

pub(crate) fn no(text: &str) -> OrderNo {
    text.parse().unwrap()
}

pub(crate) fn worker(name: &str) -> Worker {
    Worker { name: name.into(), term: Duration::from_secs(60) }
}

pub(crate) fn record(id: &str, version: &str) -> RiskRecord {
    let mut record = RiskRecord::new(id);
    record.corp_key_no = Some("9cce0780ab7644008b73bc2120479d31".into());
    record.corp_name = Some("企查查科技股份有限公司".into());
    record.monitor_content = Some(version.into());
    record.monitor_level = Some("高风险信息".into());
    record.monitor_type = Some("红色通道".into());
    record.score = Some(60);
    record.change_date = Some("2024-01-01".into());
    record
}

/// A batch of records of their own.
pub(crate) fn rows(range: std::ops::Range<u64>) -> Vec<Row> {
    range.map(|n| Row { position: n, record: record(&format!("id-{n:09}"), "v") }).collect()
}

/// A folder that cleans up after itself, and a store in it.
pub(crate) async fn store() -> (TempDir, SqliteStore) {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(folder.path().join("qcc.db")).await.unwrap();
    (folder, store)
}

/// Notes an order that a person named.
pub(crate) async fn add(store: &SqliteStore, order_no: &str, second: i64) {
    let decision = Decision::AddOrder { order_no: no(order_no) };
    store.decide(&decision, at(second)).await.unwrap();
}

/// Leases the most urgent order without an archive.
pub(crate) async fn claim(store: &SqliteStore, worker: &Worker, second: i64) -> Option<Lease> {
    store.claim(worker, Want::Confirmed, &[], at(second)).await.unwrap().lease()
}

/// Notes an order and leases it; nothing else is due.
pub(crate) async fn leased(store: &SqliteStore, order_no: &str, worker: &Worker) -> Lease {
    add(store, order_no, 0).await;
    let lease = claim(store, worker, 0).await.unwrap();
    assert_eq!(lease.order.no, no(order_no));
    lease
}

/// What is committed with the records of an order.
pub(crate) fn applied(order: Order, pushed: i64) -> Commit {
    let document = Document { at: at(100), push_date: local(pushed), total_size: 0, set_aside: 0 };
    Commit { order: order.in_table(), document, unknown: Vec::new() }
}

/// Applies an archive from the first call to the commit.
pub(crate) async fn apply(
    store: &SqliteStore,
    order_no: &str,
    pushed: i64,
    batches: Vec<Vec<Row>>,
) -> Written {
    let hand = worker("hand");
    let lease = leased(store, order_no, &hand).await;
    let mut apply = store.begin_apply(&lease, local(pushed)).await.unwrap();
    for batch in batches {
        apply.write(batch).await.unwrap();
    }
    apply.commit(applied(lease.order, pushed)).await.unwrap()
}
