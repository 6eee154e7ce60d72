//! The admin listener: `/healthz`, `/readyz`, `/status`, `/metrics`, for this machine.

use std::{convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpListener, task::JoinSet};

use super::{metrics, state::State, stop::Stop};

/// More at once than any probe and scraper need.
pub(super) const CONNECTIONS: usize = 64;

/// How long a request's head may take.
const HEAD: Duration = Duration::from_secs(5);

/// Answers up to `connections` at once, until told to stop.
pub(super) async fn serve(
    listener: TcpListener,
    connections: usize,
    state: Arc<State>,
    stop: Stop,
) {
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.asked() => break,
            Some(_) = open.join_next() => {}
            accepted = listener.accept(), if open.len() < connections => match accepted {
                Ok((stream, _)) => {
                    let state = Arc::clone(&state);
                    let service = service_fn(move |request| answer(request, Arc::clone(&state)));
                    open.spawn(async move {
                        let mut builder = http1::Builder::new();
                        let builder = builder
                            .timer(TokioTimer::new())
                            .header_read_timeout(HEAD)
                            .half_close(true);
                        // A prober may leave early.
                        let _ = builder.serve_connection(TokioIo::new(stream), service).await;
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "the admin listener could not accept");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
        }
    }
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<State>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    const JSON: &str = "application/json";
    const TEXT: &str = "text/plain; charset=utf-8";
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return Ok(page(StatusCode::METHOD_NOT_ALLOWED, TEXT, "GET only\n"));
    }
    let good = |well| if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok(match request.uri().path() {
        "/healthz" => {
            let health = state.look().await.1;
            page(good(health.is_alive()), JSON, format!("{}\n", health.json()))
        }
        "/readyz" => {
            let health = state.look().await.1;
            page(good(health.is_ready()), JSON, format!("{}\n", health.json()))
        }
        "/status" => page(StatusCode::OK, JSON, format!("{}\n", state.status().await)),
        "/metrics" => page(StatusCode::OK, metrics::CONTENT_TYPE, state.metrics().await),
        _ => page(StatusCode::NOT_FOUND, TEXT, "/healthz, /readyz, /status, /metrics\n"),
    })
}

fn page(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
