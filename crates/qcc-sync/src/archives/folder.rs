//! Archives in a folder: `ab/abcd….zip`, private to this user, and beside each
//! `ab/abcd….ORDER.json`, its label.

mod leftovers;
mod regular;
mod removal;
mod shelves;
mod strays;

use std::{
    fs::{self, File},
    io::{self, Seek, Write},
    path::{Path, PathBuf},
};

use qcc_proto::OrderNo;
use sha2::{Digest, Sha256 as Hasher};
use tempfile::NamedTempFile;

use leftovers::{LABELLING, RECEIVING};
pub use strays::Strays;

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
    /// Which folder that was when it was opened: where a disk is unmounted, its
    /// mount point bears the same name.
    identity: Identity,
}

impl FolderArchives {
    /// A file of this name in the folder says that a person knows that the archives
    /// are gone, so that work without them may go on.
    pub const LOST: &str = "archives-lost";

    /// Opens the folder, making it where it is missing, and removes what processes
    /// that were killed left half received there a day ago or earlier. The folder
    /// above it must be there: a path that was mistyped, or whose disk is not mounted,
    /// does not become a new archive folder.
    ///
    /// # Errors
    /// [`ArchivesError`] where it cannot be made or is no folder.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, ArchivesError> {
        let root = root.into();
        make_durable(&root)
            .and_then(|()| leftovers::sweep(&root))
            .and_then(|()| Ok(Self { identity: identity(&root)?, root }))
            .map_err(|e| ArchivesError::new("opening the archive folder", e))
    }

    /// Opens a folder that is there already. Nothing is made or removed in it, so it
    /// may be one that can only be read.
    ///
    /// # Errors
    /// [`ArchivesError`] where it is not there or is no folder.
    pub fn open_existing(root: impl Into<PathBuf>) -> Result<Self, ArchivesError> {
        let root = root.into();
        fs::read_dir(&root)
            .and_then(|_| Ok(Self { identity: identity(&root)?, root }))
            .map_err(|e| ArchivesError::new("opening the archive folder", e))
    }

    /// What lies in the folder and is passed over. Reads every label.
    ///
    /// # Errors
    /// [`ArchivesError`] where the folder cannot be read.
    pub async fn strays(&self) -> Result<Strays, ArchivesError> {
        let root = self.root.clone();
        off_the_runtime("listing the archives", move || strays::find(&root)).await
    }

    /// Fails where the path names another folder than the one that was opened: what
    /// is kept there would be missed later.
    fn check(&self, doing: &'static str) -> Result<(), ArchivesError> {
        if identity(&self.root).is_ok_and(|found| found == self.identity) {
            return Ok(());
        }
        let detail = format!(
            "{} was removed, moved or replaced since it was opened; check that its disk is \
             mounted, put the folder back, then start this program again",
            self.root.display()
        );
        Err(ArchivesError::new(doing, detail))
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
        self.check("making a file for an archive")?;
        let file = NamedTempFile::with_prefix_in(RECEIVING, &self.root)
            .map_err(|e| ArchivesError::new("making a file for an archive", e))?;
        Ok(FolderPartial { folder: self.clone(), file, hasher: Hasher::new(), len: 0 })
    }

    async fn open(&self, archive: &KeptArchive) -> Result<Option<File>, ArchivesError> {
        match regular::open(&self.path(&archive.sha256)) {
            Ok(file) => Ok(Some(file)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(ArchivesError::new("opening an archive", e)),
        }
    }

    async fn label(&self, archive: &KeptArchive, label: &Label) -> Result<(), ArchivesError> {
        self.check("labelling an archive")?;
        let (root, path) = (self.root.clone(), self.label_path(&archive.sha256, &label.order_no));
        let (label, size) = (label.clone(), archive.size);
        let write = move || {
            let mut file = NamedTempFile::with_prefix_in(LABELLING, &root)?;
            file.write_all(&label.to_json(size)?)?;
            persist(file, &path)
        };
        off_the_runtime("labelling an archive", write).await
    }

    async fn discard(&self, archive: &KeptArchive) -> Result<(), ArchivesError> {
        let (path, name) = (self.path(&archive.sha256), archive.sha256.to_string());
        off_the_runtime("removing an archive", move || remove(&path, &name)).await
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

/// Removes an archive's labels and then the archive, so that no label is left of
/// what is gone.
fn remove(path: &Path, name: &str) -> io::Result<()> {
    let gone = |done: io::Result<()>| match done {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    };
    let shelf = path.parent().unwrap_or(path);
    let entries = match fs::read_dir(shelf) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(e),
    };
    for entry in entries {
        let entry = entry?;
        let file = entry.file_name();
        let is_label = file.to_str().is_some_and(|file| {
            file.strip_prefix(name).is_some_and(|rest| rest.ends_with(".json"))
        });
        if is_label {
            gone(fs::remove_file(entry.path()))?;
        }
    }
    gone(fs::remove_file(path))?;
    sync_folder(shelf)
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
        self.folder.check("keeping an archive")?;
        let file = self.file;
        off_the_runtime("keeping an archive", move || persist(file, &path)).await?;
        // What is kept where nobody will look is not kept.
        self.folder.check("keeping an archive")?;
        Ok(kept)
    }
}

fn persist(file: NamedTempFile, path: &Path) -> io::Result<()> {
    let shelf = path.parent().unwrap_or(path);
    let root = shelf.parent().unwrap_or(shelf);
    regular::make_way_for_folder(shelf)?;
    make_private(shelf)?;
    regular::make_way(path)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|e| e.error)?;
    sync_folder(shelf)?;
    sync_folder(root)
}

/// Makes one folder, for its owner alone, where there is none.
fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        outcome => outcome,
    }
}

/// Makes the folder so that it is still there after a power cut, and with it what
/// is kept in it.
fn make_durable(folder: &Path) -> io::Result<()> {
    let folder = std::path::absolute(folder)?;
    if folder.is_dir() {
        return Ok(());
    }
    make_private(&folder)?;
    tracing::info!(path = %folder.display(), "new archive folder");
    folder.parent().map_or(Ok(()), sync_folder)
}

/// What tells a folder from every other on this machine.
type Identity = (u64, u64);

#[cfg(unix)]
fn identity(folder: &Path) -> io::Result<Identity> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(folder).map(|found| (found.dev(), found.ino()))
}

#[cfg(not(unix))]
fn identity(folder: &Path) -> io::Result<Identity> {
    fs::metadata(folder).map(|_| (0, 0))
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
