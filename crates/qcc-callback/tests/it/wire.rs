//! What HTTP/1.1 allows a client to send, sent over a socket; and what ends before it
//! is a request, counted.

use std::{io, pin::pin, time::Duration};

use qcc_callback::{DropReason, Guards, MemoryInbox, ServerLimits, plain, serve_with};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    time::timeout,
};

use crate::{
    server::{Running, last_request, limits, one, request, rest, service},
    support::*,
};

/// Every way to say nothing, or little, beside a query.
#[tokio::test]
async fn whatever_http_allows_beside_the_query_is_answered() {
    let inbox = MemoryInbox::default();
    let running = Running::start(service(&inbox), ServerLimits::default()).await;
    let target = format!("/callback?{}", query(ORDER));
    let line = format!("GET {target} HTTP/1.1\r\n");
    for (what, text) in [
        ("no host", format!("{line}\r\n")),
        ("length 0", format!("{line}Content-Length: 0\r\n\r\n")),
        ("length 00", format!("{line}Content-Length: 00\r\n\r\n")),
        ("length twice", format!("{line}Content-Length: 0\r\nContent-Length: 0\r\n\r\n")),
        ("chunked, empty", format!("{line}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")),
        ("chunked, spelt oddly", format!("{line}transfer-encoding: Chunked\r\n\r\n000\r\n\r\n")),
        (
            "chunks, an extension, a trailer",
            format!(
                "{line}Transfer-Encoding: chunked\r\n\r\n2;a=b\r\n{{}}\r\n1\r\n \r\n0\r\nX: y\r\n\r\n"
            ),
        ),
        ("a body", format!("{line}Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello")),
        ("a long body", format!("{line}Content-Length: 16384\r\n\r\n{}", "a".repeat(16384))),
        ("expect, no body", format!("{line}Expect: 100-continue\r\n\r\n")),
        ("expect, length 0", format!("{line}Expect: 100-continue\r\nContent-Length: 0\r\n\r\n")),
        ("absolute form", format!("GET http://receiver.example.com:8090{target} HTTP/1.1\r\n\r\n")),
        (
            "an offer of HTTP/2",
            format!(
                "{line}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n\r\n"
            ),
        ),
        ("line feeds alone", format!("{line}Host: x\r\n\r\n").replace("\r\n", "\n")),
        ("an empty line first", format!("\r\n{line}\r\n")),
        ("bytes in a header", format!("{line}X-Company: \u{4f01}\u{67e5}\u{67e5}\r\n\r\n")),
        ("a header without a value", format!("{line}User-Agent:\r\n\r\n")),
        ("a fragment", format!("GET {target}#top HTTP/1.1\r\n\r\n")),
    ] {
        let mut stream = running.connect().await;
        // Twice: nothing of the first is taken for a part of the second.
        for _ in 0..2 {
            stream.write_all(text.as_bytes()).await.unwrap();
            let answer = one(&mut stream).await;
            assert!(answer.starts_with("HTTP/1.1 200 "), "{what}: {answer}");
        }
    }
    assert_eq!(inbox.orders().len(), 1);
}

#[tokio::test]
async fn an_old_client_is_answered_in_its_version() {
    let inbox = MemoryInbox::default();
    let running = Running::start(service(&inbox), ServerLimits::default()).await;
    let target = format!("/callback?{}", query(ORDER));
    let answer = running.exchange(&format!("GET {target} HTTP/1.0\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.0 200 ") && answer.ends_with(ACCEPTED), "{answer}");
    let mut kept = running.connect().await;
    let text = format!("GET {target} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    for _ in 0..2 {
        kept.write_all(text.as_bytes()).await.unwrap();
        assert!(one(&mut kept).await.ends_with(ACCEPTED));
    }
}

#[tokio::test]
async fn requests_sent_at_once_are_answered_in_their_order() {
    let (inbox, log) = (MemoryInbox::default(), Log::default());
    let service = build(inbox.clone()).guards(Guards::none()).observer(log.clone()).build();
    let running = Running::start(service, ServerLimits::default()).await;
    let wrong = request(ORDER).replace("GET /callback", "get /callback");
    let text = [request("DDMON1"), wrong, request("DDMON1"), last_request("DDMON2")].concat();
    let answers = running.exchange(&text).await;
    let statuses: Vec<&str> =
        answers.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
    assert_eq!(statuses, ["200", "405", "200", "200"], "{answers}");
    assert_eq!(log.codes(), ["new", "wrong_method", "known", "new"]);
}

#[tokio::test]
async fn a_body_that_is_asked_for_is_waited_for_and_ignored() {
    let inbox = MemoryInbox::default();
    let running = Running::start(service(&inbox), ServerLimits::default()).await;
    let mut stream = running.connect().await;
    let head = last_request(ORDER)
        .replace("Host: x", "Host: x\r\nExpect: 100-continue\r\nContent-Length: 2");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut text = Vec::new();
    let go_on = async {
        while !text.ends_with(b"\r\n\r\n") {
            tokio::io::AsyncReadExt::read_buf(&mut stream, &mut text).await.unwrap();
        }
    };
    timeout(PATIENCE, go_on).await.expect("it was not asked for");
    assert!(text.starts_with(b"HTTP/1.1 100 "));
    stream.write_all(b"{}").await.unwrap();
    assert!(rest(&mut stream).await.ends_with(ACCEPTED));
}

