//! How each promise of the contract is checked.

use std::{net::Ipv4Addr, time::Duration};

use bytes::Bytes;
use http::{Request, StatusCode};
use tokio::net::TcpListener;

use super::{
    Outcome,
    expect::{
        KEPT, Verdict, any_address, body, broken, collect, equal, failed, read, send, send_with,
        shown,
    },
    server::{Part, Server, reply},
};
use crate::{
    AddressChecks, AddressPolicy, AnyTransport, MinimumRate, SendOptions, Timeouts, Transport,
    TransportErrorKind as Kind,
};

/// Long enough for a connection on loopback, short enough to wait for.
const SHORT: Duration = Duration::from_millis(500);

/// Longer than that, for what must not end by the shorter one.
const LONGER: Duration = Duration::from_millis(1200);

/// A pause that none of these limits forbids.
const DRIP: Duration = Duration::from_millis(20);

/// Longer than anything on loopback takes, in every phase.
const PATIENT: Timeouts = Timeouts::new();

/// The least that every phase needs, and no total.
const BRISK: Timeouts =
    PATIENT.with_connect(SHORT).with_head(SHORT).with_idle(SHORT).with_total(None);

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

const HELLO_OF_9: &str = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello";

pub(super) async fn every_status_is_an_answer(transport: AnyTransport) -> Verdict {
    for status in [200_u16, 201, 204, 304, 400, 403, 404, 407, 416, 429, 500, 502, 599] {
        let text = format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n");
        let server = Server::start(reply(text)).await?;
        let answer =
            send(&transport, &server.url("/")).await.map_err(|e| format!("{status}: {e}"))?;
        equal("the status", answer.status().as_u16(), status)?;
    }
    KEPT
}

pub(super) async fn redirects_are_not_followed(transport: AnyTransport) -> Verdict {
    for status in [301, 302, 303, 307, 308] {
        let text =
            format!("HTTP/1.1 {status} X\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n");
        let mut server = Server::start(reply(text)).await?;
        let answer = send(&transport, &server.url("/here")).await.map_err(shown)?;
        equal("the status", answer.status().as_u16(), status)?;
        server.head().await?;
        equal("further requests", server.further_heads(), 0)?;
    }
    KEPT
}

pub(super) async fn a_redirect_to_a_refused_address_reaches_nobody(
    transport: AnyTransport,
) -> Verdict {
    let mut inside = Server::start(reply(OK)).await?;
    let place = inside.url("/secret");
    let text = format!("HTTP/1.1 302 X\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n");
    let outside = Server::start(reply(text)).await?;
    let options = SendOptions::new(PATIENT).with_addresses(only(&outside)?);
    let answer = send_with(&transport, &outside.url("/"), &options).await.map_err(shown)?;
    equal("the status", answer.status().as_u16(), 302)?;
    equal("requests to the refused address", inside.further_heads(), 0)
}

pub(super) async fn the_uri_goes_out_byte_for_byte(transport: AnyTransport) -> Verdict {
    for target in [
        "/DdMonitor/x.zip?Expires=1&Signature=D0%2BSECs%2F4ubXU%3D",
        "/a%2fb/%E4%B8%AD?x=%252B&y=a+b&z=%20&empty=&=&~;,()*!:@$",
        "/?",
        "/",
        "/a?b?c=/d",
    ] {
        request_line(&transport, target).await?;
    }
    KEPT
}

pub(super) async fn an_unusual_uri_is_not_normalised(transport: AnyTransport) -> Verdict {
    for target in ["/a/./..//c", "/%7Euser?x='y'"] {
        request_line(&transport, target).await?;
    }
    KEPT
}

async fn request_line(transport: &AnyTransport, target: &str) -> Verdict {
    let mut server = Server::start(reply(OK)).await?;
    send(transport, &server.url(target)).await.map_err(shown)?;
    let head = server.head().await?;
    let line = head.lines().next().unwrap_or_default();
    equal("the request line", line, format!("GET {target} HTTP/1.1"))
}

