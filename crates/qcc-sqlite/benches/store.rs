//! What the store costs: `cargo bench -p qcc-sqlite`.
//!
//! An archive applied, by its size and by the size of the table; a call noted; an
//! order claimed and given back. Each is durable when it returns, so the disk's
//! sync is in every figure: compare them with each other, on one machine.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::{cell::RefCell, time::Duration};

use divan::{Bencher, counter::ItemsCount};
use jiff::{SignedDuration, Timestamp};
use qcc_proto::{OrderNo, RiskRecord, ShanghaiTime};
use qcc_sqlite::SqliteStore;
use qcc_sync::{Commit, Decision, Document, Lease, Row, Store as _, Want, Worker};
use tempfile::TempDir;
use tokio::runtime::Runtime;

fn main() {
    divan::main();
}

const SIZES: [(u64, u64); 4] = [(1_000, 0), (1_000, 200_000), (20_000, 0), (20_000, 200_000)];

/// An archive of so many records into a table of so many, all of them new.
#[divan::bench(args = SIZES, sample_count = 20, sample_size = 1)]
fn apply(bencher: Bencher<'_, '_>, (archive, table): (u64, u64)) {
    let bench = RefCell::new(Bench::new());
    bench.borrow_mut().apply(table);
    bencher
        .counter(ItemsCount::new(archive))
        .with_inputs(|| bench.borrow_mut().rows(archive))
        .bench_local_values(|rows| bench.borrow_mut().apply_rows(rows));
}

/// A call about an order nobody knows: what the vendor waits for.
#[divan::bench(sample_count = 500, sample_size = 1)]
fn note_call(bencher: Bencher<'_, '_>) {
    let mut bench = Bench::new();
    bencher.bench_local(|| bench.call());
}

/// The most urgent of so many orders, claimed and given back.
#[divan::bench(args = [10, 10_000], sample_count = 500, sample_size = 1)]
fn claim(bencher: Bencher<'_, '_>, orders: u64) {
    let mut bench = Bench::new();
    (0..orders).for_each(|_| drop(bench.call()));
    bencher.bench_local(|| bench.claim());
}

struct Bench {
    runtime: Runtime,
    store: SqliteStore,
    worker: Worker,
    orders: i64,
    records: u64,
    _folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let folder = TempDir::new().unwrap();
        let store = runtime.block_on(SqliteStore::open(folder.path().join("qcc.db"))).unwrap();
        let worker = Worker { name: "bench".into(), term: Duration::from_secs(600) };
        Self { runtime, store, worker, orders: 0, records: 0, _folder: folder }
    }

    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(self.orders)
    }

    fn call(&mut self) -> OrderNo {
        self.orders += 1;
        let order_no: OrderNo = format!("DDMON{:08}", self.orders).parse().unwrap();
        let noted = self.runtime.block_on(self.store.note_call(&order_no, self.now()));
        assert!(noted.unwrap(), "it was known");
        order_no
    }

    fn claim(&self) {
        self.runtime.block_on(async {
            let lease = self.claimed(self.now()).await;
            self.store.release(&lease).await.unwrap();
        });
    }

    async fn claimed(&self, now: Timestamp) -> Lease {
        let claim = self.store.claim(&self.worker, Want::Confirmed, &[], now).await;
        claim.unwrap().lease().unwrap()
    }

    /// An order that a person named.
    fn add(&mut self) {
        let order_no = self.call();
        let add = Decision::AddOrder { order_no };
        self.runtime.block_on(self.store.decide(&add, self.now())).unwrap();
    }

    fn rows(&mut self, count: u64) -> Vec<Row> {
        let first = self.records;
        self.records += count;
        (0..count).map(|position| Row { position, record: record(first + position) }).collect()
    }

    fn apply(&mut self, count: u64) {
        let rows = self.rows(count);
        self.apply_rows(rows);
    }

    fn apply_rows(&mut self, rows: Vec<Row>) {
        self.add();
        let now = self.now();
        self.runtime.block_on(async {
            let lease = self.claimed(now).await;
            let push_date = ShanghaiTime::from_timestamp(now);
            let begun = self.store.begin_apply(&lease, push_date);
            let mut apply = begun.await.unwrap();
            let total_size = rows.len() as u64;
            let mut rows = rows.into_iter().peekable();
            while rows.peek().is_some() {
                apply.write(rows.by_ref().take(2048).collect()).await.unwrap();
            }
            let document = Document { at: now, push_date, total_size, set_aside: 0 };
            let order = lease.order.in_table();
            let done = Commit { order, document, unknown: Vec::new() };
            let written = apply.commit(done).await.unwrap();
            assert_eq!(written.changes.new, total_size, "all are new");
        });
    }
}

/// Of the usual length; its id looks random.
fn record(n: u64) -> RiskRecord {
    let digits = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut record = RiskRecord::new(format!("{digits:016x}{n:016x}"));
    record.corp_key_no = Some(format!("{n:032x}"));
    record.corp_name = Some("杭州金盛东方商贸有限责任公司".into());
    record.monitor_content = Some("因未按时履行法律义务被乌鲁木齐人民法院列为失信被执行人".into());
    record.score = Some(80);
    record.change_date = Some("2022-07-04".into());
    record
}
