//! `qcc demo`: the main job end to end, offline, in a few seconds.

mod listener;
mod stage;

use std::{path::PathBuf, time::Duration};

use anyhow::Context;
use clap::Args;
use jiff::Timestamp;
use qcc_proto::MonitorLevel;
use qcc_sync::{RecordFilter, Report, Store, StoredRecord};
use serde_json::json;

use crate::{
    app::App,
    exit::{Exit, Usage},
    output::{Paint, changed, count, table},
    wiring::SqliteStore,
};
use stage::Stage;

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Seed of the generated data
    #[arg(long, value_name = "N", default_value_t = 7)]
    seed: u64,
    /// How many orders the vendor pushes
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=30))]
    orders: u32,
    /// Folder for database and archives [default: a new temporary folder]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// How long one step of the demo may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// How many of the gravest records are shown.
const GRAVEST: usize = 6;

impl Demo {
    pub(crate) async fn run(self, app: &mut App) -> anyhow::Result<Exit> {
        let dir = self.place()?;
        let stage = Stage::set(&dir, self.seed).await?;
        let mut steps = Steps { silent: self.json, paint: Paint::stdout() };
        steps.done(app, format_args!("a simulated vendor listens on {}", stage.address()))?;

        stage.set_push(Timestamp::now()).await?;
        steps.done(app, "6.2.1  push set: the vendor knows our callback URL")?;

        stage.push(self.orders, Timestamp::now());
        let called = tokio::time::timeout(PATIENCE, stage.called(self.orders)).await;
        called.context("the vendor's calls did not arrive")?;
        steps.done(
            app,
            format_args!(
                "6.2.2  {} callbacks received, each durable before its answer",
                self.orders
            ),
        )?;

        let report = stage.engine.settle(PATIENCE, &()).await?;
        let Report { listed, fetched, applied, stored, changes, superseded, .. } = report;
        steps.done(app, format_args!("6.2.4  order list read: {listed} orders"))?;
        steps.done(
            app,
            format_args!(
                "6.2.6  {fetched} archives downloaded, authenticated, decrypted (AES-256)"
            ),
        )?;
        steps.done(
            app,
            format_args!(
                "       {applied} orders applied: {} records: {}, {} superseded",
                count(stored + superseded),
                changed(changes),
                count(superseded)
            ),
        )?;

        let difference = stage.difference().await?;
        let records = stage.store.overview().await?.records;
        let equal = difference.is_none();
        if self.json {
            app.out.json(&json!({
                "orders": applied,
                "records": records,
                "equal": equal,
                "difference": difference,
                "dir": dir.display().to_string(),
            }))?;
        } else {
            match &difference {
                None => steps.done(
                    app,
                    format_args!("the table equals the vendor's truth: {} records", count(records)),
                )?,
                Some(difference) => steps.failed(app, difference)?,
            }
            conclude(app, &stage.store, &dir).await?;
        }
        stage.clear().await;
        Ok(if equal { Exit::Done } else { Exit::Failed })
    }

    /// The folder everything lies in; it stays when the demo is over.
    fn place(&self) -> anyhow::Result<PathBuf> {
        let Some(dir) = &self.dir else {
            let dir = tempfile::Builder::new().prefix("qcc-demo-").tempdir();
            return Ok(dir.context("no temporary folder can be made")?.keep());
        };
        if dir.join("qcc.db").exists() {
            let message = format!(
                "{} holds a database already: the demo wants a folder of its own",
                dir.display()
            );
            return Err(Usage::new(message).into());
        }
        std::fs::create_dir_all(dir)
            .with_context(|| format!("the folder {} cannot be made", dir.display()))?;
        Ok(dir.clone())
    }
}

/// Ticks, one after the other, as things happen.
struct Steps {
    silent: bool,
    paint: Paint,
}

impl Steps {
    fn done(&mut self, app: &mut App, what: impl std::fmt::Display) -> anyhow::Result<()> {
        let tick = self.paint.good("✓");
        self.print(app, &tick, &what)
    }

    fn failed(&mut self, app: &mut App, what: impl std::fmt::Display) -> anyhow::Result<()> {
        let cross = self.paint.bad("✗");
        self.print(app, &cross, &what)
    }

    fn print(
        &mut self,
        app: &mut App,
        mark: &str,
        what: &dyn std::fmt::Display,
    ) -> anyhow::Result<()> {
        if !self.silent {
            app.out.line(format_args!("{mark} {what}"))?;
            app.out.finish()?;
        }
        Ok(())
    }
}

/// What there is to see, and where to look further.
async fn conclude(app: &mut App, store: &SqliteStore, dir: &std::path::Path) -> anyhow::Result<()> {
    let paint = Paint::stdout();
    let gravest = gravest(store).await?;
    app.out.line("")?;
    app.out.line(paint.strong("Highest risk"))?;
    let rows = gravest.iter().map(|stored| {
        let record = &stored.record;
        [
            record.score.map(|score| score.to_string()).unwrap_or_default(),
            record.monitor_type.as_ref().map(ToString::to_string).unwrap_or_default(),
            record.corp_name.clone().unwrap_or_default(),
            record.monitor_content.clone().unwrap_or_default(),
        ]
    });
    app.out.line(table(["score", "type", "company", "what"], rows))?;
    let database = dir.join("qcc.db");
    let shown = database.display();
    app.out.line("")?;
    app.out.line(paint.strong("Next steps"))?;
    app.out.line(format_args!(
        "  sqlite3 {shown} \"SELECT monitor_level, count(*) FROM risk_records GROUP BY 1 ORDER BY 2 DESC\""
    ))?;
    app.out.line(format_args!("  qcc --store sqlite:{shown} status"))?;
    app.out.line(format_args!("  qcc --store sqlite:{shown} records --level 高风险信息 --csv"))?;
    app.out.line("")?;
    if !on_the_path("qcc") {
        let shown = std::env::current_exe().map(|path| path.display().to_string());
        app.notes.say(format_args!(
            "note: `qcc` is not on your PATH: `cargo install --path crates/qcc-cli` puts it there, \
             or write {} instead",
            shown.unwrap_or_else(|_| "the program's path".to_owned())
        ));
    }
    app.out
        .line(format_args!("Everything is in {}; delete it when you are done.", dir.display()))?;
    Ok(())
}

/// Whether a shell would find a program of that name.
fn on_the_path(name: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| folder.join(name).is_file())
}

async fn gravest(store: &SqliteStore) -> anyhow::Result<Vec<StoredRecord>> {
    let mut filter = RecordFilter::default();
    filter.level = Some(MonitorLevel::HIGH.to_string());
    let mut found = stage::all_records(store, &filter).await?;
    found.sort_by(|a, b| b.record.score.cmp(&a.record.score).then(a.record.id.cmp(&b.record.id)));
    found.truncate(GRAVEST);
    Ok(found)
}
