//! The server under clients that are slow, many, or too large.

use std::{future::pending, io, net::SocketAddr, time::Duration};

use qcc_callback::{
    CallbackService, Guards, Inbox, MemoryInbox, ServerLimits, plain, serve, serve_with,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};

use crate::support::*;

pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Running {
    pub(crate) async fn start<I: Inbox>(service: CallbackService<I>, limits: ServerLimits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let shutdown = async { drop(stopped.await) };
        let task = tokio::spawn(serve(listener, service, limits, shutdown));
        Self { address, stop: Some(stop), task }
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// What a client that sends `text` gets, until the server closes.
    pub(crate) async fn exchange(&self, text: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(text.as_bytes()).await.unwrap();
        rest(&mut stream).await
    }

    fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    async fn ended(self) {
        timeout(PATIENCE, self.task).await.expect("the server does not end").unwrap();
    }
}

pub(crate) async fn rest(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut text)).await;
    match read.expect("the connection stays open") {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
        Err(error) => panic!("{error}"),
    }
    String::from_utf8(text).unwrap()
}

/// Reads one answer of a connection that stays open.
pub(crate) async fn one(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let read = async {
        while !text.ends_with(b"}") {
            if stream.read_buf(&mut text).await.unwrap() == 0 {
                break;
            }
        }
    };
    timeout(PATIENCE, read).await.expect("no answer came");
    String::from_utf8(text).unwrap()
}

pub(crate) fn request(order_no: &str) -> String {
    format!("GET /callback?{} HTTP/1.1\r\nHost: x\r\n\r\n", query(order_no))
}

pub(crate) fn last_request(order_no: &str) -> String {
    format!("GET /callback?{} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", query(order_no))
}

pub(crate) fn service(inbox: &MemoryInbox) -> CallbackService<MemoryInbox> {
    build(inbox.clone()).guards(Guards::none()).build()
}

pub(crate) fn limits(change: impl FnOnce(&mut ServerLimits)) -> ServerLimits {
    let mut limits = ServerLimits::default();
    change(&mut limits);
    limits
}

#[tokio::test]
async fn a_call_is_answered_over_a_socket() {
    let inbox = MemoryInbox::default();
    let running = Running::start(service(&inbox), ServerLimits::default()).await;
    let answer = running.exchange(&last_request(ORDER)).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.to_lowercase().contains("content-type: application/json; charset=utf-8\r\n"));
    assert!(answer.ends_with(&format!("\r\n\r\n{ACCEPTED}")), "{answer}");
    assert_eq!(inbox.orders().len(), 1);
}

#[tokio::test]
async fn a_connection_may_bring_many_calls() {
    let inbox = MemoryInbox::default();
    let running = Running::start(service(&inbox), ServerLimits::default()).await;
    let mut stream = running.connect().await;
    for n in 0..10 {
        stream.write_all(request(&format!("DDMON{n}")).as_bytes()).await.unwrap();
        assert!(one(&mut stream).await.ends_with(ACCEPTED));
    }
    assert_eq!(inbox.orders().len(), 10);
}

#[tokio::test]
async fn what_is_no_request_of_ours_is_refused_on_the_wire() {
    let inbox = MemoryInbox::default();
    let running = Running::start(service(&inbox), ServerLimits::default()).await;
    let target = format!("/callback?{}", query(ORDER));
    let many = "X-A: b\r\n".repeat(100);
    for (status, text) in [
        ("414", format!("GET {target}&x={} HTTP/1.1\r\n\r\n", "a".repeat(8192))),
        ("431", format!("GET {target}&x={} HTTP/1.1\r\n\r\n", "a".repeat(1 << 20))),
        ("431", format!("GET {target} HTTP/1.1\r\nX: {}\r\n\r\n", "a".repeat(20_000))),
        ("431", format!("GET {target} HTTP/1.1\r\n{many}\r\n")),
        ("413", format!("GET {target} HTTP/1.1\r\nContent-Length: 16385\r\n\r\nhello")),
        (
            "413",
            format!(
                "GET {target} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4001\r\n{}\r\n0\r\n\r\n",
                "a".repeat(0x4001)
            ),
        ),
        ("405", format!("POST {target} HTTP/1.1\r\nContent-Length: 9999999\r\n\r\nhello")),
        ("400", "GET /callback?a\u{1}b HTTP/1.1\r\n\r\n".to_owned()),
        ("400", format!("GET {target}\u{8ba2} HTTP/1.1\r\nHost: \u{1}\r\n\r\n")),
        ("400", "nonsense\r\n\r\n".to_owned()),
        ("400", format!("GET {target} HTTP/1.1\r\nContent-Length: 1, 2\r\n\r\n")),
    ] {
        let text = text.replacen("\r\n", "\r\nConnection: close\r\n", 1);
        let shown: String = text.chars().take(60).collect();
        let answer = running.exchange(&text).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{shown}: {answer}");
    }
    assert!(inbox.orders().is_empty());
}

#[tokio::test]
async fn slow_heads_do_not_stop_acks() {
    let inbox = MemoryInbox::default();
    let running = Running::start(service(&inbox), limits(|l| l.connections = 64)).await;
    let mut slow = Vec::new();
    for n in 0..200 {
        let mut stream = running.connect().await;
        stream.write_all(b"GET /callback?key=").await.unwrap();
        slow.push(stream);
        if n % 10 == 0 {
            let answer = running.exchange(&last_request(&format!("DDMON{n}"))).await;
            assert!(answer.ends_with(ACCEPTED), "{n}: {answer}");
        }
    }
    assert_eq!(inbox.orders().len(), 20);
    // The oldest had to go: all but the newest, fewer than there are seats, are closed.
    for stream in slow.iter_mut().take(200 - 64) {
        assert_eq!(rest(stream).await, "", "a slow one got an answer");
    }
}

