//! How long a connection takes: to begin a request, and to finish its head.
//!
//! hyper has one limit for both. A balancer keeps a connection for a minute and
//! more; a head that takes so long is an attack.

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

/// What a connection is at, and since when.
#[derive(Debug)]
pub(super) struct Pace {
    phase: Mutex<Phase>,
    changed: Notify,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing of the next request has come.
    Silent(Instant),
    /// A part of a head has come.
    Sending(Instant),
    /// A request is in hand, and whether more has come meanwhile.
    Answering { more: bool },
}

/// What took too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overdue {
    /// The wait for a request.
    Idle,
    /// Its head.
    Head,
}

impl Pace {
    /// Of a connection that begins.
    pub(super) fn new(now: Instant) -> Self {
        Self { phase: Mutex::new(Phase::Silent(now)), changed: Notify::new() }
    }

    /// Bytes have come.
    fn heard(&self, now: Instant) {
        let mut phase = self.lock();
        match *phase {
            Phase::Silent(_) => {
                *phase = Phase::Sending(now);
                self.changed.notify_one();
            }
            Phase::Sending(_) => {}
            Phase::Answering { .. } => *phase = Phase::Answering { more: true },
        }
    }

    /// A head is whole.
    pub(super) fn answering(&self) {
        *self.lock() = Phase::Answering { more: false };
        self.changed.notify_one();
    }

    /// Its answer is made. What came meanwhile may be the next head.
    pub(super) fn answered(&self, now: Instant) {
        let mut phase = self.lock();
        let more = matches!(*phase, Phase::Answering { more: true });
        *phase = if more { Phase::Sending(now) } else { Phase::Silent(now) };
        self.changed.notify_one();
    }

    /// Waits until something takes too long.
    pub(super) async fn overdue(&self, limits: &ServerLimits) -> Overdue {
        loop {
            let (end, overdue) = match *self.lock() {
                Phase::Silent(since) => (since.checked_add(limits.idle), Overdue::Idle),
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

/// A stream that tells when it brings something.
#[derive(Debug)]
pub(super) struct Heard<S> {
    stream: S,
    pace: Arc<Pace>,
}

impl<S> Heard<S> {
    pub(super) fn new(stream: S, pace: Arc<Pace>) -> Self {
        Self { stream, pace }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Heard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.pace.heard(Instant::now());
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Heard<S> {
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
