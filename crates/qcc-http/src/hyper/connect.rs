//! The way to a host: straight, or through a proxy.

use std::{
    error::Error as StdError,
    fmt,
    future::{Future, Ready, ready},
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::{
    legacy::connect::{
        Connected, Connection,
        proxy::{SocksV4, SocksV5, Tunnel},
    },
    proxy::matcher::Intercept,
};
use rustls::ClientConfig;
use tower_service::Service;

use super::{
    Proxies, classify,
    dial::{Dial, Names, Tcp},
    race::race,
};
use crate::{
    AddressPolicy, TransportError, TransportErrorKind as Kind, guard::port_of, transport::find,
};

type Stream = MaybeHttpsStream<Tcp>;

/// How many addresses of a target a SOCKS proxy is asked for at most.
const ASKED_OF_A_PROXY: usize = 8;

/// Connects to where a request goes, TLS to the target not included.
#[derive(Clone)]
pub(super) struct Hops {
    proxies: Proxies,
    addresses: AddressPolicy,
    names: Arc<Names>,
    tls: Arc<ClientConfig>,
}

impl Hops {
    pub(super) fn new(
        proxies: Proxies,
        addresses: AddressPolicy,
        names: Arc<Names>,
        tls: Arc<ClientConfig>,
    ) -> Self {
        Self { proxies, addresses, names, tls }
    }

    /// The way to the target's own addresses, within the rules.
    fn dial(&self) -> Dial {
        Dial::new(self.addresses.clone(), Arc::clone(&self.names))
    }

    async fn connect(self, dst: Uri) -> Result<Hop, TransportError> {
        let Some(proxy) = self.proxies.intercept(&dst) else {
            let tcp = self.dial().call(dst).await?;
            return Ok(Hop { stream: MaybeHttpsStream::Http(tcp), is_proxied: false });
        };
        // The proxy resolves the name, so only an address written out can be judged.
        self.addresses.check_literal(&dst)?;
        match proxy.uri().scheme_str() {
            Some("http" | "https") => self.over_http(dst, &proxy).await,
            _ => self.over_socks(dst, &proxy).await,
        }
    }

    /// A plain target is asked of the proxy itself, an encrypted one by tunnel.
    async fn over_http(&self, dst: Uri, proxy: &Intercept) -> Result<Hop, TransportError> {
        let stream = self.to_proxy(proxy.uri()).await?;
        if dst.scheme_str() != Some("https") {
            return Ok(Hop { stream, is_proxied: true });
        }
        let mut tunnel = Tunnel::new(proxy.uri().clone(), Once(Some(stream)));
        if let Some(authorization) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(authorization.clone());
        }
        let stream = tunnel.call(dst).await.map_err(|error| no_way(proxy.uri(), error))?;
        Ok(Hop { stream, is_proxied: false })
    }

    async fn over_socks(&self, dst: Uri, proxy: &Intercept) -> Result<Hop, TransportError> {
        let scheme = proxy.uri().scheme_str().unwrap_or_default();
        let target = with_port(&dst, port_of(&dst))?;
        if !matches!(scheme, "socks4" | "socks5") {
            return self.socks_to(target, proxy).await;
        }
        let mut addresses = self.dial().resolve(&target).await?;
        addresses.retain(|address| scheme == "socks5" || address.is_ipv4());
        if addresses.is_empty() {
            return Err(TransportError::new(Kind::Resolve)
                .with_source("it has no IPv4 address, which is all a SOCKS4 proxy takes"));
        }
        addresses.truncate(ASKED_OF_A_PROXY);
        // A dead address is the proxy's to wait for, which may take all the time there is.
        race(&addresses, |address| async move {
            let target = Uri::builder()
                .scheme("http")
                .authority(address.to_string())
                .path_and_query("/")
                .build()
                .map_err(|_| TransportError::new(Kind::Request))?;
            self.socks_to(target, proxy).await
        })
        .await
    }

    async fn socks_to(&self, target: Uri, proxy: &Intercept) -> Result<Hop, TransportError> {
        let is_v4 = proxy.uri().scheme_str().is_some_and(|scheme| scheme.starts_with("socks4"));
        let at = with_port(proxy.uri(), proxy.uri().port_u16().unwrap_or(1080))?;
        let once = Once(Some(self.to_proxy(&at).await?));
        let stream = if is_v4 {
            SocksV4::new(at.clone(), once).call(target).await
        } else {
            let mut socks = SocksV5::new(at.clone(), once);
            if let Some((user, password)) = proxy.raw_auth() {
                socks = socks.with_auth(user.to_owned(), password.to_owned());
            }
            socks.call(target).await
        };
        let stream = stream.map_err(|error| no_way(&at, error))?;
        Ok(Hop { stream, is_proxied: false })
    }

    /// The proxy is the operator's: no address rules.
    async fn to_proxy(&self, proxy: &Uri) -> Result<Stream, TransportError> {
        let dial = Dial::new(AddressPolicy::any(), Arc::clone(&self.names));
        let mut connector = HttpsConnector::from((dial, Arc::clone(&self.tls)));
        // Every scheme but https is plain TCP to begin with.
        let plain =
            if proxy.scheme_str() == Some("https") { proxy.clone() } else { as_http(proxy)? };
        connector.call(plain).await.map_err(|error| {
            let error: &(dyn StdError + 'static) = error.as_ref();
            let cause = find::<TransportError>(error)
                .cloned()
                .unwrap_or_else(|| classify::handshake(error));
            TransportError::new(cause.kind())
                .with_source(AtProxy { proxy: authority(proxy), cause: Box::new(cause) })
        })
    }
}

impl Service<Uri> for Hops {
    type Response = Hop;
    type Error = TransportError;
    type Future = Pin<Box<dyn Future<Output = Result<Hop, TransportError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, dst: Uri) -> Self::Future {
        Box::pin(self.clone().connect(dst))
    }
}

