//! Calls that are none: what is said to them, and that nothing comes of them.

use std::{fs, path::Path};

use http::StatusCode;
use qcc_callback::{Guards, MemoryInbox, RateLimit};

use crate::support::*;

/// What the query is, the word for its refusal, and the HTTP status.
fn table() -> Vec<(String, &'static str, u16)> {
    let good = query(ORDER);
    let with = |from: &str, to: &str| good.replace(from, to);
    vec![
        // The caller.
        (query_with("wrong", ORDER), "wrong_key", 403),
        (query_with(&KEY[..31], ORDER), "wrong_key", 403),
        (query_with(&format!("{KEY}0"), ORDER), "wrong_key", 403),
        (query_with(&KEY.to_uppercase(), ORDER), "wrong_key", 403),
        (query_with("", ORDER), "missing", 400),
        (query_with(&format!("{KEY}%00"), ORDER), "control", 400),
        (good.replace("key=", "Key="), "missing", 400),
        // The order number.
        (query(""), "missing", 400),
        (query("..%2F..%2Fetc%2Fpasswd"), "order_number", 400),
        (query("%2e%2e"), "order_number", 400),
        (query("..%5C..%5Cwindows"), "order_number", 400),
        (query("%252e%252e%252f"), "order_number", 400),
        (query("a%2Fb"), "order_number", 400),
        (query("-%3Brm%20-rf"), "order_number", 400),
        (query("x'%20OR%201=1--"), "order_number", 400),
        (query("%7B%22a%22:1%7D"), "order_number", 400),
        (query("%E8%AE%A2%E5%8D%95"), "order_number", 400),
        (query("DDMON+1"), "order_number", 400),
        (query(&"9".repeat(65)), "order_number", 400),
        (query("x%0D%0ASet-Cookie:%20a=b"), "control", 400),
        (query("x%00"), "control", 400),
        (query("x%0a2026-11-25%20ERROR%20forged"), "control", 400),
        (query("x%1b%5b31m"), "control", 400),
        (query("x%c2%85"), "control", 400),
        // Encoding.
        (query("%FF%FE"), "encoding", 400),
        (query("%C0%AE%C0%AE%C0%AF"), "encoding", 400),
        (query("%ED%A0%80"), "encoding", 400),
        (query("%"), "encoding", 400),
        (query("%2"), "encoding", 400),
        (query("%zz"), "encoding", 400),
        (query("%u0041"), "encoding", 400),
        // Parameters.
        (format!("{good}&key={KEY}"), "repeated", 400),
        (format!("{good}&orderNo=OTHER"), "repeated", 400),
        (format!("{good}&order%4Eo=OTHER"), "repeated", 400),
        (format!("{good}&unzipPassword="), "repeated", 400),
        (with("unzipPassword", "password"), "missing", 400),
        (with("downloadUrl=", "url="), "missing", 400),
        (good.replace('&', ";"), "missing", 400),
        (String::new(), "missing", 400),
        ("&&&&===".to_owned(), "missing", 400),
        // Size.
        (format!("{good}&x={}", "a".repeat(8192)), "too_long", 414),
        ("%".repeat(8193), "too_long", 414),
    ]
}

