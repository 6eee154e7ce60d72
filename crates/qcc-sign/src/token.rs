//! The signature: a digest in the vendor's notation.

use std::fmt;

use md5::{Digest, Md5};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// The `Token` header: 32 upper-case hexadecimal digits.
///
/// A secret for as long as its timespan is valid: `Debug` shows nothing, and the
/// memory is wiped on drop.
#[derive(Clone)]
pub struct Token(Zeroizing<String>);

impl Token {
    /// Upper-case hexadecimal MD5 of the parts, joined without separators.
    pub(crate) fn of(parts: [&[u8]; 3]) -> Self {
        let mut md5 = Md5::new();
        for part in parts {
            md5.update(part);
        }
        let mut digest: [u8; 16] = md5.finalize().into();
        let mut text = String::with_capacity(32);
        for byte in digest {
            text.extend([byte >> 4, byte & 15].map(upper_hex));
        }
        digest.zeroize();
        Self(Zeroizing::new(text))
    }

    /// The value of the header.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether `presented` is this token, in constant time for its length.
    pub(crate) fn matches(&self, presented: &str) -> bool {
        self.0.as_bytes().ct_eq(presented.as_bytes()).into()
    }
}

/// The digit of a value below 16.
fn upper_hex(value: u8) -> char {
    char::from(if value < 10 { b'0' + value } else { b'A' + value - 10 })
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}
