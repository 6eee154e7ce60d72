//! The smallest receiver of the vendor's call that keeps what it answers for.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use qcc_proto::{Acknowledgement, CallbackQuery, Status};
use qcc_sign::AppKey;
use qcc_sync::Store;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use crate::wiring::SqliteStore;

/// A receiver on loopback that notes each call and counts them.
pub(super) struct Listener {
    address: SocketAddr,
    received: watch::Receiver<u32>,
    task: JoinHandle<()>,
}

struct Desk {
    key: AppKey,
    store: Arc<SqliteStore>,
    received: watch::Sender<u32>,
}

impl Listener {
    pub(super) fn start(
        socket: TcpListener,
        key: AppKey,
        store: Arc<SqliteStore>,
    ) -> io::Result<Self> {
        let address = socket.local_addr()?;
        let (sender, received) = watch::channel(0);
        let desk = Arc::new(Desk { key, store, received: sender });
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = socket.accept().await {
                let desk = Arc::clone(&desk);
                tokio::spawn(async move {
                    let service = service_fn(|request| answer(request, &desk));
                    // A caller that leaves early is no concern of ours.
                    let _ =
                        http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Ok(Self { address, received, task })
    }

    /// What the vendor is told to call.
    pub(super) fn url(&self) -> String {
        format!("http://{}/callback", self.address)
    }

    /// Waits until so many calls were noted.
    pub(super) async fn received(&self, calls: u32) {
        // It only fails where the desk is gone, and then there is nothing to wait for.
        let _ = self.received.clone().wait_for(|received| *received >= calls).await;
    }

    pub(super) fn stop(&self) {
        self.task.abort();
    }
}

async fn answer(
    request: Request<Incoming>,
    desk: &Desk,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let acknowledgement = note(request.uri().query().unwrap_or_default(), desk).await;
    let accepted = acknowledgement.status() == Status::OK;
    let mut response = Response::new(Full::from(acknowledgement.body()));
    if !accepted {
        *response.status_mut() = StatusCode::BAD_REQUEST;
    }
    let json = http::HeaderValue::from_static(Acknowledgement::CONTENT_TYPE);
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    Ok(response)
}

/// Parses, compares the key, makes durable, and only then accepts.
async fn note(query: &str, desk: &Desk) -> Acknowledgement {
    let Ok(call) = CallbackQuery::parse(query) else {
        return Acknowledgement::refused(Status::BAD_PARAMETER, "no callback");
    };
    if !desk.key.matches(call.key.reveal()) {
        return Acknowledgement::refused(Status::UNKNOWN_KEY, "unknown key");
    }
    match desk.store.note_call(&call.order_no, Timestamp::now()).await {
        Ok(_) => {
            desk.received.send_modify(|received| *received += 1);
            Acknowledgement::accepted()
        }
        Err(error) => {
            tracing::error!(%error, "a callback could not be noted");
            Acknowledgement::refused(Status::UNKNOWN_ERROR, "not noted")
        }
    }
}
