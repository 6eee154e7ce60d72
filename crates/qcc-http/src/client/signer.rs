//! The credentials a client signs with. They can be replaced while calls are under way.

use std::sync::{Arc, PoisonError, RwLock};

use qcc_sign::Credentials;

/// Shared by a client and its clones.
#[derive(Clone)]
pub(super) struct Signer(Arc<RwLock<Arc<Credentials>>>);

impl Signer {
    pub(super) fn new(credentials: Credentials) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(credentials))))
    }

    /// The credentials for the next signature.
    pub(super) fn current(&self) -> Arc<Credentials> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn replace(&self, credentials: Credentials) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(credentials);
    }
}
