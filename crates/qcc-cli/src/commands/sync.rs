//! `qcc sync`: list, fetch, verify and apply, until nothing is due.

use std::{num::NonZeroUsize, time::Duration};

use clap::Args;
use jiff::Timestamp;
use qcc_sync::{
    EngineError, Event, Follow, Hold, Observer, Overview, ReasonCode, Report, Store, Wake,
};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::{
    app::App,
    commands::status,
    config::{concurrency, duration},
    exit::{Exit, exit_for, explain},
    output::{Progress, changed_in_brackets, count, instant, json_reason, many},
    wiring::{self, Running, SqliteStore, Works},
};

#[derive(Debug, Args)]
pub(crate) struct Sync {
    /// Keep running until SIGINT or SIGTERM, reading the list as often as the rate of orders requires
    #[arg(long)]
    follow: bool,
    /// How long to wait for orders to become due, in all
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    patience: Duration,
    /// How many orders are fetched at the same time, 1 to 128 [env: QCC_CONCURRENCY] [default: 32]
    #[arg(long, value_name = "N", value_parser = concurrency)]
    concurrency: Option<NonZeroUsize>,
    /// One JSON object for each round
    #[arg(long)]
    json: bool,
}

/// What a round did, and the failure it met.
type Round = (Report, Option<EngineError>);

/// Shows events at once, and passes the rounds on to be printed.
struct Rounds<'a> {
    progress: &'a Progress,
    rounds: mpsc::UnboundedSender<Round>,
}

impl Observer for Rounds<'_> {
    fn event(&self, event: &Event) {
        self.progress.event(event);
    }

    fn round(&self, report: Report, failure: Option<EngineError>) {
        // Nobody listens any more where standard output is closed.
        let _ = self.rounds.send((report, failure));
    }
}

impl Sync {
    pub(crate) async fn run(self, app: &mut App) -> anyhow::Result<Exit> {
        app.config.with_concurrency(self.concurrency);
        let works = wiring::engine(&app.config).await?;
        for made in &works.made {
            app.notes.say(made);
        }
        let progress = Progress::new(app.notes);
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
                app.notes.say("stopped: completed work is kept, and the next run continues from there");
                return Ok(Exit::Unfinished);
            }
        };
        let report = settled.map_err(in_context)?;
        progress.finish();
        self.tell(app, &works.store, &report).await
    }

    /// Rounds until asked to stop; transient failures are reported, and it continues.
    async fn follow(
        &self,
        app: &mut App,
        works: &Works,
        progress: &Progress,
    ) -> anyhow::Result<Exit> {
        let (rounds, mut told) = mpsc::unbounded_channel();
        let (observer, wake) = (Rounds { progress, rounds }, Wake::new());
        let settings = Follow::default();
        works.announce("qcc sync --follow");
        let mut others = Vec::new();
        tell_others(app, works, &mut others);
        let following = works.engine.follow(&settings, &wake, wiring::asked_to_stop(), &observer);
        tokio::pin!(following);
        let (mut exit, mut held) = (Exit::Done, None);
        let ended = loop {
            tokio::select! {
                biased;
                Some(round) = told.recv() => {
                    tell_others(app, works, &mut others);
                    exit = self.tell_round(app, &works.store, round, &mut held).await?;
                }
                ended = &mut following => break ended,
            }
        };
        while let Ok(round) = told.try_recv() {
            exit = self.tell_round(app, &works.store, round, &mut held).await?;
        }
        ended?;
        progress.finish();
        app.notes.say("stopped: the next run continues from here");
        Ok(exit)
    }

    async fn tell_round(
        &self,
        app: &mut App,
        store: &SqliteStore,
        (report, failure): Round,
        held: &mut Option<Hold>,
    ) -> anyhow::Result<Exit> {
        let news = report.fresh > 0 || report.fetched > 0 || report.applied > 0;
        let hold_is_new = report.held.is_some() && report.held != *held;
        held.clone_from(&report.held);
        let mut exit = match news || hold_is_new {
            true => self.tell(app, store, &report).await?,
            false => {
                let now = Timestamp::now();
                exit_of(&report, &store.overview().await?.believed(now), now)
            }
        };
        if let Some(error) = failure {
            let error = anyhow::Error::new(error);
            exit = exit_for(&error);
            app.notes.say(format_args!("{}\n  trying again later", explain(&error)));
        }
        app.out.finish()?;
        Ok(exit)
    }

    /// Prints what a round did, and says how it left things.
    async fn tell(
        &self,
        app: &mut App,
        store: &SqliteStore,
        report: &Report,
    ) -> anyhow::Result<Exit> {
        let now = Timestamp::now();
        let overview = store.overview().await?.believed(now);
        let exit = exit_of(report, &overview, now);
        if self.json {
            app.out.json(&summary(report, exit))?;
            return Ok(exit);
        }
        app.out.line(format_args!(
            "{} listed, {} new; {} fetched, {} applied; {} stored{}{}{}{}",
            many(report.listed.into(), "order"),
            report.fresh,
            report.fetched,
            report.applied,
            many(report.stored, "record"),
            changed_in_brackets(report.changes),
            also(report.superseded, "superseded"),
            also(report.set_aside, "set aside"),
            // Fewer than were stored, where one record came several times.
            in_table(report, &overview),
        ))?;
        if exit == Exit::Unfinished {
            let what = match overview.set_aside_open + overview.unreadable_open {
                0 => "not everything is in the table: `qcc status` says what and why",
                _ => {
                    "not everything is in the table, or was set aside and not acknowledged: `qcc \
                     status` says what and why"
                }
            };
            app.notes.say(what);
        }
        Ok(exit)
    }
}

/// Names processes that began to work on the same store since the last look.
fn tell_others(app: &App, works: &Works, before: &mut Vec<Running>) {
    let others = works.others();
    for other in others.iter().filter(|other| !before.contains(other)) {
        let Running { worker, what } = other;
        tracing::warn!(other = what, worker, "another process works on the same store");
        app.notes.say(format_args!(
            "note: another process works on the same store ({what}, {worker}): one is enough, \
             because each reads the order list and uses the vendor's quota"
        ));
    }
    *before = others;
}

fn in_table(report: &Report, overview: &Overview) -> String {
    match report.stored {
        0 => String::new(),
        _ => format!("; the table has {}", count(overview.records)),
    }
}

fn also(number: u64, what: &str) -> String {
    if number == 0 { String::new() } else { format!(", {} {what}", count(number)) }
}

/// A round that the vendor ended for a reason only a person can remove was
/// refused; else the ledger says whether anything is left.
fn exit_of(report: &Report, overview: &Overview, now: Timestamp) -> Exit {
    let refused = report.held.as_ref().is_some_and(|hold| {
        matches!(hold.reason.code, ReasonCode::Signature | ReasonCode::Account)
    });
    match status::exit_of(overview, now) {
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
        "new": report.changes.new,
        "updated": report.changes.updated,
        "unchanged": report.changes.unchanged,
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

/// Says that trouble which passes has cost nothing.
fn in_context(error: EngineError) -> anyhow::Error {
    let passing = matches!(&error, EngineError::Vendor(error) if error.is_transient());
    let error = anyhow::Error::new(error);
    if !passing {
        return error;
    }
    error.context(
        "the vendor could not be reached, several times; nothing is lost, run it again later",
    )
}
