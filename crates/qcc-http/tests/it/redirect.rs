//! Redirects: told without a secret, and followed to https of the same host alone.

use std::time::Duration;

use jiff::Timestamp;
use qcc_http::{Client, Error, ErrorClass, HyperTransport, RedirectPolicy};
use qcc_proto::DownloadLink;

use crate::{
    support::{Canned, answer, chain, client, client_over, fixture, header},
    tls::{Authority, TlsServer, tls_server, tls_server_saying},
};

const TARGET: &str = "/x.zip?Expires=1&Signature=D0%2BSECs%3D";

fn moved(status: u16, place: &str) -> Vec<u8> {
    answer(status, &format!("Location: {place}\r\n"), "moved")
}

fn trusting(authority: &Authority, base: &str) -> Client {
    let transport = HyperTransport::builder().roots(authority.roots()).build().unwrap();
    client_over(base, transport).with_redirects(RedirectPolicy::ToHttps)
}

async fn encrypted(authority: &Authority) -> TlsServer {
    tls_server(authority, "localhost").await
}

#[tokio::test]
async fn a_download_follows_to_https_of_the_same_host_where_that_is_allowed() {
    let authority = Authority::new();
    for status in [301, 302, 303, 307, 308] {
        let target = encrypted(&authority).await;
        let place = format!("https://localhost:{}{TARGET}", target.address.port());
        let server = Canned::start([moved(status, &place)]).await;
        let link = format!("http://localhost:{}{TARGET}", server.address.port());
        let client = trusting(&authority, "http://127.0.0.1:1");
        let download = client.download(&DownloadLink::new(link), None).await.unwrap();
        let head = download.body.read_within(1000).await.unwrap().unwrap();
        let head = String::from_utf8(head.to_vec()).unwrap();
        assert!(head.starts_with(&format!("GET {TARGET} HTTP/1.1")), "{head}");
        assert_eq!(header(&head, "range"), None);
        assert_eq!(server.heads().len(), 1);
    }
}

#[tokio::test]
async fn a_call_follows_with_its_signature() {
    let authority = Authority::new();
    let target = tls_server_saying(&authority, "localhost", fixture("activate.json")).await;
    let key = crate::support::KEY;
    let path = format!("/api/dd_risk_mnr/activeDdRiskCallCallbackUrl?key={key}");
    let place = format!("https://localhost:{}{path}", target.address.port());
    let server = Canned::start([moved(307, &place)]).await;
    let base = format!("http://localhost:{}", server.address.port());
    trusting(&authority, &base).activate(Timestamp::UNIX_EPOCH).await.unwrap();
}

#[tokio::test]
async fn a_redirect_is_followed_once() {
    let authority = Authority::new();
    let target = encrypted(&authority).await;
    let port = target.address.port();
    let again = format!("HTTP/1.1 302 X\r\nLocation: https://localhost:{port}{TARGET}\r\n");
    let second = crate::tls::tls_server_answering(
        &authority,
        "localhost",
        format!("{again}Content-Length: 0\r\nConnection: close\r\n\r\n").into_bytes(),
    )
    .await;
    let place = format!("https://localhost:{}{TARGET}", second.address.port());
    let server = Canned::start([moved(302, &place)]).await;
    let link = format!("http://localhost:{}{TARGET}", server.address.port());
    let client = trusting(&authority, "http://127.0.0.1:1");
    let error = client.download(&DownloadLink::new(link), None).await.unwrap_err();
    assert!(matches!(error, Error::Storage { .. }), "{error:?}");
}

#[tokio::test]
async fn other_places_are_never_followed_and_told_without_a_secret() {
    let authority = Authority::new();
    let trap = encrypted(&authority).await;
    let port = trap.address.port();
    for (place, told) in [
        (format!("https://127.0.0.1:{port}{TARGET}"), format!("https://127.0.0.1:{port}")),
        (
            format!("https://localhost:{port}/other?Signature=2"),
            format!("https://localhost:{port}"),
        ),
        (format!("https://me:pw@localhost:{port}{TARGET}"), format!("https://localhost:{port}")),
        (format!("http://localhost:{port}{TARGET}"), format!("http://localhost:{port}")),
        ("https://evil.example/steal?Signature=2".to_owned(), "https://evil.example".to_owned()),
    ] {
        let server = Canned::start([moved(302, &place)]).await;
        let base = format!("http://localhost:{}", server.address.port());
        let client = trusting(&authority, &base);
        let link = DownloadLink::new(format!("{base}{TARGET}"));
        let error = client.download(&link, None).await.unwrap_err();
        assert!(matches!(&error, Error::Storage { leads_to: Some(_), .. }), "{error:?}");
        let call = client.activate(Timestamp::UNIX_EPOCH).await.unwrap_err();
        assert_eq!(call.class(), ErrorClass::Setup);
        for error in [error, call] {
            let text = format!("{} {error:?}", chain(&error));
            assert!(text.contains(&format!("leads to {told} ")), "{text}");
            for secret in ["Signature", "D0%2B", "steal", "pw@", crate::support::KEY] {
                assert!(!text.contains(secret), "{text}");
            }
        }
        assert_eq!(server.heads().len(), 2);
    }
}

#[tokio::test]
async fn a_port_the_list_of_hosts_does_not_name_is_not_followed() {
    let authority = Authority::new();
    let target = encrypted(&authority).await;
    let place = format!("https://localhost:{}{TARGET}", target.address.port());
    let server = Canned::start([moved(302, &place)]).await;
    let port = server.address.port();
    let client = trusting(&authority, "http://127.0.0.1:1")
        .with_downloads(format!("localhost:{port}").parse().unwrap());
    let link = DownloadLink::new(format!("http://localhost:{port}{TARGET}"));
    let error = client.download(&link, None).await.unwrap_err();
    assert!(matches!(error, Error::Storage { .. }), "{error:?}");
}

#[tokio::test]
async fn without_the_setting_no_redirect_is_followed() {
    let authority = Authority::new();
    let target = encrypted(&authority).await;
    let place = format!("https://localhost:{}{TARGET}", target.address.port());
    let server = Canned::start([moved(302, &place)]).await;
    let client = trusting(&authority, "http://127.0.0.1:1").with_redirects(RedirectPolicy::Never);
    let link = format!("http://localhost:{}{TARGET}", server.address.port());
    let error = client.download(&DownloadLink::new(link), None).await.unwrap_err();
    assert!(error.to_string().contains("leads to https://localhost"), "{error}");
}

#[tokio::test]
async fn a_wish_to_be_left_alone_is_handed_on() {
    let seconds = |n| Some(Duration::from_secs(n));
    for (status, headers, expected) in [
        (429, "Retry-After: 7\r\n", seconds(7)),
        (503, "Retry-After: 86400\r\n", seconds(3600)),
        (
            503,
            "Date: Tue, 24 Nov 2026 12:00:00 GMT\r\nRetry-After: Tue, 24 Nov 2026 12:00:30 GMT\r\n",
            seconds(30),
        ),
        (503, "", None),
        (503, "Retry-After: later\r\n", None),
        (500, "Retry-After: 7\r\n", None),
    ] {
        let server = Canned::start([answer(status, headers, "")]).await;
        let client = client(&server.url(""));
        let call = client.activate(Timestamp::UNIX_EPOCH).await.unwrap_err();
        let link = DownloadLink::new(server.url(TARGET));
        let download = client.download(&link, None).await.unwrap_err();
        for error in [call, download] {
            assert_eq!(error.retry_after(), expected, "{status} {headers:?}");
            assert!(error.is_transient(), "{error:?}");
        }
    }
}
