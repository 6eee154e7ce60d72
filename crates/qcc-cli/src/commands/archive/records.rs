//! `qcc archive records`: the typed records of an archive, checked.

use std::io::BufRead;

use anyhow::Context;
use clap::Args;
use qcc_proto::{DocumentSummary, ItemRef, ReaderLimits, RecordReader, SetAsideRecord};
use serde_json::json;

use super::input::Input;
use crate::{
    app::App,
    exit::Exit,
    output::{count, json_record, many},
};

#[derive(Debug, Args)]
pub(crate) struct Records {
    #[command(flatten)]
    input: Input,
    /// Check every record, but print only how many there are
    #[arg(long)]
    count: bool,
    /// With --count: one JSON object
    #[arg(long, requires = "count")]
    json: bool,
}

/// How many records set aside are listed one by one.
const TOLD: u64 = 20;

impl Records {
    pub(super) fn run(self, app: &mut App) -> anyhow::Result<Exit> {
        let verified = self.input.open(app)?;
        // Unpacking and parsing share the work of two cores.
        let content = verified.into_reader().ahead().with_context(|| self.input.refused())?;
        let mut reader = RecordReader::new(content, ReaderLimits::default());
        let read = self.read(app, &mut reader);
        read.with_context(|| match self.count {
            true => self.input.refused(),
            false => format!("{}; do not use what was printed", self.input.refused()),
        })?;
        let summary = reader.finish().with_context(|| self.input.refused())?;
        if self.count {
            self.print_count(app, &summary)?;
        }
        if summary.set_aside == 0 {
            return Ok(Exit::Done);
        }
        app.notes.say(format_args!(
            "set aside because they do not match the manual: {} of {}",
            count(summary.set_aside),
            many(summary.total_size, "record")
        ));
        Ok(Exit::Unfinished)
    }

    /// Reads to the document's end, printing unless only the count is wanted.
    fn read(&self, app: &mut App, reader: &mut RecordReader<impl BufRead>) -> anyhow::Result<()> {
        let mut set_aside = 0;
        while let Some(item) = reader.next_ref()? {
            match item {
                ItemRef::Record { .. } if self.count => {}
                ItemRef::Record { position, record } => {
                    json_record(&mut app.out, record, &[("position", &position.to_string())])?;
                }
                ItemRef::SetAside(bad) => {
                    set_aside += 1;
                    if set_aside <= TOLD {
                        tell(app, &bad);
                    }
                }
            }
        }
        Ok(())
    }

    fn print_count(&self, app: &mut App, summary: &DocumentSummary) -> anyhow::Result<()> {
        if self.json {
            return Ok(app.out.json(&json!({
                "records": summary.records,
                "set_aside": summary.set_aside,
                "total_size": summary.total_size,
                "push_date": summary.push_date.to_string(),
            }))?);
        }
        let aside = match summary.set_aside {
            0 => String::new(),
            aside => format!(", {} set aside", count(aside)),
        };
        let records = many(summary.records, "record");
        Ok(app.out.line(format_args!("{records}{aside}, pushed {}", summary.push_date))?)
    }
}

fn tell(app: &App, bad: &SetAsideRecord) {
    app.notes.say(format_args!("record {} set aside: {}", bad.position, bad.reason));
}
