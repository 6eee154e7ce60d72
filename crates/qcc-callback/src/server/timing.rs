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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn phase(timing: &Timing) -> Phase {
        *timing.lock()
    }

    #[test]
    fn a_head_counts_from_its_first_byte_and_an_answer_takes_the_time_it_takes() {
        let begun = Instant::now();
        let [first, second, third, fourth] = [1, 2, 3, 4].map(|hours| begun + HOUR * hours);
        let timing = Timing::new(begun);
        assert_eq!(phase(&timing), Phase::Idle(begun));
        timing.received(first);
        timing.received(second);
        assert_eq!(phase(&timing), Phase::Sending(first));
        timing.answering();
        assert_eq!(phase(&timing), Phase::Answering { more: false });
        timing.answered(third);
        assert_eq!(phase(&timing), Phase::Idle(third), "nothing came meanwhile");
        timing.answering();
        timing.received(third);
        assert_eq!(phase(&timing), Phase::Answering { more: true });
        timing.answered(fourth);
        assert_eq!(phase(&timing), Phase::Sending(fourth), "the next head has begun");
    }

    #[tokio::test]
    async fn what_takes_too_long_is_told_apart_and_an_answer_never_does() {
        let (begun, limits) = (Instant::now(), ServerLimits::default());
        let (idle, head) = (begun.checked_sub(limits.idle), begun.checked_sub(limits.head));
        let (Some(idle), Some(head)) = (idle, head) else { return };
        assert_eq!(Timing::new(idle).overdue(&limits).await, Overdue::Idle);
        let timing = Timing::new(begun);
        timing.received(head);
        assert_eq!(timing.overdue(&limits).await, Overdue::Head);
        timing.answering();
        let never = tokio::time::timeout(Duration::from_millis(1), timing.overdue(&limits)).await;
        assert!(never.is_err());
        // Whoever waits already hears of each change.
        let (overdue, ()) = tokio::join!(timing.overdue(&limits), async { timing.answered(idle) });
        assert_eq!(overdue, Overdue::Idle);
        let timing = Timing::new(begun);
        let (overdue, ()) = tokio::join!(timing.overdue(&limits), async { timing.received(head) });
        assert_eq!(overdue, Overdue::Head);
    }

    /// A stream that takes three bytes at a time and remembers what it was asked for.
    #[derive(Default)]
    struct Asked {
        vectored: bool,
        told: Vec<&'static str>,
    }

    impl AsyncWrite for Asked {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.told.push("write");
            Poll::Ready(Ok(3))
        }

        fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.told.push("flush");
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.told.push("shutdown");
            Poll::Ready(Ok(()))
        }

        fn is_write_vectored(&self) -> bool {
            self.vectored
        }
    }

    #[test]
    fn all_that_is_written_goes_through_and_together_where_the_stream_can() {
        for vectored in [true, false] {
            let stream = Asked { vectored, ..Asked::default() };
            let mut heard = Timed::new(stream, Arc::new(Timing::new(Instant::now())));
            assert_eq!(heard.is_write_vectored(), vectored);
            let mut cx = Context::from_waker(std::task::Waker::noop());
            let written = Pin::new(&mut heard).poll_write(&mut cx, b"answer");
            assert!(matches!(written, Poll::Ready(Ok(3))));
            assert!(Pin::new(&mut heard).poll_flush(&mut cx).is_ready());
            assert!(Pin::new(&mut heard).poll_shutdown(&mut cx).is_ready());
            assert_eq!(heard.stream.told, ["write", "flush", "shutdown"]);
        }
    }
}
