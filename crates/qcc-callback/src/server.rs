//! An HTTP/1 server for [`CallbackService`], with limits on what a client may send.

mod drain;
mod limits;
mod slots;
mod timing;

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
    slots::{Slot, Slots},
    timing::{Overdue, Timed, Timing},
};
use crate::{AckBody, CallbackService, DropReason, Inbox, PeerAddr};

pub use limits::ServerLimits;

/// The pause after a connection could not be accepted, for example because too many
/// files are open.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long a connection may take, at a shutdown, to deliver a request that was on its
/// way, and how long an evicted connection may take to send the rest of its answer.
const CLOSE_GRACE: Duration = Duration::from_secs(1);

/// Serves callbacks over plain HTTP/1 until `shutdown` completes, then finishes the
/// requests that are being answered.
///
/// The caller binds the listener, so it can come from a service manager. Must be called
/// inside a tokio runtime with I/O and time enabled.
pub async fn serve<I: Inbox>(
    listener: TcpListener,
    service: CallbackService<I>,
    limits: ServerLimits,
    shutdown: impl Future<Output = ()>,
) {
    serve_with(listener, plain, service, limits, shutdown).await;
}

/// A handshake that does nothing, for plain HTTP.
///
/// # Errors
/// Never fails.
pub async fn plain(stream: TcpStream) -> io::Result<TcpStream> {
    Ok(stream)
}

/// Like [`serve`], but passes each accepted stream through a handshake first, such as
/// TLS.
///
/// The handshake runs in the connection's own task and within
/// [`ServerLimits::handshake`], so a client that stalls in it does not affect others.
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
    let mut slots = Slots::new(limits.connections);
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            Some(ended) = connections.join_next_with_id() => {
                slots.release(ended);
                continue;
            }
            () = slots.changed(), if !slots.has_room() => {
                slots.make_room();
                continue;
            }
            accepted = listener.accept(), if slots.has_room() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection");
                service.dropped(DropReason::NotAccepted, None);
                if is_out_of_files(&error) {
                    slots.evict_one();
                }
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let slot = slots.next();
        let connection = Connection {
            service: service.clone(),
            limits: limits.clone(),
            peer,
            slot: Arc::clone(&slot),
            stopped: stopped.clone(),
        };
        let handshake = Arc::clone(&handshake);
        let task = connections.spawn(async move { connection.run(stream, &*handshake).await });
        slots.take(task.id(), slot);
        slots.make_room();
    }
    drop(listener);
    stop.send_replace(true);
    let ended = async { while connections.join_next().await.is_some() {} };
    if timeout(limits.shutdown, ended).await.is_err() {
        tracing::warn!(
            open = connections.len(),
            "closed connections that were still open at the end of the shutdown"
        );
    }
}

/// An accepted connection.
struct Connection<I> {
    service: CallbackService<I>,
    limits: ServerLimits,
    peer: SocketAddr,
    slot: Arc<Slot>,
    stopped: watch::Receiver<bool>,
}

impl<I: Inbox> Connection<I> {
    async fn run<F, S>(mut self, stream: TcpStream, handshake: &(impl Fn(TcpStream) -> F + Sync))
    where
        F: Future<Output = io::Result<S>>,
        S: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        // Answers are small: send them without waiting for more data.
        let _ = stream.set_nodelay(true);
        let mut shaking = pin!(timeout(self.limits.handshake, handshake(stream)));
        let shaken = tokio::select! {
            biased;
            shaken = shaking.as_mut() => shaken,
            () = self.slot.evicted() => return self.dropped(DropReason::TooManyConnections),
            () = stop_requested(&mut self.stopped) => match timeout(CLOSE_GRACE, shaking).await {
                Ok(shaken) => shaken,
                Err(_) => return,
            },
        };
        match shaken {
            Ok(Ok(stream)) => self.serve_http(stream).await,
            Ok(Err(error)) => {
                tracing::debug!(%error, "handshake failed");
                self.dropped(DropReason::Handshake);
            }
            Err(_) => self.dropped(DropReason::HandshakeTimeout),
        }
    }

    async fn serve_http(self, stream: impl AsyncRead + AsyncWrite + Unpin + 'static) {
        let mut stopped = self.stopped.clone();
        let timing = Arc::new(Timing::new(Instant::now()));
        let stream = Timed::new(stream, Arc::clone(&timing));
        let service = service_fn(|request| self.answer(request, &timing));
        let serving = http1::Builder::new()
            .timer(TokioTimer::new())
            // hyper's timeout would also limit the idle time; `Timing` separates the two.
            .header_read_timeout(None)
            // A client may close its sending half after the request.
            .half_close(true)
            .max_buf_size(self.limits.head_bytes.max(ServerLimits::LEAST_HEAD_BYTES))
            .max_headers(self.limits.headers)
            .serve_connection(TokioIo::new(stream), service);
        let mut serving = pin!(serving);
        let ended = tokio::select! {
            ended = serving.as_mut() => Some(ended),
            () = self.slot.evicted() => {
                if self.slot.is_evicted_new() {
                    return self.dropped(DropReason::TooManyConnections);
                }
                None
            }
            overdue = timing.overdue(&self.limits) => match overdue {
                Overdue::Head => return self.dropped(DropReason::HeadTimeout),
                Overdue::Idle => None,
            },
            // From now on answers carry `Connection: close`, so most connections end soon.
            () = stop_requested(&mut stopped) => timeout(CLOSE_GRACE, serving.as_mut()).await.ok(),
        };
        if let Some(ended) = ended {
            if let Err(error) = ended {
                tracing::debug!(%error, "connection ended early");
                if let Some(reason) = drop_reason(&error) {
                    self.dropped(reason);
                }
            }
            return;
        }
        serving.as_mut().graceful_shutdown();
        if timeout(CLOSE_GRACE, serving.as_mut()).await.is_err() && self.slot.is_busy() {
            let _ = serving.await;
        }
    }

    async fn answer(
        &self,
        mut request: Request<Incoming>,
        timing: &Timing,
    ) -> Result<Response<AckBody>, std::convert::Infallible> {
        timing.answering();
        // Before the slot counts as busy: a client that sends its body slowly may be
        // evicted like one that sends its head slowly.
        drain(&mut request).await;
        if !self.slot.begin() {
            // The connection is being closed; this request is not processed.
            return std::future::pending().await;
        }
        request.extensions_mut().insert(PeerAddr(self.peer));
        let mut response = self.service.answer_before(request, sleep(self.limits.answer)).await;
        if *self.stopped.borrow() {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        self.slot.end();
        timing.answered(Instant::now());
        Ok(response)
    }

    fn dropped(&self, reason: DropReason) {
        self.service.dropped(reason, Some(self.peer.ip()));
    }
}

/// Whether the process or the system has reached its limit of open files.
fn is_out_of_files(error: &io::Error) -> bool {
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    const WSAEMFILE: i32 = 10024;
    matches!(error.raw_os_error(), Some(ENFILE | EMFILE | WSAEMFILE))
}

/// Why a hyper error kept a request from reaching the service, if it did.
fn drop_reason(error: &hyper::Error) -> Option<DropReason> {
    if error.is_parse_too_large() {
        return Some(DropReason::HeadTooLarge);
    }
    if error.is_parse() {
        return Some(DropReason::NotHttp);
    }
    error.is_incomplete_message().then_some(DropReason::Incomplete)
}

/// Waits until a stop is requested or the server is gone.
async fn stop_requested(stopped: &mut watch::Receiver<bool>) {
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
