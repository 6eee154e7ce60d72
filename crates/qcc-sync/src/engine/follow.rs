//! Following: lists and work, round after round, until asked to stop.

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

use super::{Engine, EngineError, Report, failure_of};
use crate::{
    Archives, Clock, Delivery, DeliveryPolicy, Event, Hold, Observer, Overview, Probe, Probed,
    Remedy, Store, Wake,
    delivery::later,
    pace::{ListPace, Rhythm, doubled},
};

/// How an engine follows.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Follow<P = ()> {
    /// How often the list is read; `None`: as often as the window asks for, see
    /// [`Overview::poll_interval`].
    pub poll_interval: Option<Duration>,
    /// When calls count as missing, and how often the vendor is asked to call again.
    pub delivery: DeliveryPolicy,
    /// Whether the vendor is asked to call again when calls are missing.
    pub heal: bool,
    /// Tries our own public URL first.
    pub probe: P,
    /// How long the order in hand may take once the engine is asked to stop.
    pub grace: Duration,
}

impl Default for Follow {
    /// No receiver is at its side, so nothing is healed.
    fn default() -> Self {
        Self {
            poll_interval: None,
            delivery: DeliveryPolicy::default(),
            heal: false,
            probe: (),
            grace: Duration::from_secs(5),
        }
    }
}

impl Follow {
    /// The same, beside a receiver: the vendor is asked to call again when its
    /// calls are missing, unless `probe` finds that our own URL is at fault.
    #[must_use]
    pub fn healing<P: Probe>(self, probe: P) -> Follow<P> {
        let Self { poll_interval, delivery, heal: _, probe: (), grace } = self;
        Follow { poll_interval, delivery, heal: true, probe, grace }
    }
}

/// A rest is never longer: other processes change the store without a word.
const LONGEST_REST: Duration = Duration::from_secs(60);
const SHORTEST_REST: Duration = Duration::from_secs(1);

/// What one run remembers from round to round. Nothing of it is needed to go on
/// after a crash.
#[derive(Debug)]
pub(super) struct Course {
    list: ListPace,
    held: Option<Hold>,
    delivery: Option<Delivery>,
    pub(super) probed: Option<(Timestamp, Probed)>,
    failures: u32,
}

/// How a round left things.
struct Ended {
    /// When the next thing is due.
    rest_until: Timestamp,
    /// The list could not be read.
    failure: Option<EngineError>,
}

/// What the engine rests for.
#[derive(Clone, Copy)]
enum Rest {
    /// Something is due then.
    Until(Timestamp),
    /// Database or disk failed, so often in a row.
    Trouble { failures: u32 },
}

impl Course {
    fn new(poll_interval: Option<Duration>) -> Self {
        let list = ListPace::new(poll_interval);
        Self { list, held: None, delivery: None, probed: None, failures: 0 }
    }

    /// A round is over: tells of it, and says what to rest for.
    fn over(
        &mut self,
        ended: Result<Ended, EngineError>,
        report: Report,
        observer: &dyn Observer,
    ) -> Rest {
        match ended {
            Ok(Ended { rest_until, failure }) => {
                self.failures = 0;
                observer.round(report, failure);
                Rest::Until(rest_until)
            }
            Err(error) => {
                self.failures = self.failures.saturating_add(1);
                observer.round(report, Some(error));
                Rest::Trouble { failures: self.failures }
            }
        }
    }
}

/// Runs a round to its end. Asked to stop, it has its grace left; `None` where
/// that was too short.
async fn finished<T>(
    mut round: Pin<&mut impl Future<Output = T>>,
    stop: Pin<&mut impl Future<Output = ()>>,
    stopping: &AtomicBool,
    grace: impl Future<Output = ()>,
) -> Option<T> {
    tokio::select! {
        biased;
        () = stop => stopping.store(true, Ordering::Relaxed),
        ended = &mut round => return Some(ended),
    }
    tokio::select! {
        biased;
        ended = round => Some(ended),
        () = grace => None,
    }
}

impl<S: Store, A: Archives, C: Clock> Engine<S, A, C> {
    /// Lists and works until `stop` resolves.
    ///
    /// The engine rests until the list is due, an order is, or `wake` is called:
    /// then an order that the store learnt of by a call is taken up at once,
    /// without a list. Failures that may pass are told to the observer and
    /// outlived. What needs a person becomes a hold; the list is tried now and
    /// then, and the hold ends with the first one that is answered.
    ///
    /// Asked to stop, it begins nothing new and gives the order in hand
    /// [`Follow::grace`]. What is not committed by then is left as it was, for
    /// this worker's next start.
    ///
    /// # Errors
    /// [`EngineError`] where [`EngineError::may_pass`] is false: the database
    /// cannot be used. What was done until then stands.
    pub async fn follow<P: Probe>(
        &self,
        settings: &Follow<P>,
        wake: &Wake,
        stop: impl Future<Output = ()>,
        observer: &dyn Observer,
    ) -> Result<(), EngineError> {
        let mut stop = pin!(stop);
        let (mut course, stopping) = (Course::new(settings.poll_interval), AtomicBool::new(false));
        loop {
            let mut report = Report::default();
            let round = {
                let round = self.round(settings, &mut course, &stopping, &mut report, observer);
                let grace = self.clock.sleep(settings.grace);
                finished(pin!(round), stop.as_mut(), &stopping, grace).await
            };
            let rest = match round {
                // Not finished within the grace.
                None => return Ok(()),
                Some(Err(error)) if !error.may_pass() => return Err(error),
                Some(ended) => course.over(ended, report, observer),
            };
            if stopping.load(Ordering::Relaxed)
                || self.rest(rest, wake, stop.as_mut(), observer).await
            {
                return Ok(());
            }
        }
    }

