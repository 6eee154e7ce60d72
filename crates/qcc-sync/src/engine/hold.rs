//! The hold on all calls to the vendor: set, looked at, lifted.

use crate::{Account, AccountExt as _, Event, Hold, Observer};

use super::{Engine, EngineError};

impl Engine {
    /// The hold in force, of whichever process set it. One that a clock set which was
    /// ahead is put right.
    pub(super) async fn hold_in_force(&self) -> Result<Option<Hold>, EngineError> {
        let now = self.clock.now();
        let clamp = |account: &mut Account| {
            let Some(hold) = &account.hold else { return false };
            let clamped = hold.clone().clamped(now);
            let is_ahead = clamped != *hold;
            account.hold = Some(clamped);
            is_ahead
        };
        let (mut account, is_changed) = self.store.update_account(clamp).await?;
        if is_changed {
            tracing::warn!("a hold from the future begins now instead");
            // As the store keeps it: it may round the time.
            account = self.store.account().await?.value;
        }
        Ok(account.hold.filter(|hold| hold.is_in_force(now)))
    }

    /// The hold that ends by itself. One that waits for a person does not keep a run
    /// from calling that a person started: it is lifted once the vendor answers.
    pub(super) async fn timed_hold(&self) -> Result<Option<Hold>, EngineError> {
        Ok(self.hold_in_force().await?.filter(|hold| hold.until.is_some()))
    }

    /// Lifts this hold. One that another worker set meanwhile stays: then `false`.
    pub(super) async fn lift(
        &self,
        hold: Hold,
        observer: &dyn Observer,
    ) -> Result<bool, EngineError> {
        let is_lifted = self.store.lift_hold(&hold).await?;
        if is_lifted {
            tracing::info!(reason = %hold.reason, "calls to the vendor go on");
            observer.event(&Event::Lifted(hold));
        }
        Ok(is_lifted)
    }

    /// Sets a hold. One for the reason of the last counts from when that was set.
    pub(super) async fn hold(
        &self,
        hold: Hold,
        observer: &dyn Observer,
    ) -> Result<Hold, EngineError> {
        tracing::error!(reason = %hold.reason, "all calls to the vendor rest");
        let set = |account: &mut Account| {
            let mut hold = hold.clone();
            let before = account.hold.as_ref();
            if let Some(before) = before.filter(|before| before.reason.code == hold.reason.code) {
                hold.since = before.since.min(hold.since);
            }
            account.hold = Some(hold);
            true
        };
        self.store.update_account(set).await?;
        // As the store keeps it: it may round the time.
        let hold = self.store.hold().await?.unwrap_or(hold);
        observer.event(&Event::Held(hold.clone()));
        Ok(hold)
    }
}
