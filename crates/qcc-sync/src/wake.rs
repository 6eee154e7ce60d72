//! How others get a resting engine to look at its store at once.

use std::sync::Arc;

use tokio::sync::Notify;

/// Wakes an engine that follows and rests. Clones wake the same engine.
///
/// Waking it while it works makes it look once more afterwards; nothing that was
/// noted before [`call`](Self::call) is overlooked.
#[derive(Debug, Clone, Default)]
pub struct Wake(Arc<Notify>);

impl Wake {
    /// A handle of its own.
    pub fn new() -> Self {
        Self::default()
    }

    /// There is something new in the store. Never blocks.
    pub fn call(&self) {
        self.0.notify_one();
    }

    /// Waits for a [`call`](Self::call), or takes the one that came meanwhile.
    pub(crate) async fn called(&self) {
        self.0.notified().await;
    }
}
