//! The service in an axum router: `cargo run -p qcc-callback --example axum`.
//!
//! Only axum knows who is at the other end, so a layer of one line hands it on.
#![expect(clippy::print_stdout, reason = "an example says what it does")]

use std::{error::Error, net::SocketAddr};

use axum::{Router, extract::ConnectInfo, extract::Request, middleware, routing::get};
use qcc_callback::{AccessLog, CallbackService, MemoryInbox, Paths, PeerAddr, Receiver};
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().init();
    let receiver = Receiver::new("AppKey".parse()?);
    let paths = Paths::new("/callback")?;
    let service = CallbackService::builder(receiver, MemoryInbox::default(), paths)
        .observer(AccessLog::default())
        .build();

    let app = Router::new()
        .route("/", get(async || "a service of your own\n"))
        .route_service("/callback", service)
        .layer(middleware::map_request(with_peer))
        .into_make_service_with_connect_info::<SocketAddr>();
    let listener = TcpListener::bind("127.0.0.1:8090").await?;
    println!("listening on http://{}/callback; Ctrl-C ends it", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}

async fn with_peer(ConnectInfo(peer): ConnectInfo<SocketAddr>, mut request: Request) -> Request {
    request.extensions_mut().insert(PeerAddr(peer));
    request
}
