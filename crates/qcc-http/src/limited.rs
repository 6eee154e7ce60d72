//! The limits that hold over any transport: on the way to the answer's head,
//! and on its whole length.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Response, Uri};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};

use crate::{Body, Deadlines, Delivery, TransportError, TransportErrorKind};

/// A transport that keeps its own deadlines ends before this one does, with a
/// better word on what it waited for.
const GRACE: Duration = Duration::from_secs(1);

/// `host:port` of a URI, its scheme's port where it names none. Nothing of a
/// user name.
pub(crate) fn peer(uri: &Uri) -> Option<Arc<str>> {
    let host = uri.host().filter(|host| !host.is_empty())?;
    let by_scheme = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    Some(format!("{host}:{}", uri.port_u16().unwrap_or(by_scheme)).into())
}

/// Waits for an answer, and no longer than the deadlines say.
///
/// Connecting and waiting for the head are the transport's to limit. Where it
/// does not, both together end here, a second later.
pub(crate) async fn within(
    deadlines: Deadlines,
    peer: Option<Arc<str>>,
    answering: impl Future<Output = Result<Response<Body>, TransportError>>,
) -> Result<Response<Body>, TransportError> {
    let head = deadlines.connect.saturating_add(deadlines.head).saturating_add(GRACE);
    let (after, what) = match deadlines.total {
        Some(total) if total <= head => (total, INCOMPLETE),
        _ => (head, "no answer"),
    };
    let started = Instant::now();
    let answered = match started.checked_add(after) {
        Some(end) => timeout_at(end, answering).await.unwrap_or_else(|_| Err(late(what, after))),
        None => answering.await,
    };
    let answer = answered.map_err(|error| of(&peer, error))?;
    let end = deadlines.total.and_then(|total| Some((started.checked_add(total)?, total)));
    let alarm = end.map(|(end, total)| (Box::pin(sleep_until(end)), total));
    Ok(answer.map(|body| Body::new(Until { inner: Some(body), alarm, peer })))
}

const INCOMPLETE: &str = "the answer was not complete";

/// A deadline passed.
fn late(what: &str, after: Duration) -> TransportError {
    TransportError::new(TransportErrorKind::Timeout, Delivery::Unknown)
        .with_source(format!("{what} after {after:?}"))
}

fn of(peer: &Option<Arc<str>>, error: TransportError) -> TransportError {
    match peer {
        Some(peer) => error.with_peer(Arc::clone(peer)),
        None => error,
    }
}

/// A body that must be there by a point in time, however it trickles, and whose
/// errors say whom they came from.
struct Until {
    /// `None` once it ended: the connection is let go at once.
    inner: Option<Body>,
    alarm: Option<(Pin<Box<Sleep>>, Duration)>,
    peer: Option<Arc<str>>,
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
        if let Some((alarm, total)) = &mut this.alarm
            && alarm.as_mut().poll(cx).is_ready()
        {
            let error = late(INCOMPLETE, *total);
            this.inner = None;
            return Poll::Ready(Some(Err(of(&this.peer, error))));
        }
        let polled = Pin::new(inner).poll_frame(cx);
        polled.map(|frame| frame.map(|result| result.map_err(|error| of(&this.peer, error))))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(SizeHint::default, HttpBody::size_hint)
    }
}
