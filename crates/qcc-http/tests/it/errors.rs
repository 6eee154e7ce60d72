//! What errors say, and what they say to do.

use std::net::{Ipv4Addr, TcpListener};

use http::StatusCode;
use jiff::Timestamp;
use qcc_http::{
    Client, EchoedUrl, Error, ErrorClass, LinkFault, Retry, TransportError,
    TransportErrorKind as Kind,
};
use qcc_proto::{Activate, Call, DownloadLink, Endpoint};

use crate::support::{Canned, KEY, chain, client};

/// What a call and a download say that fail.
async fn said(client: &Client, base: &str) -> [String; 2] {
    let call = client.list_orders(Timestamp::UNIX_EPOCH).await.unwrap_err();
    let link = DownloadLink::new(format!("{base}/x.zip?Signature=D0%2B"));
    let download = match client.download(&link, None).await {
        Err(error) => chain(&error),
        Ok(download) => chain(&download.body.read_within(1 << 20).await.unwrap_err()),
    };
    [chain(&call), download]
}

#[tokio::test]
async fn errors_name_host_and_port_and_nothing_else_of_the_request() {
    let short = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort".to_vec();
    for (bytes, words) in [
        (Vec::new(), "the connection to HOST broke"),
        (short, "the connection to HOST broke"),
        (b"SSH-2.0\r\n\r\n".to_vec(), "the answer of HOST is not HTTP"),
    ] {
        let server = Canned::start([bytes]).await;
        let host = server.address.to_string();
        for text in said(&client(&server.url("")), &server.url("")).await {
            assert!(text.contains(&words.replace("HOST", &host)), "{text}");
            for secret in ["Signature", "x.zip", "dd_risk", KEY] {
                assert!(!text.contains(secret), "{text}");
            }
        }
    }
    let host = {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.local_addr().unwrap().to_string()
    };
    let base = format!("http://{host}");
    for text in said(&client(&base), &base).await {
        let refused = format!("cannot connect to {host}: Connection refused");
        assert!(text.starts_with(&refused), "{text}");
    }
    let hosts = "no-such-host.invalid".parse().unwrap();
    let client = client("https://no-such-host.invalid").with_downloads(hosts);
    for text in said(&client, "http://no-such-host.invalid").await {
        assert!(
            text.starts_with("the host name no-such-host.invalid does not resolve: "),
            "{text}"
        );
    }
}

#[track_caller]
fn check(error: &Error, class: ErrorClass) {
    assert_eq!(error.class(), class, "{error:?}");
    let passes = matches!(class, ErrorClass::Transient | ErrorClass::NotYet);
    assert_eq!(error.is_transient(), passes, "{error:?}");
}

#[test]
fn every_failure_of_the_network_that_may_pass_is_transient() {
    for (kind, class) in [
        (Kind::Resolve, ErrorClass::Transient),
        (Kind::Connect, ErrorClass::Transient),
        (Kind::Tls, ErrorClass::Transient),
        (Kind::Timeout, ErrorClass::Transient),
        (Kind::Broken, ErrorClass::Transient),
        (Kind::Protocol, ErrorClass::Transient),
        (Kind::Request, ErrorClass::Setup),
        (Kind::Proxy, ErrorClass::Setup),
        (Kind::Forbidden, ErrorClass::LinkRefused),
    ] {
        check(&TransportError::new(kind).into(), class);
        assert_eq!(kind.is_transient(), class == ErrorClass::Transient, "{kind:?}");
    }
    let endpoint = Endpoint::ListOrders;
    for (status, call, download) in [
        (206, ErrorClass::Transient, ErrorClass::LinkExpired),
        (302, ErrorClass::Setup, ErrorClass::LinkExpired),
        (403, ErrorClass::Setup, ErrorClass::LinkExpired),
        (404, ErrorClass::Setup, ErrorClass::LinkExpired),
        (408, ErrorClass::Transient, ErrorClass::Transient),
        (425, ErrorClass::Transient, ErrorClass::Transient),
        (429, ErrorClass::Transient, ErrorClass::Transient),
        (500, ErrorClass::Transient, ErrorClass::Transient),
        (502, ErrorClass::Transient, ErrorClass::Transient),
        (503, ErrorClass::Transient, ErrorClass::Transient),
        (599, ErrorClass::Transient, ErrorClass::Transient),
    ] {
        let http = StatusCode::from_u16(status).unwrap();
        let (leads_to, retry_after) = (None, None);
        let seen = String::new();
        check(&Error::Http { endpoint, http, seen, leads_to, retry_after }, call);
        let leads_to = None;
        check(&Error::Storage { http, code: None, leads_to, retry_after }, download);
    }
    let source = Activate::read_answer(b"<html>").unwrap_err();
    let (http, seen) = (StatusCode::OK, String::new());
    check(&Error::Malformed { endpoint, http, seen, source }, ErrorClass::Transient);
    check(&Error::TooLarge { endpoint, limit: 1 }, ErrorClass::Transient);
    check(&Error::Encoded { endpoint: None, coding: "gzip" }, ErrorClass::Transient);
    check(&Error::NotResumable, ErrorClass::NotResumable);
    check(&Error::LinkExpired, ErrorClass::LinkExpired);
    check(&Error::LinkRefused(LinkFault::NotAUrl), ErrorClass::LinkUnusable);
    check(&Error::LinkRefused(LinkFault::UserInfo), ErrorClass::LinkRefused);
    check(&Error::EchoDiffers(EchoedUrl::new("https://elsewhere")), ErrorClass::Setup);
}

