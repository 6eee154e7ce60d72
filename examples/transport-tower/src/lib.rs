//! A transport out of a tower stack: it traces each request and limits how many
//! are sent at once.

use http_body_util::Full;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use qcc_http::{SendOptions, TowerTransport, Transport, bytes::Bytes, http::Request};
use tower::ServiceBuilder;

/// The most requests at once.
const AT_ONCE: usize = 32;

/// The stack, over the client of hyper-util.
pub fn transport() -> impl Transport + 'static {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let service =
        ServiceBuilder::new().concurrency_limit(AT_ONCE).map_request(traced).service(client);
    TowerTransport::new(service)
}

/// Path and query may hold secrets, so only the host is traced.
fn traced(request: Request<Full<Bytes>>) -> Request<Full<Bytes>> {
    let timeouts = request.extensions().get::<SendOptions>().map(|options| options.timeouts);
    tracing::debug!(host = request.uri().host(), ?timeouts, "sending");
    request
}
