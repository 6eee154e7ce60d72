//! What a folder no longer holds, and the file that says so.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use jiff::Timestamp;
use qcc_proto::OrderNo;
use tempfile::NamedTempFile;

use super::{FolderArchives, leftovers::LABELLING, off_the_runtime, sync_folder};
use crate::{
    ArchivesError, KeptArchive,
    archives::retention::{Discard, Retention},
};

/// Lies beside the shelves.
const NAME: &str = "retention.json";

/// A file that is larger was not written here: this is a million orders.
const LIMIT: u64 = 256 << 20;

/// What was removed on purpose, as the file in a folder says.
pub(super) fn read(root: &Path) -> io::Result<Retention> {
    let file = match File::open(root.join(NAME)) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Retention::default()),
        Err(e) => return Err(e),
    };
    let mut text = Vec::new();
    file.take(LIMIT).read_to_end(&mut text)?;
    Retention::from_json(&text).map_err(io::Error::other)
}

fn add(root: &Path, more: &Retention) -> io::Result<()> {
    let all = read(root)?.and(more);
    let mut file = NamedTempFile::with_prefix_in(LABELLING, root)?;
    file.write_all(&all.to_json()?)?;
    file.as_file().sync_all()?;
    file.persist(root.join(NAME)).map_err(|e| e.error)?;
    sync_folder(root)
}

#[async_trait]
impl Discard for FolderArchives {
    async fn note_pruned(&self, retention: &Retention) -> Result<(), ArchivesError> {
        let (root, more) = (self.root.clone(), retention.clone());
        off_the_runtime("writing down what is removed", move || add(&root, &more)).await
    }

    async fn kept_at(&self, archive: &KeptArchive) -> Result<Option<Timestamp>, ArchivesError> {
        let path = self.path(&archive.sha256);
        off_the_runtime("looking at an archive", move || match fs::metadata(&path) {
            Ok(metadata) => {
                let modified = Timestamp::try_from(metadata.modified()?);
                modified.map(Some).map_err(io::Error::other)
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        })
        .await
    }

    async fn unlabel(
        &self,
        archive: &KeptArchive,
        order_no: &OrderNo,
    ) -> Result<(), ArchivesError> {
        let path: PathBuf = self.label_path(&archive.sha256, order_no);
        off_the_runtime("removing a label", move || remove(&path)).await
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}
