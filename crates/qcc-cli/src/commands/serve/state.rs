//! What the parts of the daemon know of each other.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use qcc_sync::{AccountExt as _, AnswerErrors, DeliveryPolicy, Life, Overview, Store};
use tokio::time::timeout;

use super::{
    counted,
    health::{Health, Vitals},
    metrics::{self, Facts},
    tally::Tally,
};
use crate::{exit::causes_of, wiring::SqliteStore};

/// A prober does not wait longer for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often a sign of life is written down.
const SIGN_OF_LIFE: SignedDuration = SignedDuration::from_mins(1);

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
    /// Our errors in a row, as the store knows them.
    kept_errors: AtomicU32,
    worker: String,
    /// The last sign of life that the store has.
    kept_life: Mutex<Option<Life>>,
}

impl State {
    pub(super) fn new(
        store: Arc<SqliteStore>,
        tally: Arc<Tally>,
        poll_interval: Option<Duration>,
        delivery: DeliveryPolicy,
        worker: String,
    ) -> Self {
        let (engine_runs, started) = (AtomicBool::new(true), Timestamp::now());
        let kept_errors = AtomicU32::new(tally.counts().errors_in_a_row);
        let kept_life = Mutex::default();
        Self {
            store,
            tally,
            engine_runs,
            poll_interval,
            delivery,
            started,
            kept_errors,
            worker,
            kept_life,
        }
    }

    /// The engine's loop has ended.
    pub(super) fn engine_ended(&self) {
        self.engine_runs.store(false, Ordering::Relaxed);
    }

    /// Writes our errors in a row down where they have changed: the vendor counts
    /// them across our restarts. Later, where the store does not take them now.
    pub(super) async fn keep_errors(&self) {
        let in_a_row = self.tally.counts().errors_in_a_row;
        if in_a_row == self.kept_errors.load(Ordering::Relaxed) {
            return;
        }
        let last_at = Timestamp::now();
        let errors = (in_a_row > 0).then_some(AnswerErrors { in_a_row, last_at });
        if let Ok(Ok(())) = timeout(PATIENCE, self.store.note_answer_errors(errors)).await {
            self.kept_errors.store(in_a_row, Ordering::Relaxed);
        }
    }

    /// Writes a sign of life down: each minute, and at once where what is wrong has
    /// changed, so that `qcc status` can report a daemon that died.
    pub(super) async fn keep_alive(&self, health: &Health) {
        let trouble = health.trouble();
        let now = Timestamp::now();
        let is_due = self.kept_life().as_ref().is_none_or(|life| {
            life.trouble != trouble
                || !(SignedDuration::ZERO..SIGN_OF_LIFE).contains(&now.duration_since(life.at))
        });
        if is_due {
            let worker = self.worker.clone();
            self.note_life(Life { at: now, worker, stopped: false, trouble }).await;
        }
    }

    /// Writes down that the daemon ends in order.
    pub(super) async fn say_stopped(&self) {
        let trouble = self.kept_life().as_ref().and_then(|life| life.trouble.clone());
        let worker = self.worker.clone();
        self.note_life(Life { at: Timestamp::now(), worker, stopped: true, trouble }).await;
    }

    async fn note_life(&self, life: Life) {
        if let Ok(Ok(())) = timeout(PATIENCE, self.store.note_life(&life)).await {
            *self.kept_life() = Some(life);
        }
    }

    fn kept_life(&self) -> MutexGuard<'_, Option<Life>> {
        self.kept_life.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether somebody else, `qcc push activate` say, has had the vendor forget our
    /// errors: the store has fewer than were written down here. Then so do we.
    pub(super) fn were_errors_forgotten(&self, overview: &Overview) -> bool {
        let stored = overview.callbacks.errors.as_ref().map_or(0, |errors| errors.in_a_row);
        let kept = self.kept_errors.load(Ordering::Relaxed);
        // Our own activation is forgotten already, and not written down yet.
        let is_news = stored < kept && self.tally.counts().errors_in_a_row > 0;
        if is_news {
            self.kept_errors.store(stored, Ordering::Relaxed);
            self.tally.forget_errors();
        }
        is_news
    }

    /// The facts of this moment, and what they mean.
    pub(super) async fn look(&self) -> (Option<Overview>, Health) {
        let overview = match timeout(PATIENCE, self.store.overview()).await {
            Ok(Ok(overview)) => Ok(overview.believed(Timestamp::now())),
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

    /// The page of `/status`.
    pub(super) async fn status(&self) -> serde_json::Value {
        let ready = self.look().await.1.is_ready();
        let store = self.store.path().to_string_lossy();
        counted::json(&store, self.started, ready, &self.tally.counts())
    }

    /// The page of `/metrics`.
    pub(super) async fn metrics(&self) -> String {
        let (overview, health) = self.look().await;
        metrics::page(&Facts {
            store: &self.store.path().to_string_lossy(),
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
