//! Downloads: links byte for byte, resumes, refusals, and bodies that lie.

use bytes::Bytes;
use http::{Request, Response};
use qcc_http::{
    AddressChecks, AddressPolicy, Body, Client, Download, DownloadPolicy, Error, ErrorClass,
    LinkFault, Resume, SendOptions, Transport, TransportError, TransportErrorKind as Kind,
};
use qcc_proto::DownloadLink;

use crate::support::{
    Canned, answer, chain, client, client_over, credentials, fixture, header, hyper,
};

const QUERY: &str = "/DdMonitor/x.zip?Expires=1615884598&OSSAccessKeyId=LTAIvmt6mWz2ZQqu&Signature=D0%2BSECs%2F4ubXU%3D";
const FILE: &[u8] = b"0123456789";
const TAG: &str = "\"5B3C1A2E053D763E1B002CC607C5A0FE\"";

fn link(server: &Canned) -> DownloadLink {
    DownloadLink::new(server.url(QUERY))
}

fn resume(offset: u64, total: Option<u64>) -> Resume {
    Resume::new(offset, total, TAG).unwrap()
}

async fn whole(download: Download) -> Result<Vec<u8>, TransportError> {
    Ok(download.body.read_within(1 << 20).await?.unwrap().to_vec())
}

async fn fetch(server: &Canned, resume: Option<&Resume>) -> Result<Download, Error> {
    client(&server.url("")).download(&link(server), resume).await
}

#[tokio::test]
async fn a_link_goes_out_bare_and_byte_for_byte() {
    let server = Canned::start([answer(200, &format!("ETag: {TAG}\r\n"), FILE)]).await;
    let download = fetch(&server, None).await.unwrap();
    assert_eq!((download.offset, download.total), (0, Some(10)));
    assert_eq!(download.validator.as_deref(), Some(TAG));
    assert_eq!(whole(download).await.unwrap(), FILE);

    let head = &server.heads()[0];
    assert_eq!(head.lines().next().unwrap(), format!("GET {QUERY} HTTP/1.1"));
    let mut names: Vec<_> = head
        .lines()
        .skip(1)
        .map(|line| line.split(':').next().unwrap().to_ascii_lowercase())
        .collect();
    names.sort();
    // A presigned link covers no other header, and breaks by some.
    assert_eq!(names, ["host", "user-agent"]);
}

#[tokio::test]
async fn a_resume_goes_on_where_the_last_attempt_stopped() {
    let headers = format!("ETag: {TAG}\r\nContent-Range: bytes 4-9/10\r\n");
    let server = Canned::start([answer(206, &headers, &FILE[4..])]).await;
    let download = fetch(&server, Some(&resume(4, Some(10)))).await.unwrap();
    assert_eq!((download.offset, download.total), (4, Some(10)));
    let next = download.resume_at(7).unwrap();
    assert_eq!((next.offset(), next.total(), next.validator()), (7, Some(10), TAG));
    let kept = Resume::new(next.offset(), next.total(), next.validator()).unwrap();
    assert!(kept == next, "a resume can be kept across processes");
    assert_eq!(whole(download).await.unwrap(), &FILE[4..]);
    let head = &server.heads()[0];
    assert_eq!(header(head, "range"), Some("bytes=4-"));
    assert_eq!(header(head, "if-range"), Some(TAG));
}

#[tokio::test]
async fn a_host_that_ignores_the_range_starts_over() {
    let server = Canned::start([answer(200, "ETag: \"OTHER\"\r\n", FILE)]).await;
    let download = fetch(&server, Some(&resume(4, Some(10)))).await.unwrap();
    assert_eq!((download.offset, download.validator.as_deref()), (0, Some("\"OTHER\"")));
    assert_eq!(whole(download).await.unwrap(), FILE);
}

#[tokio::test]
async fn nothing_received_is_a_plain_download() {
    let server = Canned::start([answer(200, "", FILE)]).await;
    fetch(&server, Some(&resume(0, None))).await.unwrap();
    assert_eq!(header(&server.heads()[0], "range"), None);
}

