//! The time limits that hold over any transport: on the way to the head of the
//! answer, and for its whole body.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Buf, Bytes};
use http::{Response, Uri};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};

use crate::{Body, MinimumRate, Timeouts, TransportError, TransportErrorKind, guard::port_of};

/// Longer than any process runs.
const NEVER: Duration = Duration::from_secs(86_400 * 365 * 30);

/// `host:port` of a URI, its scheme's port where it names none. Nothing of a
/// user name.
pub(crate) fn peer(uri: &Uri) -> Option<Arc<str>> {
    let host = uri.host().filter(|host| !host.is_empty())?;
    Some(format!("{host}:{}", port_of(uri)).into())
}

/// Waits for an answer, and no longer than the limits allow.
///
/// From here, connecting cannot be told from waiting for the head, so the two
/// limits are added up.
pub(crate) async fn within(
    timeouts: Timeouts,
    peer: Option<Arc<str>>,
    answering: impl Future<Output = Result<Response<Body>, TransportError>>,
) -> Result<Response<Body>, TransportError> {
    let started = Instant::now();
    let head = timeouts.connect.saturating_add(timeouts.head);
    let (after, what) = match timeouts.total {
        Some(total) if total <= head => (total, INCOMPLETE),
        _ => (head, "no answer"),
    };
    let end = after_that(started, after);
    let answered = timeout_at(end, answering).await.unwrap_or_else(|_| Err(late(what, after)));
    match answered {
        Ok(answer) => Ok(answer.map(|body| Limited::body(body, timeouts, started, peer))),
        Err(error) => Err(about(&peer, error)),
    }
}

const INCOMPLETE: &str = "the answer was not complete";

/// A limit passed.
pub(crate) fn late(what: &str, after: Duration) -> TransportError {
    TransportError::new(TransportErrorKind::Timeout).with_source(format!("{what} after {after:?}"))
}

/// Later than the clock can say is as good as never.
fn after_that(start: Instant, time: Duration) -> Instant {
    start.checked_add(time).unwrap_or(start + NEVER)
}

/// The error, with whom it is about.
pub(crate) fn about(peer: &Option<Arc<str>>, error: TransportError) -> TransportError {
    match peer {
        Some(peer) => error.with_peer(Arc::clone(peer)),
        None => error,
    }
}

/// A body that keeps its time limits, and whose errors say whom they are about.
pub(crate) struct Limited {
    /// `None` once it ended: the connection is released at once.
    inner: Option<Body>,
    peer: Option<Arc<str>>,
    idle: Duration,
    total: Option<(Instant, Duration)>,
    rate: Option<Account>,
    /// Since when somebody waits for the next piece.
    waiting: Option<Instant>,
    alarm: Pin<Box<Sleep>>,
}

/// What a body was too slow for.
enum Limit {
    Idle,
    Rate(MinimumRate),
    Total(Duration),
}

/// The time a body has left to be slow in, see [`MinimumRate`].
struct Account {
    rate: MinimumRate,
    left: Duration,
}

impl Account {
    fn book(&mut self, waited: Duration, came: usize) {
        let left = self.left.saturating_sub(waited).saturating_add(self.rate.time_for(came));
        self.left = left.min(self.rate.patience());
    }
}

impl Limited {
    pub(crate) fn body(
        inner: Body,
        timeouts: Timeouts,
        started: Instant,
        peer: Option<Arc<str>>,
    ) -> Body {
        let total = timeouts.total.map(|total| (after_that(started, total), total));
        Body::new(Self {
            inner: Some(inner),
            peer,
            idle: timeouts.idle,
            total,
            rate: timeouts.minimum_rate.map(|rate| Account { rate, left: rate.patience() }),
            waiting: None,
            alarm: Box::pin(sleep_until(started)),
        })
    }

    /// When waiting since `since` becomes too long, and by which limit.
    fn end_of_waiting(&self, since: Instant) -> (Instant, Limit) {
        let mut end = (after_that(since, self.idle), Limit::Idle);
        if let Some(account) = &self.rate
            && after_that(since, account.left) < end.0
        {
            end = (after_that(since, account.left), Limit::Rate(account.rate));
        }
        match self.total {
            Some((total_end, total)) if total_end < end.0 => (total_end, Limit::Total(total)),
            _ => end,
        }
    }

    fn pass(&mut self, limit: Limit) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        let error = match limit {
            Limit::Idle => late("the body stalled", self.idle),
            Limit::Total(total) => late(INCOMPLETE, total),
            Limit::Rate(rate) => {
                let (bytes, patience) = (rate.bytes_per_second(), rate.patience());
                TransportError::new(TransportErrorKind::Timeout).with_source(format!(
                    "the body came too slowly: below {bytes} bytes a second for {patience:?}"
                ))
            }
        };
        self.fail(error)
    }

    fn fail(
        &mut self,
        error: TransportError,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        self.inner = None;
        Poll::Ready(Some(Err(about(&self.peer, error))))
    }
}

impl HttpBody for Limited {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        let this = &mut *self;
        let Some(inner) = this.inner.as_mut() else { return Poll::Ready(None) };
        // Asked first: a body that always has a little more must end as well.
        if let Some((end, total)) = this.total
            && Instant::now() >= end
        {
            return this.pass(Limit::Total(total));
        }
        match Pin::new(inner).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                let waited = this.waiting.take().map(|since| since.elapsed()).unwrap_or_default();
                if let Some(account) = &mut this.rate {
                    account.book(waited, frame.data_ref().map_or(0, Buf::remaining));
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => this.fail(error),
            Poll::Ready(None) => {
                this.inner = None;
                Poll::Ready(None)
            }
            Poll::Pending => {
                let since = match this.waiting {
                    Some(since) => since,
                    None => {
                        let since = *this.waiting.insert(Instant::now());
                        let (end, _) = this.end_of_waiting(since);
                        this.alarm.as_mut().reset(end);
                        since
                    }
                };
                match this.alarm.as_mut().poll(cx) {
                    Poll::Pending => Poll::Pending,
                    Poll::Ready(()) => {
                        let (_, limit) = this.end_of_waiting(since);
                        this.pass(limit)
                    }
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(SizeHint::default, HttpBody::size_hint)
    }
}
