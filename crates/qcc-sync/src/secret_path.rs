//! A path of the callback URL that nobody can guess, and how it changes without
//! losing a call.

mod due;

use std::{fmt, str::FromStr};

use jiff::{SignedDuration, Timestamp};
use qcc_proto::{CallbackUrl, InvalidCallbackUrl, PushSetting};

pub use due::{PathStep, PathWish, next_path};

/// The last segment of the callback URL's path: 32 hex digits. Who knows it may
/// call, so it is a secret; `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct PathSegment(Box<str>);

impl PathSegment {
    /// From random bytes, which are the caller's to bring.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The segment in clear.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl FromStr for PathSegment {
    type Err = InvalidPathSegment;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        match text.len() == 32 && text.bytes().all(hex) {
            true => Ok(Self(text.into())),
            false => Err(InvalidPathSegment(())),
        }
    }
}

impl fmt::Debug for PathSegment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PathSegment(…)")
    }
}

/// The text is no path segment of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a secret path segment: 32 lower-case hex digits are expected")]
pub struct InvalidPathSegment(());

/// Where the vendor calls, and where it called before.
///
/// A rotation writes down the new segment, tells the vendor, and writes down that
/// it knows. Wherever that is broken off, the segment the vendor has is accepted:
/// what was before stays so until an overlap after the vendor's consent is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretPath {
    /// The newest segment.
    pub current: PathSegment,
    /// The one before it; `None` where the vendor called the bare path.
    pub previous: Option<PathSegment>,
    /// When `current` was made.
    pub made_at: Timestamp,
    /// When the vendor confirmed `current`; until then it may call either.
    pub confirmed_at: Option<Timestamp>,
    /// The setting it was last confirmed with, its URL without a segment.
    pub told: Option<PushSetting>,
    /// How often the vendor was told without confirming, since it last did.
    pub tries: u32,
    /// When it was last told without confirming.
    pub tried_at: Option<Timestamp>,
}

impl SecretPath {
    /// What a rotation begins with. Pure.
    ///
    /// A segment that the vendor may have heard of without our knowing is told
    /// once more, instead of a fresh one: else it might be called and refused. So
    /// is one that the vendor knows with another URL or push window.
    #[must_use]
    pub fn rotated(
        known: Option<Self>,
        fresh: PathSegment,
        setting: &PushSetting,
        now: Timestamp,
    ) -> Self {
        match known {
            Some(known) if !known.is_told(setting) => Self { confirmed_at: None, ..known },
            known => Self {
                current: fresh,
                previous: known.map(|known| known.current),
                made_at: now,
                confirmed_at: None,
                told: None,
                tries: 0,
                tried_at: None,
            },
        }
    }

    /// The vendor is about to be told.
    #[must_use]
    pub fn tried(mut self, now: Timestamp) -> Self {
        self.tries = self.tries.saturating_add(1);
        self.tried_at = Some(now);
        self
    }

    /// The vendor knows the current segment, at this URL and with this window.
    #[must_use]
    pub fn confirmed(self, setting: PushSetting, now: Timestamp) -> Self {
        let told = Some(setting);
        Self { confirmed_at: Some(now), told, tries: 0, tried_at: None, ..self }
    }

    /// The vendor was told the bare path, or is about to be: it may call that, or
    /// the current segment.
    #[must_use]
    pub fn doubted(self) -> Self {
        Self { previous: None, confirmed_at: None, ..self }
    }

    /// Whether the vendor knows the current segment by this setting.
    pub fn is_told(&self, setting: &PushSetting) -> bool {
        self.confirmed_at.is_some() && self.told.as_ref() == Some(setting)
    }

    /// The segments under which calls are accepted.
    pub fn accepted(
        &self,
        overlap: SignedDuration,
        now: Timestamp,
    ) -> impl Iterator<Item = &PathSegment> {
        let previous = self.previous.as_ref().filter(|_| self.overlaps(overlap, now));
        std::iter::once(&self.current).chain(previous)
    }

    /// Whether calls without any segment are accepted: while the vendor may not
    /// know the first one.
    pub fn accepts_bare(&self, overlap: SignedDuration, now: Timestamp) -> bool {
        self.previous.is_none() && self.overlaps(overlap, now)
    }

    /// The URL to set, from the one without a segment.
    ///
    /// # Errors
    /// [`InvalidCallbackUrl`] where the two do not join to a URL.
    pub fn join(&self, bare: &CallbackUrl) -> Result<CallbackUrl, InvalidCallbackUrl> {
        let (path, query) = match bare.as_str().split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (bare.as_str(), None),
        };
        let mut text = format!("{}/{}", path.trim_end_matches('/'), self.current.reveal());
        if let Some(query) = query {
            text.push('?');
            text.push_str(query);
        }
        text.parse()
    }

    /// Whether a segment, or the bare path, is still accepted beside the current one.
    /// The next rotation waits for its end, or that one would be cut short.
    pub fn overlaps(&self, overlap: SignedDuration, now: Timestamp) -> bool {
        self.confirmed_at.is_none_or(|at| now < at.checked_add(overlap).unwrap_or(Timestamp::MAX))
    }
}
