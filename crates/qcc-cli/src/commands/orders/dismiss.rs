//! `qcc orders dismiss`: a person decides that nothing more is to be done.

use clap::Args;
use jiff::Timestamp;
use qcc_proto::OrderNo;
use qcc_sync::{Decision, Store};
use serde_json::json;

use crate::{
    app::App,
    exit::{Exit, Usage},
    wiring,
};

#[derive(Debug, Args)]
pub(crate) struct Dismiss {
    /// The order's number
    #[arg(value_name = "NO")]
    order_no: OrderNo,
    /// The reason, kept with the order
    #[arg(long, value_name = "TEXT")]
    note: String,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl Dismiss {
    pub(super) async fn run(self, app: &mut App) -> anyhow::Result<Exit> {
        let store = wiring::existing_store(&app.config).await?;
        let Self { order_no, note, json } = self;
        if store.order(&order_no).await?.is_none() {
            return Err(Usage::new(format!("the ledger has no order {order_no}")).into());
        }
        let decision = Decision::Dismiss { order_no: order_no.clone(), note };
        if !store.decide(&decision, Timestamp::now()).await? {
            let message = format!(
                "order {order_no} neither waits nor is quarantined, or is dismissed already: \
                 `qcc orders show {order_no}` says how it stands"
            );
            return Err(Usage::new(message).into());
        }
        if json {
            app.out.json(&json!({ "dismissed": order_no.as_str() }))?;
        } else {
            app.notes.say(format_args!(
                "order {order_no} is dismissed; `qcc retry {order_no}` reopens it"
            ));
        }
        Ok(Exit::Done)
    }
}
