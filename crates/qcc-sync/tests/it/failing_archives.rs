//! Kept archives that fail when they are read: at their very end, or at once.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use qcc_archive::{Options, ReadAt};
use qcc_proto::OrderNo;
use qcc_sim::{ArchiveDialect, ArchiveStyle, VendorConfig};
use qcc_sync::{
    ArchiveFile, Archives, ArchivesError, Decision, Engine, Event, Finding, KeptArchive, Label,
    MemoryArchives, MemoryStore, OrderFilter, Partial, Parts, Policy, ReasonCode, RecordFilter,
    Replay, ReplayScope, Setback, Sha256, ShelvedArchive, StateName, Store, VerifySettings, Worker,
    verify,
};

use crate::world::{World, bytes_of, paused};

const RECORDS: u32 = 3000;

/// Archives whose headers, while `lies`, declare a byte more than there is. No
/// authentication code covers that, so only the end of the content tells. And
/// once `spoils_first`, the first that is labelled cannot be read at all. While
/// `unlabelled`, no label can be written. While `shrinks`, a file loses its second half
/// after its size was read.
#[derive(Clone, Default)]
struct Failing {
    inner: Arc<MemoryArchives>,
    lies: Arc<AtomicBool>,
    spoils_first: Arc<AtomicBool>,
    unlabelled: Arc<AtomicBool>,
    shrinks: Arc<AtomicBool>,
    unreadable: Arc<Mutex<Option<Sha256>>>,
}

/// A kept archive of which only the bytes before `cut_at` can be read.
struct Kept {
    bytes: Vec<u8>,
    cut_at: usize,
}

impl ReadAt for Kept {
    fn size(&self) -> io::Result<u64> {
        Ok(self.bytes.len() as u64)
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        self.bytes[..self.cut_at].read_exact_at(buf, offset)
    }
}

#[async_trait::async_trait]
impl Archives for Failing {
    async fn begin(&self, order_no: &OrderNo) -> Result<Box<dyn Partial>, ArchivesError> {
        self.inner.begin(order_no).await
    }

    async fn open(&self, archive: &KeptArchive) -> Result<Option<ArchiveFile>, ArchivesError> {
        if *self.unreadable.lock().unwrap() == Some(archive.sha256) {
            let failed = io::Error::other("a sector is gone");
            return Err(ArchivesError::new("opening an archive", failed));
        }
        if self.inner.open(archive).await?.is_none() {
            return Ok(None);
        }
        let mut bytes = bytes_of(&*self.inner, archive).await;
        if self.lies.load(Ordering::Relaxed) {
            declare_a_byte_more(&mut bytes);
        }
        let shrinks = self.shrinks.load(Ordering::Relaxed);
        let cut_at = if shrinks { bytes.len() / 2 } else { bytes.len() };
        Ok(Some(Box::new(Kept { bytes, cut_at })))
    }

    async fn label(&self, archive: &KeptArchive, label: &Label) -> Result<(), ArchivesError> {
        if self.spoils_first.swap(false, Ordering::Relaxed) {
            *self.unreadable.lock().unwrap() = Some(archive.sha256);
        }
        if self.unlabelled.load(Ordering::Relaxed) {
            let failed = io::Error::other("the disk is full");
            return Err(ArchivesError::new("labelling an archive", failed));
        }
        self.inner.label(archive, label).await
    }

    async fn discard(&self, archive: &KeptArchive) -> Result<(), ArchivesError> {
        self.inner.discard(archive).await
    }

    async fn shelved(
        &self,
        after: Option<&Sha256>,
        limit: usize,
    ) -> Result<Vec<ShelvedArchive>, ArchivesError> {
        self.inner.shelved(after, limit).await
    }
}

fn declare_a_byte_more(archive: &mut [u8]) {
    let directory = archive.windows(4).rposition(|window| window == b"PK\x01\x02").unwrap();
    for at in [22, directory + 24] {
        let size = u32::from_le_bytes(archive[at..at + 4].try_into().unwrap());
        assert!(size > 512 << 10, "the content comes in several chunks");
        archive[at..at + 4].copy_from_slice(&(size + 1).to_le_bytes());
    }
}

fn engine(world: &World, archives: &Failing, policy: Policy) -> Engine {
    Engine::new(Parts {
        client: world.client(),
        store: world.store.clone(),
        archives: Arc::new(archives.clone()),
        clock: Arc::new(world.clock),
        worker: Worker { name: "w".into(), term: Duration::from_secs(600) },
        policy,
    })
}

const PATIENCE: Duration = Duration::from_secs(24 * 3600);

#[test]
fn what_was_written_before_a_late_error_is_not_committed() {
    paused(async {
        let world = World::new(VendorConfig {
            records_per_order: RECORDS..=RECORDS,
            archives: ArchiveStyle::Fixed(ArchiveDialect::default()),
            ..VendorConfig::default()
        });
        world.push(1);
        let archives = Failing::default();
        let mut policy = Policy::default();
        (policy.batch, policy.archive) = (100, Options::default().with_hold_back_bytes(0));
        let engine = || engine(&world, &archives, policy.clone());
        let most_written = AtomicU64::new(0);
        let observer = |event: &Event| {
            if let Event::Applying { records, .. } = event {
                most_written.fetch_max(*records, Ordering::Relaxed);
            }
        };
        let all = RecordFilter::default();
        let count = async || world.store.records(&all, None, u32::MAX).await.unwrap().len();
        let in_state = async |state| world.store.overview().await.unwrap().count(state);

        archives.lies.store(true, Ordering::Relaxed);
        engine().settle(PATIENCE, &observer).await.unwrap();
        assert!(most_written.load(Ordering::Relaxed) > 1000, "{most_written:?} were written");
        assert_eq!(count().await, 0);
        assert_eq!(in_state(StateName::Quarantined).await, 1);

        archives.lies.store(false, Ordering::Relaxed);
        assert_eq!(world.store.retry(&[], world.now()).await.unwrap().len(), 1);
        engine().settle(PATIENCE, &observer).await.unwrap();
        assert!(count().await > 0);
        assert_eq!(in_state(StateName::Applied).await, 1);
    });
}

