//! Names with several addresses, of which some are dead.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::StatusCode;
use qcc_http::{
    AddressPolicy, DownloadPolicy, HyperTransportBuilder, Proxies, Timeouts, Transport,
    TransportErrorKind as Kind,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpSocket, TcpStream},
    time::{Instant, timeout},
};

use crate::support::{Canned, answer, chain, get, hyper, patient, within};

const REFUSES: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9));
const SILENT: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 8));
const ALIVE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Lets nobody in: its queue of connections is full, so that what knocks hears nothing.
struct Silent {
    _listener: TcpListener,
    _queue: Vec<TcpStream>,
}

impl Silent {
    async fn start(port: u16) -> Self {
        let address = SocketAddr::new(SILENT, port);
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(address).unwrap();
        let listener = socket.listen(1).unwrap();
        let mut queue = Vec::new();
        let knock = Duration::from_millis(200);
        while let Ok(connected) = timeout(knock, TcpStream::connect(address)).await {
            queue.push(connected.unwrap());
        }
        Self { _listener: listener, _queue: queue }
    }
}

/// A port nobody listens at.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// The time an address has to itself, several times over; far below any deadline.
const SOON: Duration = Duration::from_secs(3);

async fn reaches(transport: HyperTransportBuilder, url: &str) {
    let started = Instant::now();
    let answered = transport.build().unwrap().send(get(url), &patient()).await;
    assert_eq!(
        answered.unwrap_or_else(|e| panic!("{url}: {}", chain(&e))).status(),
        StatusCode::OK
    );
    assert!(started.elapsed() < SOON, "{url}: {:?}", started.elapsed());
}

#[tokio::test]
async fn a_dead_address_beside_a_good_one_is_passed_over() {
    let server = Canned::start([answer(200, "", "hi")]).await;
    let port = server.address.port();
    let _silent = Silent::start(port).await;
    for addresses in [vec![REFUSES, ALIVE], vec![SILENT, ALIVE], vec![SILENT, REFUSES, ALIVE]] {
        let transport = hyper().resolve("vendor.example", addresses);
        reaches(transport, &format!("http://Vendor.example:{port}/")).await;
    }
    assert_eq!(server.heads().len(), 3);
}

#[tokio::test]
async fn a_proxy_with_a_dead_address_is_reached_at_the_other() {
    let proxy = Canned::start([answer(200, "", "hi")]).await;
    let port = proxy.address.port();
    let _silent = Silent::start(port).await;
    let url = format!("http://proxy.example:{port}");
    let transport =
        hyper().proxies(Proxies::all(&url).unwrap()).resolve("proxy.example", [SILENT, ALIVE]);
    reaches(transport, "http://vendor.example/").await;
}

#[tokio::test]
async fn where_every_address_is_dead_each_is_named() {
    let port = free_port();
    let transport = hyper().resolve("vendor.example", [REFUSES, ALIVE]).build().unwrap();
    let url = format!("http://vendor.example:{port}/?key=1");
    let error = transport.send(get(&url), &patient()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Connect);
    let text = chain(&error);
    assert!(text.contains("127.0.0.9: Connection refused"), "{text}");
    assert!(text.contains("127.0.0.1: Connection refused") && !text.contains("key"), "{text}");
}

#[tokio::test]
async fn all_addresses_together_have_the_time_to_connect() {
    let port = free_port();
    let _silent = Silent::start(port).await;
    let transport = hyper().resolve("vendor.example", [SILENT]).build().unwrap();
    let options = within(Timeouts::new().with_connect(Duration::from_millis(400)));
    let url = format!("http://vendor.example:{port}/");
    let error = transport.send(get(&url), &options).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Connect);
    assert!(chain(&error).contains("not connected after 400ms"), "{}", chain(&error));
}

#[tokio::test]
async fn an_address_the_policy_refuses_is_not_raced() {
    let forbidden = Canned::start([answer(200, "", "not this one")]).await;
    let port = forbidden.address.port();
    let hosts: DownloadPolicy = "127.0.0.9".parse().unwrap();
    let transport = hyper().resolve("files.example", [ALIVE, REFUSES]).build().unwrap();
    let url = format!("http://files.example:{port}/");
    // Only the dead one is allowed, so nothing answers, though the other would.
    let options = patient().with_addresses(hosts.addresses().clone());
    let error = transport.send(get(&url), &options).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Connect, "{error:?}");
    let options = patient().with_addresses(AddressPolicy::public_only());
    let error = transport.send(get(&url), &options).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Forbidden, "{error:?}");
    assert_eq!(forbidden.heads().len(), 0);
}

/// A SOCKS5 proxy that is silent about one address and connects to every other.
async fn socks5(mut stream: TcpStream) -> io::Result<()> {
    stream.read_exact(&mut [0; 3]).await?;
    stream.write_all(&[5, 0]).await?;
    stream.read_exact(&mut [0; 4]).await?;
    let target =
        SocketAddr::new(Ipv4Addr::from(stream.read_u32().await?).into(), stream.read_u16().await?);
    if target.ip() == SILENT {
        // Until the other side loses patience.
        return stream.read_u8().await.map(drop);
    }
    let mut onward = TcpStream::connect(target).await?;
    stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    copy_bidirectional(&mut stream, &mut onward).await.map(drop)
}

#[tokio::test]
async fn a_socks_proxy_is_asked_for_the_next_address_too() {
    let server = Canned::start([answer(200, "", "hi")]).await;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let proxies = Proxies::all(&format!("socks5://{}", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move { drop(socks5(stream).await) });
        }
    });
    let transport = hyper().proxies(proxies).resolve("vendor.example", [SILENT, ALIVE]);
    reaches(transport, &format!("http://vendor.example:{}/", server.address.port())).await;
}

#[tokio::test]
async fn refused_credentials_are_not_tried_for_every_address() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("socks5://me:wrong@{}", listener.local_addr().unwrap());
    let tries = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&tries);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            stream.read_exact(&mut [0; 3]).await.unwrap();
            stream.write_all(&[5, 2]).await.unwrap();
            stream.read_u8().await.unwrap();
            stream.write_all(&[1, 1]).await.unwrap();
        }
    });
    let transport = hyper().proxies(Proxies::all(&url).unwrap());
    let transport = transport.resolve("vendor.example", [ALIVE, SILENT, REFUSES]).build().unwrap();
    let error = transport.send(get("http://vendor.example/"), &patient()).await.unwrap_err();
    assert_eq!((error.kind(), tries.load(Ordering::SeqCst)), (Kind::Proxy, 1), "{error:?}");
}
