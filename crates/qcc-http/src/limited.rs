//! The limits that hold over any transport: on the way to the answer's head,
//! and on its whole length.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::Response;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};

use crate::{Body, Deadlines, Delivery, TransportError, TransportErrorKind};

/// A transport that keeps its own deadlines ends before this one does, with a
/// better word on what it waited for.
const GRACE: Duration = Duration::from_secs(1);

/// Waits for an answer, and no longer than the deadlines say.
///
/// Connecting and waiting for the head are the transport's to limit. Where it
/// does not, both together end here, a second later.
pub(crate) async fn within(
    deadlines: Deadlines,
    answering: impl Future<Output = Result<Response<Body>, TransportError>>,
) -> Result<Response<Body>, TransportError> {
    let head = deadlines.connect.saturating_add(deadlines.head).saturating_add(GRACE);
    let (after, what) = match deadlines.total {
        Some(total) if total <= head => (total, INCOMPLETE),
        _ => (head, "no answer"),
    };
    let started = Instant::now();
    let Some(end) = started.checked_add(after) else { return answering.await };
    let answer = timeout_at(end, answering).await.map_err(|_| late(what, after))??;
    let Some(total) = deadlines.total else { return Ok(answer) };
    let Some(end) = started.checked_add(total) else { return Ok(answer) };
    Ok(answer.map(|body| {
        Body::new(Until { inner: Some(body), alarm: Box::pin(sleep_until(end)), total })
    }))
}

const INCOMPLETE: &str = "the answer was not complete";

/// A deadline passed.
pub(crate) fn late(what: &str, after: Duration) -> TransportError {
    TransportError::new(TransportErrorKind::Timeout, Delivery::Unknown)
        .with_source(format!("{what} after {after:?}"))
}

/// A body that must be there by a point in time, however it trickles.
struct Until {
    /// `None` once it ended: the connection is let go at once.
    inner: Option<Body>,
    alarm: Pin<Box<Sleep>>,
    total: Duration,
}

impl HttpBody for Until {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        let this = &mut *self;
        let Some(inner) = this.inner.as_mut() else { return Poll::Ready(None) };
        // Asked first: a body that always has a little more must end as well.
        if this.alarm.as_mut().poll(cx).is_ready() {
            this.inner = None;
            return Poll::Ready(Some(Err(late(INCOMPLETE, this.total))));
        }
        Pin::new(inner).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(SizeHint::default, HttpBody::size_hint)
    }
}
