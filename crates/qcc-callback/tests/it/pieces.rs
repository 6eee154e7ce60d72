//! The small pieces alone: bodies, budgets, guards, observers, secrets.

use std::{
    future::pending,
    io,
    net::Ipv4Addr,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use http::StatusCode;
use http_body::Body;
use qcc_callback::{
    AccessLog, AckBody, CallbackService, ErrorBudget, Guards, Inbox, MemoryInbox, PathSecret,
    Paths, Probe, RateLimit, ServerLimits, Tail, serve,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    time::timeout,
};
use tracing_subscriber::fmt::MakeWriter;

use crate::support::*;

#[tokio::test]
async fn a_body_ends_with_its_only_piece() {
    let service = build(MemoryInbox::default()).build();
    let mut body = service.answer(call(ORDER)).await.into_body();
    assert!(!body.is_end_stream());
    let mut frame = || Pin::new(&mut body).poll_frame(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(Some(Ok(piece))) = frame() else { panic!("it has no piece") };
    assert_eq!(piece.into_data().unwrap(), ACCEPTED.as_bytes());
    assert!(matches!(frame(), Poll::Ready(None)));
    assert!(body.is_end_stream() && AckBody::default().is_end_stream());
    assert_eq!(body.size_hint().exact(), Some(0));
}

#[test]
fn errors_in_a_row_use_up_a_budget_of_five() {
    let mut budget = ErrorBudget::default();
    for (in_a_row, left, low, spent) in [
        (0, 5, false, false),
        (1, 4, false, false),
        (2, 3, false, false),
        (3, 2, true, false),
        (4, 1, true, false),
        (5, 0, true, true),
        (6, 0, true, true),
    ] {
        assert_eq!((budget.in_a_row(), budget.left()), (in_a_row, left));
        assert_eq!((budget.is_low(), budget.is_spent()), (low, spent), "{in_a_row}");
        assert_eq!(budget, ErrorBudget::spent(in_a_row));
        assert_eq!(budget.after_success(), ErrorBudget::default());
        budget = budget.after_error();
    }
    assert_eq!(ErrorBudget::spent(u32::MAX).after_error(), ErrorBudget::spent(u32::MAX));
}

#[tokio::test]
async fn errors_before_a_start_still_count() {
    let service = build(MemoryInbox::default()).errors(4).build();
    assert_eq!(service.budget(), ErrorBudget::spent(4));
    ask(&service, call("..%2F")).await;
    assert!(service.budget().is_spent());
    ask(&service, call(ORDER)).await;
    assert_eq!(service.budget(), ErrorBudget::default());
}

/// What a log shows.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::Write::write(&mut *self.0.lock().unwrap(), bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Captured {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// What a server says to a client that sends that, until it closes.
async fn exchange<I: Inbox>(
    service: CallbackService<I>,
    limits: ServerLimits,
    text: &str,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let client = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let read = timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
        drop(read.expect("the connection stays open"));
        String::from_utf8(answer).unwrap()
    };
    tokio::select! {
        answer = client => answer,
        () = serve(listener, service, limits, pending()) => panic!("the server ended"),
    }
}

/// How many of the unknown orders are accepted that so many addresses name, each as
/// many.
async fn accepted(guards: Guards, addresses: u32, orders: u32) -> u32 {
    let now = std::time::Instant::now();
    let service = build(MemoryInbox::default()).guards(guards).clock(move || now).build();
    let mut accepted = 0;
    for address in 0..addresses {
        let peer = format!("{}:4000", Ipv4Addr::from_bits(0xc633_6400 + address));
        for order in 0..orders {
            let target = format!("/callback?{}", query(&format!("A{address}N{order}")));
            accepted += u32::from(ask(&service, from(&peer, &target)).await.0 == StatusCode::OK);
        }
    }
    accepted
}

#[tokio::test]
async fn without_guards_everybody_may_name_as_many_orders_as_they_like() {
    assert_eq!(accepted(Guards::default(), 1, 400).await, 300);
    assert_eq!(accepted(Guards::default(), 3, 250).await, 600);
    assert_eq!(accepted(Guards::none(), 3, 400).await, 1200);
    let each = RateLimit::new(300.try_into().unwrap(), 300.try_into().unwrap());
    let each = Guards::none().with_unknown_orders(Some(each));
    assert_eq!(accepted(each, 3, 400).await, 900, "no limit holds for all together");
}

#[tokio::test]
async fn two_observers_are_told_the_same_whoever_shares_them() {
    let (one, two, three) = (Log::default(), Log::default(), Log::default());
    let told = (one.clone(), Arc::new((two.clone(), three.clone())));
    let service = build(MemoryInbox::default()).observer(told).build();
    for text in ["no request\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"] {
        exchange(service.clone(), ServerLimits::default(), text).await;
    }
    for log in [one, two, three] {
        assert_eq!(log.codes(), ["no_request", "wrong_path"]);
    }
}

#[tokio::test]
async fn a_request_that_is_none_is_logged_where_one_looks_for_trouble() {
    let captured = Captured::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(captured.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let service = build(MemoryInbox::default()).observer(AccessLog::default()).build();
    exchange(service, ServerLimits::default(), "no request\r\n\r\n").await;
    let shown = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
    assert!(shown.contains("no_request") && shown.contains("127.0.0.1"), "{shown}");
}

/// A head that began must not keep a server from ending, nor one that nobody finishes.
#[tokio::test]
async fn a_half_sent_head_holds_up_no_shutdown() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let mut limits = ServerLimits::default();
    limits.head = PATIENCE * 10;
    limits.shutdown = PATIENCE * 10;
    let service = build(MemoryInbox::default()).build();
    let shutdown = async { drop(stopped.await) };
    let server = tokio::spawn(serve(listener, service, limits, shutdown));
    let mut answered = TcpStream::connect(address).await.unwrap();
    answered.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\nGET / HT").await.unwrap();
    let mut answer = [0; 12];
    answered.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 404");
    stop.send(()).unwrap();
    timeout(PATIENCE, server).await.expect("the server does not end").unwrap();
}

#[test]
fn a_secret_path_may_be_named_twice_and_hold_all_that_needs_no_escaping() {
    let text = "AZaz09-_AZaz09-_";
    let secret = || Tail::Secret(text.parse::<PathSecret>().unwrap());
    let paths = Paths::new("/callback").unwrap();
    paths.replace([secret(), secret()]);
    assert!(paths.accepts(&format!("/callback/{text}")));
    assert!(!paths.accepts("/callback"));
    for bad in ["AZaz09-_AZaz09-", "AZaz09-_AZaz09-.", "AZaz09-_AZaz09-~"] {
        assert!(bad.parse::<PathSecret>().is_err(), "{bad}");
    }
    let (one, other) = (PathSecret::from_random([1; 16]), PathSecret::from_random([2; 16]));
    assert!(one == one.clone() && one != other);
}

#[test]
fn what_holds_a_secret_says_in_its_debug_what_it_is() {
    let secret = PathSecret::from_random([1; 16]);
    assert_eq!(format!("{secret:?}"), "PathSecret(…)");
    assert_eq!(format!("{:?}", Probe::new([1; 32])), "Probe(…)");
    let builder = build(MemoryInbox::default());
    assert!(format!("{builder:?}").starts_with("CallbackServiceBuilder {"));
    let mut service = builder.build();
    assert!(format!("{service:?}").starts_with("CallbackService {"));
    let answering = tower_service::Service::call(&mut service, call(ORDER));
    assert_eq!(format!("{answering:?}"), "Answering(…)");
}

#[tokio::test]
async fn a_body_of_16_kib_is_ignored_and_a_longer_one_refused() {
    let service = build(MemoryInbox::default()).build();
    for (length, status) in
        [(16 * 1024, StatusCode::OK), (16 * 1024 + 1, StatusCode::PAYLOAD_TOO_LARGE)]
    {
        let mut request = call(ORDER);
        request.headers_mut().insert("content-length", length.into());
        assert_eq!(ask(&service, request).await.0, status, "{length}");
    }
}

#[tokio::test]
async fn the_shortest_head_that_is_read_is_8_kib_whatever_the_limit() {
    let service = build(MemoryInbox::default()).build();
    let mut limits = ServerLimits::default();
    limits.head_bytes = 1;
    let target = format!("/callback?{}", query(ORDER));
    let padding = "x".repeat(6000);
    let head = format!(
        "GET {target} HTTP/1.1\r\nHost: h\r\nX-Padding: {padding}\r\nConnection: close\r\n\r\n"
    );
    assert!(exchange(service, limits, &head).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn who_has_no_key_of_ours_writes_no_line_at_the_usual_level() {
    let captured = Captured::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::INFO)
        .with_writer(captured.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let service = build(MemoryInbox::default()).observer(AccessLog::default()).build();
    for target in ["/", "/callback", &format!("/callback?{}", query_with("0ther", ORDER))] {
        assert!(ask(&service, get(target)).await.0.is_client_error());
    }
    assert_eq!(captured.0.lock().unwrap().len(), 0);
    ask(&service, call("..%2F")).await;
    assert_ne!(captured.0.lock().unwrap().len(), 0, "a refusal that may be the vendor's");
}
