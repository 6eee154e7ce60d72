//! The two keys of an account: one names it, the other signs.

use std::{fmt, str::FromStr};

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The account's public name at the vendor: the `key` in every URL.
///
/// 1 to 128 visible ASCII characters. It is not a secret, but callbacks carry it
/// as their only proof of origin, so `Debug` shows only its beginning.
#[derive(Clone)]
pub struct AppKey(Box<str>);

impl AppKey {
    /// The longest key accepted, in bytes.
    pub const MAX_LEN: usize = 128;

    /// The key as the vendor issued it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `presented` is this key.
    ///
    /// Compares in constant time; only a different length can be seen.
    pub fn matches(&self, presented: &str) -> bool {
        self.0.as_bytes().ct_eq(presented.as_bytes()).into()
    }
}

impl FromStr for AppKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        check(text).map_err(|kind| InvalidKey { name: "AppKey", kind })?;
        Ok(Self(text.into()))
    }
}

impl fmt::Debug for AppKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Four characters identify the account; of a short key they would reveal too much.
        let shown = match self.0.get(..4) {
            Some(beginning) if self.0.len() >= 8 => beginning,
            _ => "",
        };
        write!(f, "AppKey({shown}…)")
    }
}

/// The account's secret: it signs calls and is never sent.
///
/// 1 to 128 visible ASCII characters. It cannot be read back. `Debug` shows
/// nothing, and the memory is wiped on drop.
#[derive(Clone)]
pub struct SecretKey(Zeroizing<String>);

impl SecretKey {
    /// The longest secret accepted, in bytes.
    pub const MAX_LEN: usize = AppKey::MAX_LEN;

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl FromStr for SecretKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        check(text).map_err(|kind| InvalidKey { name: "SecretKey", kind })?;
        Ok(Self(Zeroizing::new(text.to_owned())))
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

fn check(text: &str) -> Result<(), InvalidKeyKind> {
    if text.trim().is_empty() {
        return Err(InvalidKeyKind::Empty);
    }
    if text.trim().len() != text.len() {
        return Err(InvalidKeyKind::Padded);
    }
    if text.len() > AppKey::MAX_LEN {
        return Err(InvalidKeyKind::TooLong);
    }
    if !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(InvalidKeyKind::Character);
    }
    Ok(())
}

/// The text is not a key. Nothing was sent.
///
/// Says which key and what is wrong, and holds nothing of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidKey {
    name: &'static str,
    kind: InvalidKeyKind,
}

/// What is wrong with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidKeyKind {
    /// It is empty, or only white space.
    Empty,
    /// White space or a line end before or after it.
    Padded,
    /// More than 128 bytes.
    TooLong,
    /// A space, a control character or a character outside ASCII in it.
    Character,
}

impl InvalidKey {
    /// What is wrong.
    pub fn kind(&self) -> InvalidKeyKind {
        self.kind
    }

    /// What to do about it.
    pub fn advice(&self) -> &'static str {
        match self.kind {
            InvalidKeyKind::Empty => "set the key to the one that the vendor issued",
            InvalidKeyKind::Padded => "remove the white space; it was probably copied along",
            InvalidKeyKind::TooLong | InvalidKeyKind::Character => {
                "compare the key with the one that the vendor issued"
            }
        }
    }
}

impl fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name;
        match self.kind {
            InvalidKeyKind::Empty => write!(f, "the {name} is empty"),
            InvalidKeyKind::Padded => write!(f, "the {name} starts or ends with white space"),
            InvalidKeyKind::TooLong => {
                write!(f, "the {name} is longer than {} bytes", AppKey::MAX_LEN)
            }
            InvalidKeyKind::Character => {
                write!(f, "the {name} contains a character other than visible ASCII")
            }
        }
    }
}

impl std::error::Error for InvalidKey {}
