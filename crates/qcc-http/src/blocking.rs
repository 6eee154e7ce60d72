//! Blocking HTTP stacks, lifted onto [`Transport`]: one thread per exchange.

use std::{
    fmt, io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    thread,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use tokio::sync::{mpsc, oneshot};

use crate::{Body, Deadlines, Delivery, Transport, TransportError, TransportErrorKind};

/// How much is read at once.
const PIECE: usize = 64 << 10;

/// How many pieces may wait for a slow reader.
const AHEAD: usize = 4;

/// A [`Transport`] for stacks that block: implement this, wrap it in [`Blocking`].
///
/// The contract is that of [`Transport`]. The deadlines are the implementer's to
/// keep, as connect, write and read timeouts of the socket.
pub trait BlockingTransport: Send + Sync + 'static {
    /// The answer's body. A `read` that fails with [`io::ErrorKind::TimedOut`]
    /// or [`io::ErrorKind::WouldBlock`] counts as a passed deadline, an
    /// [`io::Error`] around a [`TransportError`] as that one. `Ok(0)` means that
    /// the body is complete: a short one must fail.
    type Body: io::Read;

    /// Sends `request` and blocks until the answer's head is there.
    ///
    /// Where the stack can be interrupted, say how by
    /// [`Cancellation::on_cancel`]: shutting the socket down will do.
    ///
    /// # Errors
    /// [`TransportError`], which says whether the request may have arrived.
    fn send(
        &self,
        request: Request<Bytes>,
        deadlines: Deadlines,
        cancellation: &Cancellation,
    ) -> Result<Response<Self::Body>, TransportError>;
}

/// Any [`BlockingTransport`] as a [`Transport`].
///
/// Each exchange has a thread until its body is read or dropped. Without a hook
/// in [`Cancellation`], a dropped exchange lives on until its next deadline.
#[derive(Debug)]
pub struct Blocking<T>(Arc<T>);

impl<T: BlockingTransport> Blocking<T> {
    /// Wraps a blocking transport.
    pub fn new(transport: T) -> Self {
        Self(Arc::new(transport))
    }
}

impl<T> Clone for Blocking<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: BlockingTransport> Transport for Blocking<T> {
    async fn send(
        &self,
        request: Request<Bytes>,
        deadlines: Deadlines,
    ) -> Result<Response<Body>, TransportError> {
        let transport = Arc::clone(&self.0);
        let cancellation = Cancellation::default();
        let guard = CancelOnDrop(cancellation.clone());
        let (head, answered) = oneshot::channel();
        let (pieces, received) = mpsc::channel(AHEAD);
        let exchange = move || {
            match transport.send(request, deadlines, &cancellation) {
                Err(error) => drop(head.send(Err(error))),
                Ok(answer) => {
                    let (parts, body) = answer.into_parts();
                    if head.send(Ok(parts)).is_ok() {
                        pump(body, &pieces);
                    }
                }
            };
        };
        thread::Builder::new().name("qcc-http exchange".to_owned()).spawn(exchange).map_err(
            |error| {
                TransportError::new(TransportErrorKind::Connect, Delivery::NotSent)
                    .with_source(error)
            },
        )?;
        let parts = answered.await.map_err(|_| vanished())??;
        let body = Pieces { received, whole: false, _guard: guard };
        Ok(Response::from_parts(parts, Body::new(body)))
    }
}

/// Tells a blocking exchange that nobody waits for it any more.
#[derive(Clone, Default)]
pub struct Cancellation(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    is_cancelled: bool,
    hook: Option<Box<dyn FnOnce() + Send>>,
}

impl Cancellation {
    /// Sets what ends the exchange; runs it at once where it is cancelled already.
    ///
    /// The hook runs on the thread that lost interest and must not block. A
    /// second one replaces the first.
    pub fn on_cancel(&self, hook: impl FnOnce() + Send + 'static) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.is_cancelled {
            drop(state);
            hook();
        } else {
            state.hook = Some(Box::new(hook));
        }
    }

    /// Whether nobody waits for the exchange any more.
    pub fn is_cancelled(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_cancelled
    }

    fn cancel(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.is_cancelled = true;
        let hook = state.hook.take();
        drop(state);
        if let Some(hook) = hook {
            hook();
        }
    }
}

impl fmt::Debug for Cancellation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cancellation({})", self.is_cancelled())
    }
}

struct CancelOnDrop(Cancellation);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

enum Piece {
    Data(Bytes),
    End,
}

/// Reads until the end, an error, or nobody listens.
fn pump(mut body: impl io::Read, pieces: &mpsc::Sender<Result<Piece, TransportError>>) {
    let mut buffer = vec![0; PIECE];
    loop {
        let piece = match body.read(&mut buffer) {
            Ok(0) => Ok(Piece::End),
            Ok(n) => Ok(Piece::Data(Bytes::copy_from_slice(buffer.get(..n).unwrap_or_default()))),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(classified(error)),
        };
        let goes_on = matches!(piece, Ok(Piece::Data(_)));
        if pieces.blocking_send(piece).is_err() || !goes_on {
            return;
        }
    }
}

fn classified(error: io::Error) -> TransportError {
    if let Some(ours) = error.get_ref().and_then(|inner| inner.downcast_ref::<TransportError>()) {
        return ours.clone();
    }
    let kind = match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => TransportErrorKind::Timeout,
        io::ErrorKind::InvalidData => TransportErrorKind::Protocol,
        _ => TransportErrorKind::Broken,
    };
    TransportError::new(kind, Delivery::Unknown).with_source(error)
}

/// The thread ended without a word, so it panicked.
fn vanished() -> TransportError {
    TransportError::new(TransportErrorKind::Broken, Delivery::Unknown)
        .with_source("the thread of the exchange ended early")
}

/// What the thread reads, as a body. Dropping it cancels the exchange.
struct Pieces {
    received: mpsc::Receiver<Result<Piece, TransportError>>,
    whole: bool,
    _guard: CancelOnDrop,
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        if self.whole {
            return Poll::Ready(None);
        }
        // A channel that closes before it said so is no end of a body.
        let piece = ready!(self.received.poll_recv(cx)).unwrap_or_else(|| Err(vanished()));
        if let Ok(Piece::Data(data)) = piece {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        self.whole = true;
        Poll::Ready(piece.err().map(Err))
    }

    fn is_end_stream(&self) -> bool {
        self.whole
    }
}