#[tokio::test]
async fn a_body_that_is_announced_and_never_comes_delays_the_answer_only() {
    let inbox = MemoryInbox::default();
    let running = Running::start(service(&inbox), ServerLimits::default()).await;
    let text = request(ORDER).replace("Host: x", "Host: x\r\nContent-Length: 5");
    let answer = running.exchange(&text).await;
    assert!(answer.ends_with(ACCEPTED), "{answer}");
    let text = request(ORDER).replace("Host: x", "Host: x\r\nTransfer-Encoding: chunked");
    let answer = running.exchange(&format!("{text}zz\r\n")).await;
    assert!(answer.ends_with(ACCEPTED), "{answer}");
}

#[tokio::test]
async fn who_has_said_all_it_wants_to_say_is_still_answered() {
    let (gate, log) = (Gate::shut(), Log::default());
    let service = build(gate.clone()).observer(log.clone()).build();
    let running = Running::start(service, ServerLimits::default()).await;
    for (n, version) in [(1, "1.0"), (2, "1.1")] {
        let text = request(&format!("DDMON{n}")).replace("HTTP/1.1", &format!("HTTP/{version}"));
        let mut stream = running.connect().await;
        stream.write_all(text.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        gate.came(1).await;
        // The end of what it says has come, too, before the answer is made.
        tokio::time::sleep(Duration::from_millis(50)).await;
        gate.leave.add_permits(1);
        let answer = rest(&mut stream).await;
        assert!(answer.ends_with(ACCEPTED), "{answer}");
    }
    assert_eq!(log.codes(), ["new", "new"], "nothing else is told");
}

/// The kinds that are told of what a client sends.
async fn told(text: &str, limits: ServerLimits) -> Vec<String> {
    let log = Log::default();
    let service = build(MemoryInbox::default()).observer(log.clone()).build();
    let running = Running::start(service, limits).await;
    let mut stream = running.connect().await;
    stream.write_all(text.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    rest(&mut stream).await;
    drop(stream);
    until_told(&log).await;
    assert!(log.codes().is_empty() || log.last().1.as_deref() == Some("127.0.0.1"));
    log.codes()
}

/// Waits for something to be told; not for long, where nothing should be.
async fn until_told(log: &Log) {
    for _ in 0..50 {
        if !log.codes().is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn what_never_becomes_a_request_is_told_by_kind() {
    let line = format!("GET /callback?{} HTTP/1.1\r\n", query(ORDER));
    for (text, kind) in [
        ("nonsense\r\n\r\n".to_owned(), "no_request"),
        ("\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}".to_owned(), "no_request"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), "no_request"),
        (format!("{line}Content-Length: 1, 2\r\n\r\n"), "no_request"),
        (format!("{line}{}\r\n", "X-A: b\r\n".repeat(65)), "head_too_large"),
        (format!("{line}X: {}\r\n\r\n", "a".repeat(20_000)), "head_too_large"),
        (line.clone(), "cut_short"),
    ] {
        let shown: String = text.chars().take(40).collect();
        assert_eq!(told(&text, ServerLimits::default()).await, [kind], "{shown:?}");
    }
    assert!(told("", ServerLimits::default()).await.is_empty(), "a look whether we are here");
    let kinds: Vec<&str> = DropReason::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(kinds.len(), 8);
}

#[tokio::test]
async fn a_head_that_takes_too_long_and_a_seat_given_to_others_are_told() {
    let log = Log::default();
    let service = build(MemoryInbox::default()).observer(log.clone()).build();
    let short = limits(|l| l.head = Duration::from_millis(50));
    let running = Running::start(service, short).await;
    assert_eq!(running.exchange("GET /callback?key=").await, "");
    assert_eq!(log.codes(), ["head_timeout"]);

    let log = Log::default();
    let service = build(MemoryInbox::default()).observer(log.clone()).build();
    let running = Running::start(service, limits(|l| l.connections = 2)).await;
    let mut first = running.connect().await;
    let _second = running.connect().await;
    assert_eq!(rest(&mut first).await, "");
    until_told(&log).await;
    assert_eq!(log.codes(), ["crowded"]);
}

#[tokio::test]
async fn a_handshake_that_fails_or_stalls_is_told() {
    let log = Log::default();
    let service = build(MemoryInbox::default()).observer(log.clone()).build();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let handshake = |stream: TcpStream| async {
        let mut first = [0];
        stream.peek(&mut first).await?;
        if first == *b"S" {
            std::future::pending::<()>().await;
        }
        drop(plain(stream).await?);
        Err::<TcpStream, _>(io::Error::other("no version in common"))
    };
    let short = limits(|l| l.handshake = Duration::from_millis(50));
    let serving = serve_with(listener, handshake, service, short, std::future::pending());
    let clients = async {
        for bytes in [b"S", b"x"] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(bytes).await.unwrap();
            assert_eq!(rest(&mut stream).await, "");
        }
        until_told(&log).await;
    };
    tokio::select! {
        () = pin!(serving) => panic!("it goes on"),
        () = clients => {}
    }
    while log.codes().len() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(log.codes(), ["handshake_timeout", "handshake"]);
}

#[tokio::test]
async fn a_connection_is_kept_longer_than_a_head_may_take() {
    let inbox = MemoryInbox::default();
    let short = limits(|l| l.head = Duration::from_millis(100));
    let running = Running::start(service(&inbox), short).await;
    let mut stream = running.connect().await;
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(300)).await;
        stream.write_all(request(ORDER).as_bytes()).await.unwrap();
        assert!(one(&mut stream).await.ends_with(ACCEPTED));
    }
}
