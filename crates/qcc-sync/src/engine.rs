//! The driver: takes the next step of one order after another, and writes down
//! what came of it.

mod apply;
mod error;
mod fetch;
mod follow;
mod heal;
mod label;
mod rotate;
mod words;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use qcc_http::Client;
use qcc_proto::ListedOrder;

use crate::{
    Answer, Archives, Clock, Event, Gap, Hold, Listing, Observer, Order, Policy, Remedy, State,
    Step, Store, StoreErrorKind, VendorCall, Worker, detect_gap, next_step,
};

pub(crate) use apply::Applier;
pub use error::EngineError;
pub(crate) use error::Trouble;
use error::failure_of;
pub use follow::Follow;

/// Brings every order the vendor names into the store.
///
/// It holds no state of its own: all that is known lies in the [`Store`], so it
/// may stop anywhere, and another one goes on where it left off. One request is
/// in flight at a time.
#[derive(Debug)]
pub struct Engine<S, A, C> {
    client: Client,
    store: Arc<S>,
    archives: Arc<A>,
    clock: C,
    worker: Worker,
    policy: Policy,
}

/// What an engine is made of.
#[derive(Debug)]
pub struct Parts<S, A, C> {
    /// Calls the vendor.
    pub client: Client,
    /// Ledger and records.
    pub store: Arc<S>,
    /// Raw archives.
    pub archives: Arc<A>,
    /// Tells the time.
    pub clock: C,
    /// Who this engine is to the others on the same store.
    pub worker: Worker,
    /// How patient it is.
    pub policy: Policy,
}

/// What one run did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Orders the last list named.
    pub listed: u32,
    /// Orders the ledger had not known.
    pub fresh: u32,
    /// Archives downloaded.
    pub fetched: u64,
    /// Orders applied.
    pub applied: u64,
    /// Records that now stand from them.
    pub stored: u64,
    /// Records that lost against a later version.
    pub superseded: u64,
    /// Records set aside.
    pub set_aside: u64,
    /// The hold that ended the run, if one did.
    pub held: Option<Hold>,
}

impl<S: Store, A: Archives, C: Clock> Engine<S, A, C> {
    /// An engine of these parts.
    pub fn new(parts: Parts<S, A, C>) -> Self {
        let Parts { client, store, archives, clock, worker, policy } = parts;
        Self { client, store, archives, clock, worker, policy }
    }

    /// Lists, then works until nothing is due, waiting for what becomes due
    /// within `patience` in all. A list that fails is tried again for as long.
    ///
    /// While calls to the vendor rest, and where the list cannot be read, archives
    /// that are kept already are applied all the same.
    ///
    /// # Errors
    /// [`EngineError`] where the vendor refuses the list or a disk or database
    /// fails. What was done until then stands.
    pub async fn settle(
        &self,
        patience: Duration,
        observer: &dyn Observer,
    ) -> Result<Report, EngineError> {
        let mut report = Report::default();
        let mut left = patience;
        report.held = self.hold_in_force().await?;
        if let Some(hold) = &report.held {
            observer.event(&Event::Held(hold.clone()));
        } else if let Err(error) = self.list_patiently(&mut left, &mut report, observer).await {
            if matches!(error, EngineError::Vendor(_)) {
                while self.work_on_kept(&mut report, observer).await? {}
            }
            return Err(error);
        }
        loop {
            while self.work(&mut report, observer).await? {}
            if report.held.is_some() {
                return Ok(report);
            }
            let Some(due) = self.store.overview().await?.next_due else { return Ok(report) };
            let wait = until(due, self.clock.now());
            if wait > left {
                return Ok(report);
            }
            left -= wait;
            self.clock.sleep(wait).await;
        }
    }

