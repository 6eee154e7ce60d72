//! Nothing of a request but a checked order number shows anywhere.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use http::header;
use qcc_callback::{AccessLog, Guards, MemoryInbox, PathSecret, Probe, RateLimit, Tail};
use tracing_subscriber::fmt::MakeWriter;

use crate::support::*;

const SEGMENT: &str = "5ecre75ecre75ecre75ecre75ecre7aa";

/// What must never show: key, password, signature, what a forger wrote, the
/// secret path.
const HIDDEN: &[&str] = &[
    KEY,
    "open-sesame",
    "D0lw17m2",
    "Signature",
    "passwd",
    "forged",
    "Set-Cookie",
    "wr0ng-key",
    SEGMENT,
    "tr4cking",
    "pro-files",
    "%2F",
    "\u{1b}[31m",
];

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
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

#[track_caller]
fn check(shown: &str) {
    for hidden in HIDDEN {
        assert!(!shown.contains(hidden), "{hidden} shows in {shown}");
    }
}

#[tokio::test]
async fn no_log_line_holds_anything_of_a_query_or_a_secret_path() {
    let captured = Captured::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(captured.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let limit = RateLimit::new(2.try_into().unwrap(), 60.try_into().unwrap());
    let guards = Guards::default().with_unknown_orders(Some(limit));
    let up = build(MemoryInbox::default())
        .guards(guards)
        .probe(Probe::new([7; 32]))
        .observer(AccessLog::default())
        .build();
    up.paths().replace([Tail::Bare, Tail::Secret(SEGMENT.parse().unwrap())]);
    let down = build(Broken::default()).observer(AccessLog::default()).build();
    let mut targets = vec![
        "/tr4cking".to_owned(),
        "/callback?qccProbe=tr4cking-1".to_owned(),
        format!("/callback/{SEGMENT}?{}", query("DDMON1")),
        format!("/callback/{SEGMENT}x?{}", query("DDMON1")),
        format!("/callback?{}", query("x%0d%0aSet-Cookie:forged")),
        format!("/callback?{}", query("..%2F..%2Fpasswd")),
        format!("/callback?{}", query_with("wr0ng-key", "DDMON2")),
        format!("/callback?{}&key=wr0ng-key", query("DDMON2")),
        format!("/callback?{}&x={}", query("DDMON2"), "tr4cking".repeat(1100)),
    ];
    targets.extend((3..8).map(|n| format!("/callback?{}", query(&format!("DDMON{n}")))));
    for target in &targets {
        for service in [&up] {
            let mut request = get(target);
            request.headers_mut().insert(header::USER_AGENT, "tr4cking".parse().unwrap());
            request.headers_mut().insert("x-forwarded-for", "tr4cking".parse().unwrap());
            ask(service, request).await;
        }
    }
    for _ in 0..5 {
        ask(&down, call("DDMON9")).await;
    }
    let shown = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
    for expected in ["DDMON1", "wrong_key", "limited", "not_noted", "the disk is full", "left=0"] {
        assert!(shown.contains(expected), "{expected} is not logged: {shown}");
    }
    check(&shown);
}

#[tokio::test]
async fn nobody_outside_fills_the_log() {
    let captured = Captured::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::INFO)
        .with_writer(captured.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let limit = RateLimit::new(5.try_into().unwrap(), 60.try_into().unwrap());
    let start = std::time::Instant::now();
    let up = build(MemoryInbox::default())
        .guards(Guards::default().with_unknown_orders(Some(limit)))
        .observer(AccessLog::default())
        .clock(move || start)
        .build();
    let down = build(Broken::default()).observer(AccessLog::default()).build();
    for n in 0..1000 {
        let forged = format!("/callback?{}", query_with("wr0ng-key", "A"));
        for request in [get("/"), get(&forged), call("..%2F"), call(&format!("A{n}")), call("A0")] {
            ask(&up, request).await;
        }
        ask(&down, call("A")).await;
    }
    let shown = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
    // Five orders; five errors in a row and then at 8, 16, … 512, most of them twice;
    // what somebody with the key is refused, up to 60 times; and calls over the limit.
    assert_eq!(shown.lines().count(), 5 + 12 + 10 + 60 + 1, "{shown}");
}

#[test]
fn debug_and_errors_show_no_secret() {
    let service = build(MemoryInbox::default()).probe(Probe::new([0x5e; 32]));
    check(&format!("{service:?} {:?}", build(MemoryInbox::default()).build()));
    let secret: PathSecret = SEGMENT.parse().unwrap();
    check(&format!("{secret:?} {:?}", Tail::Secret(secret.clone())));
    let paths = qcc_callback::Paths::new("/callback").unwrap();
    paths.replace([Tail::Secret(secret)]);
    check(&format!("{paths:?} {:?} {:?}", Probe::new([1; 32]), receiver()));
    for bad in ["..%2Fpasswd", "x%0aSet-Cookie", "%FFforged"] {
        let refused = receiver().receive(query(bad).as_bytes()).unwrap_err();
        let cause = std::error::Error::source(&refused).map(ToString::to_string);
        check(&format!("{refused:?} {refused} {cause:?} {:?}", refused.acknowledgement()));
    }
}
