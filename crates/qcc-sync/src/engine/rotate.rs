//! Changing the secret path of the callback URL without losing a call.

use qcc_proto::PushSetting;

use super::{Engine, EngineError, failure_of, tell_answer};
use crate::{Archives, Clock, Hold, Observer, PathSegment, Remedy, SecretPath, Store, VendorCall};

impl<S: Store, A: Archives, C: Clock> Engine<S, A, C> {
    /// Gives the callback URL a fresh secret path (6.2.1).
    ///
    /// `setting` is the push setting whole, its URL without a secret path. What is
    /// accepted is written down before the vendor is told, so a crash or a failure
    /// anywhere leaves the vendor with a path that is accepted; the next rotation
    /// then tells it the same path once more.
    ///
    /// # Errors
    /// [`EngineError::Held`] where calls to the vendor rest,
    /// [`EngineError::CallbackUrl`] where URL and path do not join,
    /// [`EngineError::PushSetting`] where the vendor refuses or echoes another
    /// URL, [`EngineError::Store`].
    pub async fn rotate_path(
        &self,
        setting: &PushSetting,
        fresh: PathSegment,
        observer: &dyn Observer,
    ) -> Result<SecretPath, EngineError> {
        self.check_hold().await?;
        let now = self.clock.now();
        let known = self.store.secret_path().await?;
        let path = SecretPath::rotated(known, fresh, setting, now).tried(now);
        let callback_url = path.join(&setting.callback_url).map_err(EngineError::CallbackUrl)?;
        self.store.set_secret_path(Some(&path)).await?;
        let mut setting = setting.clone();
        setting.callback_url = callback_url;
        self.set_push(&setting, observer).await?;
        let path = path.confirmed(setting.clone(), self.clock.now());
        self.store.set_secret_path(Some(&path)).await?;
        Ok(path)
    }

    /// Takes the secret path out of the callback URL, and forgets it: the vendor is
    /// told the URL it was last told, without the segment. Does nothing where
    /// there is no path, or no URL the vendor ever confirmed.
    ///
    /// # Errors
    /// As [`rotate_path`](Self::rotate_path).
    pub async fn leave_path(&self, observer: &dyn Observer) -> Result<(), EngineError> {
        let Some(path) = self.store.secret_path().await? else { return Ok(()) };
        let Some(setting) = path.told.clone() else { return Ok(()) };
        self.check_hold().await?;
        let path = path.doubted().tried(self.clock.now());
        self.store.set_secret_path(Some(&path)).await?;
        self.set_push(&setting, observer).await?;
        self.store.set_secret_path(None).await?;
        Ok(())
    }

    async fn set_push(
        &self,
        setting: &PushSetting,
        observer: &dyn Observer,
    ) -> Result<(), EngineError> {
        let now = self.clock.now();
        let answer = self.client.set_push(setting, now).await;
        tell_answer(VendorCall::SetPush, &answer, observer);
        let Err(error) = answer else { return Ok(()) };
        let failure = failure_of(&error, now, &self.policy);
        if let Remedy::HoldAll(until) = failure.remedy {
            self.hold(Hold { since: now, until, reason: failure.reason }, observer).await?;
        }
        Err(EngineError::PushSetting(error))
    }

    /// A hold that waits for a person counts here, too: nobody started this call.
    async fn check_hold(&self) -> Result<(), EngineError> {
        self.hold_in_force().await?.map_or(Ok(()), |hold| Err(EngineError::Held(hold)))
    }
}
