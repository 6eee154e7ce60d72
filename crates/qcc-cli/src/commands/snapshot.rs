//! `qcc snapshot`: the database as it is now, in a file of its own.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use qcc_sqlite::Copied;
use serde_json::json;

use crate::{
    app::App,
    exit::{Exit, Usage},
    wiring,
};

#[derive(Debug, Args)]
pub(crate) struct Snapshot {
    /// The new file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// For other users of this machine: without passwords and secret paths, readable by everyone
    #[arg(long)]
    for_readers: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl Snapshot {
    pub(crate) async fn run(self, app: &mut App) -> anyhow::Result<Exit> {
        let shown = self.file.display();
        if self.file.symlink_metadata().is_ok() {
            return Err(Usage::new(format!("{shown} already exists: name a new file")).into());
        }
        let store = wiring::store_to_read(&app.config).await?;
        let copied = if self.for_readers { Copied::WithoutSecrets } else { Copied::Everything };
        store
            .copy_to(&self.file, copied)
            .await
            .with_context(|| format!("the snapshot {shown} could not be made"))?;
        if self.json {
            let path = self.file.to_string_lossy();
            app.out.json(&json!({ "file": path, "for_readers": self.for_readers }))?;
        } else {
            app.out.line(format_args!("{shown}: the database as it is now"))?;
        }
        Ok(Exit::Done)
    }
}
