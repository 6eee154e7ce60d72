//! The vendor on a port: what the machine in memory decides, done to real sockets.

use std::{
    fmt, io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use jiff::{SignedDuration, Timestamp};
use qcc_http::{AddressPolicy, AnyTransport, SendOptions, Timeouts, Transport};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout},
};

use crate::{CallbackCall, CallbackOutcome, Conduct, Vendor, transport::Script};

type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A simulated vendor that listens: API and files on one port, plain HTTP.
///
/// Resets are real resets, truncated answers end the connection. Scheduled
/// pushes happen when they are due; the vendor's calls go out through the
/// client it is given, without one they are never made.
///
/// Links name what [`VendorConfig`](crate::VendorConfig) says, so bind first and
/// tell the vendor where it is:
///
/// ```
/// use std::sync::{Arc, Mutex};
///
/// use qcc_sim::{Server, Vendor, VendorConfig};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// let config = VendorConfig::default().at(listener.local_addr()?);
/// let vendor = Arc::new(Mutex::new(Vendor::new(config)));
/// let server = Server::start(listener, vendor, jiff::Timestamp::now, None)?;
/// println!("listening on {}", server.address());
/// server.shutdown().await;
/// # std::io::Result::Ok(())
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

/// The longest request body that is read.
const BODY_LIMIT: usize = 64 * 1024;

/// How often the vendor looks whether something is due.
const TICK: Duration = Duration::from_millis(100);

/// How long connections may take to end at a shutdown.
const GRACE: Duration = Duration::from_secs(1);

