//! `qcc status`: the facts of one moment, and what to do next.

mod advice;
mod daemon;
mod report;

use clap::Args;
use jiff::Timestamp;
use qcc_sync::{DeliveryPolicy, Order, OrderFilter, Overview, StateName, Store};

use crate::{
    app::App,
    commands::serve,
    config::Config,
    exit::{Exit, Usage},
    wiring::{self, SqliteStore},
};

#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Close the gap of this number, once its orders are accounted for
    #[arg(long, value_name = "ID")]
    close_gap: Option<i64>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl Status {
    pub(crate) async fn run(self, app: &mut App) -> anyhow::Result<Exit> {
        let store = match self.close_gap {
            Some(_) => wiring::existing_store(&app.config).await?,
            None => wiring::store_to_read(&app.config).await?,
        };
        let now = Timestamp::now();
        if let Some(id) = self.close_gap {
            if !store.close_gap(id, now).await? {
                let message = format!("there is no open gap {id}: `qcc status` lists them");
                return Err(Usage::new(message).into());
            }
            app.notes.say(format_args!("gap {id} is closed"));
        }
        let overview = store.overview().await?;
        let policy = delivery_policy(&app.config)?;
        let delivery = overview.delivery(&policy, now);
        let stuck = stuck(&store).await?;
        let advice = advice::of(&overview, &delivery, now);
        let daemon = match serve::admin(&app.config.serve)? {
            Some(admin) => daemon::ask(admin, store.path()).await,
            None => None,
        };
        let facts = report::Facts {
            overview: &overview,
            delivery: &delivery,
            stuck: &stuck,
            advice: &advice,
            daemon: daemon.as_ref(),
            now,
        };
        if self.json {
            app.out.json(&report::json(&facts))?;
        } else {
            app.out.line(report::text(&facts))?;
        }
        Ok(exit_of(&overview))
    }
}

/// What the judgement about the vendor's calls goes by: the same as in `qcc serve`.
pub(super) fn delivery_policy(config: &Config) -> Result<DeliveryPolicy, Usage> {
    let mut policy = DeliveryPolicy::default();
    if let Some(patience) = serve::heal_after(&config.serve)? {
        policy.patience = patience;
    }
    Ok(policy)
}

/// How many orders of a state are named.
const NAMED: u32 = 100;

/// Orders that do not move, quarantined ones first, newest first within each.
async fn stuck(store: &SqliteStore) -> anyhow::Result<Vec<Order>> {
    let mut stuck = Vec::new();
    for state in [StateName::Quarantined, StateName::Waiting] {
        let mut filter = OrderFilter::default();
        filter.state = Some(state);
        filter.limit = Some(NAMED);
        stuck.extend(store.orders(&filter).await?);
    }
    Ok(stuck)
}

/// How a run ends that leaves things so: something waits, is under way, is
/// quarantined or missing, or nothing does.
pub(super) fn exit_of(overview: &Overview) -> Exit {
    let done = StateName::ALL
        .into_iter()
        .all(|state| state == StateName::Applied || overview.count(state) == 0);
    let complete = done && overview.gaps.is_empty() && overview.hold.is_none();
    if complete { Exit::Done } else { Exit::Unfinished }
}
