//! What the parts of the daemon know of each other.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use qcc_sync::{DeliveryPolicy, Overview, Store};
use tokio::time::timeout;

use super::{
    health::{Health, Vitals},
    metrics::{self, Facts},
    tally::Tally,
};
use crate::{exit::causes_of, wiring::SqliteStore};

/// A prober that got no answer for so long has drawn its own conclusion.
const PATIENCE: Duration = Duration::from_secs(5);

/// An interval that adapts is never longer.
const LONGEST_REST: Duration = Duration::from_secs(600);

/// Shared by everything that runs.
#[derive(Debug)]
pub(super) struct State {
    store: Arc<SqliteStore>,
    pub(super) tally: Arc<Tally>,
    engine_runs: AtomicBool,
    poll_interval: Option<Duration>,
    delivery: DeliveryPolicy,
    started: Timestamp,
}

impl State {
    pub(super) fn new(
        store: Arc<SqliteStore>,
        tally: Arc<Tally>,
        poll_interval: Option<Duration>,
        delivery: DeliveryPolicy,
    ) -> Self {
        let (engine_runs, started) = (AtomicBool::new(true), Timestamp::now());
        Self { store, tally, engine_runs, poll_interval, delivery, started }
    }

    /// The engine's loop has ended.
    pub(super) fn engine_ended(&self) {
        self.engine_runs.store(false, Ordering::Relaxed);
    }

    /// The facts of this moment, and what they mean.
    pub(super) async fn look(&self) -> (Option<Overview>, Health) {
        let overview = match timeout(PATIENCE, self.store.overview()).await {
            Ok(Ok(overview)) => Ok(overview),
            Ok(Err(error)) => Err(causes_of(&error).join(": ")),
            Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
        };
        let counts = self.tally.counts();
        let vitals = Vitals {
            overview: overview.as_ref().map_err(Clone::clone),
            note_failed: counts.note_failed,
            round_failed: counts.round_failed,
            engine_runs: self.engine_runs.load(Ordering::Relaxed),
            silent: counts.stirred.elapsed(),
            longest_rest: self.poll_interval.unwrap_or(LONGEST_REST),
        };
        let health = Health::of(&vitals, Timestamp::now());
        (overview.ok(), health)
    }

    /// The page of `/metrics`.
    pub(super) async fn metrics(&self) -> String {
        let (overview, health) = self.look().await;
        metrics::page(&Facts {
            overview: overview.as_ref(),
            counts: &self.tally.counts(),
            health: &health,
            delivery: &self.delivery,
            poll_interval: self.poll_interval,
            started: self.started,
            now: Timestamp::now(),
        })
    }
}
