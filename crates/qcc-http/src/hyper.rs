//! The transport that comes with the crate: hyper, rustls, proxies.

mod classify;
mod connect;
mod dial;
mod paced;
mod proxies;
mod race;
mod roots;

use std::{fmt, net::IpAddr, pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::{Either, select};
use http::{HeaderValue, Method, Request, Response, header};
use http_body_util::Full;
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::capture_connection},
    rt::{TokioExecutor, TokioTimer},
};
use tokio::time::timeout;

use self::{connect::Hops, dial::Names, paced::Paced};
use crate::{
    AddressRules, Body, Deadlines, Delivery, Transport, TransportError, TransportErrorKind,
};

pub use proxies::{InvalidProxy, Proxies};
pub use roots::{InvalidRoots, Roots};

/// How long an unused connection is kept; shorter than servers usually do.
const IDLE_CONNECTION: Duration = Duration::from_secs(20);

/// More headers than any answer has; how long a head may be is limited, too.
const MANY_HEADERS: usize = 500;

/// A [`Transport`] over hyper: HTTP/1.1, TLS by rustls, HTTP and SOCKS proxies.
///
/// Cheap to clone; clones share one pool of connections. It runs on tokio and
/// reads no environment. A pooled connection that turns out closed before a
/// byte of the request was written is replaced; nothing else is tried twice.
/// Where a name has several addresses they are raced, so that a dead one among
/// them costs a quarter of a second.
///
/// Header names go out in title case (`Timespan`), as the manual spells them.
#[derive(Clone)]
pub struct HyperTransport {
    client: Client<HttpsConnector<Hops>, Full<Bytes>>,
    proxies: Proxies,
    user_agent: Option<HeaderValue>,
}

impl HyperTransport {
    /// Bundled and platform roots, no proxy, every address allowed.
    pub fn builder() -> HyperTransportBuilder {
        HyperTransportBuilder {
            roots: Roots::default(),
            proxies: Proxies::none(),
            rules: AddressRules::any(),
            names: Names::new(),
            user_agent: HeaderValue::from_str(concat!("qcc/", env!("CARGO_PKG_VERSION"))).ok(),
        }
    }

    /// What is added to the caller's headers: nothing that a presigned link
    /// would have to cover.
    fn outgoing(&self, request: Request<Bytes>) -> Result<Request<Full<Bytes>>, TransportError> {
        let refused = |why: &'static str| {
            TransportError::new(TransportErrorKind::Request, Delivery::NotSent).with_source(why)
        };
        let uri = request.uri();
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(refused("it is no http or https URL"));
        }
        match uri.authority() {
            Some(authority) if authority.as_str().contains('@') => {
                return Err(refused("its URL carries a user name"));
            }
            Some(authority) if !authority.host().is_empty() => {}
            _ => return Err(refused("its URL names no host")),
        }
        if request.method() == Method::CONNECT {
            return Err(refused("CONNECT opens a tunnel and is no exchange"));
        }
        let proxy_authorization = self.proxies.authorization_for(uri);
        let mut request = request.map(Full::new);
        *request.version_mut() = http::Version::HTTP_11;
        let headers = request.headers_mut();
        if let Some(value) = proxy_authorization {
            headers.insert(header::PROXY_AUTHORIZATION, value);
        }
        if let Some(value) = &self.user_agent {
            headers.entry(header::USER_AGENT).or_insert_with(|| value.clone());
        }
        Ok(request)
    }
}

impl Transport for HyperTransport {
    async fn send(
        &self,
        request: Request<Bytes>,
        deadlines: Deadlines,
    ) -> Result<Response<Body>, TransportError> {
        let mut request = self.outgoing(request)?;
        let mut connection = capture_connection(&mut request);
        let answering = pin!(self.client.request(request));
        let connecting = pin!(async {
            drop(connection.wait_for_connection_metadata().await);
        });

        let answered = match timeout(deadlines.connect, select(answering, connecting)).await {
            Err(_) => return Err(late(Delivery::NotSent, "not connected", deadlines.connect)),
            Ok(Either::Left((answered, _))) => answered,
            Ok(Either::Right((_, answering))) => timeout(deadlines.head, answering)
                .await
                .map_err(|_| late(Delivery::Unknown, "no answer", deadlines.head))?,
        };
        let (mut head, body) = answered.map_err(|error| classify::request(&error))?.into_parts();
        head.extensions.clear();
        Ok(Response::from_parts(head, Body::new(Paced::new(body, deadlines.idle))))
    }
}

fn late(delivery: Delivery, what: &str, after: Duration) -> TransportError {
    TransportError::new(TransportErrorKind::Timeout, delivery)
        .with_source(format!("{what} after {after:?}"))
}

impl fmt::Debug for HyperTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyperTransport").field("proxies", &self.proxies).finish_non_exhaustive()
    }
}

/// Builds a [`HyperTransport`].
#[derive(Debug, Clone)]
#[must_use]
pub struct HyperTransportBuilder {
    roots: Roots,
    proxies: Proxies,
    rules: AddressRules,
    names: Names,
    user_agent: Option<HeaderValue>,
}

impl HyperTransportBuilder {
    /// Whom to trust for TLS.
    pub fn roots(mut self, roots: Roots) -> Self {
        self.roots = roots;
        self
    }

    /// Which proxies to go through.
    pub fn proxies(mut self, proxies: Proxies) -> Self {
        self.proxies = proxies;
        self
    }

    /// Which addresses may be connected to.
    ///
    /// The address that is checked is the one that is connected to. A proxy is
    /// the operator's and not checked; where it resolves names itself (HTTP,
    /// `socks5h`, `socks4a`), only addresses written out in the URL are.
    pub fn address_rules(mut self, rules: AddressRules) -> Self {
        self.rules = rules;
        self
    }

    /// Where `host` is, whatever the system's resolver says of it.
    ///
    /// Address rules hold for these addresses, too. A proxy that resolves names
    /// itself does not learn of them; that of its own name is taken from here.
    pub fn resolve(mut self, host: &str, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        self.names.insert(host.to_ascii_lowercase(), addresses.into_iter().collect());
        self
    }

    /// The `User-Agent`, or none; `qcc/` and the version if unset.
    pub fn user_agent(mut self, user_agent: Option<HeaderValue>) -> Self {
        self.user_agent = user_agent;
        self
    }

    /// Reads the roots and builds the transport. Connects to nothing.
    ///
    /// # Errors
    /// [`InvalidRoots`] where no root is left to trust.
    pub fn build(self) -> Result<HyperTransport, InvalidRoots> {
        let tls = Arc::new(self.roots.into_config()?);
        let hops = Hops::new(self.proxies.clone(), self.rules, self.names, Arc::clone(&tls));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_CONNECTION)
            .pool_max_idle_per_host(4)
            .http1_title_case_headers(true)
            // As lenient as curl with heads that leave no doubt. Lengths stay strict.
            .http1_allow_spaces_after_header_name_in_responses(true)
            .http1_allow_obsolete_multiline_headers_in_responses(true)
            .http1_ignore_invalid_headers_in_responses(true)
            .http1_max_headers(MANY_HEADERS)
            .build(HttpsConnector::from((hops, tls)));
        Ok(HyperTransport { client, proxies: self.proxies, user_agent: self.user_agent })
    }
}
