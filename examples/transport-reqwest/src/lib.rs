//! A transport over [reqwest]: for programs that have a reqwest client already.

use http_body_util::BodyExt;
use qcc_http::{
    AddressChecks, Body, SendOptions, Transport, TransportError, TransportErrorKind as Kind,
    bytes::Bytes,
    http::{Request, Response},
};

/// Sends over a reqwest client.
#[derive(Debug, Clone)]
pub struct ReqwestTransport(reqwest::Client);

impl ReqwestTransport {
    /// A client without what the contract forbids: redirects, retries and a timeout
    /// for the whole exchange. Without the features `gzip`, `brotli`, `deflate` and
    /// `zstd`, reqwest decodes no content.
    pub fn new() -> reqwest::Result<Self> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .build()?;
        Ok(Self(client))
    }
}

impl Transport for ReqwestTransport {
    async fn send(
        &self,
        request: Request<Bytes>,
        _: &SendOptions,
    ) -> Result<Response<Body>, TransportError> {
        let request =
            reqwest::Request::try_from(request).map_err(|_| TransportError::new(Kind::Request))?;
        let answer = self.0.execute(request).await.map_err(|error| failed(&error))?;
        let answer = Response::<reqwest::Body>::from(answer);
        Ok(answer.map(|body| Body::new(body.map_err(|error| failed(&error)))))
    }

    /// reqwest resolves names by itself, without the policy of a request.
    fn address_checks(&self) -> AddressChecks {
        AddressChecks::None
    }
}

fn failed(error: &reqwest::Error) -> TransportError {
    if error.is_connect() {
        return TransportError::new(Kind::Connect);
    }
    TransportError::from_chain(error)
}
