//! Files copied so that they are whole and on the disk, or not there.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::SystemTime,
};

use qcc_proto::OrderNo;
use qcc_sync::Store as _;
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use crate::wiring::SqliteStore;

/// How files begin that are not finished.
pub(super) const UNFINISHED: &str = ".qcc-backup-";

/// What was removed on purpose, as `qcc prune` writes it down.
const RETENTION: &str = "retention.json";

/// What lies beside a database and belongs to it.
const BESIDE: [&str; 6] = ["-wal", "-shm", "-journal", "-inbox", "-inbox-wal", "-inbox-shm"];

/// What was done with the archives.
#[derive(Debug, Default)]
pub(super) struct Moved {
    /// All that are there now.
    pub(super) archives: u64,
    /// What they weigh together.
    pub(super) bytes: u64,
    /// Those that were not there before.
    pub(super) copied: u64,
    /// Those whose content is not what their name says. A restore removes them again.
    pub(super) damaged: Vec<PathBuf>,
}

/// The copy of the database that the archives go with: what came after it is left out.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) store: &'a SqliteStore,
    pub(super) began: SystemTime,
}

/// The files of one archive.
#[derive(Debug, Default)]
struct Shelved {
    archive: Option<String>,
    labels: Vec<String>,
}

/// Copies all archives and their labels. What is there already stays.
pub(super) async fn copy_archives(
    from: &Path,
    into: &Path,
    link: bool,
    known: Option<Known<'_>>,
) -> anyhow::Result<Moved> {
    if !into.is_dir() {
        make_folder(into)?;
    }
    let mut moved = Moved::default();
    for shelf in 0..=u8::MAX {
        let name = format!("{shelf:02x}");
        let (from, into) = (from.join(&name), into.join(&name));
        let shelved = on_shelf(&from)?;
        if shelved.is_empty() {
            continue;
        }
        if !into.is_dir() {
            make_folder(&into)?;
        }
        for (sha256, files) in shelved {
            let mut labels = Vec::new();
            for label in files.labels {
                if goes_along(&from.join(&label), order_of(&label), known).await? {
                    labels.push(label);
                }
            }
            let archive = match files.archive {
                Some(archive) if !labels.is_empty() => Some(archive),
                Some(archive) if goes_along(&from.join(&archive), None, known).await? => {
                    Some(archive)
                }
                _ => None,
            };
            if let Some(archive) = archive {
                moved.take(&from.join(&archive), &into.join(&archive), &sha256, link)?;
                if known.is_none()
                    && let Some(damaged) =
                        moved.damaged.last().filter(|path| path.ends_with(&archive))
                {
                    fs::remove_file(damaged)?;
                }
            }
            for label in labels {
                put(&from.join(&label), &into.join(&label), false)?;
            }
        }
        sync_folder(&into)?;
    }
    // Last: it may name what was removed while the archives were copied.
    put(&from.join(RETENTION), &into.join(RETENTION), false)?;
    sync_folder(into)?;
    Ok(moved)
}

impl Moved {
    fn take(&mut self, from: &Path, into: &Path, sha256: &str, link: bool) -> io::Result<()> {
        match put(from, into, link)? {
            Put::Gone => return Ok(()),
            Put::Already => {}
            Put::Copied(digest) => {
                self.copied += 1;
                if digest.is_some_and(|digest| digest != sha256) {
                    self.damaged.push(into.to_owned());
                }
            }
        }
        self.archives += 1;
        self.bytes += fs::metadata(into)?.len();
        Ok(())
    }
}

/// Whether a file belongs to the copy of the database: it is older, or of an order that
/// the copy knows.
async fn goes_along(
    path: &Path,
    order_no: Option<OrderNo>,
    known: Option<Known<'_>>,
) -> anyhow::Result<bool> {
    let Some(Known { store, began }) = known else { return Ok(true) };
    match fs::symlink_metadata(path).and_then(|found| found.modified()) {
        Ok(modified) if modified < began => return Ok(true),
        Ok(_) => {}
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(e) => return Err(e.into()),
    }
    match order_no {
        Some(order_no) => Ok(store.order(&order_no).await?.is_some()),
        None => Ok(false),
    }
}

/// The order that a label is of: `SHA256.ORDER.json`.
fn order_of(label: &str) -> Option<OrderNo> {
    label.strip_suffix(".json")?.split_once('.')?.1.parse().ok()
}

