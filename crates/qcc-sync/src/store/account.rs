//! What concerns the account as a whole: one value, read and replaced as one.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::{Store, StoreError, StoreErrorKind};
use crate::{Activation, AnswerErrors, LONGEST_HOLD, Reason, SecretPath, delivery::later};

/// The facts that concern the account as a whole.
///
/// A store keeps them as one value. Whoever changes one reads them all, and writes them
/// back with [`Store::put_account`], which refuses where another worker has written
/// meanwhile. [`AccountExt`] does that for the usual changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Account {
    /// The hold on all calls to the vendor. It may have ended: see
    /// [`Hold::is_in_force`].
    pub hold: Option<Hold>,
    /// Since when a receiver expects the vendor's calls.
    pub calls_expected_since: Option<Timestamp>,
    /// The last attempt to make the vendor call again.
    pub activation: Option<Activation>,
    /// Our last answers to the vendor, where they were errors.
    pub errors: Option<AnswerErrors>,
    /// The secret path of the callback URL.
    pub secret_path: Option<SecretPath>,
}

/// A value, and the version it was read at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Versioned<T> {
    /// Names this state of the value. It grows by one with each write; 0 before the
    /// first.
    pub version: u64,
    /// The value.
    pub value: T,
}

/// After this many writes of others in between, a change is given up as busy.
const MOST_ATTEMPTS: u32 = 100;

/// Changes of the [`Account`], each as a loop of read and compare-and-set, so that none
/// erases what another worker wrote. Implemented for every store.
#[async_trait]
pub trait AccountExt: Store {
    /// Changes the account. `change` may run several times, each time on what the store
    /// holds by then; where it returns `false`, nothing is written. Returns the account
    /// as it is kept now, and whether it was changed.
    ///
    /// # Errors
    /// [`StoreError`], as for every method here; `Busy` where others write without end.
    async fn update_account<F>(&self, change: F) -> Result<(Account, bool), StoreError>
    where
        F: Fn(&mut Account) -> bool + Send + Sync,
    {
        for _ in 0..MOST_ATTEMPTS {
            let Versioned { version, mut value } = self.account().await?;
            if !change(&mut value) {
                return Ok((value, false));
            }
            if self.put_account(version, &value).await? {
                return Ok((value, true));
            }
        }
        Err(StoreError::new(
            StoreErrorKind::Busy,
            "other workers changed the account without a pause; nothing was changed",
        ))
    }

    /// The hold, in force or not.
    async fn hold(&self) -> Result<Option<Hold>, StoreError> {
        Ok(self.account().await?.value.hold)
    }

    /// Sets the hold, or lifts whichever there is. See also [`lift_hold`](Self::lift_hold).
    async fn set_hold(&self, hold: Option<&Hold>) -> Result<(), StoreError> {
        self.update_account(|account| {
            let is_new = account.hold.as_ref() != hold;
            account.hold = hold.cloned();
            is_new
        })
        .await
        .map(drop)
    }

    /// Lifts this hold. Returns whether it was there: one that another worker set
    /// meanwhile stays.
    async fn lift_hold(&self, hold: &Hold) -> Result<bool, StoreError> {
        let lift = |account: &mut Account| account.hold.take_if(|found| found == hold).is_some();
        Ok(self.update_account(lift).await?.1)
    }

    /// Notes that a receiver expects the vendor's calls from now on. The first time
    /// counts.
    async fn expect_calls(&self, now: Timestamp) -> Result<(), StoreError> {
        let expect = |account: &mut Account| {
            let is_first = account.calls_expected_since.is_none();
            account.calls_expected_since.get_or_insert(now);
            is_first
        };
        self.update_account(expect).await.map(drop)
    }

    /// Notes an attempt to make the vendor call again before it is made, unless another
    /// worker has noted one since `before` was read: then `false`.
    async fn begin_activation(
        &self,
        before: Option<&Activation>,
        attempt: &Activation,
    ) -> Result<bool, StoreError> {
        let begin = |account: &mut Account| {
            let is_first = account.activation.as_ref() == before;
            if is_first {
                account.activation = Some(attempt.clone());
            }
            is_first
        };
        Ok(self.update_account(begin).await?.1)
    }

    /// Notes what came of an attempt, unless another one was begun meanwhile.
    async fn end_activation(
        &self,
        attempt: &Activation,
        outcome: &Activation,
    ) -> Result<(), StoreError> {
        let end = |account: &mut Account| {
            // A store may keep times to the millisecond alone.
            let is_ours = account.activation.as_ref().is_some_and(|kept| {
                kept.tries == attempt.tries
                    && kept.tried_at.as_millisecond() == attempt.tried_at.as_millisecond()
            });
            if is_ours {
                account.activation = Some(outcome.clone());
            }
            is_ours
        };
        self.update_account(end).await.map(drop)
    }

    /// Notes our errors in a row, in place of those before; `None` where the last answer
    /// was none.
    async fn note_answer_errors(&self, errors: Option<AnswerErrors>) -> Result<(), StoreError> {
        let note = |account: &mut Account| {
            let is_new = account.errors != errors;
            account.errors = errors;
            is_new
        };
        self.update_account(note).await.map(drop)
    }

    /// The secret path of the callback URL.
    async fn secret_path(&self) -> Result<Option<SecretPath>, StoreError> {
        Ok(self.account().await?.value.secret_path)
    }

    /// Keeps the secret path, or forgets it, whatever was kept before.
    async fn set_secret_path(&self, path: Option<&SecretPath>) -> Result<(), StoreError> {
        let set = |account: &mut Account| {
            let is_new = account.secret_path.as_ref() != path;
            account.secret_path = path.cloned();
            is_new
        };
        self.update_account(set).await.map(drop)
    }

    /// Keeps a secret path in place of `before`. Returns `false`, and changes nothing,
    /// where another worker has changed it since.
    async fn change_secret_path(
        &self,
        before: Option<&SecretPath>,
        after: Option<&SecretPath>,
    ) -> Result<bool, StoreError> {
        let change = |account: &mut Account| {
            let is_same = account.secret_path.as_ref() == before;
            if is_same {
                account.secret_path = after.cloned();
            }
            is_same
        };
        Ok(self.update_account(change).await?.1)
    }
}

impl<S: Store + ?Sized> AccountExt for S {}

/// All calls to the vendor rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Since when.
    pub since: Timestamp,
    /// Until when; `None`: until a person acts.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: Reason,
}

/// Clocks that agree may still differ by so much.
pub(crate) const FUTURE: SignedDuration = SignedDuration::from_mins(2);

impl Hold {
    /// The same as it would have been set by a clock that is not ahead: one that began
    /// in the future begins now, and none lasts longer than
    /// [`LONGEST_HOLD`](crate::LONGEST_HOLD).
    #[must_use]
    pub fn clamped(mut self, now: Timestamp) -> Self {
        if self.since.duration_since(now) > FUTURE {
            let lasts = self.until.map(|until| until.duration_since(self.since));
            self.until = lasts.map(|lasts| later(now, lasts));
            self.since = now;
        }
        let longest = later(self.since, LONGEST_HOLD);
        self.until = self.until.map(|until| until.min(longest));
        self
    }

    /// Whether it forbids calls now.
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}
