//! `qcc verify`: the table, proven against the kept archives.

mod report;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use clap::Args;
use jiff::SignedDuration;
use qcc_sync::{Policy, Verdict, VerifySettings, VerifyStage};

use crate::{
    app::App,
    config::duration,
    exit::Exit,
    output::{Progress, count, many},
    wiring,
};

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// Print at most N findings; count the rest
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
    /// A folder with room for about 100 bytes for each record [default: that of the database, else that for temporary files]
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
    /// How far a document's pushDate may be from its order's time
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "168h")]
    push_date_slack: Duration,
    /// One JSON object for each finding, then a summary
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(crate) async fn run(self, app: &mut App) -> anyhow::Result<Exit> {
        let store = wiring::store_to_read(&app.config).await?;
        let archives = wiring::existing_archives(&app.config)?;
        let beside = store.path().parent().unwrap_or(Path::new("."));
        let scratch =
            self.scratch.clone().unwrap_or_else(|| match wiring::can_be_written(beside) {
                true => beside.to_owned(),
                false => std::env::temp_dir(),
            });
        let mut settings = VerifySettings::new(&Policy::default(), scratch);
        settings.told = self.limit;
        settings.push_date_slack =
            SignedDuration::try_from(self.push_date_slack).unwrap_or(SignedDuration::MAX);
        let progress = Progress::new(app.notes);
        let verdict = {
            let watch = |stage| progress.at(shown(stage));
            qcc_sync::verify(&store, &archives, &settings, &watch).await
        };
        progress.finish();
        let verdict = verdict.context("the check could not be completed")?;
        wiring::tell_strays(&archives, app.notes).await?;
        let exit = exit_of(&verdict);
        if self.json {
            for finding in &verdict.findings {
                app.out.json(&report::finding_json(finding))?;
            }
            app.out.json(&report::summary_json(&verdict, exit))?;
        } else {
            for finding in &verdict.findings {
                app.out.line(report::finding_text(finding))?;
            }
            app.out.line(report::summary_text(&verdict))?;
            if verdict.is_empty() {
                app.notes.say(format_args!(
                    "looked at {} and {}: are they the right ones? QCC_STORE and \
                     QCC_ARCHIVE_DIR name others",
                    store.path().display(),
                    app.config.archive_dir.value.display()
                ));
            }
        }
        Ok(exit)
    }
}

fn exit_of(verdict: &Verdict) -> Exit {
    match verdict {
        // An empty store proves nothing: it may be the wrong one.
        verdict if verdict.is_empty() => Exit::Unfinished,
        verdict if verdict.is_equal() => Exit::Done,
        Verdict { refused: 1.., .. } => Exit::Archive,
        _ => Exit::Unfinished,
    }
}

fn shown(stage: VerifyStage) -> String {
    match stage {
        VerifyStage::Reading { orders, records } => {
            format!("reading archives: {}, {}", many(orders, "order"), many(records, "record"))
        }
        VerifyStage::Comparing { rows } => format!("comparing: {} rows", count(rows)),
        _ => String::new(),
    }
}
