//! How we recognise ourselves behind our own public URL.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// Answers the question whether this very process receives under a URL.
///
/// `GET path?qccProbe=NONCE` is answered with the nonce authenticated by a
/// secret that only this process has, so another host, an old process or a
/// friendly error page cannot pass for it. It is no callback: it is not noted,
/// not limited, and counts as no error.
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
    /// With a secret, made at random for each process.
    pub fn new(secret: [u8; 32]) -> Self {
        Self(Zeroizing::new(secret))
    }

    /// The query to ask with; `None` where the nonce is not 1 to 64 ASCII
    /// letters, digits, `-` or `_`.
    pub fn query(&self, nonce: &str) -> Option<String> {
        is_nonce(nonce).then(|| format!("{PARAMETER}{nonce}"))
    }

    /// The body of the answer to a nonce; `None` where it is none.
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

    /// The answer, where a query is a probe and nothing else.
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
