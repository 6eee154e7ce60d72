//! One run: lists and works until nothing is due.

use std::time::Duration;

use jiff::SignedDuration;
use qcc_http::{TransportError, TransportErrorKind};

use super::{
    Engine, EngineError, Report, failure_of,
    run::{Run, Task, time_until},
};
use crate::{AccountExt as _, Event, Hold, Observer, Remedy, delivery::later};

/// A host that is asked may be silent for so long at least, whatever the patience.
const LEAST_PATIENCE: Duration = Duration::from_secs(5);

/// Silence of hosts is looked at so often.
const LOOK: Duration = Duration::from_secs(1);

/// A host that sends fewer bytes between two looks is silent.
const ENOUGH: u64 = 1024;

/// An order that another worker holds may be given back before its lease ends: it is
/// asked for again this often, not at once.
const OTHERS: Duration = Duration::from_secs(1);

/// How long a run may still wait in all.
struct Patience {
    /// For what becomes due.
    left: Duration,
    /// For hosts that are silent.
    silence: Duration,
}

impl Engine {
    /// Lists, then works until nothing is due, waiting for what becomes due
    /// within `patience` in all. A list that fails is tried again for as long, and
    /// hosts may be silent for as long, but for five seconds at least.
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
        let mut run = Run::new(observer);
        let mut patience = Patience { left: patience, silence: patience.max(LEAST_PATIENCE) };
        run.report.held = self.timed_hold().await?;
        if let Some(hold) = &run.report.held {
            observer.event(&Event::Held(hold.clone()));
        } else if let Err(error) = self.list_patiently(&mut patience, &mut run, observer).await {
            if let EngineError::Vendor(_) = error {
                while self.apply_next(&mut run).await? {}
            }
            return Err(error);
        }
        self.work_patiently(&mut patience, &mut run).await?;
        if let Some(trouble) = run.trouble {
            return Err(trouble);
        }
        Ok(run.report)
    }

    async fn work_patiently<'e>(
        &'e self,
        patience: &mut Patience,
        run: &mut Run<'e>,
    ) -> Result<(), EngineError> {
        loop {
            run.absorb()?;
            let now = self.clock.now();
            match self.begin(run).await? {
                Task::Begun | Task::Applied => {}
                Task::Later(at) => self.wait_beside(run, at).await,
                Task::Nothing if !run.is_idle() => {
                    if !self.wait_for_hosts(patience, run).await {
                        return self.drop_all(run).await;
                    }
                }
                Task::Nothing if run.report.held.is_some() => return Ok(()),
                Task::Nothing => {
                    let Some(due) = run.next_due else { return Ok(()) };
                    let wait = time_until(due, now).max(OTHERS);
                    if wait > patience.left {
                        return Ok(());
                    }
                    patience.left -= wait;
                    self.clock.sleep(wait).await;
                }
            }
        }
    }

    /// Waits for orders under way; `false` where their hosts have been silent for too
    /// long.
    async fn wait_for_hosts(&self, patience: &mut Patience, run: &mut Run<'_>) -> bool {
        let received = self.received();
        let look = LOOK.min(patience.silence);
        let until = later(self.clock.now(), SignedDuration::try_from(look).unwrap_or_default());
        self.wait_beside(run, until).await;
        let is_silent = !run.has_ended() && self.received() < received + ENOUGH;
        if is_silent {
            patience.silence = patience.silence.saturating_sub(look);
        }
        !patience.silence.is_zero()
    }

    async fn list_within(
        &self,
        silence: Duration,
        observer: &dyn Observer,
    ) -> Result<(u32, u32), EngineError> {
        tokio::select! {
            biased;
            listed = self.list(observer) => listed,
            () = self.clock.sleep(silence) => {
                let silent = TransportError::new(TransportErrorKind::Timeout);
                Err(EngineError::Vendor(silent.into()))
            }
        }
    }

    async fn list_patiently(
        &self,
        patience: &mut Patience,
        run: &mut Run<'_>,
        observer: &dyn Observer,
    ) -> Result<(), EngineError> {
        let mut wait = self.policy.first_wait / 4;
        loop {
            let hold = self.store.hold().await?;
            let error = match self.list_within(patience.silence, observer).await {
                Ok((listed, fresh)) => {
                    (run.report.listed, run.report.fresh) = (listed, fresh);
                    if let Some(hold) = hold {
                        self.lift(hold, observer).await?;
                    }
                    return Ok(());
                }
                Err(EngineError::Vendor(error)) => error,
                Err(other) => return Err(other),
            };
            let now = self.clock.now();
            match failure_of(&error, now, &self.policy) {
                failure if error.is_transient() && !patience.left.is_zero() => {
                    tracing::warn!(reason = %failure.reason, "the order list failed, trying again");
                    let pause = wait.min(patience.left);
                    patience.left -= pause;
                    self.clock.sleep(pause).await;
                    wait = (wait * 2).min(self.policy.longest_wait);
                }
                failure => {
                    if let Remedy::HoldAll(until) = failure.remedy {
                        let hold = Hold { since: now, until, reason: failure.reason };
                        run.report.held = Some(self.hold(hold, observer).await?);
                    }
                    return Err(EngineError::Vendor(error));
                }
            }
        }
    }
}
