//! Why there is no answer, or only a part of one.

use std::{borrow::Cow, error::Error as StdError, fmt, io, sync::Arc};

/// No answer, or one that broke off.
///
/// Holds host and port of the request and nothing else of it: no path, no query,
/// no header, no key.
#[derive(Debug, Clone)]
pub struct TransportError {
    kind: TransportErrorKind,
    peer: Option<Arc<str>>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// What went wrong, by what a caller does about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// The request itself cannot be sent: no host, a bad URI. Do not repeat it.
    Request,
    /// The name did not resolve. Repeat later.
    Resolve,
    /// The [`AddressPolicy`](crate::AddressPolicy) refuses the address. Do not
    /// repeat.
    Forbidden,
    /// No connection was established: refused, no answer in time, or the proxy did
    /// not open the way. Repeat later.
    Connect,
    /// The TLS handshake failed. Repeat later; a person should look if it persists.
    Tls,
    /// The proxy wants other credentials. A person should look.
    Proxy,
    /// A time limit passed after the connection was established. Repeat later.
    Timeout,
    /// The connection broke while it was in use. Repeat later.
    Broken,
    /// The answer is not HTTP. Repeat later.
    Protocol,
}

impl TransportErrorKind {
    /// The kind as a word: `resolve`, `connect`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Resolve => "resolve",
            Self::Forbidden => "forbidden",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Proxy => "proxy",
            Self::Timeout => "timeout",
            Self::Broken => "broken",
            Self::Protocol => "protocol",
        }
    }

    /// Whether the same request may succeed later without anybody's help.
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

    /// Whether the other side may have seen the request.
    pub const fn may_have_arrived(self) -> bool {
        matches!(self, Self::Timeout | Self::Broken | Self::Protocol)
    }
}

impl TransportError {
    /// An error without a cause.
    pub const fn new(kind: TransportErrorKind) -> Self {
        Self { kind, peer: None, source: None }
    }

    /// Classifies the error of an HTTP stack by the first error in its chain that
    /// says what happened.
    ///
    /// A `TransportError` in it is returned as it is. An [`io::Error`] is
    /// [`Timeout`](TransportErrorKind::Timeout),
    /// [`Connect`](TransportErrorKind::Connect) where the connection was refused,
    /// [`Protocol`](TransportErrorKind::Protocol) where the data was invalid, else
    /// [`Broken`](TransportErrorKind::Broken). With the feature `hyper`, a parse
    /// error of hyper is `Protocol`. Everything else is `Broken`.
    ///
    /// Only the error that decided is kept as the source, because others in the
    /// chain may show the URL.
    pub fn from_chain(error: &(dyn StdError + 'static)) -> Self {
        if let Some(ours) = find::<Self>(error) {
            return ours.clone();
        }
        #[cfg(feature = "hyper")]
        if let Some(cause) = find::<hyper::Error>(error).filter(|cause| cause.is_parse()) {
            return Self::new(TransportErrorKind::Protocol).with_source(cause.to_string());
        }
        match find_last::<io::Error>(error) {
            Some(cause) => Self::new(kind_of(cause)).with_source(copied(cause)),
            None => Self::new(TransportErrorKind::Broken),
        }
    }

    /// The same with what caused it. The cause must not show URL or headers.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }

    /// The same with the `host:port` it is about, unless it names one already.
    ///
    /// [`AnyTransport`](crate::AnyTransport) does this for any transport.
    #[must_use]
    pub fn with_peer(mut self, peer: impl Into<Arc<str>>) -> Self {
        self.peer.get_or_insert_with(|| peer.into());
        self
    }

    /// Whom the request was for: `host:port`, as in the URL.
    pub fn peer(&self) -> Option<&str> {
        self.peer.as_deref()
    }

    /// What went wrong.
    pub const fn kind(&self) -> TransportErrorKind {
        self.kind
    }

    /// What a person can do about it, where there is something; a whole sentence.
    pub fn advice(&self) -> Option<Cow<'static, str>> {
        let text = match self.kind {
            TransportErrorKind::Request => "Check the URL.",
            TransportErrorKind::Resolve => "Check the host name and the DNS of this machine.",
            TransportErrorKind::Forbidden => match &self.peer {
                Some(peer) => {
                    return Some(format!("If this address is meant, allow {peer}.").into());
                }
                None => "If this address is meant, allow the host together with its port.",
            },
            TransportErrorKind::Tls => {
                "If a proxy of your company inspects TLS, trust its certificate authority."
            }
            TransportErrorKind::Proxy => "Put user name and password of the proxy into its URL.",
            TransportErrorKind::Connect
            | TransportErrorKind::Timeout
            | TransportErrorKind::Broken
            | TransportErrorKind::Protocol => return None,
        };
        Some(text.into())
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use TransportErrorKind as Kind;
        let Some(peer) = &self.peer else {
            return f.write_str(match self.kind {
                Kind::Request => "the request cannot be sent as it is",
                Kind::Resolve => "the host name does not resolve",
                Kind::Forbidden => "the address is not allowed",
                Kind::Connect => "cannot connect",
                Kind::Tls => "the TLS handshake failed",
                Kind::Proxy => "the proxy did not let the request through",
                Kind::Timeout => "no answer in time",
                Kind::Broken => "the connection broke",
                Kind::Protocol => "the answer is not HTTP",
            });
        };
        let host = peer.rsplit_once(':').map_or(&**peer, |(host, _)| host);
        match self.kind {
            Kind::Request => write!(f, "the request to {peer} cannot be sent as it is"),
            Kind::Resolve => write!(f, "the host name {host} does not resolve"),
            Kind::Forbidden => write!(f, "the address of {peer} is not allowed"),
            Kind::Connect => write!(f, "cannot connect to {peer}"),
            Kind::Tls => write!(f, "the TLS handshake with {peer} failed"),
            Kind::Proxy => write!(f, "the proxy did not let the request to {peer} through"),
            Kind::Timeout => write!(f, "no answer in time from {peer}"),
            Kind::Broken => write!(f, "the connection to {peer} broke"),
            Kind::Protocol => write!(f, "the answer of {peer} is not HTTP"),
        }
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

fn kind_of(error: &io::Error) -> TransportErrorKind {
    match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => TransportErrorKind::Timeout,
        io::ErrorKind::InvalidData => TransportErrorKind::Protocol,
        io::ErrorKind::ConnectionRefused
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::AddrNotAvailable => TransportErrorKind::Connect,
        _ => TransportErrorKind::Broken,
    }
}

/// An I/O error like this one, which cannot be moved out of its chain.
pub(crate) fn copied(error: &io::Error) -> io::Error {
    error.raw_os_error().map_or_else(
        || io::Error::new(error.kind(), error.to_string()),
        io::Error::from_raw_os_error,
    )
}

/// The first error of this type in a chain.
pub(crate) fn find<'a, T: StdError + 'static>(
    error: &'a (dyn StdError + 'static),
) -> Option<&'a T> {
    chain(error).find_map(|error| error.downcast_ref())
}

/// The last error of this type in a chain: the one nearest to what happened.
fn find_last<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    chain(error).filter_map(|error| error.downcast_ref()).last()
}

/// An error and its causes. An `io::Error` that wraps another skips it in `source()`,
/// so it is asked itself.
fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| {
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner as _),
            None => error.source(),
        }
    })
}
