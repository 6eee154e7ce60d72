//! TLS for the vendor's calls, from two PEM files that may be renewed in place.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use jiff::{SignedDuration, Timestamp};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio_rustls::TlsAcceptor;

use super::{tally::Tally, validity::not_after};
use crate::{exit::Usage, output::duration};

/// A certificate that ends within this time is warned of.
const SOON: SignedDuration = SignedDuration::from_hours(14 * 24);

/// A certificate in force, and where it came from.
#[derive(Debug)]
pub(super) struct Certificate {
    chain: PathBuf,
    key: PathBuf,
    current: RwLock<Served>,
}

/// What connections are greeted with.
#[derive(Debug, Clone)]
struct Served {
    config: Arc<ServerConfig>,
    /// When the certificate ends, where it says so in a way we read.
    ends: Option<Timestamp>,
}

impl Certificate {
    /// Reads both files.
    ///
    /// # Errors
    /// [`Usage`] if one cannot be read or is not PEM, or the two do not belong together.
    pub(super) fn load(chain: PathBuf, key: PathBuf) -> Result<Self, Usage> {
        let current = RwLock::new(read(&chain, &key)?);
        Ok(Self { chain, key, current })
    }

    /// Reads both files again. Where they cannot be used, the previous ones stay.
    ///
    /// # Errors
    /// As for [`load`](Self::load).
    pub(super) fn reload(&self) -> Result<(), Usage> {
        let fresh = read(&self.chain, &self.key)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// What the next connection is greeted with.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        TlsAcceptor::from(Arc::clone(&current.config))
    }

    fn ends(&self) -> Option<Timestamp> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).ends
    }

    /// Says so where the certificate has ended or is about to.
    pub(super) fn look(&self, tally: &Tally, now: Timestamp) {
        let ends = self.ends();
        tally.certificate_ends(ends.map(Timestamp::as_second));
        let Some(ends) = ends else { return };
        let left = ends.duration_since(now);
        if left > SOON {
            return;
        }
        let (file, not_after) = (self.chain.display(), ends.to_string());
        if left.is_positive() {
            let left = duration(left);
            tracing::warn!(%file, not_after, left, "the certificate expires soon: renew it, then send SIGHUP");
        } else {
            tracing::error!(%file, not_after, "the certificate has expired: clients that check it do not call; renew it, then send SIGHUP");
        }
    }
}

fn read(chain: &Path, key: &Path) -> Result<Served, Usage> {
    let certificates = CertificateDer::pem_slice_iter(&bytes(chain)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| unusable(chain, "certificate").with_source(error))?;
    let Some(own) = certificates.first() else {
        return Err(unusable(chain, "certificate"));
    };
    let ends = not_after(own);
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
    Ok(Served { config: Arc::new(config), ends })
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
