//! [`Probe`]: checks that the public URL leads to this process.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// Checks whether a URL leads to this very process.
///
/// `GET path?qccProbe=NONCE` is answered with a MAC of the nonce under a secret that
/// only this process has. Another host, an old process or an error page cannot give
/// that answer. A probe is not a callback: it is not stored, not rate-limited, and
/// does not count as an error.
///
/// ```
/// use qcc_callback::Probe;
///
/// let probe = Probe::new([7; 32]);
/// assert_eq!(probe.query("n-1").as_deref(), Some("qccProbe=n-1"));
/// let body = probe.answer("n-1").unwrap();
/// assert!(probe.recognises("n-1", body.as_bytes()));
/// assert!(!Probe::new([8; 32]).recognises("n-1", body.as_bytes()));
/// ```
#[derive(Clone)]
pub struct Probe(Zeroizing<[u8; 32]>);

const PARAMETER: &str = "qccProbe=";
const MAX_NONCE: usize = 64;

impl Probe {
    /// A probe with a secret, which should be random for each process.
    pub fn new(secret: [u8; 32]) -> Self {
        Self(Zeroizing::new(secret))
    }

    /// The query of a probe request; `None` if the nonce is not 1 to 64 ASCII letters,
    /// digits, `-` or `_`.
    pub fn query(&self, nonce: &str) -> Option<String> {
        is_nonce(nonce).then(|| format!("{PARAMETER}{nonce}"))
    }

    /// The body of the answer to a nonce; `None` if the nonce is invalid.
    pub fn answer(&self, nonce: &str) -> Option<String> {
        if !is_nonce(nonce) {
            return None;
        }
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_slice()).ok()?;
        mac.update(nonce.as_bytes());
        let hex: String =
            mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        Some(format!(r#"{{"qccProbe":"{hex}"}}"#))
    }

    /// Whether a body is this process's answer to a nonce.
    pub fn recognises(&self, nonce: &str, body: &[u8]) -> bool {
        self.answer(nonce).is_some_and(|answer| answer.as_bytes() == body)
    }

    /// The answer, if the query is a probe and nothing else.
    pub(crate) fn answer_to(&self, raw_query: &str) -> Option<String> {
        self.answer(raw_query.strip_prefix(PARAMETER)?)
    }
}

fn is_nonce(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    !text.is_empty() && text.len() <= MAX_NONCE && text.bytes().all(allowed)
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Probe(…)")
    }
}