#[tokio::test]
async fn who_is_being_answered_stays_and_newcomers_wait() {
    let gate = Gate::shut();
    let service = build(gate.clone()).guards(Guards::none()).build();
    let running = Running::start(service, limits(|l| l.connections = 3)).await;
    let mut streams = Vec::new();
    for n in 0..6 {
        let mut stream = running.connect().await;
        stream.write_all(request(&format!("DDMON{n}")).as_bytes()).await.unwrap();
        streams.push(stream);
        if n < 3 {
            gate.came(1).await;
        }
    }
    assert_eq!(gate.waiting.available_permits(), 0, "only three have a seat");
    gate.leave.add_permits(6);
    for stream in &mut streams {
        assert!(one(stream).await.ends_with(ACCEPTED));
    }
}

#[tokio::test]
async fn a_head_that_does_not_end_is_cut_off_and_so_is_an_idle_connection() {
    let inbox = MemoryInbox::default();
    let soon = Duration::from_millis(50);
    let running = Running::start(service(&inbox), limits(|l| l.head = soon)).await;
    assert!(!running.exchange("GET /callback?key=").await.contains("200 OK"));
    let mut answered = running.connect().await;
    answered.write_all(request(ORDER).as_bytes()).await.unwrap();
    assert!(one(&mut answered).await.ends_with(ACCEPTED));
    answered.write_all(b"GET").await.unwrap();
    assert_eq!(rest(&mut answered).await, "", "the next head does not end");
    let running = Running::start(service(&inbox), limits(|l| l.idle = soon)).await;
    assert_eq!(running.exchange("").await, "");
    let answered_then_idle = running.exchange(&request(ORDER)).await;
    assert!(answered_then_idle.ends_with(ACCEPTED), "{answered_then_idle}");
}

#[tokio::test]
async fn an_inbox_that_hangs_is_answered_for() {
    let service = build(Gate::shut()).build();
    let answer = limits(|l| l.answer = Duration::from_millis(50));
    let running = Running::start(service, answer).await;
    let answer = running.exchange(&last_request(ORDER)).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
}

#[tokio::test]
async fn a_handshake_that_stalls_stops_nobody_else_and_ends() {
    let inbox = MemoryInbox::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    // The first byte decides: `S` never gets through.
    let handshake = async |stream: TcpStream| {
        let mut first = [0];
        stream.peek(&mut first).await?;
        if first == *b"S" {
            pending::<()>().await;
        }
        plain(stream).await
    };
    let short = limits(|l| l.handshake = Duration::from_millis(200));
    let serving = serve_with(
        listener,
        move |stream| Box::pin(handshake(stream)),
        service(&inbox),
        short,
        pending(),
    );
    let task = tokio::spawn(serving);
    let mut stalled = TcpStream::connect(address).await.unwrap();
    stalled.write_all(b"S").await.unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(last_request(ORDER).as_bytes()).await.unwrap();
    assert!(rest(&mut stream).await.ends_with(ACCEPTED));
    assert_eq!(rest(&mut stalled).await, "");
    task.abort();
}

#[tokio::test]
async fn a_shutdown_sends_what_is_in_hand_and_takes_nothing_new() {
    let gate = Gate::shut();
    let mut running = Running::start(build(gate.clone()).build(), ServerLimits::default()).await;
    let mut busy = running.connect().await;
    busy.write_all(request(ORDER).as_bytes()).await.unwrap();
    gate.came(1).await;
    let mut slow = running.connect().await;
    slow.write_all(b"GET /callback?key=").await.unwrap();
    running.stop();
    // The listener is gone once the slow one is told to leave.
    assert_eq!(rest(&mut slow).await, "");
    assert!(TcpStream::connect(running.address).await.is_err());
    gate.leave.add_permits(1);
    assert!(rest(&mut busy).await.ends_with(ACCEPTED));
    running.ended().await;
}

#[tokio::test]
async fn a_shutdown_still_answers_who_is_connected() {
    let inbox = MemoryInbox::default();
    let mut running = Running::start(service(&inbox), ServerLimits::default()).await;
    let mut resting = running.connect().await;
    resting.write_all(request("DDMON1").as_bytes()).await.unwrap();
    assert!(one(&mut resting).await.ends_with(ACCEPTED));
    let mut fresh = running.connect().await;
    fresh.write_all(b"GET /callback").await.unwrap();
    let mut witness = running.connect().await;
    witness.write_all(last_request("DDMON2").as_bytes()).await.unwrap();
    assert!(rest(&mut witness).await.ends_with(ACCEPTED), "who came before is accepted too");
    running.stop();
    fresh
        .write_all(request("DDMON3").trim_start_matches("GET /callback").as_bytes())
        .await
        .unwrap();
    resting.write_all(request("DDMON4").as_bytes()).await.unwrap();
    for stream in [&mut fresh, &mut resting] {
        let answer = rest(stream).await;
        assert!(answer.contains("connection: close\r\n") && answer.ends_with(ACCEPTED), "{answer}");
    }
    running.ended().await;
    assert_eq!(inbox.orders().len(), 4);
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_ever() {
    let gate = Gate::shut();
    let short = limits(|l| l.shutdown = Duration::from_millis(50));
    let mut running = Running::start(build(gate.clone()).build(), short).await;
    let mut busy = running.connect().await;
    busy.write_all(request(ORDER).as_bytes()).await.unwrap();
    gate.came(1).await;
    running.stop();
    running.ended().await;
    assert_eq!(rest(&mut busy).await, "");
}
