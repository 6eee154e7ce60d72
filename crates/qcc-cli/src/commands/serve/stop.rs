//! The word to stop, heard by everything that runs.

use tokio::sync::watch;

/// Waits for the word. Clones hear the same one.
#[derive(Debug, Clone)]
pub(super) struct Stop(watch::Receiver<bool>);

/// Gives the word, once.
#[derive(Debug)]
pub(super) struct Stopper(watch::Sender<bool>);

/// A giver and a hearer.
pub(super) fn stop() -> (Stopper, Stop) {
    let (sender, receiver) = watch::channel(false);
    (Stopper(sender), Stop(receiver))
}

impl Stopper {
    pub(super) fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// Resolves when the word was given, or nobody is left to give it.
    pub(super) async fn asked(&self) {
        let mut hearer = self.0.clone();
        let _ = hearer.wait_for(|stop| *stop).await;
    }
}
