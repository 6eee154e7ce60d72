//! Any transport behind one type, with every time limit kept.

use std::{any::Any, fmt, sync::Arc};

use bytes::Bytes;
use http::{Request, Response};

use super::{AddressChecks, Erased, SendOptions, Transport, TransportError};
use crate::{Body, limits};

/// Any [`Transport`] behind one type: cheap to clone, and a `Transport` itself.
///
/// It keeps every limit of [`Timeouts`](crate::Timeouts), whatever the transport
/// inside keeps: an exchange that takes too long is dropped and ends with
/// [`TransportErrorKind::Timeout`](crate::TransportErrorKind::Timeout). Where the
/// transport inside does not tell connecting from waiting, `connect` and `head`
/// together limit the time to the head of the answer. Errors name host and port.
/// Needs a tokio runtime with its clock.
#[derive(Clone)]
pub struct AnyTransport(Arc<dyn Erased>);

impl AnyTransport {
    /// Wraps a transport. Wrapping an `AnyTransport` returns it unchanged.
    pub fn new(transport: impl Transport + 'static) -> Self {
        match (&transport as &dyn Any).downcast_ref::<Self>() {
            Some(wrapped) => wrapped.clone(),
            None => Self(Arc::new(transport)),
        }
    }
}

impl Transport for AnyTransport {
    async fn send(
        &self,
        request: Request<Bytes>,
        options: &SendOptions,
    ) -> Result<Response<Body>, TransportError> {
        let peer = limits::peer(request.uri());
        limits::within(options.timeouts, peer, self.0.send_boxed(request, options)).await
    }

    fn address_checks(&self) -> AddressChecks {
        self.0.checks()
    }
}

impl fmt::Debug for AnyTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnyTransport")
    }
}
