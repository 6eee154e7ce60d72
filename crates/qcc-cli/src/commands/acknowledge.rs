//! `qcc acknowledge`: somebody has seen what could not be read.

use clap::{ArgGroup, Args};
use jiff::Timestamp;
use qcc_proto::OrderNo;
use qcc_sync::{Decision, Store};
use serde_json::json;

use crate::{app::App, exit::Exit, wiring};

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).multiple(true).args(["records", "order", "lines"])))]
pub(crate) struct Acknowledge {
    /// The records that were set aside, of all orders
    #[arg(long, conflicts_with = "order")]
    records: bool,
    /// The records of this order that were set aside
    #[arg(long, value_name = "NO")]
    order: Vec<OrderNo>,
    /// The lines of order lists that could not be read
    #[arg(long)]
    lines: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl Acknowledge {
    pub(crate) async fn run(self, app: &mut App) -> anyhow::Result<Exit> {
        let store = wiring::existing_store(&app.config).await?;
        let now = Timestamp::now();
        let orders = self.order.into_iter().map(Some).chain(self.records.then_some(None));
        let mut records = false;
        for order_no in orders {
            records |= store.decide(&Decision::AcknowledgeRecords { order_no }, now).await?;
        }
        let lines = self.lines && store.decide(&Decision::AcknowledgeLines, now).await?;
        if self.json {
            app.out.json(&json!({ "records": records, "lines": lines }))?;
        } else if records || lines {
            app.notes.say("acknowledged; new ones will be reported");
        } else {
            app.notes.say("there was nothing left to acknowledge");
        }
        Ok(Exit::Done)
    }
}
