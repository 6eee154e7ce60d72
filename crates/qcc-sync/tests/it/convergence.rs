//! Whatever goes wrong, and wherever it is interrupted: the table ends as the
//! vendor meant it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use qcc_http::{Client, HttpClient};
use qcc_proto::RiskRecord;
use qcc_sim::{Fault, FaultPlan, Rate, SimTransport, Vendor, VendorConfig, VirtualClock};
use qcc_sync::{
    Clock, Engine, MemoryArchives, MemoryStore, OrderFilter, Parts, Policy, Rank, RecordFilter,
    StateName, Store, Worker,
};

type Table = BTreeMap<String, (Rank, RiskRecord)>;

/// The simulator's virtual time, as the engine asks for it.
#[derive(Clone, Copy)]
struct WorldClock(VirtualClock);

impl Clock for WorldClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

struct World {
    vendor: Arc<Mutex<Vendor>>,
    store: Arc<MemoryStore>,
    archives: Arc<MemoryArchives>,
    clock: WorldClock,
}

impl World {
    fn new(config: VendorConfig) -> Self {
        let start: Timestamp = "2026-01-05T01:00:00Z".parse().unwrap();
        Self {
            vendor: Arc::new(Mutex::new(Vendor::new(config))),
            store: Arc::default(),
            archives: Arc::default(),
            clock: WorldClock(VirtualClock::starting_at(start)),
        }
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn push(&self, orders: u32) {
        let mut vendor = self.vendor.lock().unwrap();
        for n in 0..orders {
            vendor.push(self.now() + SignedDuration::from_secs(n.into()));
        }
    }

    fn engine(&self) -> Engine<MemoryStore, MemoryArchives, WorldClock> {
        let clock = self.clock;
        let transport = SimTransport::new(self.vendor.clone(), move || clock.now());
        let credentials = self.vendor.lock().unwrap().config().account.credentials().clone();
        Engine::new(Parts {
            client: Client::new(credentials, HttpClient::new(transport)),
            store: self.store.clone(),
            archives: self.archives.clone(),
            clock,
            worker: Worker { name: "w".into(), term: Duration::from_secs(600) },
            policy: Policy::default(),
        })
    }

    /// Runs and cuts the run off after `time`, wherever it is.
    async fn run_for(&self, time: Duration) {
        let engine = self.engine();
        let _ = tokio::time::timeout(time, engine.settle(Duration::from_secs(3600), &())).await;
    }

    /// Runs until nothing moves by itself any more.
    async fn settle(&self) {
        for _ in 0..200 {
            let _ = self.engine().settle(Duration::from_secs(2 * 3600), &()).await;
            let overview = self.store.overview().await.unwrap();
            let settled =
                overview.count(StateName::Applied) + overview.count(StateName::Quarantined);
            let all = self.vendor.lock().unwrap().truth().orders.len() as u64;
            if settled == all {
                return;
            }
            tokio::time::sleep(Duration::from_secs(3600)).await;
        }
        panic!("it never settled: {:?}", self.store.overview().await.unwrap());
    }

    fn check_journal(&self) {
        let vendor = self.vendor.lock().unwrap();
        assert!(!vendor.journal().secret_seen(), "the secret left");
        assert_eq!(vendor.journal().foreign_hosts(), [""; 0], "a foreign host was called");
    }

    async fn table(&self) -> Table {
        let page = self.store.records(&RecordFilter::default(), None, u32::MAX).await.unwrap();
        page.into_iter().map(|row| (row.record.id.clone(), (row.rank, row.record))).collect()
    }

    /// What the vendor meant, from its own generator.
    fn truth(&self, spoilt_too: bool) -> Table {
        let vendor = self.vendor.lock().unwrap();
        let truth = vendor.truth_of(|order| spoilt_too || order.spoilt.is_none());
        let row = |(id, row): (String, qcc_sim::TrueRecord)| {
            let rank =
                Rank { push_date: row.push_date, order_no: row.order_no, position: row.position };
            (id, (rank, RiskRecord::from(row.record)))
        };
        truth.table.into_iter().map(row).collect()
    }
}

fn paused<F: Future>(test: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(test)
}

/// One life of a receiver: pushes, runs that are cut off, faults that pass, a
/// person who retries what was quarantined; then the tables are compared.
async fn live(seed: u64, runs: &[(u32, u64)]) {
    let world = World::new(VendorConfig {
        seed,
        bad_records: 0.02,
        faults: FaultPlan::random().at_most(80),
        ..VendorConfig::default()
    });
    for (orders, millis) in runs {
        world.push(*orders);
        world.run_for(Duration::from_millis(*millis)).await;
        tokio::time::sleep(Duration::from_secs(600)).await;
    }
    world.settle().await;
    for _ in 0..10 {
        let retried = world.store.retry(&[], world.now()).await.unwrap();
        if retried.is_empty() {
            break;
        }
        world.settle().await;
    }

    world.check_journal();
    assert_eq!(world.table().await, world.truth(false), "seed {seed}");
    assert!(world.store.overview().await.unwrap().gaps.is_empty(), "no order was ever missed");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]
    #[test]
    fn the_table_converges(
        seed in any::<u64>(),
        runs in prop::collection::vec((0u32..4, 0u64..60_000), 1..7),
    ) {
        paused(live(seed, &runs));
    }
}

