//! A tower service as a [`Transport`].

use std::{error::Error as StdError, fmt, future::poll_fn, marker::PhantomData};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body as HttpBody;
use http_body_util::{BodyExt, Full};
use tower_service::Service;

use crate::{
    AddressChecks, Body, SendOptions, Transport, TransportError, TransportErrorKind as Kind,
};

/// A stack of [tower](https://docs.rs/tower) services as a [`Transport`].
///
/// The service takes requests with the body `B`, which can be made of `Bytes`:
/// `Full<Bytes>` unless named. The [`SendOptions`] are among the extensions of the
/// request, where a layer or the connector can read them. Errors are classified as
/// [`TransportError::from_chain`] says. The service must not follow redirects, repeat
/// requests or decode content.
pub struct TowerTransport<S, B = Full<Bytes>> {
    service: S,
    checks: AddressChecks,
    body: PhantomData<fn() -> B>,
}

impl<S, B> TowerTransport<S, B> {
    /// Wraps a service that does not check addresses.
    pub fn new(service: S) -> Self {
        Self { service, checks: AddressChecks::None, body: PhantomData }
    }

    /// States that the service keeps [`SendOptions::addresses`] for these
    /// connections.
    #[must_use]
    pub fn with_address_checks(mut self, checks: AddressChecks) -> Self {
        self.checks = checks;
        self
    }
}

impl<S, B, R> Transport for TowerTransport<S, B>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + Sync,
    S::Error: Into<Box<dyn StdError + Send + Sync>>,
    S::Future: Send,
    B: From<Bytes> + Send,
    R: HttpBody<Data = Bytes> + Send + 'static,
    R::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    async fn send(
        &self,
        request: Request<Bytes>,
        options: &SendOptions,
    ) -> Result<Response<Body>, TransportError> {
        if request.uri().host().is_none_or(str::is_empty) {
            return Err(TransportError::new(Kind::Request).with_source("its URL names no host"));
        }
        let mut request = request.map(B::from);
        request.extensions_mut().insert(options.clone());
        let mut service = self.service.clone();
        poll_fn(|cx| service.poll_ready(cx)).await.map_err(classified)?;
        let answer = service.call(request).await.map_err(classified)?;
        Ok(answer.map(|body| Body::new(body.map_err(classified))))
    }

    fn address_checks(&self) -> AddressChecks {
        self.checks
    }
}

fn classified(error: impl Into<Box<dyn StdError + Send + Sync>>) -> TransportError {
    TransportError::from_chain(&*error.into())
}

impl<S: Clone, B> Clone for TowerTransport<S, B> {
    fn clone(&self) -> Self {
        Self { service: self.service.clone(), checks: self.checks, body: PhantomData }
    }
}

impl<S, B> fmt::Debug for TowerTransport<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TowerTransport").field("checks", &self.checks).finish_non_exhaustive()
    }
}