/// The proxy was reached and did not open the way.
///
/// Other credentials are a person's to find. Whatever else happens there may be
/// over soon: a proxy that restarts, or one that does not reach the target.
fn no_way(proxy: &Uri, error: impl StdError + Send + Sync + 'static) -> TransportError {
    let said = error.to_string();
    // The types of these errors are not exported.
    let wants_credentials =
        ["authorization", "authentication", "credentials"].iter().any(|word| said.contains(word));
    let kind = if wants_credentials { Kind::Proxy } else { Kind::Connect };
    TransportError::new(kind).with_source(format!("the proxy {}: {said}", authority(proxy)))
}

/// Host and port; user and password were taken off when the proxy was parsed.
fn authority(proxy: &Uri) -> String {
    proxy.authority().map(ToString::to_string).unwrap_or_default()
}

fn as_http(uri: &Uri) -> Result<Uri, TransportError> {
    with_port(uri, port_of(uri))
}

/// `http`, the URI's host and this port: what the handshakes below read from.
fn with_port(uri: &Uri, port: u16) -> Result<Uri, TransportError> {
    Uri::builder()
        .scheme("http")
        .authority(format!("{}:{port}", uri.host().unwrap_or_default()))
        .path_and_query("/")
        .build()
        .map_err(|_| TransportError::new(Kind::Request))
}

/// Says that it was the proxy which could not be reached.
#[derive(Debug)]
struct AtProxy {
    proxy: String,
    cause: Box<TransportError>,
}

impl fmt::Display for AtProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the proxy {} cannot be reached", self.proxy)
    }
}

impl StdError for AtProxy {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        // The cause's own words are already said by the error around this one.
        self.cause.source()
    }
}

/// A connector that has connected already.
struct Once(Option<Stream>);

impl Service<Uri> for Once {
    type Response = Stream;
    type Error = io::Error;
    type Future = Ready<Result<Stream, io::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        ready(self.0.take().ok_or_else(|| io::ErrorKind::NotConnected.into()))
    }
}

/// A connection that knows whether requests on it are addressed to a proxy.
pub(super) struct Hop {
    stream: Stream,
    is_proxied: bool,
}

impl Connection for Hop {
    fn connected(&self) -> Connected {
        Connected::new().proxy(self.is_proxied)
    }
}

impl Read for Hop {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl Write for Hop {
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

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }
}
