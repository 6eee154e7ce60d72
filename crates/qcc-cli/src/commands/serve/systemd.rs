//! What the service manager gives and is told: sockets, readiness, a watchdog.

use std::{net::TcpListener as StdListener, time::Duration};

use anyhow::Context;
use sd_notify::NotifyState;
use tokio::net::TcpListener;

/// Sockets that were open before this process began: the vendor's calls first,
/// the admin's second. Calls that arrive while nobody runs wait in them.
#[derive(Debug, Default)]
pub(super) struct Inherited {
    pub(super) callback: Option<TcpListener>,
    pub(super) admin: Option<TcpListener>,
}

impl Inherited {
    /// Takes over what the service manager passed on, if it did.
    pub(super) fn take() -> anyhow::Result<Self> {
        #[cfg(unix)]
        {
            let mut passed = listenfd::ListenFd::from_env();
            let mut next = |at| -> anyhow::Result<Option<TcpListener>> {
                if at >= passed.len() {
                    return Ok(None);
                }
                let socket = passed
                    .take_tcp_listener(at)
                    .context("the service manager passed on something that is not a TCP socket")?;
                socket.map(adopt).transpose()
            };
            Ok(Self { callback: next(0)?, admin: next(1)? })
        }
        #[cfg(not(unix))]
        Ok(Self::default())
    }
}

/// A listener for the runtime.
fn adopt(socket: StdListener) -> anyhow::Result<TcpListener> {
    socket.set_nonblocking(true)?;
    Ok(TcpListener::from_std(socket)?)
}

/// How often the watchdog wants to hear from us: twice as often as it must.
pub(super) fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|patience| patience / 2)
}

/// Says something to the service manager. That nobody listens is the usual case.
fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager could not be notified");
    }
}

/// Calls are answered from now on.
pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// Still alive.
pub(super) fn alive(status: &str) {
    tell(&[NotifyState::Watchdog, NotifyState::Status(status)]);
}

/// About to end.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}