pub(super) async fn headers_go_out_and_none_is_added(transport: AnyTransport) -> Verdict {
    let mut server = Server::start(reply(OK)).await?;
    let sent = [
        ("timespan", "1654573158"),
        ("token", "0123456789ABCDEF0123456789ABCDEF"),
        ("range", "bytes=5-"),
        ("if-range", "\"5D41402A\""),
    ];
    let mut request = Request::get(server.url("/"));
    for (name, value) in sent {
        request = request.header(name, value);
    }
    let request = request.body(Bytes::new()).map_err(|error| error.to_string())?;
    transport.send(request, &any_address(PATIENT)).await.map_err(shown)?;
    let head = server.head().await?;
    let value = |name: &str| {
        head.lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim().to_owned())
    };
    for (name, sent) in sent {
        equal(name, value(name).as_deref(), Some(sent))?;
    }
    let host = server.url("").trim_start_matches("http://").to_owned();
    equal("host", value("host"), Some(host))?;
    for name in ["content-type", "authorization", "accept-encoding", "transfer-encoding", "cookie"]
    {
        equal(name, value(name), None)?;
    }
    equal("content-length", value("content-length").filter(|length| length != "0"), None)
}

pub(super) async fn a_request_body_goes_out(transport: AnyTransport) -> Verdict {
    let mut server = Server::start(reply(OK)).await?;
    let request = Request::post(server.url("/"))
        .body(Bytes::from_static(b"the body of a request"))
        .map_err(|error| error.to_string())?;
    transport.send(request, &any_address(PATIENT)).await.map_err(shown)?;
    let seen = server.head().await?;
    equal("the body", seen.split_once("\r\n\r\n").map(|(_, b)| b), Some("the body of a request"))
}

pub(super) async fn an_interim_answer_is_skipped(transport: AnyTransport) -> Verdict {
    let server = Server::start(reply(format!("HTTP/1.1 103 Early Hints\r\n\r\n{OK}"))).await?;
    let answer = send(&transport, &server.url("/")).await.map_err(shown)?;
    equal("the status", answer.status(), StatusCode::OK)
}

pub(super) async fn a_body_streams(transport: AnyTransport) -> Verdict {
    let script = vec![
        Part::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n".to_vec()),
        Part::Await,
        Part::Send(b"half".to_vec()),
        Part::Await,
        Part::Send(b"more".to_vec()),
    ];
    let server = Server::start(script).await?;
    let answer = send_with(&transport, &server.url("/"), &any_address(BRISK)).await;
    let mut body = answer.map_err(shown)?.into_body();
    let mut seen = Vec::new();
    for expected in [&b"half"[..], b"more"] {
        server.go_on();
        seen.clear();
        while seen.len() < 4 {
            let piece = body.chunk().await.map_err(shown)?.ok_or("the body ended early")?;
            seen.extend_from_slice(&piece);
        }
        equal("the piece", seen.as_slice(), expected)?;
    }
    equal("the end", body.chunk().await.map_err(shown)?, None)
}

pub(super) async fn a_long_body_arrives_whole(transport: AnyTransport) -> Verdict {
    let sent: Vec<u8> =
        (0..3_000_000_u32).flat_map(|n| n.to_le_bytes().into_iter().take(1)).collect();
    let mut text =
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", sent.len()).into_bytes();
    text.extend_from_slice(&sent);
    let server = Server::start(reply(text)).await?;
    let seen = read(&transport, &server.url("/")).await.map_err(shown)?;
    if seen == sent {
        return KEPT;
    }
    Err(format!("{} bytes came of {}, or other ones", seen.len(), sent.len()))
}

pub(super) async fn a_slow_steady_body_arrives_whole(transport: AnyTransport) -> Verdict {
    // Longer than all of the limits together, with pauses far below each of them.
    let pieces = 18;
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {pieces}\r\n\r\n");
    let mut script = reply(head);
    for _ in 0..pieces {
        script.extend([Part::Pause(Duration::from_millis(100)), Part::Send(b"x".to_vec())]);
    }
    let server = Server::start(script).await?;
    let answer = send_with(&transport, &server.url("/"), &any_address(BRISK)).await;
    body(collect(answer.map_err(shown)?.into_body()).await, &vec![b'x'; pieces])
}

pub(super) async fn a_chunked_body_arrives_whole(transport: AnyTransport) -> Verdict {
    let server = Server::start(reply(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nX: y\r\n\r\n",
    ))
    .await?;
    body(read(&transport, &server.url("/")).await, b"hello world")
}

pub(super) async fn a_body_may_end_with_the_connection(transport: AnyTransport) -> Verdict {
    let server = Server::start(reply("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello")).await?;
    body(read(&transport, &server.url("/")).await, b"hello")
}

