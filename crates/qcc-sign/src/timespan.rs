//! The time in a signature.

use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

/// The time that a call is signed for, in whole seconds since 1970 (UTC).
///
/// Made from Unix seconds as the standard library or a calendar crate gives them,
/// or from a [`SystemTime`], whose fraction of a second is dropped.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
///
/// use qcc_sign::Timespan;
///
/// let at = Timespan::from(1_654_573_158_u64);
/// assert_eq!(at, Timespan::from(1_654_573_158_i64));
/// assert_eq!(at, Timespan::from(UNIX_EPOCH + Duration::from_secs(1_654_573_158)));
/// assert_eq!(at.to_string(), "1654573158");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timespan(i128);

impl From<u64> for Timespan {
    fn from(unix_seconds: u64) -> Self {
        Self(unix_seconds.into())
    }
}

impl From<i64> for Timespan {
    fn from(unix_seconds: i64) -> Self {
        Self(unix_seconds.into())
    }
}

impl From<SystemTime> for Timespan {
    fn from(time: SystemTime) -> Self {
        match time.duration_since(UNIX_EPOCH) {
            Ok(since) => since.as_secs().into(),
            Err(before) => Self(-i128::from(before.duration().as_secs())),
        }
    }
}

impl fmt::Display for Timespan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
