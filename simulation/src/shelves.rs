//! Kept archives, on a disk that is full, fails, forgets and rots.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use qcc_proto::OrderNo;
use qcc_sync::{
    ArchiveFile, Archives, ArchivesError, KeptArchive, Label, Partial, Sha256, ShelvedArchive,
};
use sha2::{Digest, Sha256 as Hasher};

use crate::{fault::Fault, mutation::Mutation, stage::Hand};

type Bytes = Arc<Vec<u8>>;

/// What is kept, whatever process kept it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shelves(Arc<Mutex<BTreeMap<Sha256, Shelved>>>);

#[derive(Debug)]
struct Shelved {
    bytes: Bytes,
    /// Kept by a process that still runs.
    fresh: bool,
}

impl Shelves {
    fn shelves(&self) -> MutexGuard<'_, BTreeMap<Sha256, Shelved>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Flips a bit of one archive, or deletes it; which one, or nothing where
    /// there is none.
    pub(crate) fn spoil(&self, which: u64, delete: bool) -> Option<Sha256> {
        let mut shelves = self.shelves();
        let at = usize::try_from(which % shelves.len().max(1) as u64).unwrap_or_default();
        let sha256 = shelves.keys().nth(at).copied()?;
        if delete {
            shelves.remove(&sha256);
        } else if let Some(shelved) = shelves.get_mut(&sha256) {
            let mut bytes = shelved.bytes.to_vec();
            let place = usize::try_from((which >> 8) % bytes.len().max(1) as u64).ok()?;
            bytes.iter_mut().skip(place).take(1).for_each(|byte| *byte ^= 0x20);
            shelved.bytes = Arc::new(bytes);
        }
        Some(sha256)
    }

    pub(crate) fn has(&self, sha256: &Sha256) -> bool {
        self.shelves().contains_key(sha256)
    }

    /// The process is gone: what it kept is an ordinary archive now, or, where
    /// that is broken on purpose, is gone with it.
    pub(crate) fn settle(&self, lost: bool) {
        let mut shelves = self.shelves();
        shelves.retain(|_, shelved| !(lost && shelved.fresh));
        shelves.values_mut().for_each(|shelved| shelved.fresh = false);
    }
}

/// The archives as one actor sees them.
pub(crate) struct FaultyArchives {
    pub(crate) shelves: Shelves,
    pub(crate) hand: Arc<Hand>,
}

#[async_trait]
impl Archives for FaultyArchives {
    async fn begin(&self, _: &OrderNo) -> Result<Box<dyn Partial>, ArchivesError> {
        self.hand.step().await;
        self.hand.stage.turn.give(|holder| holder == self.hand.who);
        if self.hand.strikes(Fault::ArchiveFull) {
            return Err(failed("making room for an archive"));
        }
        let (shelves, hand) = (self.shelves.clone(), Arc::clone(&self.hand));
        Ok(Box::new(FaultyPartial { shelves, hand, bytes: Vec::new() }))
    }

    /// Who opens an archive is about to read it: see [`Turn`](crate::power::Turn).
    async fn open(&self, archive: &KeptArchive) -> Result<Option<ArchiveFile>, ArchivesError> {
        self.hand.step().await;
        let found = self.shelves.shelves().get(&archive.sha256).map(|s| Arc::clone(&s.bytes));
        self.hand.note(format_args!("open an archive -> {}", found.is_some()));
        if found.is_some() {
            self.hand.stage.turn.take(self.hand.who).await;
            self.hand.step().await;
        }
        Ok(found.map(|bytes| Box::new(bytes) as ArchiveFile))
    }

    /// Nobody rebuilds a store here, so a label only has to fail and be survived.
    async fn label(&self, _: &KeptArchive, label: &Label) -> Result<(), ArchivesError> {
        self.hand.step().await;
        if self.hand.strikes(Fault::CrashBeforeKeep) {
            return self.hand.power.fail().await;
        }
        if self.hand.strikes(Fault::ArchiveFull) {
            return Err(failed("labelling an archive"));
        }
        self.hand.note(format_args!("label {}", label.order_no));
        if self.hand.strikes(Fault::CrashAfterKeep) {
            return self.hand.power.fail().await;
        }
        Ok(())
    }

    async fn discard(&self, archive: &KeptArchive) -> Result<(), ArchivesError> {
        self.hand.step().await;
        self.hand.note(format_args!("discard an archive"));
        self.shelves.shelves().remove(&archive.sha256);
        Ok(())
    }

    async fn shelved(
        &self,
        _: Option<&Sha256>,
        _: usize,
    ) -> Result<Vec<ShelvedArchive>, ArchivesError> {
        Err(failed("listing archives, which nothing here asks for,"))
    }
}

/// An archive being received. The process's end takes it away.
pub(crate) struct FaultyPartial {
    shelves: Shelves,
    hand: Arc<Hand>,
    bytes: Vec<u8>,
}

#[async_trait]
impl Partial for FaultyPartial {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    async fn append(&mut self, bytes: &[u8]) -> Result<(), ArchivesError> {
        self.hand.step().await;
        if self.hand.strikes(Fault::CrashBeforeKeep) {
            return self.hand.power.fail().await;
        }
        if self.hand.strikes(Fault::ArchiveTorn) {
            return Err(failed("writing an archive"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    async fn restart(&mut self) -> Result<(), ArchivesError> {
        self.hand.step().await;
        self.bytes.clear();
        Ok(())
    }

    async fn keep(self: Box<Self>) -> Result<KeptArchive, ArchivesError> {
        self.hand.step().await;
        if self.hand.strikes(Fault::CrashBeforeKeep) {
            return self.hand.power.fail().await;
        }
        if self.hand.strikes(Fault::ArchiveTorn) {
            return Err(failed("keeping an archive"));
        }
        let sha256 = Sha256::new(Hasher::digest(&self.bytes).into());
        let kept = KeptArchive { sha256, size: self.bytes.len() as u64 };
        self.hand.note(format_args!("keep {} bytes", kept.size));
        let fresh = self.hand.stage.mutated(Mutation::KeepNotDurable);
        let shelved = Shelved { bytes: Arc::new(self.bytes), fresh };
        self.shelves.shelves().insert(sha256, shelved);
        if self.hand.strikes(Fault::CrashAfterKeep) {
            return self.hand.power.fail().await;
        }
        Ok(kept)
    }
}

fn failed(doing: &'static str) -> ArchivesError {
    ArchivesError::new(doing, io::Error::other("the disk failed"))
}

impl std::fmt::Debug for FaultyArchives {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FaultyArchives")
    }
}
