//! The service on a port: hyper, with limits on everything a stranger may send.

mod drain;
mod limits;
mod pace;
mod seats;

use std::{io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use http::{HeaderValue, Request, Response, header};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use self::{
    drain::drain,
    pace::{Heard, Overdue, Pace},
    seats::{Seat, Seats},
};
use crate::{AckBody, CallbackService, Inbox, PeerAddr, Refusal};

pub use limits::ServerLimits;

/// After a connection could not be accepted, because of too many open files say.
const PAUSE: Duration = Duration::from_millis(100);

/// At a shutdown, how long connections may still bring a request that was on its
/// way; and how long one that has to go for others may take to send what is left
/// of its last answer.
const FAREWELL: Duration = Duration::from_secs(1);

/// Serves callbacks over plain HTTP/1 until `shutdown` ends, and then until the
/// last answer in hand is sent.
///
/// Binding is the caller's business, so a listener may come from elsewhere and
/// outlive this. Must be called inside a tokio runtime with I/O and time.
pub async fn serve<I: Inbox>(
    listener: TcpListener,
    service: CallbackService<I>,
    limits: ServerLimits,
    shutdown: impl Future<Output = ()>,
) {
    serve_with(listener, plain, service, limits, shutdown).await;
}

/// No handshake: the stream as accepted.
///
/// # Errors
/// None, ever.
pub async fn plain(stream: TcpStream) -> io::Result<TcpStream> {
    Ok(stream)
}

/// [`serve`] behind a handshake, which makes of an accepted stream the one that
/// HTTP is spoken over: TLS, say.
///
/// It runs in the connection's own task, within [`ServerLimits::handshake`], so
/// a client that stalls in it stops nobody else.
pub async fn serve_with<I, H, F, S>(
    listener: TcpListener,
    handshake: H,
    service: CallbackService<I>,
    limits: ServerLimits,
    shutdown: impl Future<Output = ()>,
) where
    I: Inbox,
    H: Fn(TcpStream) -> F + Send + Sync + 'static,
    F: Future<Output = io::Result<S>> + Send + 'static,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let handshake = Arc::new(handshake);
    let (stop, stopped) = watch::channel(false);
    let mut seats = Seats::new(limits.connections);
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            Some(ended) = connections.join_next_with_id() => {
                seats.leave(ended);
                continue;
            }
            () = seats.changed(), if !seats.has_room() => {
                seats.make_room();
                continue;
            }
            accepted = listener.accept(), if seats.has_room() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                service.refused(Refusal::NotAccepted, None);
                if is_out_of_files(&error) {
                    seats.shed();
                }
                sleep(PAUSE).await;
                continue;
            }
        };
        let seat = seats.next();
        let connection = Connection {
            service: service.clone(),
            limits: limits.clone(),
            peer,
            seat: Arc::clone(&seat),
            stopped: stopped.clone(),
        };
        let handshake = Arc::clone(&handshake);
        let task = connections.spawn(async move { connection.run(stream, &*handshake).await });
        seats.take(task.id(), seat);
        seats.make_room();
    }
    drop(listener);
    stop.send_replace(true);
    let ended = async { while connections.join_next().await.is_some() {} };
    if timeout(limits.shutdown, ended).await.is_err() {
        tracing::warn!(open = connections.len(), "connections were cut off at the shutdown");
    }
}

/// One accepted connection.
struct Connection<I> {
    service: CallbackService<I>,
    limits: ServerLimits,
    peer: SocketAddr,
    seat: Arc<Seat>,
    stopped: watch::Receiver<bool>,
}

