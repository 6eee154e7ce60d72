//! `qcc sync`: list, fetch, verify and apply, until nothing is due.

use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use qcc_sync::{EngineError, Overview, ReasonCode, Report, Store};
use serde_json::{Value, json};

use crate::{
    app::App,
    commands::status,
    config::duration,
    exit::{Exit, exit_for, explain},
    output::{Progress, count, instant, json_reason, many},
    wiring::{self, SqliteStore, Works},
};

#[derive(Debug, Args)]
pub(crate) struct Sync {
    /// Go on until SIGINT or SIGTERM, listing again as often as the window asks for
    #[arg(long)]
    follow: bool,
    /// How long to wait in all for what becomes due
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    patience: Duration,
    /// One JSON object for each round
    #[arg(long)]
    json: bool,
}

impl Sync {
    pub(crate) async fn run(self, app: &mut App) -> anyhow::Result<Exit> {
        let works = wiring::engine(&app.config).await?;
        let progress = Progress::new(app.notes, &app.config);
        let exit = if self.follow {
            self.follow(app, &works, &progress).await
        } else {
            self.once(app, &works, &progress).await
        };
        progress.finish();
        exit
    }

    async fn once(
        &self,
        app: &mut App,
        works: &Works,
        progress: &Progress,
    ) -> anyhow::Result<Exit> {
        let settled = tokio::select! {
            settled = works.engine.settle(self.patience, progress) => settled,
            () = wiring::asked_to_stop() => {
                progress.finish();
                app.notes.say("stopped: what was done stands, and the next run goes on from there");
                return Ok(Exit::Unfinished);
            }
        };
        let report = settled.map_err(in_context)?;
        progress.finish();
        self.tell(app, &works.store, &report).await
    }

    /// Rounds of settling, each followed by a rest; failures that may pass are
    /// told and outlived.
    async fn follow(
        &self,
        app: &mut App,
        works: &Works,
        progress: &Progress,
    ) -> anyhow::Result<Exit> {
        let stop = wiring::asked_to_stop();
        tokio::pin!(stop);
        let mut exit = Exit::Done;
        loop {
            let settled = tokio::select! {
                settled = works.engine.settle(Duration::ZERO, progress) => settled,
                () = &mut stop => break,
            };
            match settled {
                Ok(report) if is_idle(&report) => {
                    exit = exit_of(&report, &works.store.overview().await?);
                }
                Ok(report) => exit = self.tell(app, &works.store, &report).await?,
                Err(error) if passes(&error) => {
                    let error = anyhow::Error::new(error);
                    exit = exit_for(&error);
                    app.notes.say(format_args!("{}\n  trying again later", explain(&error)));
                }
                Err(error) => return Err(error.into()),
            }
            app.out.finish()?;
            let rest = rest(&works.store.overview().await?, Timestamp::now());
            tokio::select! {
                () = tokio::time::sleep(rest) => {}
                () = &mut stop => break,
            }
        }
        progress.finish();
        app.notes.say("stopped: the next run goes on from here");
        Ok(exit)
    }

    /// Prints what a round did, and says how it left things.
    async fn tell(
        &self,
        app: &mut App,
        store: &SqliteStore,
        report: &Report,
    ) -> anyhow::Result<Exit> {
        let overview = store.overview().await?;
        let exit = exit_of(report, &overview);
        if self.json {
            app.out.json(&summary(report, exit))?;
            return Ok(exit);
        }
        app.out.line(format_args!(
            "{} listed, {} new; {} fetched, {} applied; {} stored{}{}",
            many(report.listed.into(), "order"),
            report.fresh,
            report.fetched,
            report.applied,
            many(report.stored, "record"),
            also(report.superseded, "superseded"),
            also(report.set_aside, "set aside"),
        ))?;
        if exit == Exit::Unfinished {
            app.notes.say("not everything is in the table: `qcc status` says what and why");
        }
        Ok(exit)
    }
}

/// Whether a round found nothing that is worth a line.
fn is_idle(report: &Report) -> bool {
    report.fresh == 0 && report.fetched == 0 && report.applied == 0 && report.held.is_none()
}

fn also(number: u64, what: &str) -> String {
    if number == 0 { String::new() } else { format!(", {} {what}", count(number)) }
}

/// A round that the vendor ended for a reason only a person can remove was
/// refused; else the ledger says whether anything is left.
fn exit_of(report: &Report, overview: &Overview) -> Exit {
    let refused = report.held.as_ref().is_some_and(|hold| {
        matches!(hold.reason.code, ReasonCode::Signature | ReasonCode::Account)
    });
    match status::exit_of(overview) {
        _ if refused => Exit::Vendor,
        Exit::Done if report.set_aside > 0 => Exit::Unfinished,
        exit => exit,
    }
}

fn summary(report: &Report, exit: Exit) -> Value {
    json!({
        "listed": report.listed,
        "fresh": report.fresh,
        "fetched": report.fetched,
        "applied": report.applied,
        "stored": report.stored,
        "superseded": report.superseded,
        "set_aside": report.set_aside,
        "hold": report.held.as_ref().map(|hold| {
            json!({
                "since": instant(hold.since),
                "until": hold.until.map(instant),
                "reason": json_reason(&hold.reason),
            })
        }),
        "exit": exit as u8,
    })
}

/// Whether a daemon should outlive the error.
fn passes(error: &EngineError) -> bool {
    match error {
        EngineError::Vendor(error) => error.is_transient() || error.status().is_none(),
        EngineError::Store(error) => {
            use qcc_sync::StoreErrorKind as Kind;
            matches!(error.kind(), Kind::Busy | Kind::Unavailable | Kind::Full)
        }
        EngineError::Archives(_) => true,
        _ => false,
    }
}

/// Says that trouble which passes has cost nothing.
fn in_context(error: EngineError) -> anyhow::Error {
    let passing = matches!(&error, EngineError::Vendor(error) if error.is_transient());
    let error = anyhow::Error::new(error);
    if !passing {
        return error;
    }
    error.context(
        "the vendor could not be asked, several times; nothing is lost, run it again later",
    )
}

/// How long to rest until the next list: a tenth of what the window lasts,
/// from 30 seconds to 10 minutes, and no longer than until an order is due.
fn rest(overview: &Overview, now: Timestamp) -> Duration {
    let lasts = overview.last_listing.as_ref().and_then(|listing| listing.pressure().lasts);
    let tenth = lasts.and_then(|span| Duration::try_from(span / 10).ok());
    let list = tenth
        .unwrap_or(Duration::from_secs(300))
        .clamp(Duration::from_secs(30), Duration::from_secs(600));
    let due = overview
        .next_due
        .map(|due| Duration::try_from(due.duration_since(now)).unwrap_or(Duration::from_secs(1)));
    due.map_or(list, |due| due.clamp(Duration::from_secs(1), list))
}
