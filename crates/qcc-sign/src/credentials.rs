//! An account's key and secret together: they sign, and check signatures.

use crate::{AppKey, SecretKey, Timespan, Token};

/// An account: its key, and the secret that signs for it.
#[derive(Debug, Clone)]
pub struct Credentials {
    key: AppKey,
    secret: SecretKey,
}

/// The two headers of a signed call.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Signed {
    /// The value of the `Timespan` header: Unix seconds in decimal, as signed.
    pub timespan: String,
    /// The value of the `Token` header.
    pub token: Token,
}

impl Signed {
    /// The name of the header with the time.
    pub const TIMESPAN_HEADER: &'static str = "Timespan";

    /// The name of the header with the signature.
    pub const TOKEN_HEADER: &'static str = "Token";

    /// Both headers, name and value. The token is a secret: keep it out of logs.
    pub fn headers(&self) -> [(&'static str, &str); 2] {
        [(Self::TIMESPAN_HEADER, &self.timespan), (Self::TOKEN_HEADER, self.token.reveal())]
    }
}

impl Credentials {
    /// Credentials from a key and its secret.
    pub fn new(key: AppKey, secret: SecretKey) -> Self {
        Self { key, secret }
    }

    /// The key, for the URL.
    pub fn key(&self) -> &AppKey {
        &self.key
    }

    /// Signs a call that is sent at `now`.
    ///
    /// The token is the upper-case hexadecimal MD5 of key, timespan and secret,
    /// joined without separators (6.2.x of the manual). The vendor is said to
    /// accept a timespan for five minutes, so sign each request afresh.
    ///
    /// ```
    /// use std::time::SystemTime;
    ///
    /// use qcc_sign::Credentials;
    ///
    /// let credentials = Credentials::new("AppKey".parse()?, "SecretKey".parse()?);
    /// for (name, value) in credentials.sign(SystemTime::now()).headers() {
    ///     // Send the header.
    ///     assert!(matches!(name, "Timespan" | "Token") && !value.is_empty());
    /// }
    /// # Ok::<(), qcc_sign::InvalidKey>(())
    /// ```
    pub fn sign(&self, now: impl Into<Timespan>) -> Signed {
        let timespan = now.into().to_string();
        let token = self.token(&timespan);
        Signed { timespan, token }
    }

    /// Whether `token` is the signature of `timespan`, as the vendor checks it.
    ///
    /// Compares in constant time and accepts upper case only. Does not check that
    /// the timespan is a number, or recent: that needs a clock.
    pub fn verify(&self, timespan: &str, token: &str) -> bool {
        self.token(timespan).matches(token)
    }

    fn token(&self, timespan: &str) -> Token {
        Token::of([self.key.as_str().as_bytes(), timespan.as_bytes(), self.secret.as_bytes()])
    }
}
