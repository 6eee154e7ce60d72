//! Which archive, which entry, and the password for it.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::Args;
use qcc_archive::{KeyStrength, Options, Verified};

use super::label;
use crate::{app::App, config::Secret, exit::Usage};

/// Which entry of which archive, and how to open it.
#[derive(Debug, Args)]
pub(super) struct Input {
    /// The archive
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The entry's name
    #[arg(long, value_name = "NAME", default_value = qcc_proto::DOCUMENT_NAME)]
    entry: String,
    /// Accept AES-128 and AES-192 too
    #[arg(long)]
    allow_weak_aes: bool,
    /// A file that holds the password [env: QCC_ARCHIVE_PASSWORD, the password itself]
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl Input {
    /// Opens the archive and authenticates the entry.
    pub(super) fn open(&self, app: &App) -> anyhow::Result<Verified<File>> {
        let file = open(&self.file)?;
        let password = self.password(app)?;
        let mut options = Options::default();
        if self.allow_weak_aes {
            options = options.with_min_strength(KeyStrength::Aes128);
        }
        qcc_archive::Archive::open(file, options)
            .and_then(|archive| {
                archive.into_authenticated(&self.entry, password.reveal().as_bytes())
            })
            .with_context(|| self.refused())
    }

    /// From the file named, else from the settings, else from the label that lies
    /// beside a kept archive.
    fn password(&self, app: &App) -> Result<Secret, Usage> {
        let told = app.config.archive_password_from(self.password_file.as_ref());
        match told {
            Err(_) if self.password_file.is_none() => label::password(&self.file).map_or(told, Ok),
            told => told,
        }
    }

    pub(super) fn refused(&self) -> String {
        format!("{} is refused", self.file.display())
    }
}

/// Opens a file that the caller named.
pub(super) fn open(path: &Path) -> anyhow::Result<File> {
    let shown = path.display();
    // Opening a pipe would wait for a writer.
    if std::fs::metadata(path).is_ok_and(|meta| !meta.is_file() && !meta.is_dir()) {
        let message = format!("{shown} is a device or a pipe: copy the archive into a file");
        return Err(Usage::new(message).into());
    }
    match File::open(path) {
        Ok(file) if file.metadata().is_ok_and(|meta| meta.is_dir()) => {
            Err(Usage::new(format!("{shown} is a folder, not an archive")).into())
        }
        Ok(file) => Ok(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(Usage::new(format!("there is no file {shown}")).into())
        }
        Err(error) => Err(error).with_context(|| format!("{shown} cannot be opened")),
    }
}
