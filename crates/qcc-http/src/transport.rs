//! The seam others extend: one request, one streaming answer.

use std::{error::Error as StdError, fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response};

use crate::{Body, limited};

/// Sends one request and hands back one answer whose body streams.
///
/// Implementers write a plain `async fn send`. The contract, checked by
/// the conformance suite:
///
/// - any status is `Ok`; only a failure to get an answer is an error;
/// - no redirect is followed, nothing is retried, no content is decoded;
/// - the request's URI is absolute and goes out byte for byte;
/// - each of the [`Deadlines`] ends its phase with [`TransportErrorKind::Timeout`]
///   (the total is kept by [`HttpClient`]);
/// - dropping the future, or the body, releases the connection.
pub trait Transport: Send + Sync + 'static {
    /// Sends `request`; resolves when the answer's head is there.
    ///
    /// # Errors
    /// [`TransportError`], which says whether the request may have arrived.
    fn send(
        &self,
        request: Request<Bytes>,
        deadlines: Deadlines,
    ) -> impl Future<Output = Result<Response<Body>, TransportError>> + Send;
}

/// How long each phase of an exchange may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deadlines {
    /// To be connected, TLS and proxy included.
    pub connect: Duration,
    /// From connected to the answer's head.
    pub head: Duration,
    /// Between two pieces of the answer's body.
    pub idle: Duration,
    /// From sending to the last byte of the body, where there is such a limit.
    ///
    /// Kept by [`HttpClient`], so that it holds over any transport: the other
    /// three leave room for a server that sends a byte every 29 seconds.
    pub total: Option<Duration>,
}

impl Deadlines {
    /// The three limits a transport keeps, and a total of one minute.
    pub const fn new(connect: Duration, head: Duration, idle: Duration) -> Self {
        Self { connect, head, idle, total: Some(Duration::from_secs(60)) }
    }

    /// The same with another total, or none.
    #[must_use]
    pub const fn with_total(mut self, total: Option<Duration>) -> Self {
        self.total = total;
        self
    }
}

impl Default for Deadlines {
    fn default() -> Self {
        Self::new(Duration::from_secs(10), Duration::from_secs(30), Duration::from_secs(30))
    }
}

/// No answer, or one that broke off.
///
/// Holds nothing of the request but host and port: no path, no query, no
/// header, no key.
#[derive(Debug, Clone)]
pub struct TransportError {
    kind: TransportErrorKind,
    delivery: Delivery,
    peer: Option<Arc<str>>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// What went wrong, by what a caller does about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// The request itself cannot be sent: no host, a bad URI. Do not repeat.
    Request,
    /// The name did not resolve. Repeat later.
    Resolve,
    /// An address the rules forbid. Do not repeat.
    Forbidden,
    /// Nobody answered at the address, it closed the door, or a proxy did not
    /// open the way to it. Repeat later.
    Connect,
    /// The TLS handshake failed. Repeat later; a person should look if it stays.
    Tls,
    /// The proxy wants other credentials. A person should look.
    Proxy,
    /// A deadline passed. Repeat later.
    Timeout,
    /// The connection broke while it was in use. Repeat later.
    Broken,
    /// The answer is no HTTP. Repeat later.
    Protocol,
}

/// Whether the other side may have seen the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// It certainly has not.
    NotSent,
    /// It may have.
    Unknown,
}

impl TransportErrorKind {
    /// Whether the same request may go through later without anybody's help.
    pub const fn is_transient(self) -> bool {
        match self {
            // A failed handshake counts: certificates are replaced and balancers
            // restarted on the other side, and the reason is shown meanwhile.
            Self::Resolve
            | Self::Connect
            | Self::Tls
            | Self::Timeout
            | Self::Broken
            | Self::Protocol => true,
            Self::Request | Self::Forbidden | Self::Proxy => false,
        }
    }

    /// What happened, where it is not known to whom.
    const fn words(self) -> &'static str {
        match self {
            Self::Request => "the request cannot be sent as it is",
            Self::Resolve => "the host name does not resolve",
            Self::Forbidden => "the address is not allowed",
            Self::Connect => "cannot connect",
            Self::Tls => "the TLS handshake failed",
            Self::Proxy => "the proxy did not let the request through",
            Self::Timeout => "no answer in time",
            Self::Broken => "the connection broke",
            Self::Protocol => "the answer is not HTTP",
        }
    }
}

impl TransportError {
    /// An error without a cause.
    pub fn new(kind: TransportErrorKind, delivery: Delivery) -> Self {
        Self { kind, delivery, peer: None, source: None }
    }

    /// The same with what caused it. The cause must not name URL or headers.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }

    /// The same, said of this `host:port`, unless it is said of one already.
    ///
    /// [`HttpClient`] does this for any transport.
    #[must_use]
    pub fn with_peer(mut self, peer: impl Into<Arc<str>>) -> Self {
        self.peer.get_or_insert_with(|| peer.into());
        self
    }

    /// Whom the request was for: `host:port`, as the URL has it.
    pub fn peer(&self) -> Option<&str> {
        self.peer.as_deref()
    }

    /// What went wrong.
    pub fn kind(&self) -> TransportErrorKind {
        self.kind
    }

    /// Whether the request may have arrived.
    pub fn delivery(&self) -> Delivery {
        self.delivery
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(peer) = &self.peer else { return f.write_str(self.kind.words()) };
        let host = peer.rsplit_once(':').map_or(&**peer, |(host, _)| host);
        match self.kind {
            TransportErrorKind::Request => {
                write!(f, "the request to {peer} cannot be sent as it is")
            }
            TransportErrorKind::Resolve => write!(f, "the host name {host} does not resolve"),
            TransportErrorKind::Forbidden => write!(f, "the address of {peer} is not allowed"),
            TransportErrorKind::Connect => write!(f, "cannot connect to {peer}"),
            TransportErrorKind::Tls => write!(f, "the TLS handshake with {peer} failed"),
            TransportErrorKind::Proxy => {
                write!(f, "the proxy did not let the request to {peer} through")
            }
            TransportErrorKind::Timeout => write!(f, "no answer in time from {peer}"),
            TransportErrorKind::Broken => write!(f, "the connection to {peer} broke"),
            TransportErrorKind::Protocol => write!(f, "the answer of {peer} is not HTTP"),
        }
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// Any [`Transport`], erased: cheap to clone, and a `Transport` itself.
///
/// Keeps [`Deadlines::total`], ends an exchange whose transport keeps none of
/// its deadlines, and has errors name host and port. Needs a tokio runtime that has its clock.
#[derive(Clone)]
pub struct HttpClient(Arc<dyn Erased>);

impl HttpClient {
    /// Erases a transport.
    pub fn new(transport: impl Transport) -> Self {
        Self(Arc::new(transport))
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HttpClient")
    }
}

impl Transport for HttpClient {
    async fn send(
        &self,
        request: Request<Bytes>,
        deadlines: Deadlines,
    ) -> Result<Response<Body>, TransportError> {
        let peer = limited::peer(request.uri());
        limited::within(deadlines, peer, self.0.send_boxed(request, deadlines)).await
    }
}

type Answer<'a> = Pin<Box<dyn Future<Output = Result<Response<Body>, TransportError>> + Send + 'a>>;

trait Erased: Send + Sync {
    fn send_boxed(&self, request: Request<Bytes>, deadlines: Deadlines) -> Answer<'_>;
}

impl<T: Transport> Erased for T {
    fn send_boxed(&self, request: Request<Bytes>, deadlines: Deadlines) -> Answer<'_> {
        Box::pin(self.send(request, deadlines))
    }
}
