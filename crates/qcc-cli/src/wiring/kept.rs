//! What works on kept archives alone, without an account at the vendor.

use std::sync::Arc;

use anyhow::Context;
use qcc_sync::{FolderArchives, Policy, Replay, SystemClock, Worker};

use super::{LEASE, SqliteStore, slot::Slot};
use crate::{
    config::{Config, Setting},
    exit::Usage,
};

/// The archive folder, for commands that only make sense where there is one.
pub(crate) fn existing_archives(config: &Config) -> anyhow::Result<FolderArchives> {
    let folder = &config.archive_dir.value;
    if !super::archive_folder(config)?.is_dir() {
        let origin = &config.archive_dir.origin;
        let message = format!(
            "there is no archive folder {} ({origin}): name another by {}",
            folder.display(),
            origin.spelling(Setting::ARCHIVE_DIR)
        );
        return Err(Usage::new(message).into());
    }
    FolderArchives::open(folder)
        .with_context(|| format!("the archive folder {} cannot be used", folder.display()))
}

/// Applies kept archives again, alone or beside others.
#[derive(Debug)]
pub(crate) struct Replays {
    pub(crate) replay: Replay<SqliteStore, FolderArchives, SystemClock>,
    /// Held for as long as it works.
    _slot: Slot,
}

/// What applies kept archives to a store.
pub(crate) fn replay(
    config: &Config,
    store: SqliteStore,
    archives: FolderArchives,
) -> anyhow::Result<Replays> {
    let slot = Slot::take(&config.archive_dir.value)?;
    let replay = Replay {
        store: Arc::new(store),
        archives: Arc::new(archives),
        clock: SystemClock,
        worker: Worker { name: slot.name(), term: LEASE },
        policy: Policy::default(),
    };
    Ok(Replays { replay, _slot: slot })
}
