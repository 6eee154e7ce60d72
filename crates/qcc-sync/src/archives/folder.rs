//! Archives in a folder: `ab/abcd….zip`, private to this user, and beside each
//! `ab/abcd….ORDER.json`, its label.

mod leftovers;
mod partial;
mod regular;
mod removal;
mod shelves;
mod strays;

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use qcc_proto::OrderNo;
use tempfile::NamedTempFile;
use tokio::sync::oneshot;

use leftovers::LABELLING;
use partial::FolderPartial;
pub use strays::Strays;

use super::{
    ArchiveFile, Archives, ArchivesError, KeptArchive, Label, Partial, Retention, Sha256,
    ShelvedArchive,
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
    fn check(&self) -> io::Result<()> {
        if identity(&self.root).is_ok_and(|found| found == self.identity) {
            return Ok(());
        }
        Err(io::Error::other(format!(
            "{} was removed, moved or replaced since it was opened; check that its disk is \
             mounted, put the folder back, then start this program again",
            self.root.display()
        )))
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

#[async_trait]
impl Archives for FolderArchives {
    async fn begin(&self, _: &OrderNo) -> Result<Box<dyn Partial>, ArchivesError> {
        FolderPartial::begin(self.clone()).await.map(|partial| Box::new(partial) as _)
    }

    async fn open(&self, archive: &KeptArchive) -> Result<Option<ArchiveFile>, ArchivesError> {
        let path = self.path(&archive.sha256);
        let open = move || match regular::open(&path) {
            Ok(file) => Ok(Some(Box::new(file) as ArchiveFile)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        };
        off_the_runtime("opening an archive", open).await
    }

    async fn label(&self, archive: &KeptArchive, label: &Label) -> Result<(), ArchivesError> {
        let (folder, path) = (self.clone(), self.label_path(&archive.sha256, &label.order_no));
        let (label, size) = (label.clone(), archive.size);
        let write = move || {
            folder.check()?;
            let mut file = NamedTempFile::with_prefix_in(LABELLING, &folder.root)?;
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

/// Has the disk work done on a thread that may block: one of the runtime's, or one of its
/// own where there is no runtime.
async fn off_the_runtime<T: Send + 'static>(
    doing: &'static str,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, ArchivesError> {
    let (send, done) = oneshot::channel();
    let work = move || drop(send.send(work()));
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn_blocking(work)),
        Err(_) => {
            let thread = std::thread::Builder::new().name("qcc-archives".to_owned());
            drop(thread.spawn(work).map_err(|e| ArchivesError::new(doing, e))?);
        }
    }
    done.await.map_err(|e| ArchivesError::new(doing, e))?.map_err(|e| ArchivesError::new(doing, e))
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
