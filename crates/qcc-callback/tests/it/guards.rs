//! Whose request it is, who may call, and how much.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use http::StatusCode;
use qcc_callback::{Guards, MemoryInbox, RateLimit};

use crate::support::*;

fn networks(texts: &[&str]) -> Vec<ipnet::IpNet> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// The client that a request is taken for, with the proxies 10.0.0.0/8 and ::1.
#[track_caller]
fn client(peer: &str, forwarded: &[&str]) -> Option<String> {
    let log = Log::default();
    let guards = Guards::default().with_proxies(networks(&["10.0.0.0/8", "::1/128"]));
    let service = build(MemoryInbox::default()).guards(guards).observer(log.clone()).build();
    let mut request = from(peer, "/");
    for value in forwarded {
        request.headers_mut().append("x-forwarded-for", value.parse().unwrap());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(ask(&service, request));
    log.last().1
}

#[test]
fn only_a_believed_proxy_says_who_the_client_is() {
    for (peer, forwarded, expected) in [
        // A stranger's header is its own invention.
        ("203.0.113.9:1", &["198.51.100.1"][..], Some("203.0.113.9")),
        ("203.0.113.9:1", &[], Some("203.0.113.9")),
        // Our proxy's last word stands, whatever the client sent before it.
        ("10.0.0.2:1", &["203.0.113.9"], Some("203.0.113.9")),
        ("10.0.0.2:1", &["1.1.1.1, 198.51.100.1 , 203.0.113.9"], Some("203.0.113.9")),
        ("10.0.0.2:1", &["1.1.1.1", "203.0.113.9"], Some("203.0.113.9")),
        // Two proxies of ours in a row.
        ("10.0.0.2:1", &["1.1.1.1, 203.0.113.9, 10.9.9.9"], Some("203.0.113.9")),
        // With ports, brackets, and IPv4 in IPv6's clothes.
        ("10.0.0.2:1", &["203.0.113.9:4711"], Some("203.0.113.9")),
        ("10.0.0.2:1", &["[2001:db8::1]:4711"], Some("2001:db8::1")),
        ("10.0.0.2:1", &["[2001:db8::1]"], Some("2001:db8::1")),
        ("[::1]:1", &["2001:db8::1"], Some("2001:db8::1")),
        ("[::ffff:10.0.0.2]:1", &["::ffff:203.0.113.9"], Some("203.0.113.9")),
        // A proxy that asks for itself.
        ("10.0.0.2:1", &[], Some("10.0.0.2")),
        ("10.0.0.2:1", &["10.0.0.3"], Some("10.0.0.3")),
        // A proxy that does not know.
        ("10.0.0.2:1", &["unknown"], None),
        ("10.0.0.2:1", &["203.0.113.9, "], None),
        ("10.0.0.2:1", &["203.0.113.9, \u{ff}"], None),
    ] {
        assert_eq!(client(peer, forwarded).as_deref(), expected, "{peer} {forwarded:?}");
    }
}

#[tokio::test]
async fn only_listed_networks_may_call() {
    for (peer, sources, expected) in [
        ("192.0.2.7:1", &["192.0.2.0/24"][..], StatusCode::OK),
        ("192.0.3.7:1", &["192.0.2.0/24"], StatusCode::FORBIDDEN),
        ("[::ffff:192.0.2.7]:1", &["192.0.2.0/24"], StatusCode::OK),
        ("192.0.2.7:1", &["::ffff:192.0.2.0/120"], StatusCode::OK),
        ("192.0.3.7:1", &["::ffff:192.0.2.0/120"], StatusCode::FORBIDDEN),
        ("[2001:db8::7]:1", &["192.0.2.0/24", "2001:db8::/32"], StatusCode::OK),
        ("[2001:db9::7]:1", &["192.0.2.0/24", "2001:db8::/32"], StatusCode::FORBIDDEN),
    ] {
        let inbox = MemoryInbox::default();
        let guards = Guards::default().with_sources(networks(sources));
        let service = build(inbox.clone()).guards(guards).build();
        let target = format!("/callback?{}", query(ORDER));
        assert_eq!(ask(&service, from(peer, &target)).await.0, expected, "{peer}");
        assert_eq!(inbox.orders().len(), usize::from(expected == StatusCode::OK));
    }
}

#[tokio::test]
async fn a_client_nobody_can_name_is_refused_where_there_is_a_list() {
    let nameless = || {
        let mut request = call(ORDER);
        request.extensions_mut().clear();
        request
    };
    let open = build(MemoryInbox::default()).build();
    assert_eq!(ask(&open, nameless()).await.0, StatusCode::OK);
    let guards = Guards::default().with_sources(networks(&["0.0.0.0/0", "::/0"]));
    let listed = build(MemoryInbox::default()).guards(guards).build();
    assert_eq!(ask(&listed, nameless()).await.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_limit_refills_and_known_orders_cost_nothing() {
    let passed = Arc::new(AtomicU64::new(0));
    let (start, seconds) = (Instant::now(), Arc::clone(&passed));
    let limit = RateLimit::new(2.try_into().unwrap(), 60.try_into().unwrap());
    let service = build(MemoryInbox::default())
        .guards(Guards::default().with_unknown_orders(Some(limit)))
        .clock(move || start + Duration::from_secs(seconds.load(Ordering::Relaxed)))
        .build();
    let ask = async |order_no: &str| ask(&service, call(order_no)).await.0.as_u16();
    assert_eq!(ask("A").await, 200);
    for _ in 0..10 {
        assert_eq!(ask("A").await, 200, "known");
    }
    assert_eq!((ask("B").await, ask("C").await), (200, 429));
    passed.store(1, Ordering::Relaxed);
    assert_eq!((ask("C").await, ask("D").await), (200, 429));
    passed.store(60, Ordering::Relaxed);
    assert_eq!((ask("D").await, ask("E").await, ask("F").await), (200, 200, 429));
}

#[tokio::test]
async fn a_store_that_is_down_does_not_use_up_the_limit() {
    let broken = Broken::default();
    let limit = RateLimit::new(1.try_into().unwrap(), 60.try_into().unwrap());
    let start = Instant::now();
    let service = build(broken.clone())
        .guards(Guards::default().with_unknown_orders(Some(limit)))
        .clock(move || start)
        .build();
    for _ in 0..3 {
        assert_eq!(ask(&service, call(ORDER)).await.0, StatusCode::SERVICE_UNAVAILABLE);
    }
    broken.repair();
    assert_eq!(ask(&service, call(ORDER)).await.0, StatusCode::OK);
}
