//! How slow a download may be.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Buf, Bytes};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep};

use crate::{Body, Delivery, TransportError, TransportErrorKind};

/// Longer than any process runs.
const NEVER: Duration = Duration::from_secs(86_400 * 365 * 30);

/// How slow a download may be before it is given up: fewer bytes a second than
/// this, for as long as `patience`.
///
/// A total limit would have to be right for every size: long enough for 4 GiB
/// on a thin line, it lets a host that sends a byte now and then hold a worker
/// for days. What tells the two apart is the rate, at any size and whether or
/// not a length was announced. So each download has an account of time that
/// begins at `patience` and never holds more. Waiting for the next piece takes
/// from it, and each byte that comes puts back what a byte takes at this rate.
/// A line at the rate or above it never runs out, in bursts or evenly. A fast
/// beginning buys no more than `patience`.
///
/// The default is 1 KiB a second over a minute, less than a line of 9.6 kbit/s
/// carries: 4 GiB may take 48 days, a byte every 29 s ends after about a minute.
/// Only waiting counts: a slow disk on our side is no slow host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MinimumRate {
    bytes_per_second: u32,
    patience: Duration,
}

impl MinimumRate {
    /// At least `bytes_per_second`, taken over `patience`. A rate of 0 lets
    /// `patience` run from the first byte to the last.
    pub const fn new(bytes_per_second: u32, patience: Duration) -> Self {
        Self { bytes_per_second, patience }
    }

    /// What this many bytes are worth in time.
    fn worth(self, bytes: usize) -> Duration {
        let nanos = (bytes as u64).saturating_mul(1_000_000_000);
        nanos.checked_div(self.bytes_per_second.into()).map_or(Duration::ZERO, Duration::from_nanos)
    }
}

impl Default for MinimumRate {
    fn default() -> Self {
        Self::new(1024, Duration::from_secs(60))
    }
}

/// A body that must keep to the rate.
pub(super) struct Rated {
    /// `None` once it ended: the connection is let go at once.
    inner: Option<Body>,
    rate: MinimumRate,
    left: Duration,
    waiting_since: Option<Instant>,
    alarm: Pin<Box<Sleep>>,
}

impl Rated {
    pub(super) fn body(inner: Body, rate: MinimumRate) -> Body {
        Body::new(Self {
            inner: Some(inner),
            rate,
            left: rate.patience,
            waiting_since: None,
            alarm: Box::pin(sleep(rate.patience)),
        })
    }

    fn give_up(&mut self) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        self.inner = None;
        let MinimumRate { bytes_per_second, patience } = self.rate;
        let error = TransportError::new(TransportErrorKind::Timeout, Delivery::Unknown);
        Poll::Ready(Some(Err(error.with_source(format!(
            "the file came too slowly: below {bytes_per_second} bytes a second for {patience:?}"
        )))))
    }
}

impl HttpBody for Rated {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        let this = &mut *self;
        let Some(inner) = this.inner.as_mut() else { return Poll::Ready(None) };
        match Pin::new(inner).poll_frame(cx) {
            Poll::Pending => {
                if this.waiting_since.is_none() {
                    let now = Instant::now();
                    this.waiting_since = Some(now);
                    // Later than any clock can say is as good as never.
                    let end = now.checked_add(this.left).unwrap_or(now + NEVER);
                    this.alarm.as_mut().reset(end);
                }
                match this.alarm.as_mut().poll(cx) {
                    Poll::Pending => Poll::Pending,
                    Poll::Ready(()) => this.give_up(),
                }
            }
            Poll::Ready(Some(Ok(frame))) => {
                let came = frame.data_ref().map_or(0, Buf::remaining);
                let waited = this.waiting_since.take().map(|since| since.elapsed());
                let left = this.left.saturating_sub(waited.unwrap_or_default());
                this.left = left.saturating_add(this.rate.worth(came)).min(this.rate.patience);
                Poll::Ready(Some(Ok(frame)))
            }
            ended => ended,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(SizeHint::default, HttpBody::size_hint)
    }
}
