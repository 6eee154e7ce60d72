//! The callback beside an application's own routes:
//! `cargo run -p qcc-callback --features axum --example axum`.
//!
//! `into_make_service_with_connect_info` gives the service the peer address, which its
//! limits on clients need.
#![expect(clippy::print_stdout, reason = "an example says what it does")]

use std::{error::Error, net::SocketAddr};

use axum::{Router, routing::get};
use qcc_callback::{AccessLog, CallbackService, MemoryInbox, Paths, Receiver};
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().init();
    let receiver = Receiver::new("AppKey".parse()?);
    let service =
        CallbackService::builder(receiver, MemoryInbox::default(), Paths::new("/callback")?)
            .observer(AccessLog::default())
            .build();

    let app = Router::new()
        .route("/", get(async || "a route of the application\n"))
        .nest("/qcc", Router::new().route_service("/callback", service))
        .into_make_service_with_connect_info::<SocketAddr>();
    let listener = TcpListener::bind("127.0.0.1:8090").await?;
    println!("listening on http://{}/qcc/callback; Ctrl-C stops it", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