impl<I: Inbox> Connection<I> {
    async fn run<F, S>(mut self, stream: TcpStream, handshake: &(impl Fn(TcpStream) -> F + Sync))
    where
        F: Future<Output = io::Result<S>>,
        S: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        // Answers are a few bytes: they must not wait for more to go with them.
        let _ = stream.set_nodelay(true);
        let mut shaking = pin!(timeout(self.limits.handshake, handshake(stream)));
        let shaken = tokio::select! {
            biased;
            shaken = shaking.as_mut() => shaken,
            () = self.seat.evicted() => return self.refused(Refusal::Crowded),
            () = told(&mut self.stopped) => match timeout(FAREWELL, shaking).await {
                Ok(shaken) => shaken,
                Err(_) => return,
            },
        };
        match shaken {
            Ok(Ok(stream)) => self.speak(stream).await,
            Ok(Err(error)) => {
                tracing::debug!(%error, "a handshake failed");
                self.refused(Refusal::Handshake);
            }
            Err(_) => self.refused(Refusal::HandshakeTimeout),
        }
    }

    async fn speak(self, stream: impl AsyncRead + AsyncWrite + Unpin + 'static) {
        let mut stopped = self.stopped.clone();
        let pace = Arc::new(Pace::new(Instant::now()));
        let stream = Heard::new(stream, Arc::clone(&pace));
        let service = service_fn(|request| self.answer(request, &pace));
        let serving = http1::Builder::new()
            .timer(TokioTimer::new())
            // It would end the wait for a request, too; `Pace` keeps the two apart.
            .header_read_timeout(None)
            // Who has said all it wants to say may still listen.
            .half_close(true)
            .max_buf_size(self.limits.head_bytes.max(ServerLimits::LEAST_HEAD_BYTES))
            .max_headers(self.limits.headers)
            .serve_connection(TokioIo::new(stream), service);
        let mut serving = pin!(serving);
        let ended = tokio::select! {
            ended = serving.as_mut() => Some(ended),
            () = self.seat.evicted() => {
                if self.seat.owes_nothing() {
                    return self.refused(Refusal::Crowded);
                }
                None
            }
            overdue = pace.overdue(&self.limits) => match overdue {
                Overdue::Head => return self.refused(Refusal::HeadTimeout),
                Overdue::Idle => None,
            },
            // Answers end their connections from now on, so most end by themselves.
            () = told(&mut stopped) => timeout(FAREWELL, serving.as_mut()).await.ok(),
        };
        if let Some(ended) = ended {
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended early");
                if let Some(refusal) = refusal(&error) {
                    self.refused(refusal);
                }
            }
            return;
        }
        serving.as_mut().graceful_shutdown();
        if timeout(FAREWELL, serving.as_mut()).await.is_err() && self.seat.is_busy() {
            let _ = serving.await;
        }
    }

    async fn answer(
        &self,
        mut request: Request<Incoming>,
        pace: &Pace,
    ) -> Result<Response<AckBody>, std::convert::Infallible> {
        pace.answering();
        // Before the seat is kept: who sends a body slowly has to go like who sends a
        // head slowly.
        drain(&mut request).await;
        if !self.seat.begin() {
            // The connection is being closed; nothing that was asked is done.
            return std::future::pending().await;
        }
        request.extensions_mut().insert(PeerAddr(self.peer));
        let mut response = self.service.answer_before(request, sleep(self.limits.answer)).await;
        if *self.stopped.borrow() {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        self.seat.end();
        pace.answered(Instant::now());
        Ok(response)
    }

    fn refused(&self, refusal: Refusal) {
        self.service.refused(refusal, Some(self.peer.ip()));
    }
}

/// Whether this process, or the system, has as many files open as it may.
fn is_out_of_files(error: &io::Error) -> bool {
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    const WSAEMFILE: i32 = 10024;
    matches!(error.raw_os_error(), Some(ENFILE | EMFILE | WSAEMFILE))
}

/// Which requests an error of hyper's kept from the service, if it did.
fn refusal(error: &hyper::Error) -> Option<Refusal> {
    if error.is_parse_too_large() {
        return Some(Refusal::HeadTooLarge);
    }
    if error.is_parse() {
        return Some(Refusal::NoRequest);
    }
    error.is_incomplete_message().then_some(Refusal::CutShort)
}

/// Waits for the word to stop, or for whoever could give it to be gone.
async fn told(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_too_many_open_files_ask_connections_to_go() {
        for (code, expected) in [(23, true), (24, true), (10024, true), (22, false), (104, false)] {
            let error = io::Error::from_raw_os_error(code);
            assert_eq!(is_out_of_files(&error), expected, "{code}");
        }
        assert!(!is_out_of_files(&io::Error::other("24")));
    }
}
