//! `qcc status`: the facts of one moment, and what to do next.

mod advice;
mod daemon;
mod judgement;
mod report;

use clap::Args;
use jiff::Timestamp;
use qcc_sync::{Decision, DeliveryPolicy, Gap, Order, OrderFilter, StateName, Store};

use crate::{
    app::App,
    commands::serve,
    config::Config,
    exit::{Exit, Usage},
    wiring::{self, SqliteStore},
};

pub(super) use judgement::exit_of;
use judgement::is_lifeless;
use report::Stretch;

#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Close this gap, once its orders are accounted for
    #[arg(long, value_name = "ID", conflicts_with = "reopen_gap")]
    close_gap: Option<i64>,
    /// Reopen this gap
    #[arg(long, value_name = "ID")]
    reopen_gap: Option<i64>,
    /// Why the gap is closed or reopened
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Show every waiting or quarantined order, and closed gaps
    #[arg(long)]
    all: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl Status {
    pub(crate) async fn run(self, app: &mut App) -> anyhow::Result<Exit> {
        let store = match self.close_gap.or(self.reopen_gap) {
            Some(_) => wiring::existing_store(&app.config).await?,
            None => wiring::store_to_read(&app.config).await?,
        };
        let now = Timestamp::now();
        self.decide_gap(app, &store, now).await?;
        let overview = store.overview().await?.believed(now);
        let policy = delivery_policy(&app.config)?;
        let delivery = overview.delivery(&policy, now);
        let stuck = stuck(&store, self.all).await?;
        let gaps = gaps(&store, self.all).await?;
        let is_gone = overview
            .life
            .as_ref()
            .is_some_and(|life| !life.stopped && wiring::is_gone(&app.config, &life.worker));
        let lifeless = is_gone || is_lifeless(&overview, now);
        let advice = advice::of(&overview, &delivery, lifeless, now);
        let daemon = match serve::admin(&app.config.serve)? {
            Some(admin) => daemon::ask(admin, store.path()).await,
            None => None,
        };
        let facts = report::Facts {
            overview: &overview,
            lifeless,
            delivery: &delivery,
            stuck: &stuck,
            gaps: &gaps,
            all: self.all,
            advice: &advice,
            daemon: daemon.as_ref(),
            running: &wiring::running(&app.config),
            now,
        };
        if self.json {
            app.out.json(&report::json(&facts))?;
        } else {
            app.out.line(report::text(&facts))?;
        }
        Ok(exit_of(&overview, now).max(if lifeless { Exit::Unfinished } else { Exit::Done }))
    }

    async fn decide_gap(
        &self,
        app: &App,
        store: &SqliteStore,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let note = self.note.clone();
        let (decision, id, wanted, done) = match (self.close_gap, self.reopen_gap) {
            (Some(id), _) => (Decision::CloseGap { id, note }, id, "open", "closed"),
            (None, Some(id)) => (Decision::ReopenGap { id, note }, id, "closed", "open again"),
            (None, None) => return Ok(()),
        };
        if !store.decide(&decision, now).await? {
            let message = format!("there is no {wanted} gap {id}: `qcc status --all` lists them");
            return Err(Usage::new(message).into());
        }
        app.notes.say(format_args!("gap {id} is {done}"));
        Ok(())
    }
}

/// The gaps to show: open ones, or all.
async fn gaps(store: &SqliteStore, all: bool) -> anyhow::Result<Vec<Stretch>> {
    let mut gaps = store.gaps().await?;
    gaps.retain(|gap| all || gap.closed_at.is_none());
    let orders = match gaps.is_empty() {
        true => Vec::new(),
        false => store.orders(&OrderFilter::default()).await?,
    };
    let made = |order: &Order| order.created_at.or_else(|| order.no.created_hint());
    let between = |gap: &Gap, order: &&Order| {
        let ends = [&gap.after, &gap.before];
        let [after, before] =
            ends.map(|end| end.created_at.or_else(|| end.order_no.created_hint()));
        !ends.iter().any(|end| end.order_no == order.no)
            && made(order).is_some_and(|made| Some(made) >= after && Some(made) <= before)
    };
    let brought = |gap: &Gap| orders.iter().filter(|order| between(gap, order)).count() as u64;
    Ok(gaps.into_iter().map(|gap| Stretch { brought: brought(&gap), gap }).collect())
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
async fn stuck(store: &SqliteStore, all: bool) -> anyhow::Result<Vec<Order>> {
    let mut stuck = Vec::new();
    let last_listing = store.overview().await?.last_listing.map(|listing| listing.at);
    for state in [StateName::Quarantined, StateName::Waiting] {
        let mut filter = OrderFilter::default();
        filter.state = Some(state);
        filter.limit = (!all).then_some(NAMED);
        stuck.extend(store.orders(&filter).await?);
    }
    // What nobody has to do anything about is one figure, and not a thousand lines.
    stuck.retain(|order| all || !order.is_unconfirmed(last_listing) && order.dismissed.is_none());
    Ok(stuck)
}