/// One error of each class.
fn one_of_each() -> Vec<Error> {
    let endpoint = Endpoint::Locate;
    let rejected = |code: i64| {
        let body = format!(r#"{{"status":"{code}","msg":"m"}}"#);
        let refusal = Activate::read_answer(body.as_bytes()).unwrap().into_payload().unwrap_err();
        Error::Rejected { endpoint, refusal, skew: None }
    };
    let mut errors: Vec<_> = [205, 199, 106, 109, 107, 101, 202, 777].map(rejected).into();
    let (leads_to, retry_after) = (None, Some(std::time::Duration::from_secs(7)));
    let http = StatusCode::SERVICE_UNAVAILABLE;
    let seen = "an empty body".to_owned();
    errors.extend([
        Error::Http { endpoint, http, seen, leads_to: leads_to.clone(), retry_after },
        Error::Storage { http: StatusCode::FORBIDDEN, code: None, leads_to, retry_after: None },
        Error::LinkExpired,
        Error::NotResumable,
        Error::LinkRefused(LinkFault::NotAUrl),
        Error::LinkRefused(LinkFault::Host { named: "evil.example:80".to_owned() }),
        Error::EchoDiffers(EchoedUrl::new("https://elsewhere")),
        Error::TooLarge { endpoint, limit: 1 },
        Error::Encoded { endpoint: Some(endpoint), coding: "gzip" },
    ]);
    errors.extend(
        [Kind::Request, Kind::Resolve, Kind::Forbidden, Kind::Connect, Kind::Tls, Kind::Proxy]
            .map(|kind| TransportError::new(kind).into()),
    );
    errors
}

#[test]
fn every_error_says_in_one_line_what_failed_and_apart_from_it_what_to_do() {
    for error in one_of_each() {
        let text = error.to_string();
        assert!(!text.contains('\n') && !text.ends_with('.') && !text.contains(". "), "{text}");
        if let Some(advice) = error.advice() {
            assert!(advice.ends_with('.') && !text.contains(&*advice), "{text} / {advice}");
        }
    }
}

#[test]
fn what_to_do_follows_from_what_failed() {
    use std::time::Duration;
    let later = Retry::Later { not_before: None };
    let asked = Retry::Later { not_before: Some(Duration::from_secs(7)) };
    let expected = [
        (later, "205"),
        (later, "199"),
        (Retry::CoolOff, "106"),
        (Retry::NextDay, "109"),
        (Retry::StopAll, "107"),
        (Retry::StopAll, "101"),
        (Retry::Never, "202"),
        (Retry::LaterWithHelp, "777"),
        (asked, "503"),
        (Retry::NewLink, "403"),
        (Retry::NewLink, "expired"),
        (Retry::StartOver, "continue"),
        (Retry::NewLinkFewTimes, "not an http"),
        (Retry::Never, "evil.example:80"),
        (Retry::LaterWithHelp, "echoed another"),
        (later, "longer than 1 bytes"),
        (later, "gzip"),
        (Retry::LaterWithHelp, "cannot be sent"),
        (later, "does not resolve"),
        (Retry::Never, "not allowed"),
        (later, "cannot connect"),
        (later, "TLS"),
        (Retry::LaterWithHelp, "proxy"),
    ];
    let errors = one_of_each();
    assert_eq!(errors.len(), expected.len());
    for (error, (retry, words)) in errors.iter().zip(expected) {
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(error.retry(), retry, "{error}");
    }
}

#[test]
fn an_error_of_another_stack_is_classified_by_what_its_chain_says() {
    use std::io::{Error as IoError, ErrorKind};
    for (kind, expected) in [
        (ErrorKind::TimedOut, Kind::Timeout),
        (ErrorKind::WouldBlock, Kind::Timeout),
        (ErrorKind::ConnectionRefused, Kind::Connect),
        (ErrorKind::InvalidData, Kind::Protocol),
        (ErrorKind::UnexpectedEof, Kind::Broken),
        (ErrorKind::ConnectionReset, Kind::Broken),
    ] {
        // Wrapped: the outer error says nothing, the inner one what happened.
        let error = IoError::other(IoError::new(kind, "x"));
        assert_eq!(TransportError::from_chain(&error).kind(), expected);
        assert_eq!(TransportError::from_chain(&IoError::from(kind)).kind(), expected);
    }
    let ours = IoError::other(TransportError::new(Kind::Tls));
    assert_eq!(TransportError::from_chain(&ours).kind(), Kind::Tls);
    assert_eq!(TransportError::from_chain(&std::fmt::Error).kind(), Kind::Broken);
}
