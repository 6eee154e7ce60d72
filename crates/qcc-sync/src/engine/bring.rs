//! One order, from its number to its archive on disk.

use jiff::Timestamp;

use super::{Engine, EngineError, Report, Trouble, error::failure_for, keep::keeping, tell_answer};
use crate::{
    Event, Hold, Lease, Observer, Order, Remedy, State, Step, StoreErrorKind, VendorCall, next_step,
};

/// What came of an order that was taken in hand.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) report: Report,
    /// What failed at our own disk or database, for this order alone.
    pub(super) trouble: Option<EngineError>,
}

impl Engine {
    /// Locates and downloads an order's archive, and gives the order back. What fails
    /// is written down: the order waits in the ledger, and nothing waits here.
    pub(super) async fn bring(
        &self,
        mut lease: Lease,
        observer: &dyn Observer,
    ) -> Result<Outcome, EngineError> {
        let mut outcome = Outcome::default();
        let brought = self.brought(&mut lease, &mut outcome, observer).await;
        self.given_back(&lease, brought).await?;
        Ok(outcome)
    }

    /// Applies an order's kept archive, and gives the order back.
    pub(super) async fn apply(
        &self,
        mut lease: Lease,
        observer: &dyn Observer,
    ) -> Result<Outcome, EngineError> {
        let mut outcome = Outcome::default();
        let applied = match self.applier().apply(&lease, &mut outcome.report, observer).await {
            Ok(()) => return Ok(outcome),
            Err(trouble) => self.failed(&mut lease, trouble, &mut outcome, observer).await,
        };
        self.given_back(&lease, applied).await?;
        Ok(outcome)
    }

    async fn brought(
        &self,
        lease: &mut Lease,
        outcome: &mut Outcome,
        observer: &dyn Observer,
    ) -> Result<(), EngineError> {
        let (store, clock) = (&*self.store, &*self.clock);
        loop {
            let now = clock.now();
            let done = match next_step(&lease.order, now) {
                Step::Rest(_) | Step::Apply => return Ok(()),
                Step::Locate => {
                    // Another order, or another process, may have met a hold meanwhile.
                    if let Some(hold) = self.timed_hold().await? {
                        outcome.report.held = Some(hold);
                        return Ok(());
                    }
                    keeping(store, clock, lease, self.locate(&lease.order, now, observer)).await
                }
                Step::Fetch => {
                    keeping(store, clock, lease, self.fetch(&lease.order, observer)).await
                }
            };
            match done? {
                Ok(next) => lease.order = next,
                Err(trouble) => return self.failed(lease, trouble, outcome, observer).await,
            }
            self.store.save(lease, self.clock.now()).await?;
            if lease.order.state == State::Fetched {
                self.label_if_listed_since(&lease.order).await?;
                outcome.report.fetched += 1;
                return Ok(());
            }
        }
    }

    /// Ends a lease, where it was not lost to another worker.
    async fn given_back(
        &self,
        lease: &Lease,
        done: Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        let done = match done {
            Err(EngineError::Store(e)) if e.kind() == StoreErrorKind::LeaseLost => return Ok(()),
            done => done,
        };
        let released = self.store.release(lease).await;
        done?;
        Ok(released?)
    }

    /// Writes down what a failure means for an order.
    ///
    /// A disk or database that fails over one order may work for others, so the order
    /// waits; only where that cannot be written down either, the failure is the
    /// engine's.
    async fn failed(
        &self,
        lease: &mut Lease,
        trouble: Trouble,
        outcome: &mut Outcome,
        observer: &dyn Observer,
    ) -> Result<(), EngineError> {
        let now = self.clock.now();
        let failure = match trouble {
            Trouble::Failed(failure) => failure,
            Trouble::Stop(error) => {
                let Some(failure) = error.as_failure() else { return Err(error) };
                outcome.trouble = Some(error);
                failure
            }
        };
        let spoilt = lease.order.archive;
        lease.order = lease.order.clone().failed(&failure, &self.policy, now);
        if let Remedy::HoldAll(until) = failure.remedy {
            let reason = failure.reason.clone();
            let hold = Hold { since: now, until, reason };
            outcome.report.held = Some(self.hold(hold, observer).await?);
        }
        tell_failure(&lease.order, observer);
        if let Err(error) = self.store.save(lease, now).await {
            return Err(outcome.trouble.take().unwrap_or(EngineError::Store(error)));
        }
        if let (Some(archive), None) = (spoilt, lease.order.archive) {
            self.discard(&archive, &lease.order).await;
        }
        Ok(())
    }

    /// Removes an archive that was of no use and is downloaded again, unless it is
    /// another order's as well. Whoever can change downloads must not fill the disk.
    async fn discard(&self, archive: &crate::KeptArchive, order: &Order) {
        match self.store.other_with_archive(&archive.sha256, &order.no).await {
            Ok(None) => {}
            Ok(Some(_)) | Err(_) => return,
        }
        if let Err(error) = self.archives.discard(archive).await {
            tracing::warn!(order = %order.no, %error, "a damaged archive could not be removed");
        }
    }

    async fn locate(
        &self,
        order: &Order,
        now: Timestamp,
        observer: &dyn Observer,
    ) -> Result<Order, Trouble> {
        let location = self.client.locate(&order.no, now).await;
        tell_answer(VendorCall::Locate, &location, observer);
        let location =
            location.map_err(|e| Trouble::Failed(failure_for(order, &e, now, &self.policy)))?;
        observer.event(&Event::Located { order_no: order.no.clone() });
        Ok(order.clone().located(location, now))
    }
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
