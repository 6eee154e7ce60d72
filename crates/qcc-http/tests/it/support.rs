//! What several tests need: a server of raw bytes, an account, a transport.

use std::{
    error::Error as StdError,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::Request;
use qcc_http::{
    AddressPolicy, Client, HyperTransport, HyperTransportBuilder, Roots, SendOptions, Timeouts,
    Transport,
};
use qcc_sign::Credentials;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
};

pub(crate) const KEY: &str = "b1d2a3c4e5f60718293a4b5c6d7e8f90";
pub(crate) const SECRET: &str = "0SECRET9f8e7d6c5b4a39281706f5e4d";

/// The usual limits, which nothing on loopback reaches, and every address.
pub(crate) fn patient() -> SendOptions {
    within(Timeouts::new())
}

/// These limits, and every address.
pub(crate) fn within(timeouts: Timeouts) -> SendOptions {
    SendOptions::new(timeouts).with_addresses(AddressPolicy::any())
}

pub(crate) fn credentials() -> Credentials {
    Credentials::new(KEY.parse().unwrap(), SECRET.parse().unwrap())
}

/// Without the platform's roots, which take a while to read.
pub(crate) fn hyper() -> HyperTransportBuilder {
    HyperTransport::builder().roots(Roots::bundled())
}

/// A client that calls `base` and may download from this machine.
pub(crate) fn client(base: &str) -> Client {
    client_over(base, hyper().build().unwrap())
}

pub(crate) fn client_over(base: &str, transport: impl Transport + 'static) -> Client {
    Client::with_transport(credentials(), transport)
        .with_base_url(base.parse().unwrap())
        .with_downloads("127.0.0.1,localhost".parse().unwrap())
}

pub(crate) fn get(url: &str) -> Request<Bytes> {
    Request::get(url).body(Bytes::new()).unwrap()
}

pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/../../fixtures/answers/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// An error and its causes, as a person gets to see them, and as `Debug` shows it.
pub(crate) fn chain(error: &dyn StdError) -> String {
    let mut text = format!("{error}");
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(&format!(": {cause}"));
        next = cause.source();
    }
    text
}

/// Answers each connection with the next of its answers, the last one for good.
pub(crate) struct Canned {
    pub(crate) address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Canned {
    pub(crate) async fn start<A: Into<Vec<u8>>>(answers: impl IntoIterator<Item = A>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&heads);
        let answers: Vec<Vec<u8>> = answers.into_iter().map(Into::into).collect();
        let task = tokio::spawn(async move {
            for turn in 0.. {
                let (mut stream, _) = listener.accept().await.unwrap();
                let head = read_head(&mut stream).await;
                seen.lock().unwrap().push(head);
                let answer = &answers[turn.min(answers.len() - 1)];
                // The client may lose interest before the end.
                let _ = stream.write_all(answer).await;
            }
        });
        Self { address, heads, task }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The heads of all requests so far.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

impl Drop for Canned {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Everything up to the empty line, which is dropped.
pub(crate) async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap().trim_end().to_owned()
}

/// The value of a header in a request's head.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

/// A whole answer in bytes, its length included.
pub(crate) fn answer(status: u16, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let length = body.len();
    let mut text = format!(
        "HTTP/1.1 {status} X\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n"
    )
    .into_bytes();
    text.extend_from_slice(body);
    text
}
