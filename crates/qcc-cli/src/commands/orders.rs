//! `qcc orders`: what the vendor and the ledger know of orders.

mod add;
mod dismiss;
mod fetch;
mod show;
mod target;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::json;

use crate::{
    app::App,
    commands::hold::IgnoreHold,
    exit::Exit,
    output::{plain, table},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Orders {
    /// The vendor's newest orders, 30 at most (6.2.4)
    List(List),
    /// Show what the ledger and the vendor know about an order (6.2.5)
    Show(show::Show),
    /// Download an order's archive into a file (6.2.6) without changing the store
    Fetch(fetch::Fetch),
    /// Add orders by number, or an archive that the vendor sent by other means
    Add(add::Add),
    /// Dismiss an order: nothing more will be done about it
    Dismiss(dismiss::Dismiss),
}

impl Orders {
    pub(crate) async fn run(self, app: &mut App) -> anyhow::Result<Exit> {
        match self {
            Self::List(list) => list.run(app).await,
            Self::Show(show) => show.run(app).await,
            Self::Fetch(fetch) => fetch.run(app).await,
            Self::Add(add) => add.run(app).await,
            Self::Dismiss(dismiss) => dismiss.run(app).await,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    hold: IgnoreHold,
    /// JSON Lines
    #[arg(long)]
    json: bool,
}

impl List {
    async fn run(self, app: &mut App) -> anyhow::Result<Exit> {
        let list = self.hold.client(app).await?.list_orders(Timestamp::now()).await?;
        for line in &list.unreadable {
            app.notes
                .say(format_args!("note: a line of the list is not an order: {}", plain(line)));
        }
        let created = |order: &qcc_proto::ListedOrder| order.created_at.map(|at| at.to_string());
        if self.json {
            for order in &list.orders {
                let (no, at) = (order.order_no.as_str(), created(order));
                app.out.json(&json!({ "order_no": no, "created_at": at }))?;
            }
            return Ok(Exit::Done);
        }
        if list.orders.is_empty() {
            app.notes.say("the vendor lists no orders");
            return Ok(Exit::Done);
        }
        let rows = list
            .orders
            .iter()
            .map(|order| [order.order_no.to_string(), created(order).unwrap_or_default()]);
        app.out.line(table(["order", "created (Shanghai)"], rows))?;
        Ok(Exit::Done)
    }
}
