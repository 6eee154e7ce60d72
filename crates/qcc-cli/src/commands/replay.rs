//! `qcc replay`: kept archives applied again, to the store they came from or to a
//! new one.

use std::{collections::BTreeSet, ffi::OsString, path::Path};

use anyhow::Context;
use clap::Args;
use qcc_proto::OrderNo;
use qcc_sync::{FolderArchives, ReplayReport, ReplayScope, Setback};
use serde_json::{Value, json};

use crate::{
    app::App,
    exit::{Exit, Usage, explain},
    output::{Progress, changed_in_brackets, count, json_reason, many, plain},
    wiring::{self, Replays, SqliteStore},
};

#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// Only these orders [default: every order with a kept archive]
    #[arg(value_name = "NO")]
    orders: Vec<OrderNo>,
    /// Build this new database from the archives; the configured one is not changed
    #[arg(long, value_name = "sqlite:PATH")]
    into: Option<OsString>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl Replay {
    pub(crate) async fn run(self, app: &mut App) -> anyhow::Result<Exit> {
        let archives = wiring::existing_archives(&app.config)?;
        wiring::tell_strays(&archives, app.notes).await?;
        let (store, whole) = self.store(app, &archives).await?;
        let works = wiring::replay(&app.config, store, archives)?;
        let scope = match &*self.orders {
            [] => whole,
            orders => ReplayScope::Orders(orders.iter().cloned().collect::<BTreeSet<_>>()),
        };
        let progress = Progress::new(app.notes);
        let done = tokio::select! {
            done = works.replay.run(&scope, &progress) => done,
            () = wiring::asked_to_stop() => {
                progress.finish();
                app.notes.say("stopped: applied orders are kept; run it again to continue");
                return Ok(Exit::Unfinished);
            }
        };
        progress.finish();
        let report = done.context("the replay failed; applied orders are kept")?;
        self.refuse_unknown(&works).await?;
        self.tell(app, &report)
    }

    /// Where to apply, and what, unless orders are named.
    async fn store(
        &self,
        app: &App,
        archives: &FolderArchives,
    ) -> anyhow::Result<(SqliteStore, ReplayScope)> {
        let at_hand = wiring::store_path(&app.config)?;
        let Some(into) = &self.into else {
            return Ok((made(app, &at_hand).await?, ReplayScope::All));
        };
        let path = wiring::named_store(into, "--into")?;
        if same(&path, &at_hand) {
            let message = "--into names the database at hand: name a new one, or leave --into out";
            return Err(Usage::new(message).into());
        }
        if at_hand.exists() {
            label(app, archives).await;
        }
        Ok((made(app, &path).await?, ReplayScope::Unapplied))
    }

    /// An order that is named must be one of which something is kept.
    async fn refuse_unknown(&self, works: &Replays) -> anyhow::Result<()> {
        for no in &self.orders {
            let known = works.replay.store.order(no).await?;
            if known.is_none_or(|order| order.archive.is_none()) {
                let message = format!("no archive of order {no} is kept");
                return Err(Usage::new(message).into());
            }
        }
        Ok(())
    }

    fn tell(&self, app: &mut App, report: &ReplayReport) -> anyhow::Result<Exit> {
        let exit = exit_of(report);
        if self.json {
            app.out.json(&summary(report, exit))?;
            return Ok(exit);
        }
        for setback in &report.setbacks {
            app.notes.say(setback_text(setback));
        }
        for stray in &report.strays {
            app.notes
                .say(format_args!("archive {stray}: no label and no order names it; not changed"));
        }
        app.out.line(format_args!(
            "{} applied, {} of them from labels alone, {} once more; {} held: {} stored{}, \
             {} superseded, {} set aside",
            many(report.applied, "order"),
            count(report.applied_from_labels),
            count(report.repeated),
            many(report.stored + report.superseded + report.set_aside, "record"),
            count(report.stored),
            changed_in_brackets(report.changes),
            count(report.superseded),
            count(report.set_aside),
        ))?;
        if report.pruned > 0 {
            app.notes
                .say(format_args!("pruned: {}, left as they are", many(report.pruned, "order")));
        }
        if report.labelled > 0 {
            app.notes.say(format_args!("labelled: {}", many(report.labelled, "archive")));
        }
        app.notes.say("`qcc verify` proves the table against the archives");
        Ok(exit)
    }
}

