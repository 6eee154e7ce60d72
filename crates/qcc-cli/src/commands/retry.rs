//! `qcc retry`: waiting and quarantined orders become due now.

use clap::{ArgGroup, Args};
use jiff::Timestamp;
use qcc_proto::OrderNo;
use qcc_sync::Store;
use serde_json::json;

use crate::{
    app::App,
    exit::{Exit, Usage},
    output::{many, when},
    wiring,
};

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("which").required(true).args(["orders", "all"])))]
pub(crate) struct Retry {
    /// Order numbers
    #[arg(value_name = "NO")]
    orders: Vec<OrderNo>,
    /// Every order that waits or is quarantined
    #[arg(long)]
    all: bool,
    /// Also end a hold on all calls to the vendor before its time
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
        let changed = store.retry(&self.orders, Timestamp::now()).await?;
        if self.lift_hold {
            store.set_hold(None).await?;
        }
        if self.json {
            let numbers: Vec<&str> = changed.iter().map(OrderNo::as_str).collect();
            app.out.json(&json!({ "retried": numbers }))?;
        } else {
            for no in &changed {
                app.out.line(no)?;
            }
        }
        for no in self.orders.iter().filter(|no| !changed.contains(no)) {
            app.notes.say(format_args!("{no} neither waits nor is quarantined: left as it is"));
        }
        let ending = if changed.is_empty() { "" } else { ": `qcc sync` takes them up" };
        let due = many(changed.len() as u64, "order");
        app.notes.say(format_args!("due now: {due}{ending}"));
        if let Some(until) = store.hold().await?.and_then(|hold| hold.until) {
            app.notes.say(format_args!(
                "all calls to the vendor rest until {} all the same (--lift-hold ends that)",
                when(until)
            ));
        }
        Ok(Exit::Done)
    }
}