pub(super) async fn the_length_of_a_body_is_known(transport: AnyTransport) -> Verdict {
    let server = Server::start(reply("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")).await?;
    let answer = send(&transport, &server.url("/")).await.map_err(shown)?;
    let header = answer.headers().get(http::header::CONTENT_LENGTH);
    let header = header.and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
    equal("the length", header.or(answer.body().content_length()), Some(5))
}

pub(super) async fn content_is_not_decoded(transport: AnyTransport) -> Verdict {
    let server = Server::start(reply(
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 8\r\n\r\nnot gzip",
    ))
    .await?;
    let answer = send(&transport, &server.url("/")).await.map_err(shown)?;
    let kept = answer.headers().get("content-encoding").map(|value| value.as_bytes().to_vec());
    equal("content-encoding", kept.as_deref(), Some(&b"gzip"[..]))?;
    body(collect(answer.into_body()).await, b"not gzip")
}

pub(super) async fn a_short_body_is_an_error(transport: AnyTransport) -> Verdict {
    let server = Server::start(reply(HELLO_OF_9)).await?;
    broken(read(&transport, &server.url("/")).await)
}

pub(super) async fn a_short_chunked_body_is_an_error(transport: AnyTransport) -> Verdict {
    for cut in ["5\r\nhel", "5\r\nhello\r\n", "5\r\nhello\r\n0\r\n"] {
        let text = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{cut}");
        let server = Server::start(reply(text)).await?;
        broken(read(&transport, &server.url("/")).await).map_err(|e| format!("{cut:?}: {e}"))?;
    }
    KEPT
}

pub(super) async fn a_reset_body_is_an_error(transport: AnyTransport) -> Verdict {
    let mut script = reply(HELLO_OF_9);
    script.push(Part::Reset);
    let server = Server::start(script).await?;
    // A reset may overtake the head.
    match send(&transport, &server.url("/")).await {
        Ok(answer) => broken(collect(answer.into_body()).await),
        Err(error) => broken::<()>(Err(error)),
    }
}

/// A body that comes by one script and ends by these limits, its connection with it.
async fn body_times_out(transport: &AnyTransport, then: Part, timeouts: Timeouts) -> Verdict {
    let mut script = reply("HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\nhello");
    script.push(then);
    let mut server = Server::start(script).await?;
    let answer = send_with(transport, &server.url("/"), &any_address(timeouts)).await;
    failed(collect(answer.map_err(shown)?.into_body()).await, &[Kind::Timeout])?;
    server.peer_closed().await
}

pub(super) async fn a_stalled_body_times_out(transport: AnyTransport) -> Verdict {
    body_times_out(&transport, Part::Stall, PATIENT.with_idle(SHORT)).await
}

pub(super) async fn a_slow_body_ends_by_its_minimum_rate(transport: AnyTransport) -> Verdict {
    let rate = PATIENT.with_total(None).with_minimum_rate(Some(MinimumRate::new(1024, SHORT)));
    body_times_out(&transport, Part::Drip(b'x', DRIP), rate).await
}

pub(super) async fn a_body_ends_by_its_total(transport: AnyTransport) -> Verdict {
    body_times_out(&transport, Part::Drip(b'x', DRIP), PATIENT.with_total(Some(LONGER))).await
}

pub(super) async fn a_missing_head_times_out(transport: AnyTransport) -> Verdict {
    let mut server = Server::start(vec![Part::Stall]).await?;
    let ended = send_with(&transport, &server.url("/"), &any_address(BRISK)).await;
    failed(ended, &[Kind::Timeout])?;
    server.peer_closed().await
}

pub(super) async fn a_dripping_head_times_out(transport: AnyTransport) -> Verdict {
    let mut script = reply("HTTP/1.1 200 OK\r\nX-Slow: ");
    script.push(Part::Drip(b'x', DRIP));
    let mut server = Server::start(script).await?;
    let ended = send_with(&transport, &server.url("/"), &any_address(BRISK)).await;
    failed(ended, &[Kind::Timeout])?;
    server.peer_closed().await
}

pub(super) async fn a_closed_connection_is_an_error_and_not_retried(
    transport: AnyTransport,
) -> Verdict {
    let mut server = Server::start(Vec::new()).await?;
    broken(send(&transport, &server.url("/")).await)?;
    server.head().await?;
    equal("further requests", server.further_heads(), 0)
}

