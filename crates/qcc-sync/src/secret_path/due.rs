//! When the vendor is to be told of a secret path, or of none.

use jiff::{SignedDuration, Timestamp};
use qcc_proto::PushSetting;

use super::SecretPath;

/// After the first failure; each further one doubles it.
const FIRST_WAIT: SignedDuration = SignedDuration::from_mins(1);

/// The longest wait between two tries.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(6);

/// A secret path that somebody wants.
#[derive(Debug, Clone)]
pub struct PathWish {
    /// What the vendor is to be told, its URL without a segment.
    pub setting: PushSetting,
    /// How long the segment before is accepted after the vendor knows the next.
    pub overlap: SignedDuration,
    /// How old a segment may become; `None`: any age.
    pub every: Option<SignedDuration>,
}

/// What is to be done about the secret path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathStep {
    /// Nothing, as long as nothing changes.
    Rest,
    /// Nothing before then.
    Wait(Timestamp),
    /// Tell the vendor of a segment: [`Engine::rotate_path`](crate::Engine::rotate_path).
    Tell,
    /// Tell the vendor the bare URL: [`Engine::leave_path`](crate::Engine::leave_path).
    Leave,
    /// The vendor may call a segment that nobody wants any more, and it is not
    /// known what else to tell it.
    Ask,
}

/// Decides what is to be done about the secret path. Pure.
///
/// Where one is wished for, the vendor is told when it knows none, may not know
/// this one, knows it by another URL or push window, or when this one is old or
/// somebody `asked` for another. Where none is wished for, it is told the bare URL.
pub fn next_path(
    known: Option<&SecretPath>,
    wish: Option<&PathWish>,
    asked: bool,
    now: Timestamp,
) -> PathStep {
    let patiently = |step| match known.and_then(SecretPath::retry_at) {
        // A clock that was set back must not make the wait longer.
        Some(at) if now < at && known.is_some_and(|path| path.tried_at <= Some(now)) && !asked => {
            PathStep::Wait(at)
        }
        _ => step,
    };
    let (known, wish) = match (known, wish) {
        (None, None) => return PathStep::Rest,
        (None, Some(_)) => return PathStep::Tell,
        (Some(known), None) if known.told.is_some() => return patiently(PathStep::Leave),
        (Some(_), None) => return PathStep::Ask,
        (Some(known), Some(wish)) => (known, wish),
    };
    let confirmed_at = match known.confirmed_at {
        Some(at) if known.is_told(&wish.setting) => at,
        _ => return patiently(PathStep::Tell),
    };
    let old_at = wish.every.map(|every| later(confirmed_at, every));
    if !asked && old_at.is_none_or(|at| now < at) {
        return old_at.map_or(PathStep::Rest, PathStep::Wait);
    }
    // Another rotation would cut the overlap of the last one short.
    if known.overlaps(wish.overlap, now) {
        return PathStep::Wait(later(confirmed_at, wish.overlap));
    }
    PathStep::Tell
}

impl SecretPath {
    /// When the vendor may be told again after it did not confirm.
    pub fn retry_at(&self) -> Option<Timestamp> {
        let doublings = self.tries.saturating_sub(1).min(10);
        let wait = FIRST_WAIT.saturating_mul(1 << doublings).min(LONGEST_WAIT);
        self.tried_at.map(|at| later(at, wait))
    }
}

fn later(at: Timestamp, wait: SignedDuration) -> Timestamp {
    at.checked_add(wait).unwrap_or(Timestamp::MAX)
}