#[tokio::test]
async fn no_forged_call_reaches_the_inbox() {
    for (query, code, status) in table() {
        let (inbox, log) = (MemoryInbox::default(), Log::default());
        let service = build(inbox.clone()).observer(log.clone()).build();
        let (answered, body) = ask(&service, get(&format!("/callback?{query}"))).await;
        assert_eq!((log.last().0.as_str(), answered.as_u16()), (code, status), "{query}");
        assert!(inbox.orders().is_empty(), "{query}");
        assert!(!body.contains(ORDER) && !body.contains("passwd"), "{body}");
        assert!(body.starts_with(r#"{"status":""#) && !body.contains(r#""200""#), "{body}");
    }
}

#[test]
fn a_megabyte_is_refused_unread() {
    let mut query = query(ORDER).into_bytes();
    query.resize(1 << 20, b'&');
    assert_eq!(receiver().receive(&query).unwrap_err().code(), "too_long");
}

#[tokio::test]
async fn a_wrong_key_is_told_nothing_of_the_right_one() {
    let service = build(MemoryInbox::default()).build();
    let mut answers = Vec::new();
    for key in ["x", &KEY[..31], &KEY.replace('f', "e"), &format!("e{}", &KEY[1..])] {
        for order_no in [ORDER, "..%2F"] {
            let target = format!("/callback?{}", query_with(key, order_no));
            answers.push(ask(&service, get(&target)).await);
        }
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(answers[0].0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_link_elsewhere_is_a_hint_like_any_other() {
    let inbox = MemoryInbox::default();
    let service = build(inbox.clone()).build();
    let query = query(ORDER).replace("pro-files.qichacha.com", "169.254.169.254");
    assert_eq!(ask(&service, get(&format!("/callback?{query}"))).await.0, StatusCode::OK);
    assert_eq!(inbox.orders(), [ORDER.parse().unwrap()], "nothing but the number is kept");
}

#[tokio::test]
async fn every_recorded_callback_is_accepted_or_refused_whole() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/callbacks");
    let receiver = qcc_callback::Receiver::new("AppKey".parse().unwrap());
    let (mut accepted, mut refused) = (0, 0);
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "txt") {
            continue;
        }
        let raw = fs::read(&path).unwrap();
        match receiver.receive(&raw) {
            Ok(callback) => {
                assert_eq!(callback.order_no.as_str(), ORDER, "{path:?}");
                accepted += 1;
            }
            Err(rejection) => {
                assert!(rejection.http_status().is_client_error(), "{path:?}");
                refused += 1;
            }
        }
    }
    assert_eq!((accepted, refused), (13, 12));
}

#[tokio::test]
async fn a_flood_of_unknown_orders_is_cut_off_and_the_vendors_own_pass() {
    let (inbox, log) = (MemoryInbox::default(), Log::default());
    let limit = RateLimit::new(20.try_into().unwrap(), 60.try_into().unwrap());
    let start = std::time::Instant::now();
    let service = build(inbox.clone())
        .guards(Guards::default().with_unknown_orders(Some(limit)))
        .observer(log.clone())
        .clock(move || start)
        .build();
    for n in 0..500 {
        let (status, _) = ask(&service, call(&format!("FORGED{n}"))).await;
        let expected = if n < 20 { StatusCode::OK } else { StatusCode::TOO_MANY_REQUESTS };
        assert_eq!(status, expected, "{n}");
    }
    assert_eq!(inbox.orders().len(), 20);
    assert_eq!(ask(&service, call("FORGED7")).await.0, StatusCode::OK, "a known order passes");
    let target = format!("/callback?{}", query(ORDER));
    let other = ask(&service, from("198.51.100.1:1", &target)).await;
    assert_eq!(other.0, StatusCode::OK, "another address is not limited");
}

#[tokio::test]
async fn a_flood_from_many_addresses_is_cut_off_and_known_orders_pass() {
    let (inbox, log) = (MemoryInbox::default(), Log::default());
    let each = RateLimit::new(20.try_into().unwrap(), 60.try_into().unwrap());
    let start = std::time::Instant::now();
    let guards = Guards::default()
        .with_unknown_orders(Some(each))
        .with_unknown_orders_in_all(Some(each.doubled()));
    let service =
        build(inbox.clone()).guards(guards).observer(log.clone()).clock(move || start).build();
    for n in 0..3000 {
        let target = format!("/callback?{}", query(&format!("FORGED{n}")));
        let peer = format!("198.51.{}.{}:1", n / 250, n % 250);
        let (status, _) = ask(&service, from(&peer, &target)).await;
        let expected = if n < 40 { StatusCode::OK } else { StatusCode::TOO_MANY_REQUESTS };
        assert_eq!(status, expected, "{n}");
    }
    assert_eq!((inbox.orders().len(), log.last().0.as_str()), (40, "limited_in_all"));
    let known = ask(&service, call("FORGED7")).await;
    assert_eq!(known.0, StatusCode::OK, "a known order passes from anywhere");
}