#[tokio::test]
async fn a_part_that_does_not_fit_is_not_taken() {
    for (headers, body, why) in [
        ("Content-Range: bytes 3-9/10\r\n", &FILE[3..], "starts early"),
        ("Content-Range: bytes 5-9/10\r\n", &FILE[5..], "starts late"),
        ("Content-Range: bytes 4-8/10\r\n", &FILE[4..9], "ends early"),
        ("Content-Range: bytes 4-10/11\r\n", b"4567890", "another total"),
        ("Content-Range: bytes 4-9/*\r\n", &FILE[4..], "no total"),
        ("Content-Range: bytes 4-9/10\r\n", &FILE[5..], "another length"),
        ("ETag: \"OTHER\"\r\nContent-Range: bytes 4-9/10\r\n", &FILE[4..], "another file"),
        ("Content-Range: pages 4-9/10\r\n", &FILE[4..], "another unit"),
        ("", &FILE[4..], "no range"),
    ] {
        let server = Canned::start([answer(206, headers, body)]).await;
        let error = fetch(&server, Some(&resume(4, Some(10)))).await.expect_err(why);
        assert!(matches!(error, Error::NotResumable), "{why}: {error:?}");
        assert_eq!(error.class(), ErrorClass::NotResumable);
    }
    for status in [416, 412] {
        let server = Canned::start([answer(status, "", "")]).await;
        let error = fetch(&server, Some(&resume(4, None))).await.unwrap_err();
        assert!(matches!(error, Error::NotResumable), "{status}: {error:?}");
    }
}

#[tokio::test]
async fn a_part_nobody_asked_for_is_a_refusal() {
    let server = Canned::start([answer(206, "Content-Range: bytes 0-9/10\r\n", FILE)]).await;
    let error = fetch(&server, None).await.unwrap_err();
    assert!(matches!(error, Error::Storage { .. }), "{error:?}");
}

#[test]
fn only_a_strong_tag_resumes() {
    for tag in ["", "abc", "\"", "\"\"", "W/\"abc\"", "\"a\"b\"", "\"a b\"", "\"a\r\n\""] {
        assert!(Resume::new(1, None, tag).is_none(), "{tag:?} was taken");
    }
    assert!(Resume::new(1, None, "\"abc\"").is_some());
}

#[tokio::test]
async fn a_weak_or_missing_tag_leaves_nothing_to_resume_by() {
    for headers in ["", "ETag: W/\"abc\"\r\n", "ETag: abc\r\n"] {
        let server = Canned::start([answer(200, headers, FILE)]).await;
        let download = fetch(&server, None).await.unwrap();
        assert!(download.resume_at(4).is_none(), "{headers}");
    }
}

#[tokio::test]
async fn the_file_hosts_refusal_says_what_to_do() {
    let oss = |code: &str, message: &str| {
        format!("<?xml version=\"1.0\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>")
            .into_bytes()
    };
    for (status, page, class, words) in [
        (403, fixture("oss-403.xml"), ErrorClass::LinkExpired, "expired"),
        (403, oss("AccessDenied", "Request has expired."), ErrorClass::LinkExpired, "expired"),
        (
            403,
            oss("AccessDenied", "no"),
            ErrorClass::LinkExpired,
            "HTTP 403 Forbidden, AccessDenied",
        ),
        (
            403,
            oss("SignatureDoesNotMatch", "expired"),
            ErrorClass::LinkExpired,
            "SignatureDoesNotMatch",
        ),
        (404, oss("NoSuchKey", ""), ErrorClass::LinkExpired, "NoSuchKey"),
        (403, b"<html>forbidden</html>".to_vec(), ErrorClass::LinkExpired, "HTTP 403"),
        (403, oss("<b>", ""), ErrorClass::LinkExpired, "HTTP 403"),
        (416, Vec::new(), ErrorClass::LinkExpired, "HTTP 416"),
        (302, Vec::new(), ErrorClass::LinkExpired, "HTTP 302"),
        (407, Vec::new(), ErrorClass::Setup, "the proxy"),
        (500, oss("InternalError", ""), ErrorClass::Transient, "InternalError"),
        (503, Vec::new(), ErrorClass::Transient, "HTTP 503"),
    ] {
        let server = Canned::start([answer(status, "Location: /x\r\n", page)]).await;
        let error = fetch(&server, None).await.unwrap_err();
        assert_eq!(error.class(), class, "{status}: {error:?}");
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(server.heads().len(), 1);
    }
}

#[tokio::test]
async fn a_compressed_transfer_is_refused_by_the_name_of_its_coding() {
    for coding in ["gzip", "x-gzip", "br", "deflate", "zstd", "compress"] {
        for headers in [
            format!("Content-Encoding: {coding}\r\n"),
            format!("Content-Encoding: utf-8\r\nContent-Encoding: identity, {coding}\r\n"),
        ] {
            let server = Canned::start([answer(200, &headers, FILE)]).await;
            let error = fetch(&server, None).await.unwrap_err();
            assert!(matches!(error, Error::Encoded { endpoint: None, .. }), "{error:?}");
            assert_eq!(error.class(), ErrorClass::Transient);
            assert!(error.to_string().contains(&format!("({coding})")), "{error}");
        }
    }
}