    /// Rests; `true` where it was asked to stop.
    async fn rest(
        &self,
        rest: Rest,
        wake: &Wake,
        stop: Pin<&mut impl Future<Output = ()>>,
        observer: &dyn Observer,
    ) -> bool {
        let now = self.clock.now();
        let time = match rest {
            Rest::Until(due) => super::until(due, now).clamp(SHORTEST_REST, LONGEST_REST),
            Rest::Trouble { failures } => doubled(SHORTEST_REST, failures).min(LONGEST_REST),
        };
        let until = later(now, SignedDuration::try_from(time).unwrap_or_default());
        observer.event(&Event::Resting { until });
        let woken = async {
            match rest {
                Rest::Until(_) => wake.called().await,
                // A database in trouble is left alone, whoever calls.
                Rest::Trouble { .. } => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = stop => true,
            () = woken => false,
            () = self.clock.sleep(time) => false,
        }
    }

    /// The list where it is due, work until nothing is, then the vendor's calls.
    async fn round<P: Probe>(
        &self,
        settings: &Follow<P>,
        course: &mut Course,
        stopping: &AtomicBool,
        report: &mut Report,
        observer: &dyn Observer,
    ) -> Result<Ended, EngineError> {
        let going_on = || !stopping.load(Ordering::Relaxed);
        let mut failure = None;
        while going_on() {
            failure = self.list_when_due(course, report, observer).await?.or(failure);
            if !self.work_until_listing(course, &going_on, report, observer).await? {
                break;
            }
        }
        let mut overview = self.store.overview().await?;
        self.judge(&overview, settings, course, observer);
        let mut heal_at = None;
        if going_on() && settings.heal && report.held.is_none() {
            heal_at = self.heal(&mut overview, settings, course, report, observer).await?;
        }
        course.held.clone_from(&report.held);
        Ok(Ended { rest_until: self.rest_until(&overview, course, heal_at), failure })
    }

    /// Works; `true` where the list is due before all is done. However much there
    /// is to do, the window goes on.
    async fn work_until_listing(
        &self,
        course: &Course,
        going_on: &(impl Fn() -> bool + Sync),
        report: &mut Report,
        observer: &dyn Observer,
    ) -> Result<bool, EngineError> {
        while going_on() && self.work(report, observer).await? {
            let now = self.clock.now();
            if report.held.is_none() && course.list.is_due(Rhythm::Poll, &self.policy, now) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Reads the list if it is due and no hold forbids it. Returns the failure
    /// that is to be told and outlived.
    async fn list_when_due(
        &self,
        course: &mut Course,
        report: &mut Report,
        observer: &dyn Observer,
    ) -> Result<Option<EngineError>, EngineError> {
        let now = self.clock.now();
        let mut hold = self.store.hold().await?;
        if let Some(ended) = hold.take_if(|hold| hold.until.is_some_and(|until| until <= now)) {
            self.lift(ended, observer).await?;
        }
        let rhythm = if hold.is_some() { Rhythm::Recheck } else { Rhythm::Poll };
        let resting = hold.as_ref().is_some_and(|hold| hold.until.is_some());
        if resting || !course.list.is_due(rhythm, &self.policy, now) {
            if let Some(hold) = hold.as_ref().filter(|hold| course.held.as_ref() != Some(hold)) {
                observer.event(&Event::Held(hold.clone()));
            }
            report.held = hold;
            return Ok(None);
        }
        let error = match self.list(observer).await {
            Ok((listed, fresh)) => {
                report.listed = listed;
                report.fresh += fresh;
                let interval = self.store.overview().await?.poll_interval();
                course.list.read(rhythm, interval, now);
                if let Some(hold) = hold {
                    self.lift(hold, observer).await?;
                }
                return Ok(None);
            }
            Err(EngineError::Vendor(error)) => error,
            Err(other) => return Err(other),
        };
        let failure = failure_of(&error, now, &self.policy);
        tracing::warn!(reason = %failure.reason, "the order list failed");
        course.list.failed(rhythm, failure.remedy != Remedy::Quarantine, now);
        report.held = match failure.remedy {
            Remedy::HoldAll(until) => {
                let hold = Hold { since: now, until, reason: failure.reason };
                Some(self.hold(hold, observer).await?)
            }
            _ => hold,
        };
        Ok(Some(EngineError::Vendor(error)))
    }

    /// Tells when the judgement about the vendor's calls changes.
    fn judge<P>(
        &self,
        overview: &Overview,
        settings: &Follow<P>,
        course: &mut Course,
        observer: &dyn Observer,
    ) {
        let delivery = overview.delivery(&settings.delivery, self.clock.now());
        let before = course.delivery.replace(delivery);
        if before.is_some_and(|before| before.as_str() == delivery.as_str()) {
            return;
        }
        match delivery {
            Delivery::Broken { orders, since } => tracing::warn!(
                orders, %since, "the vendor's calls do not arrive; the list brings the orders"
            ),
            _ => tracing::info!(delivery = delivery.as_str(), "the vendor's calls"),
        }
        observer.event(&Event::Delivery(delivery));
    }

    /// When there is something to do again.
    fn rest_until(
        &self,
        overview: &Overview,
        course: &Course,
        heal_at: Option<Timestamp>,
    ) -> Timestamp {
        match &course.held {
            Some(Hold { until: Some(until), .. }) => *until,
            Some(_) => course.list.due_at(Rhythm::Recheck, &self.policy),
            None => {
                let list = course.list.due_at(Rhythm::Poll, &self.policy);
                heal_at.into_iter().chain(overview.next_due).fold(list, Timestamp::min)
            }
        }
    }
}
