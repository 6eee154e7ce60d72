//! TCP: a name resolved, its addresses vetted, the first that answers connected to.

use std::{
    collections::HashMap,
    future::{Future, Ready, ready},
    io, iter,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use hyper_util::{
    client::legacy::connect::{HttpConnector, dns::Name},
    rt::TokioIo,
};
use tokio::net::{TcpStream, lookup_host};
use tower_service::Service;

use super::{
    classify::{copied, find},
    race::race,
};
use crate::{AddressRules, Delivery, TransportError, TransportErrorKind as Kind};

pub(super) type Tcp = TokioIo<TcpStream>;

/// How long a connection may be silent before the system asks after it.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Connects to a URI's host, within the rules.
#[derive(Clone)]
pub(super) struct Dial {
    rules: Arc<AddressRules>,
    names: Arc<Names>,
}

/// Names whose addresses are given, in lower case.
pub(super) type Names = HashMap<String, Vec<IpAddr>>;

impl Dial {
    pub(super) fn new(rules: Arc<AddressRules>, names: Arc<Names>) -> Self {
        Self { rules, names }
    }

    async fn dial(self, dst: Uri) -> Result<Tcp, TransportError> {
        let addresses = self.resolve(&dst).await?;
        race(&addresses, |address| Self::dial_one(dst.clone(), address)).await
    }

    async fn dial_one(dst: Uri, address: SocketAddr) -> Result<Tcp, TransportError> {
        let mut connector = HttpConnector::new_with_resolver(Vetted(address));
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

    /// The addresses of a URI's host that may be connected to.
    pub(super) async fn resolve(&self, dst: &Uri) -> Result<Vec<SocketAddr>, TransportError> {
        let host = dst.host().unwrap_or_default();
        let port = port(dst);
        let found: Vec<_> = match (literal(host), self.names.get(&host.to_ascii_lowercase())) {
            (Some(address), _) => vec![SocketAddr::new(address, port)],
            (None, Some(given)) => given.iter().map(|ip| SocketAddr::new(*ip, port)).collect(),
            (None, None) => lookup_host((host, port)).await.map_err(unresolved)?.collect(),
        };
        let refused = found.first().map(SocketAddr::ip);
        let allowed: Vec<_> = found
            .into_iter()
            .filter(|address| self.rules.allows(host, port, address.ip()))
            .collect();
        match refused {
            None => Err(TransportError::new(Kind::Resolve, Delivery::NotSent)),
            Some(address) if allowed.is_empty() => Err(forbidden(host, port, address)),
            Some(_) => Ok(allowed),
        }
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

/// The address a host is, where it is written out.
pub(super) fn literal(host: &str) -> Option<IpAddr> {
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

/// An address that was checked, so that no second look-up can differ.
#[derive(Clone)]
struct Vetted(SocketAddr);

impl Service<Name> for Vetted {
    type Response = iter::Once<SocketAddr>;
    type Error = io::Error;
    type Future = Ready<Result<Self::Response, io::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Name) -> Self::Future {
        ready(Ok(iter::once(self.0)))
    }
}
