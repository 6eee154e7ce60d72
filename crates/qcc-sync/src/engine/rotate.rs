//! Changing the secret path of the callback URL without losing a call.

use qcc_proto::PushSetting;

use super::{Engine, EngineError, tell_answer};
use crate::{Archives, Clock, Observer, PathSegment, SecretPath, Store, VendorCall};

impl<S: Store, A: Archives, C: Clock> Engine<S, A, C> {
    /// Gives the callback URL a fresh secret path (6.2.1).
    ///
    /// `setting` is the push setting whole, its URL without a secret path. What is
    /// accepted is written down before the vendor is told, so a crash or a failure
    /// anywhere leaves the vendor with a path that is accepted; the next rotation
    /// then tells it the same path once more.
    ///
    /// # Errors
    /// [`EngineError::CallbackUrl`] where URL and path do not join,
    /// [`EngineError::PushSetting`] where the vendor refuses or echoes another
    /// URL, [`EngineError::Store`].
    pub async fn rotate_path(
        &self,
        setting: &PushSetting,
        fresh: PathSegment,
        observer: &dyn Observer,
    ) -> Result<SecretPath, EngineError> {
        let now = self.clock.now();
        let path = SecretPath::rotated(self.store.secret_path().await?, fresh, now);
        let callback_url = path.join(&setting.callback_url).map_err(EngineError::CallbackUrl)?;
        self.store.set_secret_path(Some(&path)).await?;
        let setting = PushSetting { callback_url, ..setting.clone() };
        let answer = self.client.set_push(&setting, now).await;
        tell_answer(VendorCall::SetPush, &answer, observer);
        answer.map_err(EngineError::PushSetting)?;
        let path = path.confirmed(self.clock.now());
        self.store.set_secret_path(Some(&path)).await?;
        Ok(path)
    }
}
