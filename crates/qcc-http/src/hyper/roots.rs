//! Whom to trust for TLS, and the configuration that follows.

use std::{fmt, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};
use tracing::debug;

/// Whom to trust for TLS. Choices add up with [`and`](Self::and).
///
/// The default is [`bundled`](Self::bundled) and [`platform`](Self::platform):
/// it works in an empty container, and behind a company's inspecting proxy.
#[derive(Clone)]
#[must_use]
pub struct Roots {
    bundled: bool,
    platform: bool,
    own: Vec<CertificateDer<'static>>,
}

impl Roots {
    /// Mozilla's authorities, as they were when this program was built.
    pub fn bundled() -> Self {
        Self { bundled: true, platform: false, own: Vec::new() }
    }

    /// The machine's authorities, read when the transport is built.
    ///
    /// Found where the platform keeps them, or where `SSL_CERT_FILE` and
    /// `SSL_CERT_DIR` say: the one place where a library below reads the
    /// environment.
    pub fn platform() -> Self {
        Self { bundled: false, platform: true, own: Vec::new() }
    }

    /// The certificates of a PEM text, and no others.
    ///
    /// # Errors
    /// [`InvalidRoots`] where the text holds none, or a broken one.
    pub fn pem(text: &[u8]) -> Result<Self, InvalidRoots> {
        let own = CertificateDer::pem_slice_iter(text)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| InvalidRoots { why: format!("the PEM text is broken: {error}") })?;
        if own.is_empty() {
            return Err(InvalidRoots { why: "the PEM text holds no certificate".to_owned() });
        }
        Ok(Self { bundled: false, platform: false, own })
    }

    /// These and those.
    pub fn and(mut self, other: Self) -> Self {
        self.bundled |= other.bundled;
        self.platform |= other.platform;
        self.own.extend(other.own);
        self
    }

    pub(super) fn into_config(self) -> Result<ClientConfig, InvalidRoots> {
        let roots = self.into_store()?;
        // Named explicitly: the process-wide default provider belongs to the program.
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| InvalidRoots { why: error.to_string() })?;
        Ok(builder.with_root_certificates(roots).with_no_client_auth())
    }

    fn into_store(self) -> Result<RootCertStore, InvalidRoots> {
        let mut store = RootCertStore::empty();
        if self.bundled {
            store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        if self.platform {
            let found = rustls_native_certs::load_native_certs();
            for error in &found.errors {
                debug!(%error, "a part of the platform's roots cannot be read");
            }
            // Platforms keep a few certificates that are too old to be read; the rest serves.
            store.add_parsable_certificates(found.certs);
        }
        for certificate in self.own {
            store.add(certificate).map_err(|error| InvalidRoots {
                why: format!("a certificate cannot be used as a root: {error}"),
            })?;
        }
        if store.is_empty() {
            return Err(InvalidRoots {
                why: "the platform has no certificate authorities (install ca-certificates, or \
                      use the bundled ones)"
                    .to_owned(),
            });
        }
        Ok(store)
    }
}

impl Default for Roots {
    fn default() -> Self {
        Self::bundled().and(Self::platform())
    }
}

impl fmt::Debug for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Roots")
            .field("bundled", &self.bundled)
            .field("platform", &self.platform)
            .field("own", &self.own.len())
            .finish()
    }
}

/// There is nobody to trust, or not as asked. The operator's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no TLS without trusted roots: {why}")]
pub struct InvalidRoots {
    why: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_without_certificates_gives_no_roots() {
        for text in ["", "no PEM", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"] {
            assert!(Roots::pem(text.as_bytes()).is_err(), "{text:?} was taken");
        }
    }

    #[test]
    fn bundled_roots_make_a_configuration() {
        assert!(Roots::bundled().into_config().is_ok());
        assert!(Roots::default().into_config().is_ok());
    }
}
