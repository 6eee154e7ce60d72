//! What stops the engine, and what only stops one order.

use std::fmt;

use jiff::Timestamp;
use qcc_http::{Error as ClientError, ErrorClass as Class, Retry};
use qcc_proto::{InvalidCallbackUrl, ShanghaiTime, Status};

use crate::{
    ArchivesError, Failure, Hold, Order, Policy, ReasonCode, Remedy, StoreError, StoreErrorKind,
};

/// Why the engine stopped. What it had done until then stands.
#[derive(Debug)]
#[non_exhaustive]
pub enum EngineError {
    /// The vendor refused, or could not be asked for, the order list.
    Vendor(ClientError),
    /// The database failed.
    Store(StoreError),
    /// The disk that keeps the archives failed.
    Archives(ArchivesError),
    /// The vendor could not be told of a new secret path.
    PushSetting(ClientError),
    /// The callback URL cannot take a secret path. Nothing was changed.
    CallbackUrl(InvalidCallbackUrl),
    /// Calls to the vendor rest. Nothing was changed.
    Held(Hold),
}

impl EngineError {
    /// Whether it may pass without anybody's help, so that a daemon goes on.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Vendor(_) | Self::Archives(_) | Self::PushSetting(_) | Self::Held(_) => true,
            Self::Store(error) => matches!(
                error.kind(),
                StoreErrorKind::Busy | StoreErrorKind::Unavailable | StoreErrorKind::Full
            ),
            Self::CallbackUrl(_) => false,
        }
    }
}

impl EngineError {
    /// What it means for the order it was met with, where others may be none the
    /// worse: an archive that does not fit the disk leaves room for smaller ones.
    pub(super) fn as_failure(&self) -> Option<Failure> {
        use StoreErrorKind as Kind;
        let one = match self {
            Self::Archives(_) => true,
            Self::Store(error) => !matches!(
                error.kind(),
                Kind::LeaseLost | Kind::ReadOnly | Kind::Corrupt | Kind::NewerSchema
            ),
            _ => false,
        };
        one.then(|| Failure::new(ReasonCode::Storage, describe(self), Remedy::BackOff))
    }
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vendor(_) => "the order list could not be read",
            Self::Store(_) => "the database failed; nothing half-written is left",
            Self::Archives(_) => "the archive folder failed; the order is tried again",
            Self::PushSetting(_) => {
                "the vendor could not be told the new callback URL; calls to the old one and to \
                 the new one are accepted until it is, so rotate once more"
            }
            Self::CallbackUrl(_) => "the callback URL cannot take a secret path",
            Self::Held(hold) => {
                return write!(f, "calls to the vendor rest: {}", hold.reason);
            }
        })
    }
}

impl std::error::Error for EngineError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(match self {
            Self::Vendor(error) | Self::PushSetting(error) => error,
            Self::Store(error) => error,
            Self::Archives(error) => error,
            Self::CallbackUrl(error) => error,
            Self::Held(_) => return None,
        })
    }
}

impl From<StoreError> for EngineError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<ArchivesError> for EngineError {
    fn from(error: ArchivesError) -> Self {
        Self::Archives(error)
    }
}

/// A step went wrong: for the order at hand, or for the whole engine.
#[derive(Debug)]
pub(crate) enum Trouble {
    Failed(Failure),
    Stop(EngineError),
}

impl Trouble {
    pub(super) fn damaged(detail: impl Into<String>) -> Self {
        Self::Failed(Failure::new(ReasonCode::ArchiveDamaged, detail, Remedy::DownloadAgain))
    }
}

impl From<ArchivesError> for Trouble {
    fn from(error: ArchivesError) -> Self {
        Self::Stop(EngineError::Archives(error))
    }
}

/// What a failed call or download means for the order it was made for.
pub(super) fn failure_of(error: &ClientError, now: Timestamp, policy: &Policy) -> Failure {
    let later = |wait| now.checked_add(wait).unwrap_or(Timestamp::MAX);
    let remedy = match error.retry() {
        // A link is asked for anew with each attempt.
        Retry::Later { .. } | Retry::LaterWithHelp | Retry::NewLink | Retry::StartOver => {
            Remedy::BackOff
        }
        Retry::NewLinkFewTimes => Remedy::DownloadAgain,
        Retry::CoolOff => Remedy::HoldAll(Some(later(policy.cool_off))),
        Retry::NextDay => {
            let midnight = ShanghaiTime::from_timestamp(now).next_midnight().timestamp();
            Remedy::HoldAll(Some(midnight))
        }
        Retry::StopAll => Remedy::HoldAll(None),
        Retry::Never => Remedy::Quarantine,
    };
    let code = match error.class() {
        Class::NotYet => ReasonCode::NotReady,
        Class::Transient | Class::NotResumable | Class::Setup => ReasonCode::Transient,
        Class::LinkExpired => ReasonCode::LinkExpired,
        Class::CoolOff => ReasonCode::CoolOff,
        Class::DailyLimit => ReasonCode::DailyLimit,
        Class::ClockOrSignature => ReasonCode::Signature,
        Class::Account => ReasonCode::Account,
        Class::Refused => ReasonCode::Refused,
        Class::UnknownStatus => ReasonCode::UnknownStatus,
        Class::LinkUnusable | Class::LinkRefused => ReasonCode::LinkRefused,
    };
    let detail = match error.advice() {
        Some(advice) => format!("{}. {advice}", describe(error)),
        None => describe(error),
    };
    Failure { pause: error.retry_after(), ..Failure::new(code, detail, remedy) }
}

/// The same for an order that the vendor was asked to locate. The vendor does not
/// know it, or not yet: its servers need not agree at once. One that a list or a
/// person named is asked about again soon, one that anybody may have made up seldom.
pub(super) fn failure_for(
    order: &Order,
    error: &ClientError,
    now: Timestamp,
    policy: &Policy,
) -> Failure {
    let failure = failure_of(error, now, policy);
    let is_unknown = error.status() == Some(Status::NO_RESULT);
    if !is_unknown && (failure.remedy != Remedy::Quarantine || order.is_confirmed()) {
        return failure;
    }
    let remedy = if order.is_confirmed() { Remedy::BackOff } else { Remedy::Rest };
    let code = if is_unknown { ReasonCode::UnknownToVendor } else { failure.reason.code };
    Failure::new(code, failure.reason.detail, remedy)
}

/// The error and its causes in one line. They hold no secret.
fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
