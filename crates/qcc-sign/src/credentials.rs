//! Key and secret together: what can sign, and check a signature.

use crate::{AppKey, SecretKey, Token};

/// An account: its key and the secret that signs for it.
#[derive(Debug, Clone)]
pub struct Credentials {
    key: AppKey,
    secret: SecretKey,
}

/// The two headers of a signed call, made from one reading of the clock.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Signed {
    /// The `Timespan` header: Unix seconds, exactly as signed.
    pub timespan: String,
    /// The `Token` header.
    pub token: Token,
}

impl Credentials {
    /// Puts the two together.
    pub fn new(key: AppKey, secret: SecretKey) -> Self {
        Self { key, secret }
    }

    /// The key, for the URL.
    pub fn key(&self) -> &AppKey {
        &self.key
    }

    /// Signs for the instant `unix_seconds`.
    ///
    /// The token is the upper-case hexadecimal MD5 of key, timespan and secret,
    /// joined without separators (6.2.x of the manual). The vendor is said to
    /// accept a timespan for five minutes, so sign each request afresh.
    pub fn sign(&self, unix_seconds: i64) -> Signed {
        let timespan = unix_seconds.to_string();
        let token = self.token(&timespan);
        Signed { timespan, token }
    }

    /// Whether `token` belongs to `timespan`, as the vendor would check it.
    ///
    /// Upper case only, in constant time. Whether the timespan is a number and
    /// recent is for the caller to say, who has a clock.
    pub fn verify(&self, timespan: &str, token: &str) -> bool {
        self.token(timespan).matches(token)
    }

    fn token(&self, timespan: &str) -> Token {
        Token::of([self.key.as_str().as_bytes(), timespan.as_bytes(), self.secret.as_bytes()])
    }
}
