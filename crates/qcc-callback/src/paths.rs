//! The paths on which callbacks are received, some of them secret.

use std::{
    fmt,
    str::FromStr,
    sync::{Arc, PoisonError, RwLock},
};

use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

/// The paths on which callbacks are received. Clones share their state, so
/// [`replace`](Self::replace) also affects a running service.
///
/// ```
/// use qcc_callback::{PathSecret, Paths, Tail};
///
/// let paths = Paths::new("/callback")?;
/// assert!(paths.accepts("/callback"));
///
/// let secret = PathSecret::from_random([7; 16]);
/// paths.replace([Tail::Bare, Tail::Secret(secret.clone())]);
/// assert!(paths.accepts("/callback"), "old and new overlap for a while");
/// assert!(paths.accepts(&format!("/callback/{}", secret.reveal())));
///
/// paths.replace([Tail::Secret(secret)]);
/// assert!(!paths.accepts("/callback"));
/// # Ok::<(), qcc_callback::InvalidPath>(())
/// ```
#[derive(Debug, Clone)]
pub struct Paths {
    base: Arc<str>,
    tails: Arc<RwLock<Arc<[Tail]>>>,
}

/// What follows the base path.
#[derive(Debug, Clone)]
pub enum Tail {
    /// Nothing.
    Bare,
    /// A slash and a secret path segment.
    Secret(PathSecret),
}

/// A path segment that only the vendor and the receiver know.
///
/// 16 to 128 ASCII letters, digits, `-` and `_`. `Debug` does not show it, and it is
/// wiped from memory when dropped.
#[derive(Clone)]
pub struct PathSecret(Zeroizing<String>);

/// The text is not a valid callback path or secret path segment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPath {
    /// The base path is invalid.
    #[error(
        "not a callback path: it must start with '/', must not end with '/', and may contain only \
         letters, digits, '-', '_', '.', '~' and '/'"
    )]
    Base,
    /// The secret segment is invalid. The error does not contain it.
    #[error("not a secret path segment: use 16 to 128 letters, digits, '-' or '_'")]
    Secret,
}

impl Paths {
    /// A single path without a secret segment: `/callback`, or `/` for the root.
    ///
    /// # Errors
    /// [`InvalidPath::Base`].
    pub fn new(base: &str) -> Result<Self, InvalidPath> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-_.~/".contains(&b);
        let shaped = base == "/" || (base.starts_with('/') && !base.ends_with('/'));
        if !shaped || base.contains("//") || !base.bytes().all(allowed) {
            return Err(InvalidPath::Base);
        }
        let tails: Arc<[Tail]> = [Tail::Bare].into();
        Ok(Self { base: base.trim_end_matches('/').into(), tails: Arc::new(RwLock::new(tails)) })
    }

    /// Replaces the set of allowed tails. With an empty set, every request is refused.
    pub fn replace(&self, tails: impl IntoIterator<Item = Tail>) {
        let tails = tails.into_iter().collect();
        *self.tails.write().unwrap_or_else(PoisonError::into_inner) = tails;
    }

    /// Whether a request path is a callback path.
    ///
    /// The path is compared byte for byte, without percent-decoding, in constant time
    /// except for its length.
    pub fn accepts(&self, path: &str) -> bool {
        let tails = Arc::clone(&self.tails.read().unwrap_or_else(PoisonError::into_inner));
        let Some(rest) = path.strip_prefix(&*self.base) else { return false };
        let found = tails.iter().fold(Choice::from(0), |found, tail| {
            found
                | match tail {
                    Tail::Bare if self.base.is_empty() => rest.as_bytes().ct_eq(b"/"),
                    Tail::Bare => rest.as_bytes().ct_eq(b""),
                    Tail::Secret(secret) => match rest.strip_prefix('/') {
                        Some(segment) => segment.as_bytes().ct_eq(secret.0.as_bytes()),
                        None => Choice::from(0),
                    },
                }
        });
        found.into()
    }
}

impl PathSecret {
    /// From 16 random bytes: 32 hexadecimal digits.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(Zeroizing::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// The segment as text, for the URL that is registered with the vendor.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl FromStr for PathSecret {
    type Err = InvalidPath;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if !(16..=128).contains(&text.len()) || !text.bytes().all(allowed) {
            return Err(InvalidPath::Secret);
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }
}

impl PartialEq for PathSecret {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for PathSecret {}

impl fmt::Debug for PathSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PathSecret(…)")
    }
}
