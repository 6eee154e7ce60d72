//! The vendor without a network: a transport whose far end is in this process.

use std::{
    collections::VecDeque,
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use jiff::Timestamp;
use qcc_http::{AddressChecks, Body, SendOptions, Transport, TransportError, TransportErrorKind};
use tokio::time::{Sleep, sleep};

use crate::{Conduct, Reply, Vendor};

type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A [`Transport`] to a simulated vendor, through memory.
///
/// Delays are waited for with tokio's time, so under a paused clock they take
/// none; see [`VirtualClock`](crate::VirtualClock). Each clone speaks to the same
/// vendor. Time limits are kept: an answer that comes too late is a timeout.
#[derive(Clone)]
pub struct SimTransport {
    vendor: Arc<Mutex<Vendor>>,
    clock: Clock,
}

impl SimTransport {
    /// A transport to `vendor`, which reads the time from `clock`.
    pub fn new(
        vendor: Arc<Mutex<Vendor>>,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Self {
        Self { vendor, clock: Arc::new(clock) }
    }

    /// The vendor at the far end.
    pub fn vendor(&self) -> &Arc<Mutex<Vendor>> {
        &self.vendor
    }
}

impl fmt::Debug for SimTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SimTransport")
    }
}

impl Transport for SimTransport {
    async fn send(
        &self,
        request: Request<Bytes>,
        options: &SendOptions,
    ) -> Result<Response<Body>, TransportError> {
        let broken = |kind| Err(TransportError::new(kind));
        let timeouts = options.timeouts;
        if request.uri().authority().is_none() {
            return broken(TransportErrorKind::Request);
        }
        let reply = {
            let mut vendor = self.vendor.lock().unwrap_or_else(PoisonError::into_inner);
            vendor.handle(&request, (self.clock)())
        };
        match reply.conduct {
            Conduct::Unreachable => {
                return broken(TransportErrorKind::Resolve);
            }
            Conduct::ResetBefore | Conduct::ResetAfter => {
                return broken(TransportErrorKind::Broken);
            }
            Conduct::Silence => {
                sleep(timeouts.head).await;
                return broken(TransportErrorKind::Timeout);
            }
            Conduct::Answer | Conduct::Truncate { .. } | Conduct::Stall { .. } => {}
        }
        sleep(reply.delay.min(timeouts.head)).await;
        if reply.delay > timeouts.head {
            return broken(TransportErrorKind::Timeout);
        }
        let body = Script::of(&reply, Some(timeouts.idle));
        Ok(reply.response.map(|_| Body::new(body)))
    }

    /// Connects to no address.
    fn address_checks(&self) -> AddressChecks {
        AddressChecks::None
    }
}

/// A body that comes as its [`Reply`] says: in pieces, late, not to the end.
pub(crate) struct Script {
    pieces: VecDeque<Bytes>,
    pause: Duration,
    pausing: Option<Pin<Box<Sleep>>>,
    ending: Ending,
    /// How long the receiver waits for a piece; `None` for one who waits for ever.
    patience: Option<Duration>,
    length: Option<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Whole,
    /// Breaks off. Once more round the executor first, so that a server has
    /// written what came before.
    Break,
    BreakNow,
    Hang,
    Done,
}

impl Script {
    pub(crate) fn of(reply: &Reply, patience: Option<Duration>) -> Self {
        let whole = reply.response.body();
        let (sent, ending) = match reply.conduct {
            Conduct::Truncate { after } => (after.min(whole.len()), Ending::Break),
            Conduct::Stall { after } => (after.min(whole.len()), Ending::Hang),
            _ => (whole.len(), Ending::Whole),
        };
        let (piece, pause) = match reply.pace {
            Some(pace) => (pace.piece.max(1), pace.pause),
            None => (64 * 1024, Duration::ZERO),
        };
        let ends = (0..sent).step_by(piece).map(|from| (from, (from + piece).min(sent)));
        Self {
            pieces: ends.map(|(from, to)| whole.slice(from..to)).collect(),
            pause,
            pausing: None,
            ending,
            patience,
            length: u64::try_from(whole.len()).ok(),
        }
    }

    /// Waits before the next piece. Ready with an error where that takes longer
    /// than the receiver's patience.
    fn poll_pause(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        let hangs = self.pieces.is_empty() && self.ending == Ending::Hang;
        let wait = match (self.pieces.is_empty(), hangs) {
            (_, true) => Duration::MAX,
            (true, false) => Duration::ZERO,
            (false, false) => self.pause,
        };
        if wait.is_zero() {
            return Poll::Ready(Ok(()));
        }
        let limit = self.patience.unwrap_or(Duration::from_secs(3600));
        let pausing = self.pausing.get_or_insert_with(|| Box::pin(sleep(wait.min(limit))));
        match pausing.as_mut().poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => {
                self.pausing = None;
                Poll::Ready(match wait <= limit {
                    true => Ok(()),
                    false => Err(self.fail(TransportErrorKind::Timeout)),
                })
            }
        }
    }

    fn fail(&mut self, kind: TransportErrorKind) -> TransportError {
        self.pieces.clear();
        self.ending = Ending::Done;
        TransportError::new(kind)
    }
}

impl HttpBody for Script {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        match self.poll_pause(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Err(error)) => return Poll::Ready(Some(Err(error))),
            Poll::Ready(Ok(())) => {}
        }
        if let Some(piece) = self.pieces.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        match self.ending {
            Ending::Break => {
                self.ending = Ending::BreakNow;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Ending::BreakNow => Poll::Ready(Some(Err(self.fail(TransportErrorKind::Broken)))),
            Ending::Whole | Ending::Hang | Ending::Done => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty() && matches!(self.ending, Ending::Whole | Ending::Done)
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map(SizeHint::with_exact).unwrap_or_default()
    }
}
