//! What one run has under way: orders on their way to the disk, beside each other.

use std::{future::Future, mem, pin::pin, time::Duration};

use futures_util::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use jiff::{SignedDuration, Timestamp};
use qcc_proto::OrderNo;

use super::{Engine, EngineError, Report, bring::Outcome};
use crate::{Claim, Lease, Observer, Want, delivery::later};

/// An order is begun beside others once the last one has taken so long.
const APART: SignedDuration = SignedDuration::from_millis(250);

/// Orders under way, and what came of those that are done.
pub(super) struct Run<'e> {
    observer: &'e dyn Observer,
    lanes: FuturesUnordered<BoxFuture<'e, Brought>>,
    in_hand: Vec<Lease>,
    /// Leased, and to be begun next.
    next: Option<Lease>,
    begun_at: Option<Timestamp>,
    ended: Vec<Brought>,
    /// When the next order is due, as the last claims found: one that waits, or that
    /// another worker has.
    pub(super) next_due: Option<Timestamp>,
    /// What was done since it was last asked for.
    pub(super) report: Report,
    /// The last thing that failed at our own disk or database.
    pub(super) trouble: Option<EngineError>,
}

type Brought = (OrderNo, Result<Outcome, EngineError>);

/// What there is to do.
pub(super) enum Task {
    /// An order was begun.
    Begun,
    /// A kept archive was applied, or could not be.
    Applied,
    /// Nothing before then, though there is something.
    Later(Timestamp),
    /// Nothing is due.
    Nothing,
}

impl<'e> Run<'e> {
    pub(super) fn new(observer: &'e dyn Observer) -> Self {
        Self {
            observer,
            lanes: FuturesUnordered::new(),
            in_hand: Vec::new(),
            next: None,
            begun_at: None,
            ended: Vec::new(),
            next_due: None,
            report: Report::default(),
            trouble: None,
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.lanes.is_empty() && self.ended.is_empty()
    }

    /// Whether an order is done that was not taken over yet.
    pub(super) fn has_ended(&self) -> bool {
        !self.ended.is_empty()
    }

    /// What was done since it was last asked for.
    pub(super) fn take_report(&mut self) -> (Report, Option<EngineError>) {
        let held = self.report.held.clone();
        let report = mem::replace(&mut self.report, Report { held, ..Report::default() });
        (report, self.trouble.take())
    }

    /// Waits for something while orders under way go on.
    pub(super) async fn beside<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                Some(brought) = self.lanes.next() => self.ended.push(brought),
            }
        }
    }

    /// Waits until an order under way is done.
    pub(super) async fn next_ended(&mut self) {
        if self.ended.is_empty()
            && let Some(brought) = self.lanes.next().await
        {
            self.ended.push(brought);
        }
    }

    /// Takes over what came of orders that are done.
    ///
    /// # Errors
    /// The first failure that is not one order's alone.
    pub(super) fn absorb(&mut self) -> Result<(), EngineError> {
        let mut failure = Ok(());
        for (no, outcome) in mem::take(&mut self.ended) {
            self.in_hand.retain(|lease| lease.order.no != no);
            match outcome {
                Ok(outcome) => self.add(outcome),
                Err(error) if failure.is_ok() => failure = Err(error),
                Err(error) => tracing::warn!(order = %no, %error, "an order failed, too"),
            }
        }
        failure
    }

    fn add(&mut self, outcome: Outcome) {
        self.report.add(outcome.report);
        if let Some(trouble) = outcome.trouble {
            self.trouble = Some(trouble);
        }
    }

    /// When the next order may be begun beside those under way.
    fn may_begin_at(&self, now: Timestamp) -> Timestamp {
        // A clock that was set back makes no wait longer.
        let begun_at = self.begun_at.filter(|at| !self.lanes.is_empty() && *at <= now);
        begun_at.map_or(now, |at| later(at, APART))
    }
}

