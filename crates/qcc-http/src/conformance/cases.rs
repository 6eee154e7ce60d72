//! One function per promise of the contract.

use std::{net::Ipv4Addr, pin::Pin, time::Duration};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use tokio::net::TcpListener;

use super::server::{Part, Server, reply};
use crate::{
    Body, Deadlines, Delivery, HttpClient, Transport, TransportError, TransportErrorKind as Kind,
};

type Verdict = Result<(), String>;
type Case = fn(HttpClient) -> Pin<Box<dyn Future<Output = Verdict> + Send>>;

/// A case by its name.
macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        pub(super) const ALL: &[(&str, Case)] =
            &[$((stringify!($name), |client| Box::pin($name(client)))),*];
    };
}

cases![
    every_status_is_an_answer,
    redirects_are_not_followed,
    the_uri_goes_out_byte_for_byte,
    headers_go_out_and_none_is_made_up,
    a_request_body_goes_out,
    an_interim_answer_is_skipped,
    a_body_streams,
    a_long_body_arrives_whole,
    a_chunked_body_arrives_whole,
    a_body_may_end_with_the_connection,
    content_is_not_decoded,
    a_short_body_is_an_error,
    a_short_chunked_body_is_an_error,
    a_reset_body_is_an_error,
    a_stalled_body_times_out,
    a_missing_head_times_out,
    a_dripping_head_times_out,
    a_dripping_body_times_out,
    a_closed_connection_is_an_error_and_not_retried,
    what_is_no_http_is_an_error,
    a_refused_connection_sent_nothing,
    a_uri_without_a_host_is_refused,
    dropping_the_future_closes_the_connection,
    dropping_the_body_closes_the_connection,
];

/// Longer than any answer on loopback takes.
const PATIENT: Deadlines =
    Deadlines::new(Duration::from_secs(10), Duration::from_secs(10), Duration::from_secs(10));

/// Long enough for a connection on loopback, short enough to wait for.
const SHORT: Duration = Duration::from_millis(300);

/// Longer than that, for what must not end by the shorter one.
const LONGER: Duration = Duration::from_millis(900);

/// A pause that none of these limits forbids.
const DRIP: Duration = Duration::from_millis(20);

async fn every_status_is_an_answer(client: HttpClient) -> Verdict {
    for status in [200_u16, 201, 204, 304, 400, 403, 404, 407, 416, 429, 500, 502, 599] {
        let text = format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n");
        let server = Server::start(reply(text)).await?;
        let answer = send(&client, &server.url("/")).await.map_err(|e| format!("{status}: {e}"))?;
        expect("the status", answer.status().as_u16(), status)?;
    }
    Ok(())
}

async fn redirects_are_not_followed(client: HttpClient) -> Verdict {
    for status in [301, 302, 303, 307, 308] {
        let text =
            format!("HTTP/1.1 {status} X\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n");
        let mut server = Server::start(reply(text)).await?;
        let answer = send(&client, &server.url("/here")).await.map_err(shown)?;
        expect("the status", answer.status().as_u16(), status)?;
        server.head().await?;
        expect("further requests", server.further_heads(), 0)?;
    }
    Ok(())
}

async fn the_uri_goes_out_byte_for_byte(client: HttpClient) -> Verdict {
    for target in [
        "/DdMonitor/x.zip?Expires=1&Signature=D0%2BSECs%2F4ubXU%3D",
        "/a%2fb/%E4%B8%AD/./..//c?x=%252B&y=a+b&z=%20&empty=&=&~;,'()*!:@$",
        "/?",
        "/",
        "/a?b?c=/d",
    ] {
        let mut server = Server::start(reply(OK)).await?;
        send(&client, &server.url(target)).await.map_err(shown)?;
        let head = server.head().await?;
        expect("the request line", line(&head), format!("GET {target} HTTP/1.1"))?;
    }
    Ok(())
}