impl Server {
    /// Serves `vendor` on `listener`, with the time of `clock`.
    ///
    /// Must be called inside a tokio runtime with I/O and time.
    ///
    /// # Errors
    /// Where the listener does not know its own address.
    pub fn start(
        listener: TcpListener,
        vendor: Arc<Mutex<Vendor>>,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
        callbacks: Option<AnyTransport>,
    ) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let clock: Clock = Arc::new(clock);
        let (stop, stopped) = watch::channel(false);
        let serving = serve(listener, Arc::clone(&vendor), Arc::clone(&clock), stopped.clone());
        let calling = call(vendor, clock, callbacks, stopped);
        Ok(Self { address, stop, tasks: vec![tokio::spawn(serving), tokio::spawn(calling)] })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops listening, gives open exchanges a second, and ends.
    pub async fn shutdown(self) {
        self.stop.send_replace(true);
        for task in self.tasks {
            // A task that panicked has nothing left to end.
            let _ = task.await;
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

async fn serve(
    listener: TcpListener,
    vendor: Arc<Mutex<Vendor>>,
    clock: Clock,
    mut stopped: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = told(&mut stopped) => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let (vendor, clock) = (Arc::clone(&vendor), Arc::clone(&clock));
                    connections.spawn(connection(stream, vendor, clock, stopped.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(TICK).await;
                }
            },
        }
    }
    drop(listener);
    let ended = async { while connections.join_next().await.is_some() {} };
    let _ = timeout(GRACE, ended).await;
}

async fn connection(
    stream: TcpStream,
    vendor: Arc<Mutex<Vendor>>,
    clock: Clock,
    mut stopped: watch::Receiver<bool>,
) {
    let doomed = Arc::new(AtomicBool::new(false));
    let plug = Plug { stream, doomed: Arc::clone(&doomed) };
    let service = service_fn(|request| {
        let (vendor, clock, doomed) =
            (Arc::clone(&vendor), Arc::clone(&clock), Arc::clone(&doomed));
        answer(request, vendor, clock, doomed)
    });
    let serving = http1::Builder::new().serve_connection(TokioIo::new(plug), service);
    let mut serving = std::pin::pin!(serving);
    let result = tokio::select! {
        result = serving.as_mut() => result,
        () = told(&mut stopped) => {
            serving.as_mut().graceful_shutdown();
            match timeout(GRACE, serving).await {
                Ok(result) => result,
                Err(_) => Ok(()),
            }
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Waits for the word to stop, or for whoever could give it to be gone.
async fn told(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await;
}

/// Why a request gets no answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is to be reset")]
struct Reset;

async fn answer(
    request: Request<Incoming>,
    vendor: Arc<Mutex<Vendor>>,
    clock: Clock,
    doomed: Arc<AtomicBool>,
) -> Result<Response<Script>, Reset> {
    let (mut head, body) = request.into_parts();
    let body = match Limited::new(body, BODY_LIMIT).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return Err(Reset),
    };
    head.uri = path_only(&head.uri);
    let request = Request::from_parts(head, body);
    let reply = lock(&vendor).handle(&request, clock());
    tracing::debug!(path = request.uri().path(), conduct = ?reply.conduct, "answering");
    match reply.conduct {
        Conduct::ResetBefore | Conduct::ResetAfter | Conduct::Unreachable => {
            doomed.store(true, Ordering::Relaxed);
            return Err(Reset);
        }
        // Until the client leaves: hyper drops this future then.
        Conduct::Silence => std::future::pending::<()>().await,
        Conduct::Answer | Conduct::Truncate { .. } | Conduct::Stall { .. } => {}
    }
    sleep(reply.delay).await;
    let body = Script::of(&reply, None);
    Ok(reply.response.map(|_| body))
}

/// Without scheme and host, which a proxy's client sends and a server ignores.
fn path_only(uri: &http::Uri) -> http::Uri {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    path.parse().unwrap_or_default()
}

/// Makes scheduled pushes and the vendor's calls, as they fall due.
async fn call(
    vendor: Arc<Mutex<Vendor>>,
    clock: Clock,
    client: Option<AnyTransport>,
    mut stopped: watch::Receiver<bool>,
) {
    let mut calls = JoinSet::new();
    loop {
        let now = clock();
        match &client {
            None => lock(&vendor).advance(now),
            Some(client) => {
                for call in lock(&vendor).due_callbacks(now) {
                    let (vendor, clock) = (Arc::clone(&vendor), Arc::clone(&clock));
                    let client = client.clone();
                    calls.spawn(async move {
                        let outcome = make_call(&client, &call).await;
                        lock(&vendor).callback_answered(&call, &outcome, clock());
                    });
                }
            }
        }
        let next = lock(&vendor).next_due();
        let wait = next.map_or(SignedDuration::MAX, |due| due.duration_since(clock()));
        let wait = Duration::try_from(wait).unwrap_or_default().clamp(TICK / 20, TICK);
        tokio::select! {
            () = told(&mut stopped) => break,
            Some(_) = calls.join_next() => {}
            () = sleep(wait) => {}
        }
    }
}

/// How long the vendor waits for a receiver, and how much it reads.
const CALL_TIMEOUTS: Timeouts = Timeouts::new()
    .with_connect(Duration::from_secs(3))
    .with_head(Duration::from_secs(5))
    .with_idle(Duration::from_secs(5));

async fn make_call(client: &AnyTransport, call: &CallbackCall) -> CallbackOutcome {
    let Ok(request) = Request::get(&call.url).body(Bytes::new()) else {
        return CallbackOutcome::Failed;
    };
    // The receiver is usually on this machine.
    let options = SendOptions::new(CALL_TIMEOUTS).with_addresses(AddressPolicy::any());
    let Ok(response) = client.send(request, &options).await else {
        return CallbackOutcome::Failed;
    };
    let status = response.status().as_u16();
    match response.into_body().read_within(BODY_LIMIT).await {
        Ok(Some(body)) => CallbackOutcome::Answered { status, body },
        _ => CallbackOutcome::Failed,
    }
}

fn lock(vendor: &Mutex<Vendor>) -> std::sync::MutexGuard<'_, Vendor> {
    vendor.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A connection that can be told to end with a reset instead of a farewell.
struct Plug {
    stream: TcpStream,
    doomed: Arc<AtomicBool>,
}

impl Drop for Plug {
    fn drop(&mut self) {
        if self.doomed.load(Ordering::Relaxed) {
            // Without it the connection is closed politely, which is a fault too.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Plug {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Plug {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