/// The store at a path; a new one is announced.
async fn made(app: &App, path: &Path) -> anyhow::Result<SqliteStore> {
    let is_new = !path.exists();
    let store = wiring::open(path).await?;
    if is_new {
        app.notes.say(format_args!("new database: {}", path.display()));
    }
    Ok(store)
}

/// Archives that have no label get one from the database at hand, if it can be
/// read: the new one is built from labels alone.
async fn label(app: &App, archives: &FolderArchives) {
    if !wiring::can_be_written(&app.config.archive_dir.value) {
        return app.notes.say("the archive folder cannot be written: using the labels in it");
    }
    let labelled = async {
        let store = wiring::store_to_read(&app.config).await?;
        let works = wiring::replay(&app.config, store, archives.clone())?;
        anyhow::Ok(works.replay.label().await?)
    };
    match labelled.await {
        Ok(0) => {}
        Ok(number) => app.notes.say(format_args!("labelled: {}", many(number, "archive"))),
        Err(error) => app.notes.say(format_args!(
            "the database cannot be used: using the labels alone\n  {}",
            explain(&error)
        )),
    }
}

fn same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().or_else(|_| std::path::absolute(path)).ok();
    real(one) == real(other)
}

fn exit_of(report: &ReplayReport) -> Exit {
    let refused = |setback: &Setback| matches!(setback, Setback::Refused(..) | Setback::Damaged(_));
    if report.setbacks.iter().any(refused) {
        Exit::Archive
    } else if report.setbacks.is_empty() && report.strays.is_empty() {
        Exit::Done
    } else {
        Exit::Unfinished
    }
}

fn setback_text(setback: &Setback) -> String {
    match setback {
        Setback::Missing(no) => format!("{no}: its archive is gone; left as it is"),
        Setback::Damaged(no) => {
            format!("{no}: the bytes of its archive are not those that were kept; left as it is")
        }
        Setback::Unreadable(no, why) => {
            format!("{no}: its archive cannot be read ({}); left as it is", plain(why))
        }
        Setback::Refused(no, reason) => format!("{no}: refused: {}", plain(&reason.detail)),
        Setback::Busy(no) => format!("{no}: another process is at it; left to that"),
        _ => "an order could not be applied".to_owned(),
    }
}

fn summary(report: &ReplayReport, exit: Exit) -> Value {
    let setback = |setback: &Setback| {
        let (no, code, reason) = match setback {
            Setback::Missing(no) => (no, "missing", None),
            Setback::Damaged(no) => (no, "damaged", None),
            Setback::Unreadable(no, why) => (no, "unreadable", Some(json!({ "detail": why }))),
            Setback::Refused(no, reason) => (no, "refused", Some(json_reason(reason))),
            Setback::Busy(no) => (no, "busy", None),
            _ => return json!({ "setback": "other" }),
        };
        json!({ "order_no": no.as_str(), "setback": code, "reason": reason })
    };
    json!({
        "labelled": report.labelled,
        "adopted": report.adopted,
        "applied": report.applied,
        "applied_from_labels": report.applied_from_labels,
        "repeated": report.repeated,
        "pruned": report.pruned,
        "stored": report.stored,
        "new": report.changes.new,
        "updated": report.changes.updated,
        "unchanged": report.changes.unchanged,
        "superseded": report.superseded,
        "set_aside": report.set_aside,
        "held": report.stored + report.superseded + report.set_aside,
        "setbacks": report.setbacks.iter().map(setback).collect::<Vec<_>>(),
        "strays": report.strays.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "exit": exit as u8,
    })
}
