//! `qcc prune`: archives and records that are no longer wanted, removed so that
//! `qcc verify` knows of it.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use clap::{ArgGroup, Args};
use jiff::{SignedDuration, Timestamp};
use qcc_proto::{OrderNo, ShanghaiTime};
use qcc_sync::{Policy, Prune as Pruning, PruneReport, PruneScope, PrunedArchive};
use serde_json::{Value, json};

use crate::{
    app::App,
    config::duration,
    exit::{Exit, Usage},
    output::{bytes, many},
    wiring,
};

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).multiple(true)
    .args(["archives_older_than", "records_older_than", "refused", "strays"])))]
pub(crate) struct Prune {
    /// Remove archives of applied orders that are older than this: 400d
    #[arg(long, value_name = "TIME", value_parser = age)]
    archives_older_than: Option<Duration>,
    /// Keep at least the newest N archives
    #[arg(long, value_name = "N", default_value_t = 0, requires = "archives_older_than")]
    keep: usize,
    /// Remove records that were pushed longer ago than this
    #[arg(long, value_name = "TIME", value_parser = age)]
    records_older_than: Option<Duration>,
    /// Remove archives that cannot be opened and that the ledger does not name: damaged downloads
    #[arg(long)]
    refused: bool,
    /// Remove archives that neither a label nor the ledger assigns to an order
    #[arg(long)]
    strays: bool,
    /// Print what would be removed, and remove nothing
    #[arg(long)]
    dry_run: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl Prune {
    pub(crate) async fn run(self, app: &mut App) -> anyhow::Result<Exit> {
        let store = wiring::existing_store(&app.config).await?;
        let archives = wiring::existing_archives(&app.config)?;
        let now = Timestamp::now();
        let scope = self.scope(now)?;
        let prune = Pruning {
            store: Arc::new(store),
            archives: Arc::new(archives),
            policy: Policy::default(),
        };
        let report = prune.run(&scope, now).await;
        let report = report.context("pruning failed; run it again to continue")?;
        if self.json {
            app.out.json(&summary(&report, self.dry_run))?;
        } else {
            self.tell(app, &report)?;
        }
        Ok(Exit::Done)
    }

    fn scope(&self, now: Timestamp) -> Result<PruneScope, Usage> {
        let before = |age: Duration| {
            let age = SignedDuration::try_from(age).ok();
            age.and_then(|age| now.checked_sub(age).ok())
                .ok_or_else(|| Usage::new("the time is too long ago: name a shorter one"))
        };
        let records = self.records_older_than.map(before).transpose()?;
        Ok(PruneScope {
            archives_before: self.archives_older_than.map(before).transpose()?,
            keep: self.keep,
            records_before: records.map(ShanghaiTime::from_timestamp),
            refused: self.refused,
            strays: self.strays,
            dry_run: self.dry_run,
        })
    }

    fn tell(&self, app: &mut App, report: &PruneReport) -> anyhow::Result<()> {
        for pruned in &report.archives {
            app.out.line(line("applied", pruned))?;
        }
        for pruned in &report.refused {
            app.out.line(line("refused", pruned))?;
        }
        for pruned in &report.strays {
            app.out.line(line("stray", pruned))?;
        }
        let archives = report.archives.len() + report.refused.len() + report.strays.len();
        let done = if self.dry_run { "would be removed" } else { "removed" };
        app.out.line(format_args!(
            "{done}: {}, {}; {}",
            many(archives as u64, "archive"),
            bytes(report.bytes),
            many(report.records, "record")
        ))?;
        if report.unknown > 0 {
            app.notes.say(format_args!(
                "left: the archives of {} that the ledger does not have; `qcc replay` applies them",
                many(report.unknown, "order")
            ));
        }
        Ok(())
    }
}

fn line(kind: &str, PrunedArchive { order_no, archive }: &PrunedArchive) -> String {
    let order = order_no.as_ref().map(|no| format!(" of order {no}")).unwrap_or_default();
    format!("{kind}: archive {}{order}, {}", archive.sha256, bytes(archive.size))
}

fn summary(report: &PruneReport, dry_run: bool) -> Value {
    let one = |PrunedArchive { order_no, archive }: &PrunedArchive| {
        json!({
            "order_no": order_no.as_ref().map(OrderNo::as_str),
            "sha256": archive.sha256.to_string(),
            "size": archive.size,
        })
    };
    let all = |archives: &[PrunedArchive]| archives.iter().map(one).collect::<Vec<_>>();
    json!({
        "dry_run": dry_run,
        "archives": all(&report.archives),
        "refused": all(&report.refused),
        "strays": all(&report.strays),
        "records": report.records,
        "bytes": report.bytes,
        "unknown": report.unknown,
    })
}

/// Reads an age: `400d`, or a duration.
fn age(text: &str) -> Result<Duration, String> {
    const DAY: u64 = 24 * 60 * 60;
    let Some(days) = text.strip_suffix('d') else {
        return duration(text).map_err(|_| format!("{text}: 400d or 36h is expected"));
    };
    let days: Option<u64> = days.trim().parse().ok();
    let seconds = days.and_then(|days| days.checked_mul(DAY));
    seconds.map(Duration::from_secs).ok_or_else(|| format!("{text}: 400d or 36h is expected"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_may_be_in_days() {
        assert_eq!(age("2d"), Ok(Duration::from_secs(172_800)));
        assert_eq!(age("36h"), Ok(Duration::from_secs(129_600)));
        for text in ["", "d", "400", "-1d", "1.5d", "99999999999999999d"] {
            assert!(age(text).is_err(), "{text:?} was taken");
        }
    }
}
