//! Who we are to a server that asks for a client certificate.

use std::{fmt, sync::Arc};

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

use super::InvalidTls;

/// A client certificate with its private key, for servers and proxies that ask
/// for one (mutual TLS). `Debug` shows neither.
#[derive(Clone)]
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: Arc<PrivateKeyDer<'static>>,
}

impl Identity {
    /// Reads PEM texts: the certificate first, then those that signed it up to the
    /// authority; and the private key in PKCS #8, SEC 1 or PKCS #1. Both may be the
    /// same text.
    ///
    /// # Errors
    /// [`InvalidTls`] where a text is broken or holds no certificate or no key.
    pub fn pem(certificates: &[u8], private_key: &[u8]) -> Result<Self, InvalidTls> {
        let chain = CertificateDer::pem_slice_iter(certificates)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| InvalidTls::new(format!("the client certificate: {error}")))?;
        if chain.is_empty() {
            return Err(InvalidTls::new("the PEM text holds no client certificate"));
        }
        // The error of a key says nothing of its content.
        let key = PrivateKeyDer::from_pem_slice(private_key)
            .map_err(|_| InvalidTls::new("the PEM text holds no private key that can be read"))?;
        Ok(Self { chain, key: Arc::new(key) })
    }

    pub(super) fn into_parts(self) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        (self.chain, self.key.clone_key())
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(…)")
    }
}
