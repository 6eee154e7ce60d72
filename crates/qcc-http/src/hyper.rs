//! The transport that comes with the crate: hyper, rustls, proxies.

mod classify;
mod connect;
mod dial;
mod proxies;
mod race;
mod tls;

use std::{
    fmt,
    net::IpAddr,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::{Either, select};
use http::{HeaderValue, Method, Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::capture_connection},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::ClientConfig;
use tokio::time::{Instant, timeout};

use self::{connect::Hops, dial::Names};
use crate::{
    AddressChecks, AddressPolicy, Body, SendOptions, Transport, TransportError,
    TransportErrorKind as Kind,
    limits::{self, Limited, late},
};

pub use proxies::{InvalidProxy, Proxies};
pub use tls::{Identity, InvalidTls, Roots, TlsProvider};

/// How long an unused connection is kept; shorter than servers usually do.
const IDLE_CONNECTION: Duration = Duration::from_secs(20);

/// More headers than any answer has. The length of a head is limited, too.
const MAX_HEADERS: usize = 500;

/// A client has two address policies, one for calls and one for downloads.
const MAX_POOLS: usize = 8;

/// A [`Transport`] over hyper: HTTP/1.1, TLS by rustls, HTTP and SOCKS proxies.
///
/// Cheap to clone; clones share their connections. It runs on tokio and does not
/// read the environment. A pooled connection that turns out to be closed before a
/// byte of the request was written is replaced; nothing else is tried twice.
/// Where a name has several addresses they are raced as RFC 8305 says, so that a
/// dead one among them costs a quarter of a second.
///
/// Each address is checked against [`SendOptions::addresses`] right before it is
/// connected to, and a connection is only used again for requests with the same
/// address policy. A proxy is the operator's choice, so its own address is not
/// checked. Where a proxy resolves names itself (HTTP, `socks5h`, `socks4a`),
/// only addresses written out in the URL are.
///
/// Header names go out in title case (`Timespan`), as the manual spells them.
#[derive(Clone)]
pub struct HyperTransport {
    shared: Arc<Shared>,
}

type Pool = Client<HttpsConnector<Hops>, Full<Bytes>>;

struct Shared {
    /// A pool of connections for each address policy, the latest last.
    pools: Mutex<Vec<(AddressPolicy, Pool)>>,
    proxies: Proxies,
    names: Arc<Names>,
    tls: Arc<ClientConfig>,
    user_agent: Option<HeaderValue>,
}

impl HyperTransport {
    /// Bundled and platform roots, no proxy.
    pub fn builder() -> HyperTransportBuilder {
        HyperTransportBuilder {
            roots: Roots::default(),
            identity: None,
            provider: None,
            proxies: Proxies::none(),
            names: Names::new(),
            user_agent: HeaderValue::from_str(concat!("qcc/", env!("CARGO_PKG_VERSION"))).ok(),
        }
    }

    /// The connections made under this policy.
    fn pool(&self, addresses: &AddressPolicy) -> Pool {
        let mut pools = self.shared.pools.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, pool)) = pools.iter().find(|(policy, _)| policy == addresses) {
            return pool.clone();
        }
        if pools.len() >= MAX_POOLS {
            pools.remove(0);
        }
        let pool = self.shared.new_pool(addresses.clone());
        pools.push((addresses.clone(), pool.clone()));
        pool
    }

    /// What is added to the caller's headers: nothing that a presigned link
    /// would have to cover.
    fn outgoing(&self, request: Request<Bytes>) -> Result<Request<Full<Bytes>>, TransportError> {
        let refused = |why: &'static str| TransportError::new(Kind::Request).with_source(why);
        let uri = request.uri();
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(refused("it is not an http or https URL"));
        }
        match uri.authority() {
            Some(authority) if authority.as_str().contains('@') => {
                return Err(refused("its URL contains a user name"));
            }
            Some(authority) if !authority.host().is_empty() => {}
            _ => return Err(refused("its URL names no host")),
        }
        if request.method() == Method::CONNECT {
            return Err(refused("CONNECT opens a tunnel, which gets no answer to read"));
        }
        let proxy_authorization = self.shared.proxies.authorization_for(uri);
        let mut request = request.map(Full::new);
        *request.version_mut() = http::Version::HTTP_11;
        let headers = request.headers_mut();
        if let Some(value) = proxy_authorization {
            headers.insert(header::PROXY_AUTHORIZATION, value);
        }
        if let Some(value) = &self.shared.user_agent {
            headers.entry(header::USER_AGENT).or_insert_with(|| value.clone());
        }
        Ok(request)
    }
}