async fn headers_go_out_and_none_is_made_up(client: HttpClient) -> Verdict {
    let mut server = Server::start(reply(OK)).await?;
    let request = Request::get(server.url("/"))
        .header("Timespan", "1654573158")
        .header("Token", "0123456789ABCDEF0123456789ABCDEF")
        .header("Range", "bytes=5-")
        .header("If-Range", "\"5D41402A\"")
        .body(Bytes::new())
        .map_err(|error| error.to_string())?;
    client.send(request, PATIENT).await.map_err(shown)?;
    let head = server.head().await?;
    let value = |name: &str| {
        head.lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim().to_owned())
    };
    for (name, sent) in [
        ("timespan", "1654573158"),
        ("token", "0123456789ABCDEF0123456789ABCDEF"),
        ("range", "bytes=5-"),
        ("if-range", "\"5D41402A\""),
    ] {
        expect(name, value(name).as_deref(), Some(sent))?;
    }
    let host = server.url("").trim_start_matches("http://").to_owned();
    expect("host", value("host"), Some(host))?;
    // A presigned link covers none of these, and compression would change the bytes.
    for name in ["content-type", "authorization", "accept-encoding", "transfer-encoding", "cookie"]
    {
        expect(name, value(name), None)?;
    }
    expect("content-length", value("content-length").filter(|length| length != "0"), None)
}

async fn a_request_body_goes_out(client: HttpClient) -> Verdict {
    let mut server = Server::start(reply(OK)).await?;
    let request = Request::post(server.url("/"))
        .body(Bytes::from_static(b"a request's body"))
        .map_err(|error| error.to_string())?;
    client.send(request, PATIENT).await.map_err(shown)?;
    let seen = server.head().await?;
    expect("the body", seen.split_once("\r\n\r\n").map(|(_, b)| b), Some("a request's body"))
}

async fn an_interim_answer_is_skipped(client: HttpClient) -> Verdict {
    let server = Server::start(reply(format!("HTTP/1.1 103 Early Hints\r\n\r\n{OK}"))).await?;
    let answer = send(&client, &server.url("/")).await.map_err(shown)?;
    expect("the status", answer.status(), StatusCode::OK)
}

async fn a_body_streams(client: HttpClient) -> Verdict {
    let script = vec![
        Part::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n".to_vec()),
        Part::Await,
        Part::Send(b"half".to_vec()),
        Part::Await,
        Part::Send(b"more".to_vec()),
    ];
    let server = Server::start(script).await?;
    let mut body = send(&client, &server.url("/")).await.map_err(shown)?.into_body();
    let mut seen = Vec::new();
    for expected in [&b"half"[..], b"more"] {
        server.go_on();
        seen.clear();
        while seen.len() < 4 {
            let piece = body.chunk().await.map_err(shown)?.ok_or("the body ended early")?;
            seen.extend_from_slice(&piece);
        }
        expect("the piece", seen.as_slice(), expected)?;
    }
    expect("the end", body.chunk().await.map_err(shown)?, None)
}

async fn a_long_body_arrives_whole(client: HttpClient) -> Verdict {
    let sent: Vec<u8> =
        (0..3_000_000_u32).flat_map(|n| n.to_le_bytes().into_iter().take(1)).collect();
    let mut text =
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", sent.len()).into_bytes();
    text.extend_from_slice(&sent);
    let server = Server::start(reply(text)).await?;
    let seen = read(&client, &server.url("/")).await.map_err(shown)?;
    if seen == sent {
        Ok(())
    } else {
        Err(format!("{} bytes of {} agree not", seen.len(), sent.len()))
    }
}

async fn a_chunked_body_arrives_whole(client: HttpClient) -> Verdict {
    let server = Server::start(reply(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nX: y\r\n\r\n",
    ))
    .await?;
    expect_body(read(&client, &server.url("/")).await, b"hello world")
}

async fn a_body_may_end_with_the_connection(client: HttpClient) -> Verdict {
    let server = Server::start(reply("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello")).await?;
    expect_body(read(&client, &server.url("/")).await, b"hello")
}

