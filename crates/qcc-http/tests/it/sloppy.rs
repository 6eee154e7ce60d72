//! Heads that break the rules without leaving a doubt, as old servers and
//! devices on the way send them. What curl takes is taken.

use http::StatusCode;
use qcc_http::{Transport, TransportError, TransportErrorKind as Kind};

use crate::support::{Canned, get, hyper, patient};

/// Status, the header asked for, and the body.
async fn ask(
    bytes: &[u8],
    name: &str,
) -> Result<(StatusCode, Option<String>, String), TransportError> {
    let server = Canned::start([bytes]).await;
    let answer = hyper().build().unwrap().send(get(&server.url("/")), &patient()).await?;
    let status = answer.status();
    let value = answer.headers().get(name).map(|v| String::from_utf8_lossy(v.as_bytes()).into());
    let body = answer.into_body().read_within(1000).await?.unwrap();
    Ok((status, value, String::from_utf8(body.to_vec()).unwrap()))
}

#[tokio::test]
async fn a_sloppy_head_is_read_for_what_it_says() {
    let many: String = (0..400).map(|n| format!("X-{n}: y\r\n")).collect();
    for (what, head) in [
        ("a clean head", "HTTP/1.1 200 OK\r\nETag: \"a b\"\r\nContent-Length: 5\r\n\r\n"),
        (
            "a blank before the colon",
            "HTTP/1.1 200 OK\r\nETag : \"a b\"\r\nContent-Length\t: 5\r\n\r\n",
        ),
        (
            "a line without a colon",
            "HTTP/1.1 200 OK\r\nhello\r\nETag: \"a b\"\r\nContent-Length: 5\r\n\r\n",
        ),
        (
            "a line without a name",
            "HTTP/1.1 200 OK\r\n: x\r\nETag: \"a b\"\r\nContent-Length: 5\r\n\r\n",
        ),
        (
            "a name with a blank",
            "HTTP/1.1 200 OK\r\nX y: z\r\nETag: \"a b\"\r\nContent-Length: 5\r\n\r\n",
        ),
        (
            "a name in Chinese",
            "HTTP/1.1 200 OK\r\n企业: z\r\nETag: \"a b\"\r\nContent-Length: 5\r\n\r\n",
        ),
        (
            "a value in Chinese",
            "HTTP/1.1 200 OK\r\nX: 企业\r\nETag: \"a b\"\r\nContent-Length: 5\r\n\r\n",
        ),
        (
            "a control character",
            "HTTP/1.1 200 OK\r\nX: a\u{1}b\r\nETag: \"a b\"\r\nContent-Length: 5\r\n\r\n",
        ),
        ("a folded line", "HTTP/1.1 200 OK\r\nETag: \"a\r\n b\"\r\nContent-Length: 5\r\n\r\n"),
        ("line feeds alone", "HTTP/1.1 200 OK\nETag: \"a b\"\nContent-Length: 5\n\n"),
        ("no reason", "HTTP/1.1 200\r\nETag: \"a b\"\r\nContent-Length: 5\r\n\r\n"),
        ("a reason in Chinese", "HTTP/1.1 200 成功\r\nETag: \"a b\"\r\nContent-Length: 5\r\n\r\n"),
        ("HTTP/1.0", "HTTP/1.0 200 OK\r\nETag: \"a b\"\r\nContent-Length: 5\r\n\r\n"),
        (
            "blanks around a value",
            "HTTP/1.1 200 OK\r\nETag: \t \"a b\" \t\r\nContent-Length:    5 \r\n\r\n",
        ),
        ("no blank after the colon", "HTTP/1.1 200 OK\r\nETag:\"a b\"\r\nContent-Length:5\r\n\r\n"),
        (
            "the same length twice",
            "HTTP/1.1 200 OK\r\nETag: \"a b\"\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
        ),
        (
            "an empty line before",
            "\r\nHTTP/1.1 200 OK\r\nETag: \"a b\"\r\nContent-Length: 5\r\n\r\n",
        ),
        ("no length", "HTTP/1.1 200 OK\r\nETag: \"a b\"\r\nConnection: close\r\n\r\n"),
        (
            "400 headers",
            &format!("HTTP/1.1 200 OK\r\nETag: \"a b\"\r\n{many}Content-Length: 5\r\n\r\n"),
        ),
    ] {
        let seen = ask(format!("{head}hello").as_bytes(), "etag").await;
        let (status, tag, body) = seen.unwrap_or_else(|error| panic!("{what}: {error:?}"));
        assert_eq!((status.as_u16(), body.as_str()), (200, "hello"), "{what}");
        let tag = tag.unwrap_or_else(|| panic!("{what}: no tag"));
        assert_eq!(tag.split_whitespace().collect::<Vec<_>>().join(" "), "\"a b\"", "{what}");
    }
    let chunked =
        "HTTP/1.1 200 OK\r\nETag: x\r\nTransfer-Encoding : Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    assert_eq!(ask(chunked.as_bytes(), "etag").await.unwrap().2, "hello");
}

#[tokio::test]
async fn what_leaves_a_doubt_where_an_answer_ends_is_refused() {
    for (what, head) in [
        ("two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 3\r\n\r\n"),
        ("two lengths in one", "HTTP/1.1 200 OK\r\nContent-Length: 5, 3\r\n\r\n"),
        ("a signed length", "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n"),
        ("a length in words", "HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\n"),
        ("a zero byte", "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 5\r\n\r\n"),
    ] {
        let error = ask(format!("{head}hello").as_bytes(), "etag").await.expect_err(what);
        assert_eq!(error.kind(), Kind::Protocol, "{what}");
    }
    let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(2 << 20));
    let error = ask(endless.as_bytes(), "etag").await.expect_err("an endless head");
    assert_eq!(error.kind(), Kind::Protocol, "{error:?}");
}
