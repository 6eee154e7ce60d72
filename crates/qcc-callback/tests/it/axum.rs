//! The service in an axum application, over real sockets.

use std::net::SocketAddr;

use axum::Router;
use qcc_callback::{CallbackService, Guards, MemoryInbox, Paths, Receiver};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const QUERY: &str = "key=AppKey&orderNo=DDMON1&downloadUrl=http%3A%2F%2Fx&unzipPassword=p";

fn service(path: &str, guards: Guards) -> CallbackService<MemoryInbox> {
    let receiver = Receiver::new("AppKey".parse().unwrap());
    let paths = Paths::new(path).unwrap();
    CallbackService::builder(receiver, MemoryInbox::default(), paths).guards(guards).build()
}

/// The status that an application answers a callback with.
async fn status(app: Router, path: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path}?{QUERY} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    server.abort();
    answer.get(9..12).unwrap().to_owned()
}

#[tokio::test]
async fn a_callback_is_received_in_a_nested_router() {
    let route = |path| Router::new().route_service("/callback", service(path, Guards::default()));
    assert_eq!(status(route("/callback"), "/callback").await, "200");
    // Nested, the path may be given with or without the prefix.
    for path in ["/callback", "/qcc/callback"] {
        assert_eq!(status(Router::new().nest("/qcc", route(path)), "/qcc/callback").await, "200");
    }
    let nested =
        Router::new().nest_service("/qcc/callback", service("/qcc/callback", Guards::default()));
    assert_eq!(status(nested, "/qcc/callback").await, "200");
    let other = Router::new().nest_service("/qcc", service("/qcc/callback", Guards::default()));
    assert_eq!(status(other, "/qcc/other").await, "404");
}

#[tokio::test]
async fn the_peer_address_comes_from_axum() {
    let from = |network: &str| Guards::default().with_sources([network.parse().unwrap()]);
    let app =
        |network| Router::new().route_service("/callback", service("/callback", from(network)));
    assert_eq!(status(app("127.0.0.0/8"), "/callback").await, "200");
    assert_eq!(status(app("192.0.2.0/24"), "/callback").await, "403");
}