    /// Reads the order list once and notes what it shows.
    ///
    /// # Errors
    /// [`EngineError`], as for [`settle`](Self::settle).
    pub async fn list(&self, observer: &dyn Observer) -> Result<(u32, u32), EngineError> {
        let now = self.clock.now();
        let answer = self.client.list_orders(now).await;
        tell_answer(VendorCall::List, &answer, observer);
        let answer = answer.map_err(EngineError::Vendor)?;
        if !answer.unreadable.is_empty() {
            tracing::warn!(lines = ?answer.unreadable, "the list has lines that name no order");
        }
        let listed = unique(answer.orders);
        let continuity = self.store.continuity(&listed).await?;
        let window = self.policy.window.get();
        let gap = detect_gap(&listed, &continuity, now);
        let count = u32::try_from(listed.len()).unwrap_or(u32::MAX);
        let listing = Listing {
            at: now,
            window,
            listed: count,
            fresh: count - continuity.listed_before.min(count),
            oldest: listed.iter().filter_map(|order| order.created_at).min(),
            newest: listed.iter().filter_map(|order| order.created_at).max(),
        };
        self.label_as_listed(&listed, now).await?;
        let noted = self.store.note_listing(&listed, &listing, gap.as_ref()).await?;
        let fresh = noted.fresh;
        observer.event(&Event::Listed { listed: count, fresh });
        if let Some(gap) = noted.gap {
            report_gap(&gap);
            observer.event(&Event::Gap(gap));
        }
        Ok((count, fresh))
    }

    /// Takes the most urgent order as far as it goes; `false` where none is due.
    ///
    /// An order whose archive has just been secured is given back, so that every
    /// archive is on disk before any is applied: the vendor forgets, disks do not.
    /// Once the report tells of a hold, only kept archives are applied.
    ///
    /// # Errors
    /// [`EngineError`] where a disk or database fails.
    pub async fn work(
        &self,
        report: &mut Report,
        observer: &dyn Observer,
    ) -> Result<bool, EngineError> {
        if report.held.is_some() {
            return self.work_on_kept(report, observer).await;
        }
        let claimed = self.store.claim(&self.worker, self.clock.now()).await?;
        self.take(claimed, report, observer).await
    }

    async fn work_on_kept(
        &self,
        report: &mut Report,
        observer: &dyn Observer,
    ) -> Result<bool, EngineError> {
        let claimed = self.store.claim_kept(&self.worker, self.clock.now()).await?;
        self.take(claimed, report, observer).await
    }

    async fn take(
        &self,
        claimed: Option<Order>,
        report: &mut Report,
        observer: &dyn Observer,
    ) -> Result<bool, EngineError> {
        let Some(order) = claimed else { return Ok(false) };
        let no = order.no.clone();
        match self.advance(order, report, observer).await {
            Ok(()) => Ok(true),
            Err(EngineError::Store(e)) if e.kind() == StoreErrorKind::LeaseLost => Ok(true),
            Err(e) => {
                let _ = self.store.release(&no, &self.worker).await;
                Err(e)
            }
        }
    }

    async fn advance(
        &self,
        mut order: Order,
        report: &mut Report,
        observer: &dyn Observer,
    ) -> Result<(), EngineError> {
        loop {
            let now = self.clock.now();
            let done = match next_step(&order, now) {
                Step::Rest(_) => break,
                Step::Locate => self.locate(&order, now, observer).await,
                Step::Fetch => self.fetch(&order, observer).await,
                Step::Apply => match self.applier().apply(&order, report, observer).await {
                    Ok(()) => return Ok(()),
                    Err(trouble) => Err(trouble),
                },
            };
            match done {
                Ok(next) => order = next,
                Err(Trouble::Stop(error)) => return Err(error),
                Err(Trouble::Failed(failure)) => {
                    let now = self.clock.now();
                    order = order.failed(&failure, &self.policy, now);
                    if let Remedy::HoldAll(until) = failure.remedy {
                        let reason = failure.reason.clone();
                        report.held =
                            Some(self.hold(Hold { since: now, until, reason }, observer).await?);
                    }
                    tell_failure(&order, observer);
                }
            }
            self.store.save(&order, &self.worker, self.clock.now()).await?;
            if order.state == State::Fetched {
                self.label_if_listed_since(&order).await?;
                report.fetched += 1;
                break;
            }
            if report.held.is_some() {
                break;
            }
        }
        self.store.release(&order.no, &self.worker).await?;
        Ok(())
    }

    async fn locate(
        &self,
        order: &Order,
        now: Timestamp,
        observer: &dyn Observer,
    ) -> Result<Order, Trouble> {
        let location = self.client.locate(&order.no, now).await;
        tell_answer(VendorCall::Locate, &location, observer);
        let location = location.map_err(|e| Trouble::Failed(failure_of(&e, now, &self.policy)))?;
        observer.event(&Event::Located { order_no: order.no.clone() });
        Ok(order.clone().located(location, now))
    }