#[tokio::test]
async fn what_is_no_coding_changes_no_byte() {
    for value in
        ["", "identity", "Identity", "none", "utf-8", "UTF8", "gbk", "binary", "utf-8, none"]
    {
        let headers = format!("Content-Encoding: {value}\r\n");
        let server = Canned::start([answer(200, &headers, FILE)]).await;
        let download = fetch(&server, None).await;
        let download = download.unwrap_or_else(|error| panic!("{value:?}: {error}"));
        assert_eq!(whole(download).await.unwrap(), FILE);
    }
}

#[tokio::test]
async fn chunks_decide_where_a_length_stands_beside_them() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n";
    let server = Canned::start([format!("{head}a\r\n0123456789\r\n0\r\n\r\n")]).await;
    assert_eq!(whole(fetch(&server, None).await.unwrap()).await.unwrap(), FILE);
}

#[tokio::test]
async fn every_truncation_of_an_answer_is_an_error() {
    let answer = answer(200, "", FILE);
    for cut in 0..answer.len() {
        let server = Canned::start([&answer[..cut]]).await;
        let kind = match fetch(&server, None).await {
            Ok(download) => whole(download).await.expect_err("a short body").kind(),
            Err(Error::Transport(error)) => error.kind(),
            Err(other) => panic!("{cut}: {other:?}"),
        };
        assert_eq!(kind, Kind::Broken, "{cut}");
    }
}

#[track_caller]
fn refused(error: Error, expected: &LinkFault) {
    let Error::LinkRefused(fault) = &error else { panic!("{error:?}") };
    assert_eq!(fault, expected);
    assert!(!error.may_have_arrived());
    assert!(!format!("{error} {error:?}").contains("Signature"), "{error:?}");
}

#[tokio::test]
async fn a_link_elsewhere_is_refused_unsent() {
    let host = |named: &str| LinkFault::Host { named: named.to_owned() };
    let client = client("http://127.0.0.1:1")
        .with_downloads("pro-files.qichacha.com,127.0.0.1:8080".parse().unwrap());
    for (link, expected) in [
        ("http://evil.example/x?Signature=1", host("evil.example:80")),
        ("https://evil.example/x?Signature=1", host("evil.example:443")),
        ("http://127.0.0.1:22/?Signature=1", host("127.0.0.1:22")),
        ("http://127.0.0.1/?Signature=1", host("127.0.0.1:80")),
        ("http://2130706433/?Signature=1", host("2130706433:80")),
        ("http://[::1]:8080/?Signature=1", host("[::1]:8080")),
        (
            "http://pro-files.qichacha.com.evil.example/x",
            host("pro-files.qichacha.com.evil.example:80"),
        ),
        ("http://pro-files.qichacha.com@evil.example/x?Signature=1", LinkFault::UserInfo),
        ("http://me:pw@pro-files.qichacha.com/x?Signature=1", LinkFault::UserInfo),
        ("ftp://pro-files.qichacha.com/x?Signature=1", LinkFault::NotAUrl),
        ("file:///etc/passwd", LinkFault::NotAUrl),
        ("//pro-files.qichacha.com/x", LinkFault::NotAUrl),
        ("pro-files.qichacha.com/x", LinkFault::NotAUrl),
        ("/DdMonitor/x.zip?Signature=1", LinkFault::NotAUrl),
        ("http://pro-files.qichacha.com:/x", LinkFault::NotAUrl),
        ("http://pro-files.qichacha.com:99999/x", LinkFault::NotAUrl),
        ("http://pro-files.qichacha.com\\@evil.example/x", LinkFault::NotAUrl),
        ("http://pro-files.qichacha.com/x\r\nX: y", LinkFault::NotAUrl),
        (" http://pro-files.qichacha.com/x", LinkFault::NotAUrl),
        ("", LinkFault::NotAUrl),
    ] {
        let error = client.download(&DownloadLink::new(link), None).await.expect_err(link);
        refused(error, &expected);
    }
}

fn guarded(policy: DownloadPolicy) -> Client {
    Client::with_transport(credentials(), hyper().build().unwrap()).with_downloads(policy)
}

