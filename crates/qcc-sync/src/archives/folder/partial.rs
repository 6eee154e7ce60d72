//! An archive on its way into a folder.

use std::io::{self, Seek, Write};

use async_trait::async_trait;
use sha2::{Digest, Sha256 as Hasher};
use tempfile::NamedTempFile;

use super::{FolderArchives, leftovers::RECEIVING, off_the_runtime, persist};
use crate::{ArchivesError, KeptArchive, Partial, Sha256};

/// Bytes are gathered up to here before a thread that may block writes them.
const PORTION: usize = 1 << 20;

/// An archive on its way into a folder.
#[derive(Debug)]
pub(super) struct FolderPartial {
    folder: FolderArchives,
    /// Gone once a write failed or was abandoned.
    received: Option<Received>,
    gathered: Vec<u8>,
    len: u64,
}

/// What was written so far.
#[derive(Debug)]
struct Received {
    file: NamedTempFile,
    hasher: Hasher,
}

impl Received {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.hasher.update(bytes);
        Ok(())
    }
}

impl FolderPartial {
    pub(super) async fn begin(folder: FolderArchives) -> Result<Self, ArchivesError> {
        let place = folder.clone();
        let make = move || {
            place.check()?;
            NamedTempFile::with_prefix_in(RECEIVING, &place.root)
        };
        let file = off_the_runtime("making a file for an archive", make).await?;
        let received = Some(Received { file, hasher: Hasher::new() });
        Ok(Self { folder, received, gathered: Vec::new(), len: 0 })
    }

    fn take(&mut self, doing: &'static str) -> Result<Received, ArchivesError> {
        self.received
            .take()
            .ok_or_else(|| ArchivesError::new(doing, "an earlier write of the same archive failed"))
    }
}

#[async_trait]
impl Partial for FolderPartial {
    fn len(&self) -> u64 {
        self.len
    }

    async fn append(&mut self, bytes: &[u8]) -> Result<(), ArchivesError> {
        const DOING: &str = "writing an archive";
        self.gathered.extend_from_slice(bytes);
        if self.gathered.len() >= PORTION {
            let mut received = self.take(DOING)?;
            let mut portion = std::mem::take(&mut self.gathered);
            let write = move || {
                received.write(&portion)?;
                portion.clear();
                Ok((received, portion))
            };
            let (received, portion) = off_the_runtime(DOING, write).await?;
            (self.received, self.gathered) = (Some(received), portion);
        }
        self.len += bytes.len() as u64;
        Ok(())
    }

    async fn restart(&mut self) -> Result<(), ArchivesError> {
        const DOING: &str = "starting an archive over";
        let mut received = self.take(DOING)?;
        self.gathered.clear();
        let restart = move || {
            received.file.as_file_mut().set_len(0)?;
            received.file.as_file_mut().rewind()?;
            received.hasher = Hasher::new();
            Ok(received)
        };
        self.received = Some(off_the_runtime(DOING, restart).await?);
        self.len = 0;
        Ok(())
    }

    async fn keep(mut self: Box<Self>) -> Result<KeptArchive, ArchivesError> {
        const DOING: &str = "keeping an archive";
        let mut received = self.take(DOING)?;
        let (folder, rest, size) = (self.folder.clone(), self.gathered, self.len);
        let keep = move || {
            received.write(&rest)?;
            let sha256 = Sha256::new(received.hasher.finalize().into());
            folder.check()?;
            persist(received.file, &folder.path(&sha256))?;
            // What is kept where nobody will look is not kept.
            folder.check()?;
            Ok(KeptArchive { sha256, size })
        };
        off_the_runtime(DOING, keep).await
    }
}
