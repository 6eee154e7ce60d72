//! Following: lists and work, round after round, until asked to stop.

use std::{
    future::Future,
    pin::pin,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

use tokio::sync::Notify;

use super::{
    Budget, Engine, EngineError, failure_of,
    run::{Run, Task, time_until},
};
use crate::{
    AccountExt as _, Delivery, DeliveryPolicy, Event, Hold, Observer, Overview, Probe, Probed,
    Remedy, Wake,
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

/// A round ends where nothing is left to begin and what is under way takes longer.
const ROUND: SignedDuration = SignedDuration::from_secs(1);

/// What one run remembers from round to round. Nothing of it is needed to go on
/// after a crash.
#[derive(Debug)]
pub(super) struct Course {
    list: ListPace,
    /// How often calls may cause a list.
    lists_for_calls: Budget,
    held: Option<Hold>,
    delivery: Option<Delivery>,
    pub(super) probed: Option<(Timestamp, Probed)>,
    failures: u32,
}

/// What the engine rests for.
#[derive(Clone, Copy)]
enum Rest {
    /// Something is due then.
    Until(Timestamp),
    /// Database or disk failed, so often in a row.
    Trouble { failures: u32 },
}

/// How it is asked to stop.
#[derive(Debug, Default)]
struct Stopping {
    asked: AtomicBool,
    told: Notify,
}

impl Stopping {
    fn ask(&self) {
        self.asked.store(true, Ordering::Relaxed);
        self.told.notify_one();
    }

    fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Course {
    fn new(poll_interval: Option<Duration>) -> Self {
        Self {
            list: ListPace::new(poll_interval),
            lists_for_calls: Budget::for_lists(),
            held: None,
            delivery: None,
            probed: None,
            failures: 0,
        }
    }
}

impl Engine {
    /// Lists and works until `stop` resolves.
    ///
    /// The engine rests until the list is due, an order is, or `wake` is called. A
    /// call proves nothing, since anybody who knows the key can make it: it makes the
    /// engine read the list, a few times at once and then once a minute, and orders
    /// that no list names are located under a small budget of their own. Failures that
    /// may pass are told to the observer and outlived. What needs a person becomes a
    /// hold; the list is tried now and then, and the hold ends with the first one that
    /// is answered.
    ///
    /// Asked to stop, it begins nothing new and gives the orders in hand
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
        let stopping = Stopping::default();
        let mut following = pin!(self.rounds(settings, wake, &stopping, observer));
        tokio::select! {
            biased;
            () = stop => stopping.ask(),
            ended = &mut following => return ended,
        }
        tokio::select! {
            biased;
            ended = following => ended,
            // Not finished within the grace.
            () = self.clock.sleep(settings.grace) => Ok(()),
        }
    }

    async fn rounds<P: Probe>(
        &self,
        settings: &Follow<P>,
        wake: &Wake,
        stopping: &Stopping,
        observer: &dyn Observer,
    ) -> Result<(), EngineError> {
        let mut course = Course::new(settings.poll_interval);
        let mut run = Run::new(observer);
        while !stopping.is_asked() {
            let ended = self.round(settings, &mut course, &mut run, stopping, observer).await;
            let (report, trouble) = run.take_report();
            let rest = match ended {
                Err(error) if !error.may_pass() => return Err(error),
                Err(error) => {
                    course.failures = course.failures.saturating_add(1);
                    observer.round(report, Some(error));
                    Rest::Trouble { failures: course.failures }
                }
                Ok((rest_until, failure)) => {
                    course.failures = 0;
                    observer.round(report, trouble.or(failure));
                    Rest::Until(rest_until)
                }
            };
            self.rest(rest, &mut run, wake, stopping, observer).await;
        }
        while !run.is_idle() {
            run.next_ended().await;
            run.absorb()?;
        }
        self.give_back_next(&mut run).await
    }

    /// Rests until something happens.
    async fn rest(
        &self,
        rest: Rest,
        run: &mut Run<'_>,
        wake: &Wake,
        stopping: &Stopping,
        observer: &dyn Observer,
    ) {
        let now = self.clock.now();
        let time = match rest {
            Rest::Until(due) => time_until(due, now).clamp(SHORTEST_REST, LONGEST_REST),
            Rest::Trouble { failures } => doubled(SHORTEST_REST, failures).min(LONGEST_REST),
        };
        let until = later(now, SignedDuration::try_from(time).unwrap_or_default());
        observer.event(&Event::Resting { until });
        let sleep = self.clock.sleep(time);
        let woken = async {
            match rest {
                Rest::Until(_) => wake.called().await,
                // A database in trouble is left alone, whoever calls.
                Rest::Trouble { .. } => std::future::pending().await,
            }
        };
        let rested = async {
            tokio::select! {
                biased;
                () = stopping.told.notified() => {}
                () = woken => {}
                () = sleep => {}
            }
        };
        match rest {
            Rest::Until(_) if !run.is_idle() => {
                tokio::select! {
                    biased;
                    () = rested => {}
                    () = run.next_ended() => {}
                }
            }
            // What is under way goes on, and is looked at afterwards.
            _ => run.beside(rested).await,
        }
    }

    /// The list where it is due, work until nothing is left to begin, then the
    /// vendor's calls. Returns what to rest for, and why the list could not be read.
    async fn round<'e, P: Probe>(
        &'e self,
        settings: &Follow<P>,
        course: &mut Course,
        run: &mut Run<'e>,
        stopping: &Stopping,
        observer: &dyn Observer,
    ) -> Result<(Timestamp, Option<EngineError>), EngineError> {
        let mut failure = None;
        let mut ends_at = later(self.clock.now(), ROUND);
        let mut is_first = true;
        while !stopping.is_asked() {
            if run.has_ended() {
                ends_at = later(self.clock.now(), ROUND);
            }
            run.absorb()?;
            let listed = self.list_when_due(course, run, is_first, observer).await?;
            failure = listed.or(failure);
            is_first = false;
            match self.begin(run).await? {
                Task::Begun | Task::Applied => {}
                Task::Later(at) => self.wait_beside(run, at).await,
                Task::Nothing if run.is_idle() || self.clock.now() >= ends_at => break,
                Task::Nothing => self.wait_beside(run, ends_at).await,
            }
        }
        run.absorb()?;
        let now = self.clock.now();
        let mut overview = self.store.overview().await?.believed(now);
        self.judge(&overview, settings, course, observer);
        let mut heal_at = None;
        if !stopping.is_asked() && settings.heal && run.report.held.is_none() {
            heal_at = self.heal(&mut overview, settings, course, run, observer).await?;
        }
        course.held.clone_from(&run.report.held);
        Ok((self.rest_until(&overview, course, heal_at), failure))
    }

    /// Reads the list if it is due, or if calls named orders that no list did yet,
    /// and no hold forbids it. Returns the failure that is to be told and outlived.
    async fn list_when_due(
        &self,
        course: &mut Course,
        run: &mut Run<'_>,
        look_for_calls: bool,
        observer: &dyn Observer,
    ) -> Result<Option<EngineError>, EngineError> {
        let now = self.clock.now();
        let in_force = self.hold_in_force().await?;
        let hold = match self.store.hold().await? {
            Some(ended) if in_force.is_none() => {
                self.lift(ended, observer).await?;
                None
            }
            _ => in_force,
        };
        let rhythm = if hold.is_some() { Rhythm::Recheck } else { Rhythm::Poll };
        let resting = hold.as_ref().is_some_and(|hold| hold.until.is_some());
        let is_due = !resting
            && (course.list.is_due(rhythm, &self.policy, now)
                || hold.is_none() && look_for_calls && self.is_called_for(course, now).await?);
        if !is_due {
            if let Some(hold) = hold.as_ref().filter(|hold| course.held.as_ref() != Some(hold)) {
                observer.event(&Event::Held(hold.clone()));
            }
            run.report.held = self.hold_in_force().await?;
            return Ok(None);
        }
        run.report.held.clone_from(&hold);
        let error = match run.beside(self.list(observer)).await {
            Ok((listed, fresh)) => {
                run.report.listed = listed;
                run.report.fresh += fresh;
                let now = self.clock.now();
                let interval = self.store.overview().await?.believed(now).poll_interval();
                course.list.read(rhythm, interval, now);
                if let Some(hold) = hold
                    && self.lift(hold, observer).await?
                {
                    run.report.held = None;
                }
                return Ok(None);
            }
            Err(EngineError::Vendor(error)) => error,
            Err(other) => return Err(other),
        };
        let now = self.clock.now();
        let failure = failure_of(&error, now, &self.policy);
        tracing::warn!(reason = %failure.reason, "the order list failed");
        let may_pass = failure.remedy != Remedy::Quarantine;
        course.list.failed(rhythm, may_pass, failure.pause, now);
        run.report.held = match failure.remedy {
            Remedy::HoldAll(until) => {
                let hold = Hold { since: now, until, reason: failure.reason };
                Some(self.hold(hold, observer).await?)
            }
            _ => hold,
        };
        Ok(Some(EngineError::Vendor(error)))
    }

    /// Whether a call named an order that no list was read for yet, and the budget for
    /// such lists has something left.
    async fn is_called_for(
        &self,
        course: &mut Course,
        now: Timestamp,
    ) -> Result<bool, EngineError> {
        let awaits = self.store.overview().await?.awaiting_list > 0;
        Ok(awaits && course.lists_for_calls.take(now))
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
        course: &mut Course,
        heal_at: Option<Timestamp>,
    ) -> Timestamp {
        let now = self.clock.now();
        match &course.held {
            Some(Hold { until: Some(until), .. }) => *until,
            Some(_) => course.list.due_at(Rhythm::Recheck, &self.policy),
            None => {
                let mut due = course.list.due_at(Rhythm::Poll, &self.policy);
                if overview.awaiting_list > 0 {
                    due = due.min(course.lists_for_calls.next_at(now));
                }
                // While the budget has something left, this round claimed what was due.
                let next = self.unconfirmed().next_at(now);
                if overview.unconfirmed > 0 && next > now {
                    due = due.min(next);
                }
                heal_at.into_iter().chain(overview.next_due).fold(due, Timestamp::min)
            }
        }
    }
}