#[tokio::test]
async fn a_private_address_is_refused_when_connecting() {
    let server = Canned::start([answer(200, "", FILE)]).await;
    let port = server.address.port();
    for host in ["127.0.0.1", "localhost"] {
        let link = DownloadLink::new(format!("http://{host}:{port}{QUERY}"));
        // The host is listed, its address is not public.
        let policy: DownloadPolicy = host.parse().unwrap();
        let policy = policy.with_addresses(AddressPolicy::public_only());
        let error = guarded(policy).download(&link, None).await.expect_err(host);
        assert_eq!(error.class(), ErrorClass::LinkRefused, "{error:?}");
        let text = format!("{} {}", chain(&error), error.advice().unwrap());
        assert!(text.contains(&format!("allow {host}:{port}")), "{text}");
        assert!(!text.contains("Signature"), "{text}");
        assert_eq!(server.heads().len(), 0);
    }
    for (allowed, link) in [
        (format!("127.0.0.1:{port}"), link(&server)),
        ("127.0.0.1".to_owned(), link(&server)),
        (format!("localhost:{port}"), DownloadLink::new(format!("http://localhost:{port}/x"))),
    ] {
        let client = guarded(allowed.parse().unwrap());
        assert_eq!(whole(client.download(&link, None).await.unwrap()).await.unwrap(), FILE);
    }
}

/// Announces one length and delivers another, which no honest HTTP stack does.
struct Liar {
    announced: &'static str,
    delivered: &'static [u8],
}

impl Transport for Liar {
    async fn send(
        &self,
        _: Request<Bytes>,
        _: &SendOptions,
    ) -> Result<Response<Body>, TransportError> {
        let body = Bytes::from_static(self.delivered).into();
        Ok(Response::builder().header("content-length", self.announced).body(body).unwrap())
    }

    fn address_checks(&self) -> AddressChecks {
        AddressChecks::None
    }
}

#[tokio::test]
async fn a_body_of_another_length_is_an_error_whatever_the_stack() {
    for (announced, delivered) in [("11", FILE), ("9", FILE), ("1", b"")] {
        let client = client_over("http://127.0.0.1:1", Liar { announced, delivered });
        let link = DownloadLink::new("http://127.0.0.1/x");
        let download = client.download(&link, None).await.unwrap();
        let error = whole(download).await.expect_err(announced);
        assert_eq!((error.kind(), error.peer()), (Kind::Broken, Some("127.0.0.1:80")));
    }
}

/// Sends nothing, and fails the test that makes it.
struct Nobody;

impl Transport for Nobody {
    async fn send(
        &self,
        request: Request<Bytes>,
        _: &SendOptions,
    ) -> Result<Response<Body>, TransportError> {
        panic!("a request to {:?} went out", request.uri().host());
    }

    fn address_checks(&self) -> AddressChecks {
        AddressChecks::None
    }
}

#[tokio::test]
async fn a_transport_without_checks_is_never_given_a_private_address_written_out() {
    let policy: DownloadPolicy = "127.0.0.1,[::1],10.1.2.3:80,2130706433".parse().unwrap();
    let policy = policy.with_addresses(AddressPolicy::public_only());
    let client = Client::with_transport(credentials(), Nobody).with_downloads(policy);
    assert_eq!(client.address_checks(), AddressChecks::None);
    for link in ["http://127.0.0.1/x", "https://[::1]:8443/x", "http://10.1.2.3/x"] {
        let error = client.download(&DownloadLink::new(link), None).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::LinkRefused, "{error:?}");
        let Error::Transport(error) = error else { panic!("{error:?}") };
        assert_eq!(error.kind(), Kind::Forbidden);
        assert!(error.peer().is_some());
    }
}

/// Remembers the address policy it was told.
#[derive(Clone, Default)]
struct Told(std::sync::Arc<std::sync::Mutex<Vec<AddressPolicy>>>);

impl Transport for Told {
    async fn send(
        &self,
        _: Request<Bytes>,
        options: &SendOptions,
    ) -> Result<Response<Body>, TransportError> {
        self.0.lock().unwrap().push(options.addresses.clone());
        Ok(Response::new(Bytes::from(fixture("activate.json")).into()))
    }

    fn address_checks(&self) -> AddressChecks {
        AddressChecks::EveryConnection
    }
}

#[tokio::test]
async fn a_transport_is_told_the_address_rules_with_every_request() {
    let told = Told::default();
    let client = Client::with_transport(credentials(), told.clone());
    client.activate(jiff::Timestamp::UNIX_EPOCH).await.unwrap();
    let link = DownloadLink::new("http://pro-files.qichacha.com/x.zip");
    client.download(&link, None).await.unwrap();
    let policies = told.0.lock().unwrap();
    // The base URL is the operator's choice, a link is not.
    assert_eq!(*policies, [AddressPolicy::any(), AddressPolicy::public_only()]);
}
