//! A transport over [ureq], which blocks: each exchange gets a thread.

use qcc_http::{
    AddressChecks, Blocking, BlockingTransport, Cancellation, SendOptions, TransportError,
    TransportErrorKind as Kind,
    bytes::Bytes,
    http::{Request, Response},
};

/// Sends over a ureq agent.
#[derive(Debug)]
pub struct Ureq(ureq::Agent);

/// A transport over a new agent.
pub fn transport() -> Blocking<Ureq> {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .build();
    Blocking::new(Ureq(config.into()))
}

impl BlockingTransport for Ureq {
    type Body = ureq::BodyReader<'static>;

    fn send(
        &self,
        request: Request<Bytes>,
        options: &SendOptions,
        _: &Cancellation,
    ) -> Result<Response<Self::Body>, TransportError> {
        if request.uri().host().is_none() {
            return Err(TransportError::new(Kind::Request));
        }
        let has_body = !request.body().is_empty();
        let mut request = request.map(|body| body.to_vec());
        // ureq asks for compression unless the header is set.
        request.headers_mut().remove("accept-encoding");
        let timeouts = options.timeouts;
        let answer = match has_body {
            true => self.0.run(self.0.configure_request(request).build()),
            false => {
                let request = self.0.configure_request(request.map(drop));
                let request = request.timeout_connect(Some(timeouts.connect));
                self.0.run(request.timeout_recv_response(Some(timeouts.head)).build())
            }
        };
        Ok(answer.map_err(failed)?.map(ureq::Body::into_reader))
    }

    /// ureq resolves names by itself, without the policy of a request.
    fn address_checks(&self) -> AddressChecks {
        AddressChecks::None
    }
}

fn failed(error: ureq::Error) -> TransportError {
    match error {
        ureq::Error::HostNotFound => TransportError::new(Kind::Resolve),
        ureq::Error::ConnectionFailed => TransportError::new(Kind::Connect),
        ureq::Error::Timeout(_) => TransportError::new(Kind::Timeout),
        ureq::Error::Protocol(_) => TransportError::new(Kind::Protocol),
        other => TransportError::from_chain(&other),
    }
}
