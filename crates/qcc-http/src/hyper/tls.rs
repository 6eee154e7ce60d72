//! TLS: whom to trust, who we are, and which library does the cryptography.

mod identity;
mod roots;

use std::sync::Arc;

use rustls::{ClientConfig, crypto::CryptoProvider};

pub use identity::Identity;
pub use roots::Roots;

/// The library that does the cryptography of TLS.
///
/// The features `ring` and `aws-lc-rs` compile them in. Both may be on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsProvider {
    /// [ring](https://docs.rs/ring): small, builds with a C compiler alone.
    #[cfg(feature = "ring")]
    Ring,
    /// [aws-lc-rs](https://docs.rs/aws-lc-rs): has a FIPS 140-3 validated module.
    #[cfg(feature = "aws-lc-rs")]
    AwsLcRs,
}

impl TlsProvider {
    /// The one that is used unless another is chosen.
    fn compiled_in() -> Option<Self> {
        #[cfg(feature = "ring")]
        return Some(Self::Ring);
        #[cfg(all(feature = "aws-lc-rs", not(feature = "ring")))]
        return Some(Self::AwsLcRs);
        #[cfg(not(any(feature = "ring", feature = "aws-lc-rs")))]
        None
    }

    fn provider(self) -> CryptoProvider {
        match self {
            #[cfg(feature = "ring")]
            Self::Ring => rustls::crypto::ring::default_provider(),
            #[cfg(feature = "aws-lc-rs")]
            Self::AwsLcRs => rustls::crypto::aws_lc_rs::default_provider(),
        }
    }
}

/// The provider is named explicitly, because the default one of the process
/// belongs to the program.
pub(super) fn config(
    roots: Roots,
    identity: Option<Identity>,
    provider: Option<TlsProvider>,
) -> Result<ClientConfig, InvalidTls> {
    let provider = provider.or_else(TlsProvider::compiled_in).ok_or_else(|| {
        InvalidTls::new("qcc-http was built without the features `ring` and `aws-lc-rs`")
    })?;
    let roots = roots.into_store()?;
    let builder = ClientConfig::builder_with_provider(Arc::new(provider.provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| InvalidTls::new(error.to_string()))?
        .with_root_certificates(roots);
    match identity {
        None => Ok(builder.with_no_client_auth()),
        Some(identity) => {
            let (chain, key) = identity.into_parts();
            let refused = |error: rustls::Error| {
                InvalidTls::new(format!("the client certificate cannot be used: {error}"))
            };
            builder.with_client_auth_cert(chain, key).map_err(refused)
        }
    }
}

/// TLS cannot be set up as asked: a root, the client certificate or the provider
/// is missing or unusable. The operator's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("TLS cannot be set up: {why}")]
pub struct InvalidTls {
    why: String,
}

impl InvalidTls {
    fn new(why: impl Into<String>) -> Self {
        Self { why: why.into() }
    }
}

#[cfg(all(test, any(feature = "ring", feature = "aws-lc-rs")))]
mod tests {
    use super::*;

    #[test]
    fn bundled_roots_make_a_configuration() {
        assert!(config(Roots::bundled(), None, None).is_ok());
        assert!(config(Roots::default(), None, None).is_ok());
    }

    #[cfg(all(feature = "ring", feature = "aws-lc-rs"))]
    #[test]
    fn each_provider_makes_a_configuration() {
        for provider in [TlsProvider::Ring, TlsProvider::AwsLcRs] {
            assert!(config(Roots::bundled(), None, Some(provider)).is_ok());
        }
    }
}