impl Shared {
    fn new_pool(&self, addresses: AddressPolicy) -> Pool {
        let tls = Arc::clone(&self.tls);
        let names = Arc::clone(&self.names);
        let hops = Hops::new(self.proxies.clone(), addresses, names, Arc::clone(&tls));
        Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_CONNECTION)
            .pool_max_idle_per_host(4)
            .http1_title_case_headers(true)
            // As lenient as curl with heads that leave no doubt. Lengths stay strict.
            .http1_allow_spaces_after_header_name_in_responses(true)
            .http1_allow_obsolete_multiline_headers_in_responses(true)
            .http1_ignore_invalid_headers_in_responses(true)
            .http1_max_headers(MAX_HEADERS)
            .build(HttpsConnector::from((hops, tls)))
    }
}

impl Transport for HyperTransport {
    async fn send(
        &self,
        request: Request<Bytes>,
        options: &SendOptions,
    ) -> Result<Response<Body>, TransportError> {
        let timeouts = options.timeouts;
        let (started, peer) = (Instant::now(), limits::peer(request.uri()));
        let mut request = self.outgoing(request)?;
        let mut connection = capture_connection(&mut request);
        let answering = pin!(self.pool(&options.addresses).request(request));
        let connecting = pin!(async {
            drop(connection.wait_for_connection_metadata().await);
        });

        let answered = match timeout(timeouts.connect, select(answering, connecting)).await {
            Err(_) => {
                let why = format!("not connected after {:?}", timeouts.connect);
                return Err(TransportError::new(Kind::Connect).with_source(why));
            }
            Ok(Either::Left((answered, _))) => answered,
            Ok(Either::Right((_, answering))) => timeout(timeouts.head, answering)
                .await
                .map_err(|_| late("no answer", timeouts.head))?,
        };
        let (mut head, body) = answered.map_err(|error| classify::request(&error))?.into_parts();
        head.extensions.clear();
        let body = Limited::body(Body::new(body.map_err(classify::body)), timeouts, started, peer);
        Ok(Response::from_parts(head, body))
    }

    fn address_checks(&self) -> AddressChecks {
        match self.shared.proxies.is_none() {
            true => AddressChecks::EveryConnection,
            false => AddressChecks::ExceptThroughProxies,
        }
    }
}

impl fmt::Debug for HyperTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyperTransport")
            .field("proxies", &self.shared.proxies)
            .finish_non_exhaustive()
    }
}

/// Builds a [`HyperTransport`].
#[derive(Debug, Clone)]
#[must_use]
pub struct HyperTransportBuilder {
    roots: Roots,
    identity: Option<Identity>,
    provider: Option<TlsProvider>,
    proxies: Proxies,
    names: Names,
    user_agent: Option<HeaderValue>,
}

impl HyperTransportBuilder {
    /// Which certificate authorities to trust.
    pub fn roots(mut self, roots: Roots) -> Self {
        self.roots = roots;
        self
    }

    /// The client certificate to show to servers that ask for one.
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Which library does the cryptography of TLS. Unless set, ring where the
    /// feature `ring` is on, else aws-lc-rs.
    pub fn tls_provider(mut self, provider: TlsProvider) -> Self {
        self.provider = Some(provider);
        self
    }

    /// Which proxies to go through.
    pub fn proxies(mut self, proxies: Proxies) -> Self {
        self.proxies = proxies;
        self
    }

    /// Which addresses `host` has, whatever the system's resolver says.
    ///
    /// Address policies hold for these addresses, too. A proxy that resolves names
    /// itself does not learn of them; that of its own name is taken from here.
    pub fn resolve(mut self, host: &str, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        self.names.insert(host.to_ascii_lowercase(), addresses.into_iter().collect());
        self
    }

    /// The `User-Agent`, or none. Unless set, `qcc/` and the version.
    pub fn user_agent(mut self, user_agent: Option<HeaderValue>) -> Self {
        self.user_agent = user_agent;
        self
    }

    /// Reads the roots and builds the transport. Connects to nothing.
    ///
    /// # Errors
    /// [`InvalidTls`] where no root is left to trust, the identity cannot be used,
    /// or no provider is compiled in.
    pub fn build(self) -> Result<HyperTransport, InvalidTls> {
        let tls = tls::config(self.roots, self.identity, self.provider)?;
        Ok(HyperTransport {
            shared: Arc::new(Shared {
                pools: Mutex::default(),
                proxies: self.proxies,
                names: Arc::new(self.names),
                tls: Arc::new(tls),
                user_agent: self.user_agent,
            }),
        })
    }
}
