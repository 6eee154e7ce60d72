//! A transport in memory: the answers are part of the program, as in a test.

use std::collections::HashMap;

use qcc_http::{
    AddressChecks, Body, SendOptions, Transport, TransportError, TransportErrorKind as Kind,
    bytes::Bytes,
    http::{Request, Response, StatusCode},
};

/// Answers each path with its bytes, and every other one with 404.
#[derive(Debug, Clone, Default)]
pub struct MemoryTransport(HashMap<&'static str, Bytes>);

impl MemoryTransport {
    /// The same with the answer to one more path.
    #[must_use]
    pub fn with(mut self, path: &'static str, answer: impl Into<Bytes>) -> Self {
        self.0.insert(path, answer.into());
        self
    }
}

impl Transport for MemoryTransport {
    async fn send(
        &self,
        request: Request<Bytes>,
        _: &SendOptions,
    ) -> Result<Response<Body>, TransportError> {
        if request.uri().host().is_none() {
            return Err(TransportError::new(Kind::Request));
        }
        let known = self.0.get(request.uri().path()).cloned();
        let mut answer = Response::new(Body::from(known.clone().unwrap_or_default()));
        if known.is_none() {
            *answer.status_mut() = StatusCode::NOT_FOUND;
        }
        Ok(answer)
    }

    /// Connects to nobody.
    fn address_checks(&self) -> AddressChecks {
        AddressChecks::None
    }
}
