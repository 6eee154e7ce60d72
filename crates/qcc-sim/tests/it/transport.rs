//! The vendor through memory, in virtual time.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use qcc_http::{AnyTransport, SendOptions, Timeouts, Transport, TransportErrorKind};
use qcc_sim::{SimTransport, Vendor, VendorConfig, VirtualClock};
use tokio::time::Instant;

use crate::support::*;

/// A transport to a vendor with one order, and the link to its archive, which
/// was got before the faults began.
fn transport(faults: &str) -> (SimTransport, String) {
    let mut vendor = vendor(VendorConfig { records_per_order: 900..=900, ..Default::default() });
    let order = vendor.push(at(0));
    let link = locate(&mut vendor, &order, at(0)).link.reveal().to_owned();
    vendor.set_faults(faults.parse().unwrap());
    let clock = VirtualClock::starting_at(at(0));
    (SimTransport::new(Arc::new(Mutex::new(vendor)), clock.reader()), link)
}

fn options() -> SendOptions {
    within(4)
}

/// Limits with this many seconds between two pieces of a body.
fn within(idle: u64) -> SendOptions {
    let [connect, head, idle] = [1, 10, idle].map(Duration::from_secs);
    SendOptions::new(Timeouts::new().with_connect(connect).with_head(head).with_idle(idle))
}

#[tokio::test(start_paused = true)]
async fn answers_arrive_whole() {
    let (transport, link) = transport("");
    let client = AnyTransport::new(transport.clone());
    let response = client.send(list_request(at(0)), &options()).await.unwrap();
    let announced = response.body().content_length();
    let body = response.into_body().read_within(1 << 20).await.unwrap().unwrap();
    assert_eq!(announced, Some(body.len() as u64));
    assert_eq!(json(&body)["status"], "200");
    let archive = client.send(get(&link), &options()).await.unwrap().into_body();
    assert!(archive.read_within(1 << 20).await.unwrap().unwrap().starts_with(b"PK"));
    assert!(!transport.vendor().lock().unwrap().journal().secret_seen());
}

#[tokio::test(start_paused = true)]
async fn resets_and_silence_are_errors_that_say_what_may_have_happened() {
    for (faults, expected, seconds) in [
        ("reset-before:1", TransportErrorKind::Broken, 0),
        ("reset-after:1", TransportErrorKind::Broken, 0),
        ("no-answer:1", TransportErrorKind::Timeout, 10),
    ] {
        let (transport, _) = transport(faults);
        let start = Instant::now();
        let error = transport.send(list_request(at(0)), &options()).await.unwrap_err();
        assert_eq!(error.kind(), expected, "{faults}");
        assert!(error.kind().may_have_arrived());
        assert_eq!(start.elapsed().as_secs(), seconds, "{faults}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_is_waited_for_within_the_deadline() {
    let (transport, _) = transport("slow-answer:1");
    let start = Instant::now();
    assert!(transport.send(list_request(at(0)), &options()).await.is_ok());
    assert_eq!(start.elapsed().as_secs(), 5);
    let hasty = SendOptions::new(Timeouts::new().with_head(Duration::from_secs(2)));
    let error = transport.send(list_request(at(5)), &hasty).await.unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Timeout);
    assert_eq!(start.elapsed().as_secs(), 7);
}

#[tokio::test(start_paused = true)]
async fn bodies_break_off_stall_and_crawl() {
    for (faults, idle, expected, seconds) in [
        ("truncated-download:1", 4, Some(TransportErrorKind::Broken), 0),
        ("stalled-download:1", 4, Some(TransportErrorKind::Timeout), 4),
        ("slow-body:1", 6, None, 20),
        ("slow-body:1", 4, Some(TransportErrorKind::Timeout), 4),
    ] {
        let (transport, link) = transport(faults);
        let start = Instant::now();
        let deadlines = within(idle);
        let response = transport.send(get(&link), &deadlines).await.unwrap();
        let announced = response.body().content_length().unwrap();
        let mut body = response.into_body();
        let mut received = 0;
        let error = loop {
            match body.chunk().await {
                Ok(Some(piece)) => received += piece.len() as u64,
                Ok(None) => break None,
                Err(error) => break Some(error.kind()),
            }
        };
        assert_eq!(error, expected, "{faults}");
        assert_eq!(received == announced, error.is_none(), "{faults}");
        assert_eq!(start.elapsed().as_secs(), seconds, "{faults}");
        assert!(body.chunk().await.is_ok_and(|end| end.is_none()), "an end is an end");
    }
}

#[tokio::test(start_paused = true)]
async fn virtual_time_ends_links() {
    let (transport, link) = transport("");
    tokio::time::advance(Duration::from_secs(3601)).await;
    let response = transport.send(get(&link), &options()).await.unwrap();
    assert_eq!(response.status(), 403);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_at_other_hosts() {
    let (transport, _) = transport("");
    let error = transport.send(get("http://qcc-files.invalid/x"), &options()).await.unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Resolve);
    let vendor = transport.vendor().lock().unwrap();
    assert_eq!(vendor.journal().foreign_hosts(), ["http://qcc-files.invalid"]);
}

#[tokio::test]
async fn a_relative_uri_is_not_sent() {
    let vendor = Arc::new(Mutex::new(Vendor::new(VendorConfig::default())));
    let transport = SimTransport::new(vendor, || at(0));
    let error = transport.send(get("/api"), &options()).await.unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Request);
}