pub(super) async fn what_is_not_http_is_an_error(transport: AnyTransport) -> Verdict {
    for text in
        ["SSH-2.0-OpenSSH_9.2\r\n\r\n", "<html>hello</html>\r\n\r\n", "HTTP/1.1 abc\r\n\r\n"]
    {
        let server = Server::start(reply(text)).await?;
        let ended = send(&transport, &server.url("/")).await;
        broken(ended).map_err(|e| format!("{text:?}: {e}"))?;
    }
    KEPT
}

pub(super) async fn a_refused_connection_is_told_apart(transport: AnyTransport) -> Verdict {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    drop(listener);
    failed(send(&transport, &format!("http://{address}/")).await, &[Kind::Connect])
}

pub(super) async fn a_uri_without_a_host_is_refused(transport: AnyTransport) -> Verdict {
    failed(send(&transport, "/relative").await, &[Kind::Request])
}

pub(super) async fn dropping_the_future_closes_the_connection(transport: AnyTransport) -> Verdict {
    let mut server = Server::start(vec![Part::Stall]).await?;
    let url = server.url("/");
    tokio::select! {
        answered = send(&transport, &url) => {
            return Err(format!("an answer although none was sent: {answered:?}"));
        }
        head = server.head() => drop(head?),
    }
    server.peer_closed().await
}

pub(super) async fn dropping_the_body_closes_the_connection(transport: AnyTransport) -> Verdict {
    let mut script = reply(HELLO_OF_9);
    script.push(Part::Stall);
    let mut server = Server::start(script).await?;
    let mut body = send(&transport, &server.url("/")).await.map_err(shown)?.into_body();
    body.chunk().await.map_err(shown)?;
    drop(body);
    server.peer_closed().await
}

/// Public addresses, and the one of this server.
fn only(server: &Server) -> Result<AddressPolicy, String> {
    let host = server.url("").trim_start_matches("http://").parse();
    Ok(AddressPolicy::public_only().with_exception(host.map_err(|_| "not a host")?))
}

/// What is the outcome for a transport that does not see addresses.
fn without_checks(transport: &AnyTransport) -> Option<Verdict> {
    (transport.address_checks() == AddressChecks::None).then(|| {
        Ok(Outcome::NotApplicable("the transport says that it does not check addresses".to_owned()))
    })
}

pub(super) async fn a_private_address_is_refused(transport: AnyTransport) -> Verdict {
    if let Some(outcome) = without_checks(&transport) {
        return outcome;
    }
    let mut server = Server::start(reply(OK)).await?;
    let by_name = server.url("/").replace("127.0.0.1", "localhost");
    for url in [server.url("/"), by_name] {
        let ended = send_with(&transport, &url, &SendOptions::new(PATIENT)).await;
        failed(ended, &[Kind::Forbidden]).map_err(|e| format!("{url}: {e}"))?;
    }
    equal("requests", server.further_heads(), 0)
}

pub(super) async fn an_excepted_address_is_connected_to(transport: AnyTransport) -> Verdict {
    if let Some(outcome) = without_checks(&transport) {
        return outcome;
    }
    let server = Server::start(reply(OK)).await?;
    let options = SendOptions::new(PATIENT).with_addresses(only(&server)?);
    for url in [server.url("/"), server.url("/").replace("127.0.0.1", "localhost")] {
        let answer = send_with(&transport, &url, &options).await;
        answer.map_err(|e| format!("{url}: {}", shown(e)))?;
    }
    KEPT
}

pub(super) async fn a_connection_is_not_reused_under_another_policy(
    transport: AnyTransport,
) -> Verdict {
    if let Some(outcome) = without_checks(&transport) {
        return outcome;
    }
    // The server keeps the connection open, for whoever sends on it.
    let mut script = reply(OK);
    script.push(Part::Stall);
    let mut server = Server::start(script).await?;
    let allowed = send(&transport, &server.url("/")).await.map_err(shown)?;
    collect(allowed.into_body()).await.map_err(shown)?;
    server.head().await?;
    let ended = send_with(&transport, &server.url("/"), &SendOptions::new(BRISK)).await;
    failed(ended, &[Kind::Forbidden])
}
