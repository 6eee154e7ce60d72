//! TCP: a name resolved, its addresses vetted, one of them connected to.

use std::{
    future::{Future, Ready, ready},
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
    vec,
};

use http::Uri;
use hyper_util::{
    client::legacy::connect::{HttpConnector, dns::Name},
    rt::TokioIo,
};
use tokio::net::{TcpStream, lookup_host};
use tower_service::Service;

use super::classify::{copied, find};
use crate::{AddressRules, Delivery, TransportError, TransportErrorKind as Kind};

pub(super) type Tcp = TokioIo<TcpStream>;

/// How long a connection may be silent before the system asks after it.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Connects to a URI's host, within the rules.
#[derive(Clone)]
pub(super) struct Dial {
    rules: Arc<AddressRules>,
}

impl Dial {
    pub(super) fn new(rules: Arc<AddressRules>) -> Self {
        Self { rules }
    }

    async fn dial(self, dst: Uri) -> Result<Tcp, TransportError> {
        let addresses = resolve(&self.rules, &dst).await?;
        let mut connector = HttpConnector::new_with_resolver(Vetted(addresses));
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_keepalive(Some(KEEPALIVE));
        connector.call(dst).await.map_err(|error| {
            let failed = TransportError::new(Kind::Connect, Delivery::NotSent);
            match find::<io::Error>(&error) {
                Some(cause) => failed.with_source(copied(cause)),
                None => failed.with_source(error),
            }
        })
    }
}

impl Service<Uri> for Dial {
    type Response = Tcp;
    type Error = TransportError;
    type Future = Pin<Box<dyn Future<Output = Result<Tcp, TransportError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, dst: Uri) -> Self::Future {
        Box::pin(self.clone().dial(dst))
    }
}

/// The addresses of a URI's host that may be connected to.
pub(super) async fn resolve(
    rules: &AddressRules,
    dst: &Uri,
) -> Result<Vec<SocketAddr>, TransportError> {
    let host = dst.host().unwrap_or_default();
    let port = port(dst);
    let found: Vec<_> = match literal(host) {
        Some(address) => vec![SocketAddr::new(address, port)],
        None => lookup_host((host, port)).await.map_err(unresolved)?.collect(),
    };
    let refused = found.first().map(SocketAddr::ip);
    let allowed: Vec<_> =
        found.into_iter().filter(|address| rules.allows(host, port, address.ip())).collect();
    match refused {
        None => Err(TransportError::new(Kind::Resolve, Delivery::NotSent)),
        Some(address) if allowed.is_empty() => Err(forbidden(host, port, address)),
        Some(_) => Ok(allowed),
    }
}

/// Refuses an address written out in the URI, where somebody else resolves names.
pub(super) fn check_literal(rules: &AddressRules, dst: &Uri) -> Result<(), TransportError> {
    let (host, port) = (dst.host().unwrap_or_default(), port(dst));
    match literal(host) {
        Some(address) if !rules.allows(host, port, address) => Err(forbidden(host, port, address)),
        _ => Ok(()),
    }
}

/// The URI's port, or its scheme's.
pub(super) fn port(dst: &Uri) -> u16 {
    let by_scheme = if dst.scheme_str() == Some("https") { 443 } else { 80 };
    dst.port_u16().unwrap_or(by_scheme)
}

fn literal(host: &str) -> Option<IpAddr> {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    bare.parse().ok()
}

fn unresolved(error: io::Error) -> TransportError {
    TransportError::new(Kind::Resolve, Delivery::NotSent).with_source(error)
}

fn forbidden(host: &str, port: u16, address: IpAddr) -> TransportError {
    TransportError::new(Kind::Forbidden, Delivery::NotSent).with_source(format!(
        "{host} is at {address}, which is no public address; if that is meant, allow {host}:{port}"
    ))
}

/// Addresses that were checked, so that no second look-up can differ.
#[derive(Clone)]
struct Vetted(Vec<SocketAddr>);

impl Service<Name> for Vetted {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Ready<Result<Self::Response, io::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Name) -> Self::Future {
        ready(Ok(self.0.clone().into_iter()))
    }
}
