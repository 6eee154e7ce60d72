//! A vendor, a store and an engine in one process, in virtual time.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use qcc_archive::ReadAt as _;
use qcc_http::Client;
use qcc_proto::{OrderNo, RiskRecord};
use qcc_sim::{SimTransport, Vendor, VendorConfig, VirtualClock};
use qcc_sync::{
    Archives, Clock, Engine, KeptArchive, MemoryArchives, MemoryStore, Parts, Policy, Rank,
    RecordFilter, StateName, Store, Worker,
};

pub(crate) type Table = BTreeMap<String, (Rank, RiskRecord)>;

/// The simulator's virtual time, as the engine asks for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WorldClock(VirtualClock);

#[async_trait::async_trait]
impl Clock for WorldClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

pub(crate) struct World {
    pub(crate) vendor: Arc<Mutex<Vendor>>,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) archives: Arc<MemoryArchives>,
    pub(crate) clock: WorldClock,
}

impl World {
    pub(crate) fn new(config: VendorConfig) -> Self {
        let start: Timestamp = "2026-01-05T01:00:00Z".parse().unwrap();
        Self {
            vendor: Arc::new(Mutex::new(Vendor::new(config))),
            store: Arc::default(),
            archives: Arc::default(),
            clock: WorldClock(VirtualClock::starting_at(start)),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn push(&self, orders: u32) {
        let mut vendor = self.vendor.lock().unwrap();
        for n in 0..orders {
            vendor.push(self.now() + SignedDuration::from_secs(n.into()));
        }
    }

    pub(crate) fn client(&self) -> Client {
        let clock = self.clock;
        let transport = SimTransport::new(self.vendor.clone(), move || clock.now());
        let credentials = self.vendor.lock().unwrap().config().account.credentials().clone();
        Client::with_transport(credentials, transport)
    }

    pub(crate) fn engine(&self) -> Engine {
        let clock = self.clock;
        Engine::new(Parts {
            client: self.client(),
            store: self.store.clone(),
            archives: self.archives.clone(),
            clock: Arc::new(clock),
            worker: Worker { name: "w".into(), term: Duration::from_secs(600) },
            policy: Policy::default(),
        })
    }

    /// Runs and cuts the run off after `time`, wherever it is.
    pub(crate) async fn run_for(&self, time: Duration) {
        let engine = self.engine();
        let _ = tokio::time::timeout(time, engine.settle(Duration::from_secs(3600), &())).await;
    }

    /// Runs until nothing moves by itself any more.
    pub(crate) async fn settle(&self) {
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

    pub(crate) fn check_journal(&self) {
        let vendor = self.vendor.lock().unwrap();
        assert!(!vendor.journal().secret_seen(), "the secret left");
        assert_eq!(vendor.journal().foreign_hosts(), [""; 0], "a foreign host was called");
    }

    pub(crate) async fn table(&self) -> Table {
        let page = self.store.records(&RecordFilter::default(), None, u32::MAX).await.unwrap();
        page.into_iter().map(|row| (row.record.id.clone(), (row.rank, row.record))).collect()
    }

    /// What the vendor meant, from its own generator.
    pub(crate) fn truth(&self, spoilt_too: bool) -> Table {
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

/// The bytes of a kept archive.
pub(crate) async fn bytes_of(archives: &dyn Archives, kept: &KeptArchive) -> Vec<u8> {
    let file = archives.open(kept).await.unwrap().expect("it was kept");
    let mut bytes = vec![0; usize::try_from(file.size().unwrap()).unwrap()];
    file.read_exact_at(&mut bytes, 0).unwrap();
    bytes
}

pub(crate) fn no(text: &str) -> OrderNo {
    text.parse().unwrap()
}

pub(crate) fn paused<F: Future>(test: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(test)
}
