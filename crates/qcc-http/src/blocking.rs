//! Blocking HTTP stacks as a [`Transport`]: one thread per exchange.

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

use crate::{AddressChecks, Body, SendOptions, Transport, TransportError, TransportErrorKind};

/// How much is read at once.
const PIECE: usize = 64 << 10;

/// How many pieces may wait for a slow reader.
const AHEAD: usize = 4;

/// A [`Transport`] for stacks that block: implement this, wrap it in [`Blocking`].
///
/// The contract is that of [`Transport`]. Where the stack can be interrupted by
/// [`Cancellation::on_cancel`], the limits of the request are kept for it; else set
/// them as connect, write and read timeouts of the socket, so that the thread ends.
pub trait BlockingTransport: Send + Sync + 'static {
    /// The body of the answer. An error of `read` is classified as
    /// [`TransportError::from_chain`] says. `Ok(0)` means that the body is complete:
    /// one that is shorter than announced must fail.
    type Body: io::Read;

    /// Sends `request` and blocks until the head of the answer is there.
    ///
    /// Where the stack can be interrupted, say how by
    /// [`Cancellation::on_cancel`]: shutting down the socket is enough.
    ///
    /// # Errors
    /// [`TransportError`], with the kind that fits best.
    fn send(
        &self,
        request: Request<Bytes>,
        options: &SendOptions,
        cancellation: &Cancellation,
    ) -> Result<Response<Self::Body>, TransportError>;

    /// As [`Transport::address_checks`].
    fn address_checks(&self) -> AddressChecks;
}

/// Any [`BlockingTransport`] as a [`Transport`].
///
/// Each exchange has a thread until its body is read or dropped. Without a hook
/// in [`Cancellation`], the thread of a dropped exchange lives until a timeout of the
/// stack ends it.
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
        options: &SendOptions,
    ) -> Result<Response<Body>, TransportError> {
        let options = options.clone();
        let transport = Arc::clone(&self.0);
        let cancellation = Cancellation::default();
        let guard = CancelOnDrop(cancellation.clone());
        let (head, answered) = oneshot::channel();
        let (pieces, received) = mpsc::channel(AHEAD);
        let exchange = move || {
            match transport.send(request, &options, &cancellation) {
                Err(error) => drop(head.send(Err(error))),
                Ok(answer) => {
                    let (parts, body) = answer.into_parts();
                    if head.send(Ok(parts)).is_ok() {
                        pump(body, &pieces);
                    }
                }
            };
        };
        thread::Builder::new()
            .name("qcc-http exchange".to_owned())
            .spawn(exchange)
            .map_err(|error| TransportError::new(TransportErrorKind::Connect).with_source(error))?;
        let parts = answered.await.map_err(|_| vanished())??;
        let body = Pieces { received, whole: false, _guard: guard };
        Ok(Response::from_parts(parts, Body::new(body)))
    }

    fn address_checks(&self) -> AddressChecks {
        self.0.address_checks()
    }
}

/// Tells a blocking exchange that nobody waits for it anymore.
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

    /// Whether nobody waits for the exchange anymore.
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
            Err(error) => Err(TransportError::from_chain(&error)),
        };
        let goes_on = matches!(piece, Ok(Piece::Data(_)));
        if pieces.blocking_send(piece).is_err() || !goes_on {
            return;
        }
    }
}

/// The thread ended without an answer, so it panicked.
fn vanished() -> TransportError {
    TransportError::new(TransportErrorKind::Broken)
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
        // A channel that closes before the end was announced does not end a body.
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