#[test]
fn an_archive_that_cannot_be_read_holds_up_no_other() {
    paused(async {
        let world = World::new(VendorConfig::default());
        world.push(3);
        let archives = Failing::default();
        // The oldest order is fetched first and applied first.
        archives.spoils_first.store(true, Ordering::Relaxed);
        engine(&world, &archives, Policy::default()).settle(Duration::ZERO, &()).await.unwrap();
        let orders = world.store.orders(&OrderFilter::default()).await.unwrap();
        let reasons: Vec<_> = orders.iter().filter_map(|order| order.state.reason()).collect();
        assert_eq!(reasons.len(), 1, "{orders:?}");
        assert_eq!(reasons[0].code, ReasonCode::Transient);
        assert!(reasons[0].detail.contains("a sector is gone"), "{}", reasons[0].detail);
        let applied = orders.iter().filter(|order| order.state.name() == StateName::Applied);
        assert_eq!(applied.count(), 2);

        *archives.unreadable.lock().unwrap() = None;
        engine(&world, &archives, Policy::default()).settle(PATIENCE, &()).await.unwrap();
        assert_eq!(world.store.overview().await.unwrap().count(StateName::Applied), 3);
        assert_eq!(world.table().await, world.truth(true));
    });
}

#[test]
fn an_archive_that_changes_while_it_is_applied_is_read_again_and_not_quarantined() {
    paused(async {
        let world = World::new(VendorConfig::default());
        world.push(1);
        let archives = Failing::default();
        archives.shrinks.store(true, Ordering::Relaxed);
        engine(&world, &archives, Policy::default()).settle(Duration::ZERO, &()).await.unwrap();
        let orders = world.store.orders(&OrderFilter::default()).await.unwrap();
        assert_eq!(orders[0].state.name(), StateName::Waiting, "{orders:?}");
        let reason = orders[0].state.reason().unwrap();
        assert_eq!(reason.code, ReasonCode::Transient);
        assert!(reason.detail.contains("changed while"), "{}", reason.detail);

        archives.shrinks.store(false, Ordering::Relaxed);
        let engine = engine(&world, &archives, Policy::default());
        let report = engine.settle(PATIENCE, &()).await.unwrap();
        assert_eq!((report.fetched, report.applied), (0, 1));
        assert_eq!(world.table().await, world.truth(true));
    });
}

#[test]
fn a_replay_and_a_proof_name_what_cannot_be_read_and_go_on() {
    paused(async {
        let world = World::new(VendorConfig::default());
        world.push(4);
        let archives = Failing::default();
        engine(&world, &archives, Policy::default()).settle(PATIENCE, &()).await.unwrap();
        let orders = world.store.orders(&OrderFilter::default()).await.unwrap();
        *archives.unreadable.lock().unwrap() = orders[1].archive.map(|kept| kept.sha256);

        for store in [world.store.clone(), Arc::new(MemoryStore::default())] {
            let replay = Replay {
                store,
                archives: Arc::new(archives.clone()),
                clock: Arc::new(world.clock),
                worker: Worker { name: "replay".into(), term: Duration::from_secs(600) },
                policy: Policy::default(),
            };
            let report = replay.run(&ReplayScope::All, &()).await.unwrap();
            assert_eq!(report.applied, 3);
            let [Setback::Unreadable(order_no, why)] = &*report.setbacks else {
                panic!("{:?}", report.setbacks);
            };
            assert_eq!(*order_no, orders[1].no);
            assert!(why.contains("a sector is gone"), "{why}");
        }

        let folder = tempfile::tempdir().unwrap();
        let settings = VerifySettings::new(&Policy::default(), folder.path());
        let verdict = verify(&*world.store, &archives, &settings, &|_| {}).await.unwrap();
        assert_eq!((verdict.orders, verdict.refused, verdict.differences), (4, 1, 0));
        let [Finding::ArchiveRefused { order_no, detail }] = &*verdict.findings else {
            panic!("{:?}", verdict.findings);
        };
        assert_eq!(*order_no, orders[1].no);
        assert!(
            detail.contains("cannot be read") && detail.contains("a sector is gone"),
            "{detail}"
        );
    });
}

#[test]
fn the_ledger_says_listed_no_sooner_than_the_label_does() {
    paused(async {
        let world = World::new(VendorConfig::default());
        world.push(1);
        let archives = Failing::default();
        let engine = engine(&world, &archives, Policy::default());
        let order_no = world.vendor.lock().unwrap().truth().orders.keys().next().unwrap().clone();
        world.store.note_call(&order_no, world.now()).await.unwrap();
        let add = Decision::AddOrder { order_no: order_no.clone() };
        world.store.decide(&add, world.now()).await.unwrap();
        while engine.work(&mut Default::default(), &()).await.unwrap() {}
        let ledger = async || world.store.order(&order_no).await.unwrap().unwrap().listed_at;
        let label = async || {
            let shelved = archives.inner.shelved(None, 9).await.unwrap();
            shelved[0].labels[0].listed_at
        };
        archives.unlabelled.store(true, Ordering::Relaxed);
        engine.list(&()).await.unwrap_err();
        assert_eq!((ledger().await, label().await), (None, None), "the next list tries again");
        archives.unlabelled.store(false, Ordering::Relaxed);
        engine.list(&()).await.unwrap();
        assert!(ledger().await.is_some() && label().await.is_some());
    });
}
