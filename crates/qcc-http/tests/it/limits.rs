//! Servers that are slow on purpose, and lines that are slow in earnest.

use std::{
    net::{Ipv4Addr, SocketAddr},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use jiff::Timestamp;
use qcc_http::{
    AddressChecks, Body, Error, ErrorClass, MinimumRate, SendOptions, Timeouts, Transport,
    TransportError, TransportErrorKind as Kind,
};
use qcc_proto::DownloadLink;
use tokio::{
    io::AsyncWriteExt,
    net::TcpListener,
    time::{Instant, Sleep, sleep},
};

use crate::support::{chain, client, client_over, read_head};

/// Sends `head`, then `piece` again and again with a pause, for as long as somebody reads.
async fn dripping(head: &'static str, piece: &'static [u8], pause: Duration) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                read_head(&mut stream).await;
                stream.write_all(head.as_bytes()).await.unwrap();
                loop {
                    sleep(pause).await;
                    if stream.write_all(piece).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

/// A download at this many bytes a second, taken over [`PATIENCE`].
fn at_least(rate: u32) -> Timeouts {
    let rate = MinimumRate::new(rate, PATIENCE);
    Timeouts::for_downloads().with_minimum_rate(Some(rate))
}

const LONG_BODY: &str = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n";
const TICK: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_millis(400);

fn link(address: SocketAddr) -> DownloadLink {
    DownloadLink::new(format!("http://{address}/x.zip?Signature=1"))
}

#[tokio::test]
async fn an_answer_that_drips_ends_at_the_total() {
    for head in [LONG_BODY, "HTTP/1.1 200 OK\r\nX-Slow: ", "HTTP/1.1 503 X\r\n\r\n"] {
        let address = dripping(head, b"x", TICK).await;
        let timeouts = Timeouts::new().with_total(Some(PATIENCE));
        let client = client(&format!("http://{address}")).with_call_timeouts(timeouts);
        let started = Instant::now();
        let error = client.list_orders(Timestamp::UNIX_EPOCH).await.unwrap_err();
        assert!(started.elapsed() < Duration::from_secs(5), "{head:?}: {:?}", started.elapsed());
        assert_eq!(error.class(), ErrorClass::Transient, "{error:?}");
        let text = chain(&error);
        let said = text.contains("was not complete after 400ms") || text.contains("HTTP 503");
        assert!(said && !text.contains("key="), "{text}");
    }
}

#[tokio::test]
async fn a_download_that_drips_ends_by_its_rate() {
    let address = dripping(LONG_BODY, b"x", TICK).await;
    let client = client("http://127.0.0.1:1").with_download_timeouts(at_least(1024));
    let download = client.download(&link(address), None).await.unwrap();
    let error = download.body.read_within(1 << 20).await.expect_err("it drips");
    assert_eq!(error.kind(), Kind::Timeout);
    let text = chain(&error);
    assert!(text.contains("below 1024 bytes a second for 400ms"), "{text}");
}

#[tokio::test]
async fn the_page_of_a_file_host_may_not_drip_either() {
    let address = dripping("HTTP/1.1 500 X\r\n\r\n", b"x", TICK).await;
    let client = client("http://127.0.0.1:1").with_download_timeouts(at_least(1024));
    let error = client.download(&link(address), None).await.unwrap_err();
    assert!(matches!(error, Error::Storage { .. }), "{error:?}");
}

/// Says at once that it has an answer; the pieces take their time.
struct Trickle {
    piece: usize,
    pause: Duration,
    pieces: u64,
    /// How long the head takes.
    head: Duration,
}

struct Pieces {
    piece: Bytes,
    pause: Duration,
    left: u64,
    pausing: Option<Pin<Box<Sleep>>>,
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let pause = self.pause;
        let pausing = self.pausing.get_or_insert_with(|| Box::pin(sleep(pause)));
        if pausing.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.pausing = None;
        self.left -= 1;
        Poll::Ready(Some(Ok(Frame::data(self.piece.clone()))))
    }
}

impl Transport for Trickle {
    async fn send(
        &self,
        _: Request<Bytes>,
        _: &SendOptions,
    ) -> Result<Response<Body>, TransportError> {
        sleep(self.head).await;
        Ok(Response::new(Body::new(Pieces {
            piece: vec![b'x'; self.piece].into(),
            pause: self.pause,
            left: self.pieces,
            pausing: None,
        })))
    }

    fn address_checks(&self) -> AddressChecks {
        AddressChecks::None
    }
}

/// How a download over this transport ends, how many bytes came, and after how long.
async fn fetched(transport: Trickle) -> (Result<(), TransportError>, u64, Duration) {
    let started = Instant::now();
    let client = client_over("http://127.0.0.1:1", transport);
    let link = DownloadLink::new("http://127.0.0.1/x");
    let mut body = client.download(&link, None).await.unwrap().body;
    let mut came = 0;
    loop {
        match body.chunk().await {
            Ok(Some(piece)) => came += piece.len() as u64,
            Ok(None) => return (Ok(()), came, started.elapsed()),
            Err(error) => return (Err(error), came, started.elapsed()),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn four_gibibytes_pass_a_thin_line() {
    // 64 kbit/s, evenly: six days. Then in bursts: half a minute of nothing, then 32 KiB.
    for (piece, pause) in [(64 << 10, 8), (32 << 10, 29)] {
        let pieces = (4 << 30) / piece as u64;
        let line =
            Trickle { piece, pause: Duration::from_secs(pause), pieces, head: Duration::ZERO };
        let (ended, came, took) = fetched(line).await;
        assert!(ended.is_ok(), "{ended:?} after {came} bytes and {took:?}");
        assert_eq!(came, 4 << 30);
    }
}

#[tokio::test(start_paused = true)]
async fn a_byte_every_29_seconds_does_not() {
    let pause = Duration::from_secs(29);
    let (ended, _, took) =
        fetched(Trickle { piece: 1, pause, pieces: u64::MAX, head: Duration::ZERO }).await;
    assert_eq!(ended.unwrap_err().kind(), Kind::Timeout);
    assert!(took < Duration::from_secs(90), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn limits_hold_over_a_transport_that_keeps_none() {
    let day = Duration::from_secs(86_400);
    for (head, pause, limit) in [(day, day, 40), (Duration::ZERO, day, 30)] {
        let http = Trickle { piece: 1, pause, pieces: 9, head };
        let started = Instant::now();
        let client = client_over("http://127.0.0.1:1", http);
        let error = client.activate(Timestamp::UNIX_EPOCH).await.unwrap_err();
        let Error::Transport(error) = error else { panic!("{error:?}") };
        assert_eq!(error.kind(), Kind::Timeout);
        assert_eq!(started.elapsed().as_secs(), limit);
    }
}

#[tokio::test(start_paused = true)]
async fn a_total_ends_a_download_too_and_a_pause_counts_by_the_nearest_limit() {
    let second = Duration::from_secs(1);
    for (timeouts, pause, words, took) in [
        (
            Timeouts::for_downloads().with_total(Some(90 * second)),
            second,
            "not complete after 90s",
            90,
        ),
        (Timeouts::for_downloads(), 31 * second, "the body stalled after 30s", 30),
        (
            Timeouts::for_downloads().with_minimum_rate(Some(MinimumRate::new(0, 5 * second))),
            second,
            "below 0 bytes a second for 5s",
            5,
        ),
    ] {
        let line = Trickle { piece: 4096, pause, pieces: u64::MAX, head: Duration::ZERO };
        let started = Instant::now();
        let client = client_over("http://127.0.0.1:1", line).with_download_timeouts(timeouts);
        let link = DownloadLink::new("http://127.0.0.1/x");
        let download = client.download(&link, None).await.unwrap();
        let error = download.body.read_within(usize::MAX).await.unwrap_err();
        assert!(chain(&error).contains(words), "{}", chain(&error));
        assert_eq!(started.elapsed().as_secs(), took, "{words}");
    }
}
