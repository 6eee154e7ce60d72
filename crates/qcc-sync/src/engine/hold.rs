//! The hold on all calls to the vendor: set, looked at, lifted.

use crate::{Archives, Clock, Event, Hold, Observer, Store};

use super::{Engine, EngineError};

impl<S: Store, A: Archives, C: Clock> Engine<S, A, C> {
    /// The hold in force, of whichever process set it. One that a clock set which was
    /// ahead is put right.
    pub(super) async fn hold_in_force(&self) -> Result<Option<Hold>, EngineError> {
        let now = self.clock.now();
        let Some(hold) = self.store.hold().await? else { return Ok(None) };
        let clamped = hold.clone().clamped(now);
        if clamped != hold {
            tracing::warn!(reason = %hold.reason, "a hold from the future begins now instead");
            self.store.set_hold(Some(&clamped)).await?;
        }
        Ok(Some(clamped).filter(|hold| hold.is_in_force(now)))
    }

    /// The hold that ends by itself. One that waits for a person does not keep a run
    /// from calling that a person started: it is lifted once the vendor answers.
    pub(super) async fn timed_hold(&self) -> Result<Option<Hold>, EngineError> {
        Ok(self.hold_in_force().await?.filter(|hold| hold.until.is_some()))
    }

    pub(super) async fn lift(
        &self,
        hold: Hold,
        observer: &dyn Observer,
    ) -> Result<(), EngineError> {
        tracing::info!(reason = %hold.reason, "calls to the vendor go on");
        self.store.set_hold(None).await?;
        observer.event(&Event::Lifted(hold));
        Ok(())
    }

    /// Sets a hold. One for the reason of the last counts from when that was set.
    pub(super) async fn hold(
        &self,
        mut hold: Hold,
        observer: &dyn Observer,
    ) -> Result<Hold, EngineError> {
        tracing::error!(reason = %hold.reason, "all calls to the vendor rest");
        let before = self.store.hold().await?;
        if let Some(before) = before.filter(|before| before.reason.code == hold.reason.code) {
            hold.since = before.since.min(hold.since);
        }
        self.store.set_hold(Some(&hold)).await?;
        // As the store keeps it: it may round the time.
        let hold = self.store.hold().await?.unwrap_or(hold);
        observer.event(&Event::Held(hold.clone()));
        Ok(hold)
    }
}
