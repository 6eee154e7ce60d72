//! What is answered, and when.

use std::future::{pending, ready};

use http::{Method, StatusCode, header};
use qcc_callback::{Guards, MemoryInbox, Probe, Rejection};
use qcc_proto::StatusForm;
use tower_service::Service;

use crate::support::*;

#[tokio::test]
async fn a_call_is_answered_to_the_byte() {
    let service = build(MemoryInbox::default()).build();
    let response = service.answer(call(ORDER)).await;
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json; charset=utf-8");
    assert_eq!(read(response), (StatusCode::OK, ACCEPTED.to_owned()));
}

#[tokio::test]
async fn the_number_form_changes_the_status_only() {
    let receiver = receiver().with_status_form(StatusForm::Integer);
    let paths = qcc_callback::Paths::new("/callback").unwrap();
    let inbox = MemoryInbox::default();
    let service = qcc_callback::CallbackService::builder(receiver, inbox, paths).build();
    let (status, body) = ask(&service, call(ORDER)).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, r#"{"status":200,"msg":"成功"}"#));
    let (_, body) = ask(&service, get("/callback")).await;
    assert!(body.starts_with(r#"{"status":202,"msg":""#), "{body}");
}

#[tokio::test]
async fn a_repeated_call_gets_the_same_answer_and_is_noted_once() {
    let (inbox, log) = (MemoryInbox::default(), Log::default());
    let service = build(inbox.clone()).observer(log.clone()).build();
    let first = ask(&service, call(ORDER)).await;
    assert_eq!(ask(&service, call(ORDER)).await, first);
    assert_eq!(inbox.orders(), [ORDER.parse().unwrap()]);
    assert_eq!(log.codes(), ["new", "known"]);
}

#[tokio::test]
async fn nothing_is_answered_before_it_is_durable() {
    let gate = Gate::shut();
    let service = build(gate.clone()).build();
    let mut answer = std::pin::pin!(ask(&service, call(ORDER)));
    tokio::select! {
        biased;
        answer = &mut answer => panic!("answered before it was durable: {answer:?}"),
        () = gate.came(1) => {}
    }
    gate.leave.add_permits(1);
    assert_eq!(answer.await.0, StatusCode::OK);
    assert_eq!(gate.inbox.orders().len(), 1);
}

#[tokio::test]
async fn a_store_that_is_down_is_said_honestly_and_counts() {
    let (broken, log) = (Broken::default(), Log::default());
    let service = build(broken.clone()).observer(log.clone()).build();
    for errors in 1..=4 {
        let (status, body) = ask(&service, call(ORDER)).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(body, r#"{"status":"199","msg":"the order number could not be stored"}"#);
        assert_eq!(log.last(), ("not_noted".into(), Some("192.0.2.7".into()), errors));
        assert_eq!(service.budget().is_low(), errors >= 3);
    }
    broken.repair();
    assert_eq!(ask(&service, call(ORDER)).await.0, StatusCode::OK);
    assert_eq!(service.budget().in_a_row(), 0);
}

#[tokio::test]
async fn what_is_not_durable_in_time_is_refused_as_ours() {
    let log = Log::default();
    let service = build(Gate::shut()).observer(log.clone()).build();
    let (status, _) = read(service.answer_before(call(ORDER), ready(())).await);
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(log.last().2, 1);
    let known = build(MemoryInbox::default()).build();
    assert_eq!(read(known.answer_before(call(ORDER), pending()).await).0, StatusCode::OK);
}

#[tokio::test]
async fn an_activation_ends_the_count() {
    let service = build(Broken::default()).build();
    ask(&service, call(ORDER)).await;
    assert_eq!(service.budget().in_a_row(), 1);
    service.forget_errors();
    assert_eq!(service.budget().in_a_row(), 0);
}

#[tokio::test]
async fn whatever_is_refused_with_our_key_may_count() {
    let log = Log::default();
    let guards = Guards::default().with_sources(["203.0.113.0/24".parse().unwrap()]);
    let open = build(MemoryInbox::default()).observer(log.clone()).build();
    let listed = build(MemoryInbox::default()).observer(log.clone()).guards(guards).build();
    let post = || http::Request::post(call(ORDER).uri()).body(()).unwrap();
    for (service, request, code) in [
        (&open, get(&format!("/callback?key={KEY}")), "missing"),
        (&open, get(&format!("/callback?{}&key={KEY}", query(ORDER))), "repeated"),
        (&open, get(&format!("/callback?{}&x=%", query("%"))), "encoding"),
        (&open, get(&format!("/callback?{}", query("%0a"))), "control"),
        (&open, get(&format!("/callback?{}&x={}", query(ORDER), "a".repeat(9000))), "too_long"),
        (&open, get(&format!("/callback?{}", query("."))), "order_number"),
        (&open, get(&format!("/elsewhere?{}", query(ORDER))), "wrong_path"),
        (&open, post(), "wrong_method"),
        (&listed, call(ORDER), "source"),
    ] {
        service.forget_errors();
        ask(service, request).await;
        let (told, _, errors) = log.last();
        assert_eq!((told.as_str(), errors), (code, 1));
    }
    for target in ["/elsewhere?key=other", "/callback?key=other", "/callback?key=", "/callback"] {
        ask(&open, get(target)).await;
        ask(&listed, get(target)).await;
    }
    assert_eq!((open.budget().in_a_row(), listed.budget().in_a_row()), (1, 1));
}

#[tokio::test]
async fn a_caller_that_leaves_before_it_is_answered_counts() {
    let log = Log::default();
    let gate = Gate::shut();
    let service = build(gate.clone()).observer(log.clone()).build();
    tokio::select! {
        biased;
        _ = service.answer(call(ORDER)) => panic!("the gate is shut"),
        () = gate.came(1) => {}
    }
    assert_eq!(log.last(), ("not_noted".into(), Some("192.0.2.7".into()), 1));
    assert_eq!(service.budget().in_a_row(), 1);
}

#[tokio::test]
async fn strangers_spend_nothing_of_the_budget() {
    let log = Log::default();
    let service = build(MemoryInbox::default()).observer(log.clone()).build();
    for target in ["/", "/callback", &format!("/callback?{}", query_with("other", ORDER))] {
        ask(&service, get(target)).await;
    }
    assert_eq!(log.codes(), ["wrong_path", "missing", "wrong_key"]);
    assert_eq!(service.budget().in_a_row(), 0);
}

/// Each request breaks every rule from its own on, so its answer shows which
/// rule comes first.
#[tokio::test]
async fn rules_are_applied_in_their_order() {
    let bad_query = format!("{}&orderNo=..%2F..", query_with("other", "x"));
    let bad_key = query_with("other", "..%2F..");
    let bad_order = query("..%2F..");
    let elsewhere = "203.0.113.9:1";
    let cases = [
        ("wrong_path", Method::POST, elsewhere, "/other", &bad_query, "99999"),
        ("wrong_method", Method::POST, elsewhere, "/callback", &bad_query, "99999"),
        ("body", Method::GET, elsewhere, "/callback", &bad_query, "16385"),
        ("source", Method::GET, elsewhere, "/callback", &bad_query, "16384"),
        ("repeated", Method::GET, "192.0.2.7:1", "/callback", &bad_query, "0"),
        ("wrong_key", Method::GET, "192.0.2.7:1", "/callback", &bad_key, "0"),
        ("order_number", Method::GET, "192.0.2.7:1", "/callback", &bad_order, "0"),
    ];
    for (expected, method, peer, path, query, length) in cases {
        let (broken, log) = (Broken::default(), Log::default());
        let guards = Guards::default().with_sources(["192.0.2.0/24".parse().unwrap()]);
        let service = build(broken).guards(guards).observer(log.clone()).build();
        let mut request = from(peer, &format!("{path}?{query}"));
        *request.method_mut() = method;
        request.headers_mut().insert(header::CONTENT_LENGTH, length.parse().unwrap());
        ask(&service, request).await;
        assert_eq!(log.last().0, expected);
    }
}

#[tokio::test]
async fn a_method_other_than_get_is_told_which_one_is_meant() {
    for method in [Method::POST, Method::HEAD, Method::PUT, Method::DELETE, Method::OPTIONS] {
        let inbox = MemoryInbox::default();
        let service = build(inbox.clone()).build();
        let mut request = call(ORDER);
        *request.method_mut() = method;
        let response = service.answer(request).await;
        assert_eq!(response.headers()[header::ALLOW], "GET");
        assert_eq!(read(response).0, StatusCode::METHOD_NOT_ALLOWED);
        assert!(inbox.orders().is_empty());
    }
}

#[tokio::test]
async fn a_probe_is_recognised_and_is_no_callback() {
    let (inbox, log, probe) = (MemoryInbox::default(), Log::default(), Probe::new([7; 32]));
    let guards = Guards::default().with_sources(["203.0.113.0/24".parse().unwrap()]);
    let service =
        build(inbox.clone()).guards(guards).probe(probe.clone()).observer(log.clone()).build();
    let target = format!("/callback?{}", probe.query("nonce-1").unwrap());
    let (status, body) = ask(&service, get(&target)).await;
    assert_eq!((status, log.last().0.as_str()), (StatusCode::OK, "probe"));
    assert!(probe.recognises("nonce-1", body.as_bytes()), "{body}");
    assert!(!probe.recognises("nonce-2", body.as_bytes()), "an old answer is none");
    assert!(!Probe::new([8; 32]).recognises("nonce-1", body.as_bytes()), "of another process");
    assert!(inbox.orders().is_empty());
    for none in ["qccProbe=", "qccProbe=a&key=b", "qccProbe=%2e", "x=1&qccProbe=a"] {
        assert_ne!(ask(&service, get(&format!("/callback?{none}"))).await.0, StatusCode::OK);
    }
    assert_eq!(probe.query("no nonce"), None);
}

#[tokio::test]
async fn it_is_a_tower_service() {
    let mut service = build(MemoryInbox::default()).build();
    let response = service.call(call(ORDER)).await.unwrap();
    assert_eq!(read(response).1, ACCEPTED);
}

#[test]
fn every_refusal_has_a_listed_code_and_says_whether_it_may_pass() {
    let receiver = receiver();
    for query in [
        String::new(),
        query_with("other", ORDER),
        query("."),
        format!("{}&key=a", query(ORDER)),
        query("%0a"),
        query("%"),
        "a".repeat(9000),
    ] {
        let refused = receiver.receive(query.as_bytes()).unwrap_err();
        assert!(Rejection::CODES.contains(&refused.code()), "{refused:?}");
        assert!(!refused.is_temporary());
        assert!(refused.http_status().is_client_error());
    }
    let down = Rejection::Inbox(qcc_callback::InboxError::new("x"));
    assert!(down.is_temporary());
    assert!(Rejection::CODES.contains(&down.code()));
}
