//! What works on kept archives alone, without an account at the vendor.

use std::sync::Arc;

use anyhow::Context;
use qcc_sqlite::SqliteStore;
use qcc_sync::{FolderArchives, Policy, Replay, SystemClock, Worker};

use super::{
    place::can_be_written,
    slot::{LEASE, Slot},
};
use crate::{
    config::{Config, Setting},
    exit::Usage,
    output::Notes,
};

/// The archive folder, for commands that only make sense where there is one.
pub(crate) fn existing_archives(config: &Config) -> anyhow::Result<FolderArchives> {
    let folder = &config.archive_dir.value;
    let origin = &config.archive_dir.origin;
    super::place::refuse_no_folder(folder, origin)?;
    if !folder.is_dir() {
        let message = format!(
            "there is no archive folder {} ({origin}): name another by {}",
            folder.display(),
            origin.spelling(Setting::ARCHIVE_DIR)
        );
        return Err(Usage::new(message).into());
    }
    FolderArchives::open_existing(folder)
        .with_context(|| format!("the archive folder {} cannot be used", folder.display()))
}

/// Applies kept archives again, alone or beside others.
#[derive(Debug)]
pub(crate) struct Replays {
    pub(crate) replay: Replay,
    /// Held for as long as it works.
    _slot: Slot,
}

/// What applies kept archives to a store.
pub(crate) fn replay(
    config: &Config,
    store: SqliteStore,
    archives: FolderArchives,
) -> anyhow::Result<Replays> {
    let folder = &config.archive_dir.value;
    let slot = match can_be_written(folder) {
        true => Slot::take(folder)?,
        false => Slot::beside(store.path())?,
    };
    let replay = Replay {
        store: Arc::new(store),
        archives: Arc::new(archives),
        clock: Arc::new(SystemClock),
        worker: Worker { name: slot.name(), term: LEASE },
        policy: Policy::default(),
    };
    Ok(Replays { replay, _slot: slot })
}

/// Names what lies in the archive folder and is passed over.
pub(crate) async fn tell_strays(archives: &FolderArchives, notes: Notes) -> anyhow::Result<()> {
    let strays = archives.strays().await?;
    for (path, why) in &strays.named {
        notes.say(format_args!("skipped: {}: {why}", path.display()));
    }
    let unnamed = strays.count - strays.named.len() as u64;
    if unnamed > 0 {
        notes.say(format_args!("skipped: {unnamed} more like these"));
    }
    Ok(())
}
