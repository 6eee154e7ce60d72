//! An archive that turns out wrong only at its end: nothing of it is applied.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use qcc_archive::Options;
use qcc_http::{Client, HttpClient};
use qcc_sim::{ArchiveDialect, ArchiveStyle, SimTransport, Vendor, VendorConfig, VirtualClock};
use qcc_sync::{
    Archives, ArchivesError, Clock, Engine, Event, KeptArchive, Label, MemoryArchives,
    MemoryPartial, MemoryStore, Parts, Policy, RecordFilter, Sha256, ShelvedArchive, StateName,
    Store, Worker,
};

const RECORDS: u32 = 3000;

/// Archives whose headers, while `lies`, declare a byte more than there is.
/// No authentication code covers that, so only the end of the content tells.
#[derive(Clone, Default)]
struct Lying {
    inner: Arc<MemoryArchives>,
    lies: Arc<AtomicBool>,
}

impl Archives for Lying {
    type Partial = MemoryPartial;
    type File = Vec<u8>;

    async fn begin(&self) -> Result<MemoryPartial, ArchivesError> {
        self.inner.begin().await
    }

    async fn open(&self, archive: &KeptArchive) -> Result<Option<Vec<u8>>, ArchivesError> {
        let file = self.inner.open(archive).await?;
        Ok(file.map(|bytes| {
            let mut bytes = bytes.to_vec();
            if self.lies.load(Ordering::Relaxed) {
                declare_a_byte_more(&mut bytes);
            }
            bytes
        }))
    }

    async fn label(&self, archive: &KeptArchive, label: &Label) -> Result<(), ArchivesError> {
        self.inner.label(archive, label).await
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

#[derive(Clone, Copy)]
struct WorldClock(VirtualClock);

impl Clock for WorldClock {
    fn now(&self) -> jiff::Timestamp {
        self.0.now()
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_written_before_a_late_error_is_not_committed() {
    let clock = WorldClock(VirtualClock::starting_at("2026-01-05T01:00:00Z".parse().unwrap()));
    let mut vendor = Vendor::new(VendorConfig {
        records_per_order: RECORDS..=RECORDS,
        archives: ArchiveStyle::Fixed(ArchiveDialect::default()),
        ..VendorConfig::default()
    });
    let order_no = vendor.push(clock.now());
    let vendor = Arc::new(Mutex::new(vendor));
    let (store, archives) = (Arc::new(MemoryStore::default()), Arc::new(Lying::default()));
    let mut policy = Policy::default();
    (policy.batch, policy.archive) = (100, Options::default().with_hold_back(0));
    let engine = || {
        let transport = SimTransport::new(vendor.clone(), move || clock.now());
        let credentials = vendor.lock().unwrap().config().account.credentials().clone();
        Engine::new(Parts {
            client: Client::new(credentials, HttpClient::new(transport)),
            store: store.clone(),
            archives: archives.clone(),
            clock,
            worker: Worker { name: "w".into(), term: Duration::from_secs(600) },
            policy: policy.clone(),
        })
    };
    let most_written = AtomicU64::new(0);
    let observer = |event: &Event| {
        if let Event::Applying { records, .. } = event {
            most_written.fetch_max(*records, Ordering::Relaxed);
        }
    };
    let patience = Duration::from_secs(24 * 3600);
    let all = RecordFilter::default();
    let count = async || store.records(&all, None, u32::MAX).await.unwrap().len();

    archives.lies.store(true, Ordering::Relaxed);
    engine().settle(patience, &observer).await.unwrap();
    assert!(most_written.load(Ordering::Relaxed) > 1000, "{most_written:?} were written");
    assert_eq!(count().await, 0);
    let state = async || store.order(&order_no).await.unwrap().unwrap().state.name();
    assert_eq!(state().await, StateName::Quarantined);

    archives.lies.store(false, Ordering::Relaxed);
    assert_eq!(store.retry(&[], clock.now()).await.unwrap().len(), 1);
    engine().settle(patience, &observer).await.unwrap();
    assert!(count().await > 0);
    assert_eq!(state().await, StateName::Applied);
}
