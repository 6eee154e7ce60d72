//! TLS for the vendor's calls, from two PEM files that may be renewed in place.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio_rustls::TlsAcceptor;

use super::stop::{Asked, Stop};
use crate::exit::{Usage, causes_of};

/// A certificate in force, and where it came from.
#[derive(Debug)]
pub(super) struct Certificate {
    chain: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<ServerConfig>>,
}

impl Certificate {
    /// Reads both files.
    ///
    /// # Errors
    /// [`Usage`] where one cannot be read, is no PEM, or the two do not belong together.
    pub(super) fn load(chain: PathBuf, key: PathBuf) -> Result<Self, Usage> {
        let current = RwLock::new(read(&chain, &key)?);
        Ok(Self { chain, key, current })
    }

    /// Reads both files anew. Where they are no use, what was in force stays.
    ///
    /// # Errors
    /// As for [`load`](Self::load).
    fn reload(&self) -> Result<(), Usage> {
        let fresh = read(&self.chain, &self.key)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// What the next connection is greeted with.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        TlsAcceptor::from(Arc::clone(&current))
    }
}

/// Reads the certificate anew whenever SIGHUP says so. Without one, SIGHUP is heard
/// and means nothing, as a reload of a service should.
pub(super) async fn renew(certificate: Option<Arc<Certificate>>, mut hangup: Asked, stop: Stop) {
    loop {
        tokio::select! {
            () = stop.asked() => return,
            () = hangup.next() => {}
        }
        match certificate.as_deref().map(Certificate::reload) {
            None => tracing::info!("there is no certificate to read anew"),
            Some(Ok(())) => tracing::info!("the certificate was read anew"),
            Some(Err(error)) => {
                let why = causes_of(&error).join(": ");
                tracing::error!(why, "the certificate in force stays");
            }
        }
    }
}

fn read(chain: &Path, key: &Path) -> Result<Arc<ServerConfig>, Usage> {
    let certificates = CertificateDer::pem_slice_iter(&bytes(chain)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| unusable(chain, "certificate").with_source(error))?;
    if certificates.is_empty() {
        return Err(unusable(chain, "certificate"));
    }
    // What the error would quote may be a part of the key.
    let private =
        PrivateKeyDer::from_pem_slice(&bytes(key)?).map_err(|_| unusable(key, "private key"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(certificates, private))
        .map_err(|error| {
            let shown = (chain.display(), key.display());
            Usage::new(format!("{} and {} cannot be used together", shown.0, shown.1))
                .with_source(error)
        })?;
    Ok(Arc::new(config))
}

fn bytes(path: &Path) -> Result<zeroize::Zeroizing<Vec<u8>>, Usage> {
    let read = fs::read(path).map_err(|error| {
        Usage::new(format!("{} cannot be read", path.display())).with_source(error)
    })?;
    Ok(zeroize::Zeroizing::new(read))
}

fn unusable(path: &Path, what: &str) -> Usage {
    Usage::new(format!("{} holds no {what} in PEM form", path.display()))
}
