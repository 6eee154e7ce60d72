//! `qcc backup` and `qcc restore`: database and archives as of one moment.

mod files;
mod manifest;
mod restore;

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::SystemTime,
};

use anyhow::Context;
use clap::Args;
use jiff::Timestamp;
use qcc_sqlite::Copied;
use serde_json::json;

use crate::{
    app::App,
    exit::{Exit, Usage},
    output::{bytes, many, when},
    wiring::{self, SqliteStore},
};
use files::Moved;
use manifest::{DATABASE, LOCK, Manifest};
pub(crate) use restore::Restore;

#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The folder of the backup: new, or a backup of this database to update
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Hard-link the archives where possible instead of copying them
    #[arg(long)]
    link: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl Backup {
    pub(crate) async fn run(self, app: &mut App) -> anyhow::Result<Exit> {
        let store = wiring::store_to_read(&app.config).await?;
        let archives = &app.config.archive_dir.value;
        wiring::existing_archives(&app.config)?;
        wiring::refuse_unmounted(&store, archives).await?;
        let shown = self.dir.display();
        let (_lock, before) = self.claim(store.path())?;
        let done = self.copy(&store, archives, before);
        let (manifest, moved) =
            done.await.with_context(|| format!("the backup {shown} could not be completed"))?;
        for path in &moved.damaged {
            app.notes.say(format_args!(
                "damaged: {}: its content is not what its name says",
                path.display()
            ));
        }
        if self.json {
            app.out.json(&json!({
                "dir": self.dir.to_string_lossy(),
                "at": manifest.at.to_string(),
                "archives": manifest.archives,
                "bytes": manifest.bytes,
                "copied": moved.copied,
                "damaged": moved.damaged.len(),
            }))?;
        } else {
            app.out.line(format_args!(
                "{shown}: the store as of {}: {} ({}), {} of them copied now",
                when(manifest.at),
                many(manifest.archives, "archive"),
                bytes(manifest.bytes),
                moved.copied
            ))?;
            app.notes.say(format_args!(
                "`qcc --store {} verify` proves the backup",
                self.dir.join(DATABASE).display()
            ));
        }
        Ok(if moved.damaged.is_empty() { Exit::Done } else { Exit::Unfinished })
    }

    /// The folder, locked, and the manifest of the backup that is there.
    fn claim(&self, store: &Path) -> anyhow::Result<(File, Option<Manifest>)> {
        let shown = self.dir.display();
        let cannot = || format!("the folder {shown} cannot be written");
        match fs::symlink_metadata(&self.dir) {
            Ok(_) => {}
            Err(_) => files::make_folder(&self.dir).with_context(cannot)?,
        }
        let before = match Manifest::read(&self.dir)? {
            Some(before) if before.store == store => Some(before),
            Some(before) => {
                return Err(Usage::new(format!(
                    "{shown} is a backup of {}, not of {}: name another folder",
                    before.store.display(),
                    store.display()
                ))
                .into());
            }
            None if files::is_empty(&self.dir).with_context(cannot)? => None,
            None => {
                let message = format!("{shown} holds other files and no backup: name a new folder");
                return Err(Usage::new(message).into());
            }
        };
        let lock = files::open_private(&self.dir.join(LOCK)).with_context(cannot)?;
        if lock.try_lock().is_err() {
            return Err(Usage::new(format!("another backup into {shown} is under way")).into());
        }
        Ok((lock, before))
    }

    async fn copy(
        &self,
        store: &SqliteStore,
        archives: &Path,
        before: Option<Manifest>,
    ) -> anyhow::Result<(Manifest, Moved)> {
        if before.is_none() {
            // A run that is killed leaves a folder that the next one takes up again.
            Manifest::begun(store.path()).write(&self.dir)?;
        }
        // The database first: an archive is on the disk before the ledger names it, so none
        // that this copy names is missing below.
        let (began, at) = (SystemTime::now(), Timestamp::now());
        let fresh = self.dir.join(format!("{DATABASE}.new"));
        files::remove_database(&fresh)?;
        store.copy_to(&fresh, Copied::Everything).await?;
        // Readers then create no files beside it.
        files::mark_read_only(&fresh)?;
        let copy = SqliteStore::open_to_read(&fresh).await?;
        let into = self.dir.join(manifest::ARCHIVES);
        let known = Some(files::Known { store: &copy, began });
        let moved = files::copy_archives(archives, &into, self.link, known).await?;
        drop(copy);

        let database = self.dir.join(DATABASE);
        let (size, sha256) = files::digest(&fresh)?;
        files::remove_database(&database)?;
        fs::rename(&fresh, &database)?;
        files::sync_folder(&self.dir)?;
        let manifest = Manifest {
            at,
            store: store.path().to_owned(),
            complete: true,
            size,
            sha256,
            archives: moved.archives,
            bytes: moved.bytes,
        };
        manifest.write(&self.dir)?;
        Ok((manifest, moved))
    }
}
