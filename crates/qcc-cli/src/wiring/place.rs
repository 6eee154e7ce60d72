//! Places on disk: whether they are there, may be written, and are the right ones.

use std::path::Path;

use anyhow::Context;
use qcc_sqlite::SqliteStore;
use qcc_sync::{Archives, FolderArchives, OrderFilter, Store};

use crate::{
    config::{Origin, Setting},
    exit::Usage,
};

/// Whether files can be made in a folder. One that is marked as not to be written
/// counts as such for the administrator too, who could.
#[cfg(unix)]
pub(crate) fn can_be_written(folder: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let marked = here.metadata().is_ok_and(|found| found.permissions().mode() & 0o222 != 0);
    marked && rustix::fs::access(here, rustix::fs::Access::WRITE_OK).is_ok()
}

/// Elsewhere trying it tells.
#[cfg(not(unix))]
pub(crate) fn can_be_written(_: &Path) -> bool {
    true
}

/// A path that was mistyped, or whose disk is not mounted, must not become a place of
/// its own: only its last part is made.
pub(super) fn refuse_without_folder(path: &Path, what: &str) -> Result<(), Usage> {
    let above = match path.parent() {
        Some(above) if !above.as_os_str().is_empty() => above,
        _ => return Ok(()),
    };
    if path.exists() || above.exists() {
        return Ok(());
    }
    Err(Usage::new(format!(
        "{what} {} cannot be created because there is no folder {}: check the path and whether its disk \
         is mounted, or make the folder first",
        path.display(),
        above.display()
    )))
}

/// Whether the archive folder is one, or could be made.
pub(super) fn refuse_no_folder(folder: &Path, origin: &Origin) -> Result<(), Usage> {
    let above = folder.ancestors().find(|above| above.exists());
    if let Some(file) = above.filter(|above| !above.is_dir()) {
        return Err(Usage::new(format!(
            "{} ({origin}) is a file, not an archive folder: name a folder by {}",
            file.display(),
            origin.spelling(Setting::ARCHIVE_DIR)
        )));
    }
    refuse_without_folder(folder, "the archive folder")
}

/// How many of the newest orders are checked for a kept archive.
const ASKED: u32 = 100;

/// A folder without any archive, beside a ledger that knows of archives, is the
/// mount point of a disk that is not there, or a mistyped path. Going on would download
/// what can still be downloaded, and lose the rest.
pub(crate) async fn refuse_unmounted(store: &SqliteStore, folder: &Path) -> anyhow::Result<()> {
    if folder.join(FolderArchives::LOST).exists() {
        return Ok(());
    }
    let mut filter = OrderFilter::default();
    filter.limit = Some(ASKED);
    let orders = store.orders(&filter).await?;
    let kept = orders.iter().filter(|order| order.archive.is_some()).count();
    if kept == 0 {
        return Ok(());
    }
    let shown = folder.display();
    let found = match folder.exists() {
        false => "is not there",
        true => {
            let archives = FolderArchives::open_existing(folder)
                .with_context(|| format!("the archive folder {shown} cannot be used"))?;
            if !archives.shelved(None, 1).await?.is_empty() {
                return Ok(());
            }
            "holds no archive"
        }
    };
    Err(Usage::new(format!(
        "the archive folder {shown} {found}, while the database knows of kept archives ({kept} of \
         its newest {} orders): is the disk mounted, and QCC_ARCHIVE_DIR right? Where the archives \
         are gone for good, make the folder and an empty file {} in it, and start again",
        orders.len(),
        folder.join(FolderArchives::LOST).display()
    ))
    .into())
}
