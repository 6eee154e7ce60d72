//! Archives in memory, for tests and simulation.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use jiff::Timestamp;
use qcc_proto::OrderNo;
use sha2::{Digest, Sha256 as Hasher};

use super::{
    ArchiveFile, Archives, ArchivesError, Discard, KeptArchive, Label, Partial, Retention, Sha256,
    ShelvedArchive,
};

type Shelves = Arc<Mutex<BTreeMap<Sha256, Shelved>>>;

/// An archive, unless it was taken away, and its labels.
#[derive(Debug, Default)]
struct Shelved {
    bytes: Option<Arc<Vec<u8>>>,
    size: u64,
    labels: BTreeMap<OrderNo, Label>,
}

/// Archives in memory. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct MemoryArchives(Shelves, Arc<Mutex<Retention>>);

impl MemoryArchives {
    /// Takes an archive away, as a careless person would.
    pub fn remove(&self, sha256: &Sha256) {
        if let Some(shelved) = self.shelves().get_mut(sha256) {
            shelved.bytes = None;
        }
    }

    /// Changes an archive's bytes behind everybody's back, as a failing disk would.
    pub fn damage(&self, sha256: &Sha256, change: impl FnOnce(&mut Vec<u8>)) {
        if let Some(bytes) =
            self.shelves().get_mut(sha256).and_then(|shelved| shelved.bytes.as_mut())
        {
            change(Arc::make_mut(bytes));
        }
    }

    fn shelves(&self) -> MutexGuard<'_, BTreeMap<Sha256, Shelved>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes a place, and gives it up where nothing is left in it.
    fn tidy(&self, archive: &KeptArchive, change: impl FnOnce(&mut Shelved)) {
        let mut shelves = self.shelves();
        let Some(shelved) = shelves.get_mut(&archive.sha256) else { return };
        change(shelved);
        if shelved.bytes.is_none() && shelved.labels.is_empty() {
            shelves.remove(&archive.sha256);
        }
    }

    fn removed(&self) -> MutexGuard<'_, Retention> {
        self.1.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Discard for MemoryArchives {
    async fn note_pruned(&self, retention: &Retention) -> Result<(), ArchivesError> {
        let mut removed = self.removed();
        *removed = std::mem::take(&mut *removed).and(retention);
        Ok(())
    }

    /// Memory does not note when: whatever is kept was there all the time.
    async fn kept_at(&self, archive: &KeptArchive) -> Result<Option<Timestamp>, ArchivesError> {
        let kept = self.shelves().get(&archive.sha256).is_some_and(|held| held.bytes.is_some());
        Ok(kept.then_some(Timestamp::MIN))
    }

    async fn unlabel(
        &self,
        archive: &KeptArchive,
        order_no: &OrderNo,
    ) -> Result<(), ArchivesError> {
        self.tidy(archive, |shelved| drop(shelved.labels.remove(order_no)));
        Ok(())
    }
}

#[async_trait]
impl Archives for MemoryArchives {
    async fn begin(&self, _: &OrderNo) -> Result<Box<dyn Partial>, ArchivesError> {
        Ok(Box::new(MemoryPartial { shelves: self.0.clone(), bytes: Vec::new() }))
    }

    async fn open(&self, archive: &KeptArchive) -> Result<Option<ArchiveFile>, ArchivesError> {
        let bytes = self.shelves().get(&archive.sha256).and_then(|shelved| shelved.bytes.clone());
        Ok(bytes.map(|bytes| Box::new(bytes) as ArchiveFile))
    }

    async fn label(&self, archive: &KeptArchive, label: &Label) -> Result<(), ArchivesError> {
        let mut shelves = self.shelves();
        let shelved = shelves.entry(archive.sha256).or_default();
        shelved.size = archive.size;
        shelved.labels.insert(label.order_no.clone(), label.clone());
        Ok(())
    }

    async fn discard(&self, archive: &KeptArchive) -> Result<(), ArchivesError> {
        self.shelves().remove(&archive.sha256);
        Ok(())
    }

    async fn shelved(
        &self,
        after: Option<&Sha256>,
        limit: usize,
    ) -> Result<Vec<ShelvedArchive>, ArchivesError> {
        let behind = after.map_or(Bound::Unbounded, |after| Bound::Excluded(*after));
        let shelves = self.shelves();
        let page = shelves.range((behind, Bound::Unbounded)).take(limit);
        Ok(page
            .map(|(sha256, shelved)| ShelvedArchive {
                archive: KeptArchive { sha256: *sha256, size: shelved.size },
                labels: shelved.labels.values().cloned().collect(),
                unreadable: 0,
            })
            .collect())
    }

    async fn retention(&self) -> Result<Retention, ArchivesError> {
        Ok(self.removed().clone())
    }
}

/// An archive on its way into memory.
#[derive(Debug)]
struct MemoryPartial {
    shelves: Shelves,
    bytes: Vec<u8>,
}

#[async_trait]
impl Partial for MemoryPartial {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    async fn append(&mut self, bytes: &[u8]) -> Result<(), ArchivesError> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    async fn restart(&mut self) -> Result<(), ArchivesError> {
        self.bytes.clear();
        Ok(())
    }

    async fn keep(self: Box<Self>) -> Result<KeptArchive, ArchivesError> {
        let sha256 = Sha256::new(Hasher::digest(&self.bytes).into());
        let size = self.bytes.len() as u64;
        let mut shelves = self.shelves.lock().unwrap_or_else(PoisonError::into_inner);
        let shelved = shelves.entry(sha256).or_default();
        (shelved.bytes, shelved.size) = (Some(Arc::new(self.bytes)), size);
        Ok(KeptArchive { sha256, size })
    }
}