async fn content_is_not_decoded(client: HttpClient) -> Verdict {
    let server = Server::start(reply(
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 11\r\n\r\nno gzip but",
    ))
    .await?;
    let answer = send(&client, &server.url("/")).await.map_err(shown)?;
    let kept = answer.headers().get("content-encoding").map(|value| value.as_bytes().to_vec());
    expect("content-encoding", kept.as_deref(), Some(&b"gzip"[..]))?;
    expect_body(collect(answer.into_body()).await, b"no gzip but")
}

async fn a_short_body_is_an_error(client: HttpClient) -> Verdict {
    let server = Server::start(reply("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello")).await?;
    expect_broken(read(&client, &server.url("/")).await)
}

async fn a_short_chunked_body_is_an_error(client: HttpClient) -> Verdict {
    for cut in ["5\r\nhel", "5\r\nhello\r\n", "5\r\nhello\r\n0\r\n"] {
        let text = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{cut}");
        let server = Server::start(reply(text)).await?;
        expect_broken(read(&client, &server.url("/")).await)
            .map_err(|e| format!("{cut:?}: {e}"))?;
    }
    Ok(())
}

async fn a_reset_body_is_an_error(client: HttpClient) -> Verdict {
    let mut script = reply("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello");
    script.push(Part::Reset);
    let server = Server::start(script).await?;
    // A reset may overtake the head.
    match send(&client, &server.url("/")).await {
        Ok(answer) => expect_broken(collect(answer.into_body()).await),
        Err(error) => expect_broken(Err(error)),
    }
}

async fn a_stalled_body_times_out(client: HttpClient) -> Verdict {
    let mut script = reply("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello");
    script.push(Part::Stall);
    let mut server = Server::start(script).await?;
    let deadlines = Deadlines::new(PATIENT.connect, PATIENT.head, SHORT);
    let answer = send_within(&client, &server.url("/"), deadlines).await.map_err(shown)?;
    let ended = collect(answer.into_body()).await;
    expect_error(ended, Kind::Timeout, Delivery::Unknown)?;
    server.peer_closed().await
}

async fn a_missing_head_times_out(client: HttpClient) -> Verdict {
    let mut server = Server::start(vec![Part::Stall]).await?;
    let deadlines = Deadlines::new(PATIENT.connect, SHORT, PATIENT.idle);
    let ended = send_within(&client, &server.url("/"), deadlines).await;
    expect_error(ended, Kind::Timeout, Delivery::Unknown)?;
    server.peer_closed().await
}

async fn a_dripping_head_times_out(client: HttpClient) -> Verdict {
    let mut script = reply("HTTP/1.1 200 OK\r\nX-Slow: ");
    script.push(Part::Drip(b'x', DRIP));
    let mut server = Server::start(script).await?;
    let deadlines = Deadlines::new(PATIENT.connect, SHORT, PATIENT.idle).with_total(Some(LONGER));
    let ended = send_within(&client, &server.url("/"), deadlines).await;
    expect_error(ended, Kind::Timeout, Delivery::Unknown)?;
    server.peer_closed().await
}

async fn a_dripping_body_times_out(client: HttpClient) -> Verdict {
    let mut script = reply("HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\nhello");
    script.push(Part::Drip(b'x', DRIP));
    let mut server = Server::start(script).await?;
    let deadlines = PATIENT.with_total(Some(LONGER));
    let answer = send_within(&client, &server.url("/"), deadlines).await.map_err(shown)?;
    let ended = collect(answer.into_body()).await;
    expect_error(ended, Kind::Timeout, Delivery::Unknown)?;
    server.peer_closed().await
}

async fn a_closed_connection_is_an_error_and_not_retried(client: HttpClient) -> Verdict {
    let mut server = Server::start(Vec::new()).await?;
    let ended = send(&client, &server.url("/")).await;
    expect_error(ended, Kind::Broken, Delivery::Unknown)?;
    server.head().await?;
    expect("further requests", server.further_heads(), 0)
}

