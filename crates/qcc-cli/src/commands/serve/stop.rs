//! The word to stop: from the system to us, and from us to everything that runs.

use std::io;

use tokio::sync::watch;

/// SIGTERM and SIGINT. Heard from the moment this exists, so that none is missed
/// between two waits.
#[derive(Debug)]
pub(super) struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let terminate = signal(SignalKind::terminate())?;
            Ok(Self { terminate, interrupt: signal(SignalKind::interrupt())? })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Waits for the next of them.
    pub(super) async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    }
}

/// A signal that asks for something else than the end. From here on it no longer
/// ends the process, so that both are heard whether or not there is anything to do.
#[derive(Debug)]
pub(super) struct Asked {
    #[cfg(unix)]
    signal: tokio::signal::unix::Signal,
}

impl Asked {
    /// SIGHUP: read the certificate and the SecretKey again.
    pub(super) fn hangup() -> io::Result<Self> {
        #[cfg(unix)]
        return Self::listen(tokio::signal::unix::SignalKind::hangup());
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// SIGUSR1: change the secret path.
    pub(super) fn user() -> io::Result<Self> {
        #[cfg(unix)]
        return Self::listen(tokio::signal::unix::SignalKind::user_defined1());
        #[cfg(not(unix))]
        Ok(Self {})
    }

    #[cfg(unix)]
    fn listen(kind: tokio::signal::unix::SignalKind) -> io::Result<Self> {
        Ok(Self { signal: tokio::signal::unix::signal(kind)? })
    }

    /// Waits for the next of them.
    pub(super) async fn next(&mut self) {
        #[cfg(unix)]
        if self.signal.recv().await.is_some() {
            return;
        }
        std::future::pending::<()>().await;
    }
}

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
