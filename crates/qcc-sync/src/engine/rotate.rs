//! Changing the secret path of the callback URL without losing a call.

use qcc_proto::PushSetting;

use super::{Engine, EngineError, failure_of, tell_answer};
use crate::{
    Account, AccountExt as _, Hold, Observer, PathSegment, Remedy, SecretPath, VendorCall,
};

impl Engine {
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
        let path = loop {
            let now = self.clock.now();
            let known = self.store.secret_path().await?;
            let path = SecretPath::rotated(known.clone(), fresh.clone(), setting, now).tried(now);
            path.join(&setting.callback_url).map_err(EngineError::CallbackUrl)?;
            // Where another worker rotates at the same time, both tell the vendor the same.
            if self.store.change_secret_path(known.as_ref(), Some(&path)).await? {
                break path;
            }
        };
        let callback_url = path.join(&setting.callback_url).map_err(EngineError::CallbackUrl)?;
        let mut told = setting.clone();
        told.callback_url = callback_url;
        self.set_push(&told, observer).await?;
        let now = self.clock.now();
        let confirm = |account: &mut Account| {
            let is_ours = |kept: &&mut SecretPath| kept.current == path.current;
            let Some(kept) = account.secret_path.as_mut().filter(is_ours) else { return false };
            *kept = kept.clone().confirmed(setting.clone(), now);
            true
        };
        let (account, _) = self.store.update_account(confirm).await?;
        Ok(account.secret_path.unwrap_or(path))
    }

    /// Takes the secret path out of the callback URL, and forgets it: the vendor is
    /// told the URL it was last told, without the segment. Does nothing where
    /// there is no path, or no URL the vendor ever confirmed.
    ///
    /// # Errors
    /// As [`rotate_path`](Self::rotate_path).
    pub async fn leave_path(&self, observer: &dyn Observer) -> Result<(), EngineError> {
        let Some(known) = self.store.secret_path().await? else { return Ok(()) };
        let Some(setting) = known.told.clone() else { return Ok(()) };
        self.check_hold().await?;
        let path = known.clone().doubted().tried(self.clock.now());
        if !self.store.change_secret_path(Some(&known), Some(&path)).await? {
            // Another worker is at it.
            return Ok(());
        }
        self.set_push(&setting, observer).await?;
        let forget = |account: &mut Account| {
            let is_ours = |kept: &mut SecretPath| kept.current == path.current;
            account.secret_path.take_if(is_ours).is_some()
        };
        self.store.update_account(forget).await?;
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
