//! `qcc archive info`: what an archive claims, for looking around.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use qcc_archive::{Entry, Options};
use serde_json::{Value, json};

use super::input::open;
use crate::{
    app::App,
    exit::Exit,
    output::{count, table},
};

#[derive(Debug, Args)]
pub(crate) struct Info {
    /// The archive
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl Info {
    pub(super) fn run(self, app: &mut App) -> anyhow::Result<Exit> {
        let archive = qcc_archive::Archive::open(open(&self.file)?, Options::default())
            .with_context(|| format!("{} is refused", self.file.display()))?;
        if self.json {
            let entries: Vec<Value> = archive.entries().iter().map(json_of).collect();
            app.out.json(&json!({ "entries": entries }))?;
        } else {
            let header = ["entry", "encryption", "method", "packed", "unpacked"];
            app.out.line(table(header, archive.entries().iter().map(row)))?;
            app.notes.say("The archive claims this; nothing was authenticated.");
        }
        Ok(Exit::Done)
    }
}

fn json_of(entry: &Entry) -> Value {
    json!({
        "name": entry.name(),
        "encryption": entry.encryption().to_string(),
        "method": entry.method(),
        "compressed_size": entry.compressed_size(),
        "size": entry.size(),
    })
}

fn row(entry: &Entry) -> [String; 5] {
    let method = match entry.method() {
        0 => "stored".to_owned(),
        8 => "deflate".to_owned(),
        other => other.to_string(),
    };
    [
        entry.name().into_owned(),
        entry.encryption().to_string(),
        method,
        count(entry.compressed_size()),
        count(entry.size()),
    ]
}
