//! Whether a record takes longer to apply as the table grows.
//!
//! Fills a store to 10 thousand, 100 thousand, 1 million … records, and at each
//! size applies archives whose records are all new, then archives of which three
//! records in ten are already there, anywhere in the table.
//! `cargo measure growth` runs it and writes the table in `docs/performance.md`.
//!
//! One line for each measurement: records in the table before, records of the
//! archive, how many in ten of them were known, seconds until the commit has
//! returned, bytes of the store's files.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a measurement prints, and fails by panicking"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use qcc_proto::{MonitorLevel, MonitorType, OrderNo, RiskRecord, ShanghaiTime};
use qcc_sqlite::SqliteStore;
use qcc_sync::{Commit, Decision, Document, Row, Store as _, Want, Worker};

/// Rows handed over at a time, as the engine does.
const BATCH: usize = 2048;

/// The largest archive that fills the table.
const FILLING: u64 = 1_000_000;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, to, archives @ ..] = arguments.as_slice() else {
        panic!("growth FOLDER RECORDS ARCHIVE…: how many records the table and each archive hold")
    };
    let to: u64 = to.parse().unwrap();
    let archives: Vec<u64> = archives.iter().map(|archive| archive.parse().unwrap()).collect();
    let mut bench = Bench::open(Path::new(folder).join("growth.db")).await;
    let mut size = 10_000;
    while size <= to {
        while bench.records < size {
            bench.apply((size - bench.records).min(FILLING), 0).await;
        }
        // A much larger archive would make the table another one.
        for (known, most) in [(0, size * 10), (3, size)] {
            for &archive in archives.iter().filter(|archive| **archive <= most) {
                let before = bench.records;
                let took = bench.apply(archive, known).await.as_secs_f64();
                println!("{before} {archive} {known} {took:.6} {}", bench.bytes());
            }
        }
        size *= 10;
    }
}

struct Bench {
    store: SqliteStore,
    path: PathBuf,
    records: u64,
    orders: i64,
    random: Random,
}

impl Bench {
    async fn open(path: PathBuf) -> Self {
        let store = SqliteStore::open(&path).await.unwrap();
        let overview = store.overview().await.unwrap();
        assert_eq!(overview.records, 0, "growth begins with an empty folder");
        Self { store, path, records: 0, orders: 0, random: Random(20_220_607) }
    }

    /// Applies an archive of which `known` records in ten are in the table
    /// already, anywhere in it. Returns the time from the first row to the commit.
    async fn apply(&mut self, total: u64, known: u64) -> Duration {
        self.orders += 1;
        let order_no: OrderNo = format!("DDMON{:08}", self.orders).parse().unwrap();
        let now = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(self.orders);
        let push_date = ShanghaiTime::from_timestamp(now);
        let worker = Worker { name: "growth".into(), term: Duration::from_secs(600) };
        self.store.decide(&Decision::AddOrder { order_no: order_no.clone() }, now).await.unwrap();
        let claim = self.store.claim(&worker, Want::Confirmed, &[], now).await.unwrap();
        let lease = claim.lease().unwrap();
        let before = self.records;
        let mut making = Duration::ZERO;
        let begun = Instant::now();
        let mut apply = self.store.begin_apply(&lease, push_date).await.unwrap();
        for first in (0..total).step_by(BATCH) {
            let made = Instant::now();
            let positions = first..total.min(first + BATCH as u64);
            let rows = positions.map(|position| {
                if position % 10 < known {
                    return row(self.random.next() % before, position);
                }
                self.records += 1;
                row(self.records - 1, position)
            });
            let rows = rows.collect();
            making += made.elapsed();
            apply.write(rows).await.unwrap();
        }
        let document = Document { at: now, push_date, total_size: total, set_aside: 0 };
        let done = Commit { order: lease.order.in_table(), document, unknown: Vec::new() };
        let written = apply.commit(done).await.unwrap();
        let took = begun.elapsed().saturating_sub(making);
        assert_eq!(written.stored() + written.superseded, total);
        assert!(written.superseded <= total * known / 10, "only repetitions lose");
        took
    }

    fn bytes(&self) -> u64 {
        let beside = |ending: &str| PathBuf::from(format!("{}{ending}", self.path.display()));
        let length = |path| fs::metadata(path).map_or(0, |metadata| metadata.len());
        ["", "-wal"].map(beside).map(length).iter().sum()
    }
}

/// A record like the manual's; its id is 32 digits that look random.
fn row(n: u64, position: u64) -> Row {
    let mut random = Random(n.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut digits = || format!("{:016x}{:016x}", random.next(), random.next());
    let mut record = RiskRecord::new(digits());
    record.corp_key_no = Some(digits());
    record.corp_name = Some("杭州金盛东方商贸有限责任公司".into());
    record.monitor_content =
        Some(format!("因未按时履行法律义务被乌鲁木齐人民法院列为失信被执行人，案号1583第{n}号"));
    record.monitor_level = MonitorLevel::known().next();
    record.monitor_type = MonitorType::known().next();
    record.score = i32::try_from(n % 100).ok();
    record.change_date = Some("2022-07-04".into());
    Row { position, record }
}

/// Xorshift: the same numbers on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}