impl Engine {
    /// Begins the most urgent thing that is due, applying included.
    ///
    /// Archives are fetched before any is applied: the vendor forgets, disks do not.
    /// But no archive waits for an order that failed before, nor for one under way.
    pub(super) async fn begin<'e>(&'e self, run: &mut Run<'e>) -> Result<Task, EngineError> {
        let now = self.clock.now();
        let mut wait = None;
        run.next_due = None;
        if run.report.held.is_some() {
            self.give_back_next(run).await?;
        } else if run.lanes.len() < self.policy.concurrent_orders.get() {
            if run.next.is_none() {
                run.next = self.claim_to_bring(run, now).await?;
            }
            if let Some(lease) = run.next.take() {
                let begin_at = run.may_begin_at(now);
                if begin_at <= now {
                    self.start(lease, run, now);
                    return Ok(Task::Begun);
                }
                let is_fresh = lease.order.failures == 0;
                run.next = Some(lease);
                if is_fresh {
                    return Ok(Task::Later(begin_at));
                }
                wait = Some(begin_at);
            }
        }
        if self.apply_next(run).await? {
            return Ok(Task::Applied);
        }
        Ok(wait.map_or(Task::Nothing, Task::Later))
    }

    /// Takes the most urgent order that is due as far as it goes, and waits for it;
    /// `false` where none is due. For programs that bring a loop of their own.
    ///
    /// # Errors
    /// [`EngineError`] where a disk or database fails.
    pub async fn work(
        &self,
        report: &mut Report,
        observer: &dyn Observer,
    ) -> Result<bool, EngineError> {
        let mut run = Run::new(observer);
        run.report.held = self.hold_in_force().await?;
        let task = self.begin(&mut run).await?;
        while !run.is_idle() {
            run.next_ended().await;
            run.absorb()?;
        }
        let (part, trouble) = run.take_report();
        report.add(part);
        match trouble {
            Some(trouble) => Err(trouble),
            None => Ok(matches!(task, Task::Begun | Task::Applied)),
        }
    }

    /// Applies the next archive that is kept; `false` where none is due.
    pub(super) async fn apply_next(&self, run: &mut Run<'_>) -> Result<bool, EngineError> {
        let now = self.clock.now();
        let Some(lease) = self.claim(Want::Kept, &[], run, now).await? else { return Ok(false) };
        let outcome = self.apply(lease, run.observer).await?;
        run.add(outcome);
        Ok(true)
    }

    fn start<'e>(&'e self, lease: Lease, run: &mut Run<'e>, now: Timestamp) {
        let (no, observer) = (lease.order.no.clone(), run.observer);
        run.begun_at = Some(now);
        run.in_hand.push(lease.clone());
        run.lanes.push(Box::pin(async move { (no, self.bring(lease, observer).await) }));
    }

    /// Leases an order, or learns when the next of its kind is due.
    async fn claim(
        &self,
        want: Want,
        in_hand: &[OrderNo],
        run: &mut Run<'_>,
        now: Timestamp,
    ) -> Result<Option<Lease>, EngineError> {
        match self.store.claim(&self.worker, want, in_hand, now).await? {
            Claim::Leased(lease) => Ok(Some(*lease)),
            Claim::Nothing { next_due } => {
                let both = run.next_due.into_iter().chain(next_due);
                run.next_due = both.min();
                Ok(None)
            }
        }
    }

    /// Leases the next order without an archive: of those that only calls named as
    /// many as their budget allows.
    async fn claim_to_bring(
        &self,
        run: &mut Run<'_>,
        now: Timestamp,
    ) -> Result<Option<Lease>, EngineError> {
        let in_hand: Vec<_> = run.in_hand.iter().map(|lease| lease.order.no.clone()).collect();
        let confirmed = self.claim(Want::Confirmed, &in_hand, run, now).await?;
        if confirmed.is_some() || self.unconfirmed().next_at(now) > now {
            return Ok(confirmed);
        }
        // When the next of these is due matters less than when the budget is.
        let claim = self.store.claim(&self.worker, Want::Unconfirmed, &in_hand, now).await?;
        let lease = claim.lease();
        if lease.is_some() {
            self.unconfirmed().take(now);
        }
        Ok(lease)
    }

    /// Gives back an order that was leased and not begun.
    pub(super) async fn give_back_next(&self, run: &mut Run<'_>) -> Result<(), EngineError> {
        if let Some(lease) = run.next.take() {
            self.store.release(&lease).await?;
        }
        Ok(())
    }

    /// Gives back all that is under way. What came of downloads is lost.
    pub(super) async fn drop_all(&self, run: &mut Run<'_>) -> Result<(), EngineError> {
        run.lanes.clear();
        for lease in mem::take(&mut run.in_hand) {
            self.store.release(&lease).await?;
        }
        self.give_back_next(run).await
    }

    /// Waits until an order under way is done, or until then.
    pub(super) async fn wait_beside(&self, run: &mut Run<'_>, until: Timestamp) {
        let time = time_until(until, self.clock.now()).max(LEAST_WAIT);
        tokio::select! {
            biased;
            () = run.next_ended(), if !run.is_idle() => {}
            () = self.clock.sleep(time) => {}
        }
    }

    pub(super) fn unconfirmed(&self) -> std::sync::MutexGuard<'_, super::Budget> {
        self.unconfirmed.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// A clock may stand still, or be read in steps of a millisecond.
