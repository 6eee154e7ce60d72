//! Archives in a folder: `ab/abcd….zip`, private to this user, and beside each
//! `ab/abcd….ORDER.json`, its label.

mod leftovers;
mod removal;
mod shelves;

use std::{
    fs::{self, File},
    io::{self, Seek, Write},
    path::{Path, PathBuf},
};

use qcc_proto::OrderNo;
use sha2::{Digest, Sha256 as Hasher};
use tempfile::NamedTempFile;

use leftovers::{LABELLING, RECEIVING};

use super::{
    Archives, ArchivesError, KeptArchive, Label, Partial, Retention, Sha256, ShelvedArchive,
};

/// Archives in a folder of their own.
///
/// What is being received lies in a temporary file there and becomes
/// `<first two digits>/<sha256>.zip` by rename, after the data and before the
/// folder are synced to disk. A [`Label`] becomes `<sha256>.<order number>.json`
/// beside it in the same way, a file for each order, so that two processes never
/// change the same one. Folder and files are readable by their owner only.
#[derive(Debug, Clone)]
pub struct FolderArchives {
    root: PathBuf,
}

impl FolderArchives {
    /// Opens the folder, making it where it is missing, and removes what processes
    /// that were killed left half received there a day ago or earlier.
    ///
    /// # Errors
    /// [`ArchivesError`] where it cannot be made or is no folder.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, ArchivesError> {
        let root = root.into();
        make_durable(&root)
            .and_then(|()| leftovers::sweep(&root))
            .map_err(|e| ArchivesError::new("opening the archive folder", e))?;
        Ok(Self { root })
    }

    /// Where an archive lies, whether it is there or not.
    pub fn path(&self, sha256: &Sha256) -> PathBuf {
        self.shelf(sha256).join(format!("{sha256}.zip"))
    }

    /// Where the label of an order's archive lies. An order number holds nothing
    /// but letters, digits, `-` and `_`.
    fn label_path(&self, sha256: &Sha256, order_no: &OrderNo) -> PathBuf {
        self.shelf(sha256).join(format!("{sha256}.{order_no}.json"))
    }

    fn shelf(&self, sha256: &Sha256) -> PathBuf {
        let [first, ..] = sha256.as_bytes();
        self.root.join(format!("{first:02x}"))
    }
}

impl Archives for FolderArchives {
    type Partial = FolderPartial;
    type File = File;

    async fn begin(&self) -> Result<FolderPartial, ArchivesError> {
        let file = NamedTempFile::with_prefix_in(RECEIVING, &self.root)
            .map_err(|e| ArchivesError::new("making a file for an archive", e))?;
        Ok(FolderPartial { folder: self.clone(), file, hasher: Hasher::new(), len: 0 })
    }

    async fn open(&self, archive: &KeptArchive) -> Result<Option<File>, ArchivesError> {
        match File::open(self.path(&archive.sha256)) {
            Ok(file) => Ok(Some(file)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(ArchivesError::new("opening an archive", e)),
        }
    }

    async fn label(&self, archive: &KeptArchive, label: &Label) -> Result<(), ArchivesError> {
        let (root, path) = (self.root.clone(), self.label_path(&archive.sha256, &label.order_no));
        let (label, size) = (label.clone(), archive.size);
        let write = move || {
            let mut file = NamedTempFile::with_prefix_in(LABELLING, &root)?;
            file.write_all(&label.to_json(size)?)?;
            persist(file, &path)
        };
        off_the_runtime("labelling an archive", write).await
    }

    async fn shelved(
        &self,
        after: Option<&Sha256>,
        limit: usize,
    ) -> Result<Vec<ShelvedArchive>, ArchivesError> {
        let (root, after) = (self.root.clone(), after.copied());
        let list = move || shelves::list(&root, after, limit);
        off_the_runtime("listing the archives", list).await
    }

    async fn retention(&self) -> Result<Retention, ArchivesError> {
        let root = self.root.clone();
        off_the_runtime("reading what was removed", move || removal::read(&root)).await
    }
}

/// Has the disk work done on a thread that may block.
async fn off_the_runtime<T: Send + 'static>(
    doing: &'static str,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, ArchivesError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(|e| ArchivesError::new(doing, e)),
        Err(e) => Err(ArchivesError::new(doing, e)),
    }
}

/// An archive on its way into a folder.
#[derive(Debug)]
pub struct FolderPartial {
    folder: FolderArchives,
    file: NamedTempFile,
    hasher: Hasher,
    len: u64,
}

impl Partial for FolderPartial {
    fn len(&self) -> u64 {
        self.len
    }

    async fn append(&mut self, bytes: &[u8]) -> Result<(), ArchivesError> {
        self.file.write_all(bytes).map_err(|e| ArchivesError::new("writing an archive", e))?;
        self.hasher.update(bytes);
        self.len += bytes.len() as u64;
        Ok(())
    }

    async fn restart(&mut self) -> Result<(), ArchivesError> {
        let file = self.file.as_file_mut();
        file.set_len(0)
            .and_then(|()| file.rewind())
            .map_err(|e| ArchivesError::new("starting an archive over", e))?;
        self.hasher = Hasher::new();
        self.len = 0;
        Ok(())
    }

    async fn keep(self) -> Result<KeptArchive, ArchivesError> {
        let kept =
            KeptArchive { sha256: Sha256::new(self.hasher.finalize().into()), size: self.len };
        let path = self.folder.path(&kept.sha256);
        let file = self.file;
        off_the_runtime("keeping an archive", move || persist(file, &path)).await?;
        Ok(kept)
    }
}

fn persist(file: NamedTempFile, path: &Path) -> io::Result<()> {
    let shelf = path.parent().unwrap_or(path);
    let root = shelf.parent().unwrap_or(shelf);
    make_private(shelf)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|e| e.error)?;
    sync_folder(shelf)?;
    sync_folder(root)
}

#[cfg(unix)]
fn make_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn make_private(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

/// Makes the folder so that it is still there after a power cut, and with it what
/// is kept in it.
fn make_durable(folder: &Path) -> io::Result<()> {
    let folder = std::path::absolute(folder)?;
    let made = folder.ancestors().take_while(|ancestor| !ancestor.exists()).count();
    make_private(&folder)?;
    folder.ancestors().skip(1).take(made).try_for_each(sync_folder)
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
