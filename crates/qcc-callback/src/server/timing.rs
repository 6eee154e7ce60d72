//! Limits the idle time of a connection and the time for a request head.
//!
//! hyper has one limit for both. But a load balancer may keep an idle connection for
//! minutes, while a head that takes a minute is an attack.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::Notify,
    time::{Instant, sleep_until},
};

use super::ServerLimits;

/// The phase of a connection, and since when.
#[derive(Debug)]
pub(super) struct Timing {
    phase: Mutex<Phase>,
    changed: Notify,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// No byte of the next request has arrived.
    Idle(Instant),
    /// Part of a request head has arrived.
    Sending(Instant),
    /// A request is being answered. `more`: further bytes have arrived meanwhile.
    Answering { more: bool },
}

/// Which limit was exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overdue {
    /// [`ServerLimits::idle`].
    Idle,
    /// [`ServerLimits::head`].
    Head,
}

impl Timing {
    /// For a new connection.
    pub(super) fn new(now: Instant) -> Self {
        Self { phase: Mutex::new(Phase::Idle(now)), changed: Notify::new() }
    }

    /// Bytes have arrived.
    fn received(&self, now: Instant) {
        let mut phase = self.lock();
        match *phase {
            Phase::Idle(_) => {
                *phase = Phase::Sending(now);
                self.changed.notify_one();
            }
            Phase::Sending(_) => {}
            Phase::Answering { .. } => *phase = Phase::Answering { more: true },
        }
    }

    /// A request head is complete.
    pub(super) fn answering(&self) {
        *self.lock() = Phase::Answering { more: false };
        self.changed.notify_one();
    }

    /// The answer is ready. Bytes that arrived meanwhile belong to the next head.
    pub(super) fn answered(&self, now: Instant) {
        let mut phase = self.lock();
        let more = matches!(*phase, Phase::Answering { more: true });
        *phase = if more { Phase::Sending(now) } else { Phase::Idle(now) };
        self.changed.notify_one();
    }

    /// Completes when a limit is exceeded.
    pub(super) async fn overdue(&self, limits: &ServerLimits) -> Overdue {
        loop {
            let (end, overdue) = match *self.lock() {
                Phase::Idle(since) => (since.checked_add(limits.idle), Overdue::Idle),
                Phase::Sending(since) => (since.checked_add(limits.head), Overdue::Head),
                Phase::Answering { .. } => (None, Overdue::Idle),
            };
            let Some(end) = end else {
                self.changed.notified().await;
                continue;
            };
            tokio::select! {
                biased;
                () = self.changed.notified() => {}
                () = sleep_until(end) => return overdue,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream that reports to a [`Timing`] when bytes arrive.
#[derive(Debug)]
pub(super) struct Timed<S> {
    stream: S,
    timing: Arc<Timing>,
}

impl<S> Timed<S> {
    pub(super) fn new(stream: S, timing: Arc<Timing>) -> Self {
        Self { stream, timing }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Timed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.timing.received(Instant::now());
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Timed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
