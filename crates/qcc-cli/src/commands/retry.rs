//! `qcc retry`: waiting and quarantined orders become due now.

use clap::{ArgGroup, Args};
use jiff::Timestamp;
use qcc_proto::OrderNo;
use qcc_sync::{AccountExt as _, Decision, Store};
use serde_json::json;

use crate::{
    app::App,
    exit::{Exit, Usage},
    output::{many, when},
    wiring::{self, SqliteStore},
};

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("which").required(true).multiple(true).args(["orders", "all", "lift_hold"])))]
pub(crate) struct Retry {
    /// Order numbers
    #[arg(value_name = "NO")]
    orders: Vec<OrderNo>,
    /// All waiting and quarantined orders that were not dismissed
    #[arg(long, conflicts_with = "orders")]
    all: bool,
    /// Apply the kept archive in spite of a wrong count, of no usable record, or of doubts
    /// whose it is
    #[arg(long, requires = "orders")]
    accept: bool,
    /// End a pause of all calls to the vendor early
    #[arg(long)]
    lift_hold: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl Retry {
    pub(crate) async fn run(self, app: &mut App) -> anyhow::Result<Exit> {
        let store = wiring::existing_store(&app.config).await?;
        for no in &self.orders {
            if store.order(no).await?.is_none() {
                let message =
                    format!("the ledger has no order {no}: `qcc status` shows what it has");
                return Err(Usage::new(message).into());
            }
        }
        let changed = self.retried(&store).await?;
        let lifted = if self.lift_hold { store.hold().await? } else { None };
        if lifted.is_some() {
            store.set_hold(None).await?;
        }
        if self.json {
            let numbers: Vec<&str> = changed.iter().map(OrderNo::as_str).collect();
            app.out.json(&json!({ "retried": numbers, "hold_lifted": lifted.is_some() }))?;
        } else {
            for no in &changed {
                app.out.line(no)?;
            }
        }
        for no in self.orders.iter().filter(|no| !changed.contains(no)) {
            let why = match self.accept {
                true => "has no kept archive that waits to be applied",
                false => "neither waits nor is quarantined",
            };
            app.notes.say(format_args!("{no} {why}: not changed"));
        }
        match lifted {
            Some(hold) => app.notes.say(format_args!("the hold is lifted: {}", hold.reason)),
            None if self.lift_hold => app.notes.say("there was no hold to lift"),
            None => {}
        }
        if self.orders.is_empty() && !self.all {
            return Ok(Exit::Done);
        }
        let ending = if changed.is_empty() { "" } else { ": `qcc sync` processes them" };
        let due = many(changed.len() as u64, "order");
        app.notes.say(format_args!("due now: {due}{ending}"));
        if let Some(until) = store.hold().await?.and_then(|hold| hold.until) {
            app.notes.say(format_args!(
                "calls to the vendor are paused until {} anyway (--lift-hold ends the pause)",
                when(until)
            ));
        }
        Ok(Exit::Done)
    }

    async fn retried(&self, store: &SqliteStore) -> anyhow::Result<Vec<OrderNo>> {
        let now = Timestamp::now();
        if self.accept {
            let mut changed = Vec::new();
            for order_no in &self.orders {
                let decision = Decision::Accept { order_no: order_no.clone() };
                if store.decide(&decision, now).await? {
                    changed.push(order_no.clone());
                }
            }
            return Ok(changed);
        }
        // None named means all of them.
        if self.orders.is_empty() && !self.all {
            return Ok(Vec::new());
        }
        Ok(store.retry(&self.orders, now).await?)
    }
}
