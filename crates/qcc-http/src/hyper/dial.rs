//! TCP: a name is resolved, its addresses are checked, and the first that answers is used.

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

use super::race::race;
use crate::{
    AddressPolicy, TransportError, TransportErrorKind as Kind,
    guard::{literal, port_of},
    transport::{copied, find},
};

pub(super) type Tcp = TokioIo<TcpStream>;

/// How long a connection may be silent before the system probes it.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Connects to the host of a URI, at an address the policy allows.
#[derive(Clone)]
pub(super) struct Dial {
    addresses: AddressPolicy,
    names: Arc<Names>,
}

/// Names whose addresses are given, in lower case.
pub(super) type Names = HashMap<String, Vec<IpAddr>>;

impl Dial {
    pub(super) fn new(addresses: AddressPolicy, names: Arc<Names>) -> Self {
        Self { addresses, names }
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
            let failed = TransportError::new(Kind::Connect);
            match find::<io::Error>(&error) {
                Some(cause) => failed.with_source(copied(cause)),
                None => failed.with_source(error),
            }
        })
    }

    /// The addresses of a URI's host that may be connected to.
    pub(super) async fn resolve(&self, dst: &Uri) -> Result<Vec<SocketAddr>, TransportError> {
        let host = dst.host().unwrap_or_default();
        let port = port_of(dst);
        let found: Vec<_> = match (literal(host), self.names.get(&host.to_ascii_lowercase())) {
            (Some(address), _) => vec![SocketAddr::new(address, port)],
            (None, Some(given)) => given.iter().map(|ip| SocketAddr::new(*ip, port)).collect(),
            (None, None) => lookup_host((host, port)).await.map_err(unresolved)?.collect(),
        };
        let mut allowed = Vec::with_capacity(found.len());
        let mut refused = TransportError::new(Kind::Resolve);
        for address in found {
            match self.addresses.check(host, port, address.ip()) {
                Ok(()) => allowed.push(address),
                Err(error) => refused = error,
            }
        }
        if allowed.is_empty() { Err(refused) } else { Ok(allowed) }
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

fn unresolved(error: io::Error) -> TransportError {
    TransportError::new(Kind::Resolve).with_source(error)
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