    async fn list_patiently(
        &self,
        left: &mut Duration,
        report: &mut Report,
        observer: &dyn Observer,
    ) -> Result<(), EngineError> {
        let mut wait = self.policy.first_wait / 4;
        loop {
            let error = match self.list(observer).await {
                Ok((listed, fresh)) => {
                    (report.listed, report.fresh) = (listed, fresh);
                    if let Some(hold) = self.store.hold().await? {
                        self.lift(hold, observer).await?;
                    }
                    return Ok(());
                }
                Err(EngineError::Vendor(error)) => error,
                Err(other) => return Err(other),
            };
            let now = self.clock.now();
            match failure_of(&error, now, &self.policy) {
                failure if error.is_transient() && !left.is_zero() => {
                    tracing::warn!(reason = %failure.reason, "the order list failed, trying again");
                    let pause = wait.min(*left);
                    *left -= pause;
                    self.clock.sleep(pause).await;
                    wait = (wait * 2).min(self.policy.longest_wait);
                }
                failure => {
                    if let Remedy::HoldAll(until) = failure.remedy {
                        let hold = Hold { since: now, until, reason: failure.reason };
                        report.held = Some(self.hold(hold, observer).await?);
                    }
                    return Err(EngineError::Vendor(error));
                }
            }
        }
    }

    /// The hold that forbids a run to call. One that waits for a person does not:
    /// somebody started this run. It is lifted once the vendor answers.
    async fn hold_in_force(&self) -> Result<Option<Hold>, EngineError> {
        let hold = self.store.hold().await?;
        Ok(hold.filter(|hold| hold.until.is_some_and(|until| self.clock.now() < until)))
    }

    async fn lift(&self, hold: Hold, observer: &dyn Observer) -> Result<(), EngineError> {
        tracing::info!(reason = %hold.reason, "calls to the vendor go on");
        self.store.set_hold(None).await?;
        observer.event(&Event::Lifted(hold));
        Ok(())
    }

    /// Sets a hold. One for the reason of the last counts from when that was set.
    async fn hold(&self, mut hold: Hold, observer: &dyn Observer) -> Result<Hold, EngineError> {
        tracing::error!(reason = %hold.reason, "all calls to the vendor rest");
        let before = self.store.hold().await?;
        if let Some(before) = before.filter(|before| before.reason.code == hold.reason.code) {
            hold.since = before.since;
        }
        self.store.set_hold(Some(&hold)).await?;
        // As the store keeps it: it may round the time.
        let hold = self.store.hold().await?.unwrap_or(hold);
        observer.event(&Event::Held(hold.clone()));
        Ok(hold)
    }
}

/// The list without repetitions, in its order.
fn unique(listed: Vec<ListedOrder>) -> Vec<ListedOrder> {
    let mut seen = std::collections::BTreeSet::new();
    listed.into_iter().filter(|order| seen.insert(order.order_no.clone())).collect()
}

fn tell_answer<T>(call: VendorCall, outcome: &Result<T, qcc_http::Error>, observer: &dyn Observer) {
    observer.event(&Event::Asked { call, answer: Answer::of(call, outcome) });
}

fn until(due: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(due.duration_since(now)).unwrap_or_default()
}

fn report_gap(gap: &Gap) {
    tracing::error!(
        after = %gap.after.order_no, before = %gap.before.order_no,
        "orders may be missing: the list no longer reaches back to the last one known"
    );
}

fn tell_failure(order: &Order, observer: &dyn Observer) {
    let order_no = order.no.clone();
    match &order.state {
        State::Waiting { until, reason } => {
            tracing::warn!(order = %order_no, %reason, %until, "order waits");
            observer.event(&Event::Waiting { order_no, until: *until, reason: reason.clone() });
        }
        State::Quarantined { reason } => {
            tracing::error!(order = %order_no, %reason, "order quarantined");
            observer.event(&Event::Quarantined { order_no, reason: reason.clone() });
        }
        State::Seen | State::Located | State::Fetched | State::Applied => {}
    }
}