async fn what_is_no_http_is_an_error(client: HttpClient) -> Verdict {
    for text in
        ["SSH-2.0-OpenSSH_9.2\r\n\r\n", "<html>hello</html>\r\n\r\n", "HTTP/1.1 abc\r\n\r\n"]
    {
        let server = Server::start(reply(text)).await?;
        let ended = send(&client, &server.url("/")).await;
        expect_error(ended, Kind::Protocol, Delivery::Unknown)
            .map_err(|e| format!("{text:?}: {e}"))?;
    }
    Ok(())
}

async fn a_refused_connection_sent_nothing(client: HttpClient) -> Verdict {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    drop(listener);
    let ended = send(&client, &format!("http://{address}/")).await;
    expect_error(ended, Kind::Connect, Delivery::NotSent)
}

async fn a_uri_without_a_host_is_refused(client: HttpClient) -> Verdict {
    expect_error(send(&client, "/relative").await, Kind::Request, Delivery::NotSent)
}

async fn dropping_the_future_closes_the_connection(client: HttpClient) -> Verdict {
    let mut server = Server::start(vec![Part::Stall]).await?;
    let url = server.url("/");
    tokio::select! {
        answered = send(&client, &url) => {
            return Err(format!("an answer out of nothing: {answered:?}"));
        }
        head = server.head() => drop(head?),
    }
    server.peer_closed().await
}

async fn dropping_the_body_closes_the_connection(client: HttpClient) -> Verdict {
    let mut script = reply("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello");
    script.push(Part::Stall);
    let mut server = Server::start(script).await?;
    let mut body = send(&client, &server.url("/")).await.map_err(shown)?.into_body();
    body.chunk().await.map_err(shown)?;
    drop(body);
    server.peer_closed().await
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

async fn send(client: &HttpClient, url: &str) -> Result<Response<Body>, TransportError> {
    send_within(client, url, PATIENT).await
}

async fn send_within(
    client: &HttpClient,
    url: &str,
    deadlines: Deadlines,
) -> Result<Response<Body>, TransportError> {
    let request = Request::get(url).body(Bytes::new()).map_err(|error| {
        TransportError::new(Kind::Request, Delivery::NotSent).with_source(error)
    })?;
    client.send(request, deadlines).await
}

async fn read(client: &HttpClient, url: &str) -> Result<Vec<u8>, TransportError> {
    collect(send(client, url).await?.into_body()).await
}

async fn collect(mut body: Body) -> Result<Vec<u8>, TransportError> {
    let mut whole = Vec::new();
    while let Some(piece) = body.chunk().await? {
        whole.extend_from_slice(&piece);
    }
    Ok(whole)
}

fn expect<T: PartialEq<U> + std::fmt::Debug, U: std::fmt::Debug>(
    what: &str,
    seen: T,
    expected: U,
) -> Verdict {
    if seen == expected { Ok(()) } else { Err(format!("{what}: {seen:?}, expected {expected:?}")) }
}

fn expect_body(seen: Result<Vec<u8>, TransportError>, expected: &[u8]) -> Verdict {
    expect("the body", seen.map_err(shown)?.as_slice(), expected)
}

fn expect_broken(seen: Result<Vec<u8>, TransportError>) -> Verdict {
    expect_error(seen, Kind::Broken, Delivery::Unknown)
}

fn expect_error<T: std::fmt::Debug>(
    seen: Result<T, TransportError>,
    kind: Kind,
    delivery: Delivery,
) -> Verdict {
    match seen {
        Ok(answer) => Err(format!("no error but {answer:?}")),
        Err(error) => expect("the error", (error.kind(), error.delivery()), (kind, delivery)),
    }
}

fn shown(error: TransportError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

fn line(head: &str) -> &str {
    head.lines().next().unwrap_or_default()
}