/// Two thousand lives; `PROPTEST_CASES` asks for more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(2000)
}

#[test]
fn every_fault_that_passes_is_survived_alone() {
    for fault in Fault::ALL.iter().filter(|fault| fault.passes()) {
        paused(async {
            let faults = FaultPlan::none().with(*fault, Rate::first(3));
            let world = World::new(VendorConfig { seed: 7, faults, ..VendorConfig::default() });
            world.push(6);
            world.settle().await;
            world.store.retry(&[], world.now()).await.unwrap();
            world.settle().await;
            assert_eq!(world.table().await, world.truth(true), "{fault}");
        });
    }
}

#[test]
fn every_spoilt_order_is_quarantined_with_its_archive_and_the_rest_applied() {
    for fault in Fault::ALL.iter().filter(|fault| !fault.passes()) {
        paused(async {
            let faults = FaultPlan::none().with(*fault, Rate::first(1));
            let world = World::new(VendorConfig { seed: 7, faults, ..VendorConfig::default() });
            world.push(4);
            world.settle().await;
            assert_eq!(world.table().await, world.truth(false), "{fault}");
            let mut filter = OrderFilter::default();
            filter.state = Some(StateName::Quarantined);
            let orders = world.store.orders(&filter).await.unwrap();
            assert_eq!(orders.len(), 1, "{fault}");
            assert!(orders[0].archive.is_some(), "{fault}: the raw bytes are kept");
        });
    }
}

#[test]
fn a_window_that_ran_over_is_a_gap() {
    paused(async {
        let world = World::new(VendorConfig { seed: 3, ..VendorConfig::default() });
        world.push(5);
        world.settle().await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        world.push(31);
        let _ = world.engine().settle(Duration::ZERO, &()).await;
        let gaps = world.store.gaps().await.unwrap();
        assert_eq!(gaps.len(), 1);
        let missed = world.vendor.lock().unwrap().truth().orders;
        let missed: Vec<_> = missed.iter().filter(|(_, order)| order.missed).collect();
        assert_eq!(missed.len(), 1);
        assert!(gaps[0].after.order_no < *missed[0].0 && *missed[0].0 < gaps[0].before.order_no);
    });
}

#[test]
fn a_list_that_lags_does_not_hide_a_gap() {
    paused(async {
        let world = World::new(VendorConfig { seed: 3, ..VendorConfig::default() });
        world.push(5);
        world.settle().await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        world.push(40);
        let lags = FaultPlan::none().with(Fault::ListLags, Rate::first(1));
        world.vendor.lock().unwrap().set_faults(lags);
        for _ in 0..2 {
            let _ = world.engine().settle(Duration::ZERO, &()).await;
        }
        assert_eq!(world.store.gaps().await.unwrap().len(), 1);
    });
}

#[test]
fn thirty_orders_in_one_go_are_no_gap_while_the_last_known_is_listed() {
    paused(async {
        let world = World::new(VendorConfig { seed: 3, ..VendorConfig::default() });
        world.push(5);
        world.settle().await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        world.push(29);
        world.settle().await;
        assert!(world.store.gaps().await.unwrap().is_empty());
        assert_eq!(world.table().await, world.truth(true));
    });
}
