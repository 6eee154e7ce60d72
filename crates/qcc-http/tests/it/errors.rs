//! What errors say, and what they say to do.

use std::net::{Ipv4Addr, TcpListener};

use http::StatusCode;
use jiff::Timestamp;
use qcc_http::{
    Client, EchoedUrl, Error, ErrorClass, LinkFault, TransportError, TransportErrorKind as Kind,
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
