//! `qcc restore`: a backup becomes the store again.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::Args;
use qcc_sync::FolderArchives;
use serde_json::json;

use super::{
    files,
    manifest::{ARCHIVES, DATABASE, Manifest},
};
use crate::{
    app::App,
    exit::{Exit, Usage},
    output::{many, when},
    wiring,
};

#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The folder of a backup
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl Restore {
    pub(crate) async fn run(self, app: &mut App) -> anyhow::Result<Exit> {
        let shown = self.dir.display();
        let manifest = self.manifest()?;
        let store = wiring::store_path(&app.config)?;
        refuse_database(&store)?;
        let archives = &app.config.archive_dir.value;
        wiring::refuse_no_archive_folder(&app.config)?;
        FolderArchives::open(archives)
            .with_context(|| format!("the archive folder {} cannot be used", archives.display()))?;

        // The archives first: a database without them would be taken for one whose disk is
        // not mounted.
        let from = self.dir.join(ARCHIVES);
        let moved = files::copy_archives(&from, archives, false, None).await;
        let moved = moved.with_context(|| format!("the backup {shown} could not be restored"))?;
        if let Some(path) = moved.damaged.first() {
            bail!(
                "the backup is damaged: {} of its archives are not what their names say, the first \
                 is {}; the database was not restored",
                moved.damaged.len(),
                path.display()
            );
        }
        self.restore_database(&manifest, &store)?;
        if self.json {
            app.out.json(&json!({
                "store": store.to_string_lossy(),
                "at": manifest.at.to_string(),
                "archives": moved.archives,
                "copied": moved.copied,
            }))?;
        } else {
            app.out.line(format_args!(
                "{}: the store as of {}, with {}",
                store.display(),
                when(manifest.at),
                many(moved.archives, "archive")
            ))?;
            app.notes.say(
                "`qcc verify` proves it; `qcc replay` applies archives that are newer than the \
                 database; `qcc sync` brings what came since",
            );
        }
        Ok(Exit::Done)
    }

    fn manifest(&self) -> anyhow::Result<Manifest> {
        let shown = self.dir.display();
        match Manifest::read(&self.dir)? {
            Some(manifest) if manifest.complete => Ok(manifest),
            Some(_) => {
                let message =
                    format!("the backup {shown} was never completed: `qcc backup {shown}`");
                Err(Usage::new(message).into())
            }
            None => {
                Err(Usage::new(format!("{shown} is not a backup: it has no backup.json")).into())
            }
        }
    }

    fn restore_database(&self, manifest: &Manifest, store: &Path) -> anyhow::Result<()> {
        let from = self.dir.join(DATABASE);
        let shown = from.display();
        let (size, sha256) =
            files::digest(&from).with_context(|| format!("{shown} cannot be read"))?;
        if (size, &sha256) != (manifest.size, &manifest.sha256) {
            bail!("the backup is damaged: {shown} is not the file that backup.json describes");
        }
        let cannot = || format!("the database {} cannot be written", store.display());
        let mut source = File::open(&from).with_context(cannot)?;
        let modified = fs::metadata(&from).and_then(|found| found.modified());
        files::persist(&mut source, store, modified.with_context(cannot)?, true)
            .with_context(cannot)?;
        let folder = store.parent().filter(|folder| !folder.as_os_str().is_empty());
        files::sync_folder(folder.unwrap_or(Path::new("."))).with_context(cannot)
    }
}

/// A newer log beside an older database would damage it.
fn refuse_database(store: &Path) -> Result<(), Usage> {
    let there = |path: &Path| fs::symlink_metadata(path).is_ok();
    let found = [store.to_owned()].into_iter().chain(files::beside(store)).find(|path| there(path));
    let Some(found) = found else { return Ok(()) };
    Err(Usage::new(format!(
        "{} is there already: stop qcc, then move the database and the files beside it away, or \
         name another database by --store",
        found.display()
    )))
}
