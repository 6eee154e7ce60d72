//! The vendor on a port, spoken to through bare sockets.

use std::{
    io::ErrorKind,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use qcc_http::{AddressChecks, AnyTransport, Body, SendOptions, Transport, TransportError};
use qcc_proto::{Call, Locate, OrderNo};
use qcc_sim::{Fault, FaultPlan, PushSchedule, Rate, Server, Vendor, VendorConfig};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::timeout,
};

use crate::support::*;

type Shared = Arc<Mutex<Vendor>>;

async fn serve(config: VendorConfig, callbacks: Option<AnyTransport>) -> (Server, Shared) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = config.at(listener.local_addr().unwrap());
    let vendor = Arc::new(Mutex::new(Vendor::new(config)));
    let server = Server::start(listener, Arc::clone(&vendor), || at(0), callbacks).unwrap();
    (server, vendor)
}

/// Sends a request on a connection of its own and reads until that ends.
async fn exchange(server: &Server, request: &Request<Bytes>) -> (String, Option<ErrorKind>) {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let target = request.uri().path_and_query().unwrap();
    let mut text =
        format!("{} {target} HTTP/1.1\r\nHost: sim\r\nConnection: close\r\n", request.method());
    for (name, value) in request.headers() {
        text.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
    }
    stream.write_all(format!("{text}\r\n").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let error = stream.read_to_end(&mut answer).await.err().map(|error| error.kind());
    (String::from_utf8_lossy(&answer).into_owned(), error)
}

/// The link to an order's archive, asked for on the wire.
async fn link(server: &Server, order: &OrderNo) -> String {
    let (answer, _) = exchange(server, &locate_request(order, at(0))).await;
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let location = Locate::read_answer(body.as_bytes()).unwrap().into_payload().unwrap();
    location.link.reveal().to_owned()
}

#[tokio::test]
async fn api_and_files_are_on_one_port() {
    let (server, vendor) = serve(VendorConfig::default(), None).await;
    let order = vendor.lock().unwrap().push(at(0));
    let (answer, _) = exchange(&server, &list_request(at(0))).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("\r\ndate: Tue, 07 Jun 2022 02:14:59 GMT\r\n"), "{answer}");
    assert!(answer.contains(order.as_str()));
    let link = link(&server, &order).await;
    assert!(link.starts_with(&format!("http://{}/DdMonitor/", server.address())));
    let (answer, _) = exchange(&server, &get(&link)).await;
    assert!(answer.contains("\r\n\r\nPK"), "no archive came");
    let head = Request::head(&link).body(Bytes::new()).unwrap();
    assert!(exchange(&server, &head).await.0.starts_with("HTTP/1.1 403"));
    server.shutdown().await;
}

#[tokio::test]
async fn resets_are_resets() {
    for fault in [Fault::ResetBefore, Fault::ResetAfter] {
        let faults = FaultPlan::none().with(fault, Rate::ALWAYS);
        let (server, vendor) = serve(VendorConfig { faults, ..Default::default() }, None).await;
        vendor.lock().unwrap().push(at(0));
        let (answer, error) = exchange(&server, &list_request(at(0))).await;
        assert_eq!((answer.as_str(), error), ("", Some(ErrorKind::ConnectionReset)), "{fault}");
        let listed = vendor.lock().unwrap().truth().orders.values().any(|order| order.listed);
        assert!(!listed);
        server.shutdown().await;
    }
}

#[tokio::test]
async fn truncated_bodies_end_short_of_their_length() {
    let faults = "truncated-download:1".parse().unwrap();
    let (server, vendor) = serve(VendorConfig { faults, ..Default::default() }, None).await;
    let order = vendor.lock().unwrap().push(at(0));
    let link = link(&server, &order).await;
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let target = get(&link).uri().path_and_query().unwrap().to_string();
    stream.write_all(format!("GET {target} HTTP/1.1\r\nHost: s\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let head = answer.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    let text = String::from_utf8_lossy(&answer[..head]).into_owned();
    let announced = text.split("content-length: ").nth(1).unwrap();
    let announced: usize = announced.lines().next().unwrap().parse().unwrap();
    assert!(answer.len() - head - 4 < announced, "{announced} bytes came");
    server.shutdown().await;
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_those_who_wait() {
    let faults = "no-answer:1".parse().unwrap();
    let (server, vendor) = serve(VendorConfig { faults, ..Default::default() }, None).await;
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let path = list_request(at(0)).uri().path_and_query().unwrap().to_string();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: s\r\n\r\n").as_bytes()).await.unwrap();
    let arrived = async {
        while vendor.lock().unwrap().journal().entries().next().is_none() {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(10), arrived).await.unwrap();
    let address = server.address();
    timeout(Duration::from_secs(10), server.shutdown()).await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

/// A receiver that hands on what it is asked and always says yes.
struct Receiver(mpsc::UnboundedSender<String>);

impl Transport for Receiver {
    async fn send(
        &self,
        request: Request<Bytes>,
        _: &SendOptions,
    ) -> Result<Response<Body>, TransportError> {
        self.0.send(request.uri().to_string()).unwrap();
        Ok(Response::new(Body::from(Bytes::from_static(br#"{"status":"200","msg":"ok"}"#))))
    }

    fn address_checks(&self) -> AddressChecks {
        AddressChecks::None
    }
}

#[tokio::test]
async fn scheduled_orders_are_called_about() {
    let (sender, mut called) = mpsc::unbounded_channel();
    let callbacks = AnyTransport::new(Receiver(sender));
    let (server, vendor) = serve(VendorConfig::default(), Some(callbacks)).await;
    let query = "&enablePush=A&callbackUrl=http%3A%2F%2Fus.example%2Fcallback";
    exchange(&server, &signed("setDdRiskApiPushSetting", query, at(0))).await;
    let schedule = PushSchedule { first: at(-60), every: Duration::from_secs(30), count: 3 };
    vendor.lock().unwrap().push_every(schedule);
    for _ in 0..3 {
        let url = timeout(Duration::from_secs(10), called.recv()).await.unwrap().unwrap();
        assert!(url.starts_with("http://us.example/callback?key="), "{url}");
    }
    let answered = async {
        while vendor.lock().unwrap().truth().orders.values().any(|order| !order.called) {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(10), answered).await.unwrap();
    server.shutdown().await;
}
