//! Archives in memory, for tests and simulation.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use sha2::{Digest, Sha256 as Hasher};

use super::{Archives, ArchivesError, KeptArchive, Partial, Sha256};

type Shelves = Arc<Mutex<BTreeMap<Sha256, Arc<Vec<u8>>>>>;

/// Archives in memory. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct MemoryArchives(Shelves);

impl MemoryArchives {
    /// Takes an archive away, as a careless person would.
    pub fn remove(&self, sha256: &Sha256) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(sha256);
    }
}

impl Archives for MemoryArchives {
    type Partial = MemoryPartial;
    type File = Arc<Vec<u8>>;

    async fn begin(&self) -> Result<MemoryPartial, ArchivesError> {
        Ok(MemoryPartial { shelves: self.0.clone(), bytes: Vec::new() })
    }

    async fn open(&self, archive: &KeptArchive) -> Result<Option<Arc<Vec<u8>>>, ArchivesError> {
        let shelves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(shelves.get(&archive.sha256).cloned())
    }
}

/// An archive on its way into memory.
#[derive(Debug)]
pub struct MemoryPartial {
    shelves: Shelves,
    bytes: Vec<u8>,
}

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

    async fn keep(self) -> Result<KeptArchive, ArchivesError> {
        let sha256 = Sha256::new(Hasher::digest(&self.bytes).into());
        let size = self.bytes.len() as u64;
        let mut shelves = self.shelves.lock().unwrap_or_else(PoisonError::into_inner);
        shelves.insert(sha256, Arc::new(self.bytes));
        Ok(KeptArchive { sha256, size })
    }
}