const LEAST_WAIT: Duration = Duration::from_millis(1);

pub(super) fn time_until(due: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(due.duration_since(now)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Hold, Reason, ReasonCode, StoreError, StoreErrorKind};

    fn at(millisecond: i64) -> Timestamp {
        Timestamp::from_millisecond(millisecond).unwrap()
    }

    fn no(n: u32) -> OrderNo {
        format!("A{n}").parse().unwrap()
    }

    fn lease(n: u32) -> Lease {
        let worker = crate::Worker { name: "w".into(), term: Duration::from_secs(60) };
        Lease { order: crate::Order::seen(no(n), at(0)), worker, epoch: 1, until: at(60_000) }
    }

    fn failed(n: u32, detail: &str) -> Brought {
        (no(n), Err(StoreError::new(StoreErrorKind::Corrupt, detail).into()))
    }

    #[test]
    fn an_order_is_begun_beside_others_a_quarter_of_a_second_after_the_last() {
        let mut run = Run::new(&());
        assert_eq!(run.may_begin_at(at(1000)), at(1000), "nothing was begun");
        run.begun_at = Some(at(900));
        assert_eq!(run.may_begin_at(at(1000)), at(1000), "nothing is under way");
        run.lanes.push(Box::pin(std::future::pending()));
        assert_eq!(run.may_begin_at(at(1000)), at(1150));
        assert_eq!(run.may_begin_at(at(900)), at(1150));
        assert_eq!(run.may_begin_at(at(899)), at(899), "the clock was set back");
    }

    #[test]
    fn a_run_is_idle_once_nothing_is_under_way_or_left_to_take_over() {
        let mut run = Run::new(&());
        assert!(run.is_idle() && !run.has_ended());
        run.ended.push((no(1), Ok(Outcome::default())));
        assert!(!run.is_idle() && run.has_ended());
        run.absorb().unwrap();
        assert!(run.is_idle() && !run.has_ended());
        run.lanes.push(Box::pin(std::future::pending()));
        assert!(!run.is_idle() && !run.has_ended());
    }

    #[test]
    fn the_first_failure_is_the_runs_and_no_order_stays_in_hand() {
        let mut run = Run::new(&());
        run.in_hand = [1, 2, 3, 4].map(lease).to_vec();
        let fetched = Outcome {
            report: Report { fetched: 1, ..Report::default() },
            trouble: Some(StoreError::new(StoreErrorKind::Full, "full").into()),
        };
        run.ended = vec![failed(1, "first"), (no(2), Ok(fetched)), failed(3, "second")];
        let EngineError::Store(error) = run.absorb().unwrap_err() else { panic!("the store's") };
        assert_eq!(error.to_string(), "first");
        assert_eq!((&run.in_hand, run.report.fetched), (&vec![lease(4)], 1));
        assert!(run.trouble.is_some());
        run.absorb().unwrap();
    }

    #[test]
    fn a_hold_outlives_the_report_it_came_with() {
        let mut run = Run::new(&());
        let reason = Reason::new(ReasonCode::Account, "101");
        let hold = Hold { since: at(0), until: None, reason };
        run.report = Report { applied: 1, held: Some(hold.clone()), ..Report::default() };
        run.trouble = Some(StoreError::new(StoreErrorKind::Full, "full").into());
        let (report, trouble) = run.take_report();
        assert_eq!((report.applied, report.held.as_ref()), (1, Some(&hold)));
        assert!(trouble.is_some());
        let (report, trouble) = run.take_report();
        assert_eq!((report.applied, report.held), (0, Some(hold)));
        assert!(trouble.is_none());
    }

    #[test]
    fn what_is_overdue_is_waited_for_no_longer() {
        assert_eq!(time_until(at(1500), at(1000)), Duration::from_millis(500));
        assert_eq!(time_until(at(1000), at(1500)), Duration::ZERO);
    }
}
