//! The file that makes a folder a backup, and says of what.

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::Context;
use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use super::files;
use crate::exit::Usage;

/// Names in the folder of a backup.
pub(super) const DATABASE: &str = "qcc.db";
pub(super) const ARCHIVES: &str = "qcc-archives";
pub(super) const LOCK: &str = "backup.lock";
const MANIFEST: &str = "backup.json";

/// What is written here.
const FORMAT: u64 = 1;

/// No manifest is larger, in bytes.
const LONGEST: u64 = 64 * 1024;

#[derive(Debug, Clone)]
pub(super) struct Manifest {
    /// When the copy of the database was made.
    pub(super) at: Timestamp,
    /// The database it is a copy of.
    pub(super) store: PathBuf,
    /// Whether a run came to its end.
    pub(super) complete: bool,
    /// The copy of the database, in bytes.
    pub(super) size: u64,
    /// And its digest.
    pub(super) sha256: String,
    pub(super) archives: u64,
    /// What the archives weigh together.
    pub(super) bytes: u64,
}

impl Manifest {
    /// That of a first run that has not come to its end.
    pub(super) fn begun(store: &Path) -> Self {
        Self {
            at: Timestamp::now(),
            store: store.to_owned(),
            complete: false,
            size: 0,
            sha256: String::new(),
            archives: 0,
            bytes: 0,
        }
    }

    /// The manifest in a folder, where there is one.
    ///
    /// # Errors
    /// [`Usage`] where it cannot be read or was written by a newer version.
    pub(super) fn read(dir: &Path) -> anyhow::Result<Option<Self>> {
        let path = dir.join(MANIFEST);
        let shown = path.display();
        let unreadable = || Usage::new(format!("{shown} is not the manifest of a backup"));
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_file() && found.len() <= LONGEST => {}
            Ok(_) => return Err(unreadable().into()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e).with_context(|| format!("{shown} cannot be read")),
        }
        let text = fs::read(&path).with_context(|| format!("{shown} cannot be read"))?;
        let value: Value =
            serde_json::from_slice(&text).map_err(|e| unreadable().with_source(e))?;
        if value.get("format").and_then(Value::as_u64).is_some_and(|format| format > FORMAT) {
            let message = format!("{shown} was written by a newer version of qcc: use that one");
            return Err(Usage::new(message).into());
        }
        Ok(Some(Self::of(&value).ok_or_else(unreadable)?))
    }

    fn of(value: &Value) -> Option<Self> {
        Some(Self {
            at: value.get("at")?.as_str()?.parse().ok()?,
            store: value.get("store")?.as_str()?.into(),
            complete: value.get("complete")?.as_bool()?,
            size: value.pointer("/database/size")?.as_u64()?,
            sha256: value.pointer("/database/sha256")?.as_str()?.to_owned(),
            archives: value.get("archives")?.as_u64()?,
            bytes: value.get("bytes")?.as_u64()?,
        })
    }

    /// Writes it into the folder. It appears whole or not at all.
    pub(super) fn write(&self, dir: &Path) -> io::Result<()> {
        let value = json!({
            "format": FORMAT,
            "complete": self.complete,
            "at": self.at.to_string(),
            "program": env!("CARGO_PKG_VERSION"),
            "store": self.store.to_string_lossy(),
            "database": { "file": DATABASE, "size": self.size, "sha256": self.sha256 },
            "archives": self.archives,
            "bytes": self.bytes,
        });
        let mut file = NamedTempFile::with_prefix_in(files::UNFINISHED, dir)?;
        writeln!(file, "{value:#}")?;
        file.as_file().sync_all()?;
        file.persist(dir.join(MANIFEST)).map_err(|e| e.error)?;
        files::sync_folder(dir)
    }
}