fn on_shelf(folder: &Path) -> io::Result<BTreeMap<String, Shelved>> {
    let mut shelf: BTreeMap<String, Shelved> = BTreeMap::new();
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(shelf);
        }
        Err(e) => return Err(e),
    };
    for entry in entries {
        // What is not named as an archive or a label is neither.
        let Ok(name) = entry?.file_name().into_string() else { continue };
        let Some((sha256, kind)) = name.split_once('.') else { continue };
        if sha256.len() != 64 || !sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            continue;
        }
        let files = shelf.entry(sha256.to_owned());
        match kind {
            "zip" => files.or_default().archive = Some(name),
            kind if kind.ends_with(".json") => files.or_default().labels.push(name),
            _ => {}
        }
    }
    Ok(shelf)
}

/// What became of one file.
#[derive(Debug)]
enum Put {
    /// It is not there any more, or never was a file.
    Gone,
    /// The same file is there already.
    Already,
    /// Copied, with its SHA-256; linked, without.
    Copied(Option<String>),
}

/// Copies or links one file, with its time.
fn put(from: &Path, into: &Path, link: bool) -> io::Result<Put> {
    let found = match fs::symlink_metadata(from) {
        Ok(found) if found.is_file() => found,
        Ok(_) => return Ok(Put::Gone),
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Put::Gone),
        Err(e) => return Err(e),
    };
    let modified = found.modified()?;
    let same = |there: fs::Metadata| {
        there.is_file() && there.len() == found.len() && there.modified().ok() == Some(modified)
    };
    if fs::symlink_metadata(into).is_ok_and(same) {
        return Ok(Put::Already);
    }
    if link && !into.exists() && fs::hard_link(from, into).is_ok() {
        return Ok(Put::Copied(None));
    }
    let mut source = match File::open(from) {
        Ok(source) => source,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Put::Gone),
        Err(e) => return Err(e),
    };
    let digest = persist(&mut source, into, modified, false)?;
    Ok(Put::Copied(Some(digest)))
}

/// Writes a file that appears whole and on the disk. Returns its SHA-256.
pub(super) fn persist(
    source: &mut File,
    into: &Path,
    modified: SystemTime,
    only_new: bool,
) -> io::Result<String> {
    let folder = into.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file = NamedTempFile::with_prefix_in(UNFINISHED, folder.unwrap_or(Path::new(".")))?;
    let digest = copied(source, &mut file)?;
    file.as_file().set_modified(modified)?;
    file.as_file().sync_all()?;
    match only_new {
        true => file.persist_noclobber(into).map_err(|e| e.error)?,
        false => file.persist(into).map_err(|e| e.error)?,
    };
    Ok(digest)
}

/// Length and SHA-256 of a file.
pub(super) fn digest(path: &Path) -> io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    Ok((size, copied(&mut file, &mut io::sink())?))
}

/// Copies all of a file. Returns its SHA-256.
fn copied(source: &mut File, into: &mut impl Write) -> io::Result<String> {
    let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 256 * 1024]);
    loop {
        let read = source.read(&mut buffer)?;
        let Some(part) = buffer.get(..read).filter(|part| !part.is_empty()) else { break };
        hasher.update(part);
        into.write_all(part)?;
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Removes a database and what lies beside it, where there is one.
pub(super) fn remove_database(path: &Path) -> io::Result<()> {
    for name in beside(path).chain([path.to_owned()]) {
        match fs::remove_file(&name) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
    }
    Ok(())
}

/// The files beside a database, whether they are there or not.
pub(super) fn beside(path: &Path) -> impl Iterator<Item = PathBuf> {
    let path = path.as_os_str().to_owned();
    BESIDE.into_iter().map(move |end| {
        let mut name = path.clone();
        name.push(end);
        name.into()
    })
}

/// A folder for its owner alone, below one that is there.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    match folder.parent().filter(|above| !above.as_os_str().is_empty()) {
        Some(above) => sync_folder(above),
        None => sync_folder(Path::new(".")),
    }
}

pub(super) fn is_empty(folder: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(folder)? {
        // What mkfs makes.
        if entry?.file_name() != "lost+found" {
            return Ok(false);
        }
    }
    Ok(true)
}

pub(super) fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

pub(super) fn mark_read_only(path: &Path) -> io::Result<()> {
    let mut permissions = fs::metadata(path)?.permissions();
    permissions.set_readonly(true);
    fs::set_permissions(path, permissions)
}

#[cfg(unix)]
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
pub(super) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
