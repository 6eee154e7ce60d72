//! Proxies: HTTP with and without tunnel, SOCKS, and those that fail.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use http::StatusCode;
use qcc_http::{
    AddressChecks, AddressPolicy, HyperTransport, Proxies, Roots, Transport,
    TransportErrorKind as Kind,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use crate::{
    support::{Canned, answer, chain, get, header, hyper, patient, read_head},
    tls::{Authority, tls_server},
};

fn over(proxy: &str) -> HyperTransport {
    over_trusting(proxy, Roots::bundled())
}

fn over_trusting(proxy: &str, roots: Roots) -> HyperTransport {
    HyperTransport::builder().roots(roots).proxies(Proxies::all(proxy).unwrap()).build().unwrap()
}

/// Accepts one connection at a time and reports what each handshake said.
async fn listen<F, Fut>(serve: F) -> (SocketAddr, mpsc::UnboundedReceiver<String>)
where
    F: Fn(TcpStream) -> Fut + Send + 'static,
    Fut: Future<Output = String> + Send,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (said, heard) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = said.send(serve(stream).await);
        }
    });
    (address, heard)
}

/// Joins the client to `target`, in the background.
async fn join(mut stream: TcpStream, target: SocketAddr) {
    let mut onward = TcpStream::connect(target).await.unwrap();
    tokio::spawn(async move { drop(copy_bidirectional(&mut stream, &mut onward).await) });
}

#[tokio::test]
async fn a_plain_target_is_asked_of_the_proxy_with_its_credentials() {
    let proxy = Canned::start([answer(200, "", "hi")]).await;
    let transport = over(&format!("http://Aladdin:open%20sesame@{}", proxy.address));
    let url = "http://files.example/x.zip?Signature=D0%2BS%3D";
    let answered = transport.send(get(url), &patient()).await.unwrap();
    assert_eq!(answered.status(), StatusCode::OK);
    let head = &proxy.heads()[0];
    assert_eq!(head.lines().next().unwrap(), format!("GET {url} HTTP/1.1"));
    assert_eq!(header(head, "host"), Some("files.example"));
    // base64 of "Aladdin:open sesame"
    assert_eq!(header(head, "proxy-authorization"), Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
}

#[tokio::test]
async fn a_password_may_hold_anything_that_is_escaped() {
    for (written, basic) in [
        // base64 of "me:a/b?c#d", "me:a@b:c", "me:100%" and "me:ä"
        ("a%2Fb%3Fc%23d", "Basic bWU6YS9iP2MjZA=="),
        ("a%40b:c", "Basic bWU6YUBiOmM="),
        ("a@b:c", "Basic bWU6YUBiOmM="),
        ("100%25", "Basic bWU6MTAwJQ=="),
        ("100%", "Basic bWU6MTAwJQ=="),
        ("%C3%A4", "Basic bWU6w6Q="),
    ] {
        let proxy = Canned::start([answer(200, "", "hi")]).await;
        let transport = over(&format!("http://me:{written}@{}", proxy.address));
        transport.send(get("http://files.example/"), &patient()).await.unwrap();
        assert_eq!(header(&proxy.heads()[0], "proxy-authorization"), Some(basic), "{written}");
    }
    let target = Canned::start([answer(200, "", "hi")]).await;
    let address = target.address;
    let (proxy, _heard) = listen(move |stream| socks5(stream, address, "a/b?c#d@")).await;
    let transport = over(&format!("socks5h://user:a%2Fb%3Fc%23d%40@{proxy}"));
    transport.send(get("http://files.example/"), &patient()).await.unwrap();
}

#[test]
fn a_proxy_url_that_leaves_doubt_is_refused_by_its_variable() {
    for url in [
        "http://svc:Hunter2/abc@127.0.0.1:3128",
        "http://svc:Hunter2#abc@127.0.0.1:3128",
        "http://svc:Hunter2?abc@127.0.0.1:3128",
        "socks5h://svc:Hunter2/abc@127.0.0.1:1080",
        "http://svc:31337/Hunter2@127.0.0.1:3128",
        "svc:31337/Hunter2@127.0.0.1:3128",
    ] {
        for variable in ["HTTP_PROXY", "https_proxy", "ALL_PROXY"] {
            let error = Proxies::from_vars(|name| (name == variable).then(|| url.to_owned()));
            let error = error.expect_err(url);
            let text = format!("{error} {error:?}");
            assert!(text.starts_with(variable) && text.contains("%2F"), "{text}");
            for part in ["Hunter2", "31337", "svc"] {
                assert!(!text.contains(part), "{text}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_excepted_goes_straight_in_every_form() {
    let target = Canned::start([answer(200, "", "hi")]).await;
    let port = target.address.port();
    let forms = ["*", "127.0.0.1", "127.0.0.0/8", "a b 127.0.0.1", "x,127.0.0.1:PORT"];
    for form in forms.map(|form| form.replace("PORT", &port.to_string())) {
        let proxies = Proxies::from_vars(|name| match name {
            "ALL_PROXY" => Some("http://127.0.0.1:1".to_owned()),
            "NO_PROXY" => Some(form.clone()),
            _ => None,
        });
        let transport = hyper().proxies(proxies.unwrap()).build().unwrap();
        let answered = transport.send(get(&target.url("/")), &patient()).await;
        assert!(answered.is_ok(), "{form}: {}", chain(&answered.unwrap_err()));
    }
}

#[tokio::test]
async fn credentials_stay_with_the_proxy() {
    let target = Canned::start([answer(200, "", "hi")]).await;
    let url = target.url("/");
    let proxies = Proxies::from_vars(|name| match name {
        "http_proxy" => Some("http://me:secret@127.0.0.1:1".to_owned()),
        "no_proxy" => Some("127.0.0.0/8".to_owned()),
        _ => None,
    });
    let transport = hyper().proxies(proxies.unwrap()).build().unwrap();
    transport.send(get(&url), &patient()).await.unwrap();
    let head = &target.heads()[0];
    assert!(head.starts_with("GET / HTTP/1.1"), "{head}");
    assert_eq!(header(head, "proxy-authorization"), None);
}

#[tokio::test]
async fn an_encrypted_target_goes_through_a_tunnel() {
    let authority = Authority::new();
    let target = tls_server(&authority, "vendor.example").await;
    let (proxy, mut heard) = listen(move |mut stream| async move {
        let head = read_head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
        join(stream, target.address).await;
        head
    })
    .await;
    let transport = over_trusting(&format!("http://me:pw@{proxy}"), authority.roots());
    let answered =
        transport.send(get("https://vendor.example/api?key=1"), &patient()).await.unwrap();
    let body = answered.into_body().read_within(1000).await.unwrap().unwrap();
    // The TLS server echoes the head it was sent.
    let inner = String::from_utf8(body.to_vec()).unwrap();
    assert!(inner.starts_with("GET /api?key=1 HTTP/1.1"), "{inner}");
    assert_eq!(header(&inner, "proxy-authorization"), None);
    let connect = heard.recv().await.unwrap();
    assert!(connect.starts_with("CONNECT vendor.example:443 HTTP/1.1"), "{connect}");
    assert_eq!(header(&connect, "proxy-authorization"), Some("Basic bWU6cHc="));
}

async fn failure(transport: &HyperTransport, url: &str) -> qcc_http::TransportError {
    let error = transport.send(get(url), &patient()).await.expect_err(url);
    assert!(!error.kind().may_have_arrived(), "{error:?}");
    let text = format!("{} {error:?}", chain(&error));
    assert!(!text.contains("hunter2") && !text.contains("Signature"), "{text}");
    error
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_named() {
    let gone = Canned::start([""]).await.address;
    for scheme in ["http", "https", "socks5", "socks5h", "socks4a"] {
        let transport = over(&format!("{scheme}://me:hunter2@{gone}"));
        let error = failure(&transport, "http://8.8.8.8/x?Signature=1").await;
        assert_eq!(error.kind(), Kind::Connect, "{error:?}");
        let text = chain(&error);
        assert!(text.contains(&format!("the proxy {gone} cannot be reached")), "{text}");
    }
    let error = failure(&over("http://no-such-proxy.invalid:3128"), "http://8.8.8.8/").await;
    assert_eq!(error.kind(), Kind::Resolve);
    assert!(chain(&error).contains("the proxy no-such-proxy.invalid:3128"), "{}", chain(&error));
}

#[tokio::test]
async fn a_proxy_that_does_not_open_the_way_says_so() {
    for (answer, kind, words) in [
        (
            "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
            Kind::Proxy,
            "authorization required",
        ),
        ("HTTP/1.1 403 Forbidden\r\n\r\n", Kind::Connect, "unsuccessful"),
        ("HTTP/1.1 502 Bad Gateway\r\n\r\n", Kind::Connect, "unsuccessful"),
        ("SSH-2.0-OpenSSH\r\n", Kind::Connect, "unsuccessful"),
        ("", Kind::Connect, "end of file"),
    ] {
        let proxy = Canned::start([answer]).await;
        let transport = over(&format!("http://me:hunter2@{}", proxy.address));
        let error = failure(&transport, "https://vendor.example/?Signature=1").await;
        assert_eq!(error.kind(), kind, "{answer:?}: {error:?}");
        let text = chain(&error);
        assert!(text.contains(&proxy.address.to_string()) && text.contains(words), "{text}");
    }
}

/// A SOCKS5 server that wants `user` and `password`, and connects to `target`
/// whatever it is asked for.
async fn socks5(mut stream: TcpStream, target: SocketAddr, password: &'static str) -> String {
    let greeting = [stream.read_u8().await.unwrap(), stream.read_u8().await.unwrap()];
    assert_eq!(greeting[0], 5);
    let mut methods = vec![0; usize::from(greeting[1])];
    stream.read_exact(&mut methods).await.unwrap();
    if methods.contains(&2) {
        stream.write_all(&[5, 2]).await.unwrap();
        stream.read_u8().await.unwrap();
        let user = counted(&mut stream).await;
        let good = user == "user" && counted(&mut stream).await == password;
        stream.write_all(&[1, u8::from(!good)]).await.unwrap();
        if !good {
            return "refused".to_owned();
        }
    } else {
        stream.write_all(&[5, 0]).await.unwrap();
    }
    let mut command = [0; 4];
    stream.read_exact(&mut command).await.unwrap();
    let host = match command[3] {
        1 => Ipv4Addr::from(stream.read_u32().await.unwrap()).to_string(),
        3 => counted(&mut stream).await,
        4 => Ipv6Addr::from(stream.read_u128().await.unwrap()).to_string(),
        other => panic!("address type {other}"),
    };
    let port = stream.read_u16().await.unwrap();
    stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
    join(stream, target).await;
    format!("{host}:{port}")
}

async fn counted(stream: &mut TcpStream) -> String {
    let mut text = vec![0; usize::from(stream.read_u8().await.unwrap())];
    stream.read_exact(&mut text).await.unwrap();
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn socks5_takes_names_or_addresses() {
    for (scheme, url, asked) in [
        ("socks5h", "http://files.example/x", "files.example:80"),
        ("socks5h", "http://files.example:8080/x", "files.example:8080"),
        ("socks5h", "http://192.0.2.7/x", "192.0.2.7:80"),
        ("socks5", "http://192.0.2.7:81/x", "192.0.2.7:81"),
    ] {
        let target = Canned::start([answer(200, "", "hi")]).await;
        let address = target.address;
        let (proxy, mut heard) = listen(move |stream| socks5(stream, address, "pass")).await;
        for credentials in ["", "user:pass@"] {
            let transport = over(&format!("{scheme}://{credentials}{proxy}"));
            let answered = transport.send(get(url), &patient()).await.unwrap();
            assert_eq!(answered.status(), StatusCode::OK);
            assert_eq!(heard.recv().await.unwrap(), asked);
        }
        // Behind SOCKS a request looks as if it had come straight.
        assert!(target.heads()[0].starts_with("GET /x HTTP/1.1"));
    }
}

#[tokio::test]
async fn socks5_without_h_resolves_names_here() {
    let target = Canned::start([answer(200, "", "hi")]).await;
    let address = target.address;
    let (proxy, mut heard) = listen(move |stream| socks5(stream, address, "pass")).await;
    let transport = over(&format!("socks5://{proxy}"));
    transport.send(get("http://localhost:8080/"), &patient()).await.unwrap();
    let asked = heard.recv().await.unwrap();
    let (host, port) = asked.rsplit_once(':').unwrap();
    assert!(host.parse::<IpAddr>().unwrap().is_loopback() && port == "8080", "{asked}");
    let error = failure(&transport, "http://no-such-host.invalid/").await;
    assert_eq!(error.kind(), Kind::Resolve);
    assert!(heard.try_recv().is_err());
}

#[tokio::test]
async fn socks5_that_refuses_the_password_says_so() {
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 1));
    let (proxy, _heard) = listen(move |stream| socks5(stream, nowhere, "other")).await;
    let transport = over(&format!("socks5h://user:hunter2@{proxy}"));
    let error = failure(&transport, "http://files.example/?Signature=1").await;
    assert_eq!(error.kind(), Kind::Proxy);
    assert!(chain(&error).contains("credentials not accepted"), "{}", chain(&error));
}

#[tokio::test]
async fn socks4a_takes_names() {
    let target = Canned::start([answer(200, "", "hi")]).await;
    let address = target.address;
    let (proxy, mut heard) = listen(move |mut stream| async move {
        let mut command = [0; 8];
        stream.read_exact(&mut command).await.unwrap();
        let mut text = Vec::new();
        // User, then host, each ended by a zero.
        while text.iter().filter(|byte| **byte == 0).count() < 2 {
            text.push(stream.read_u8().await.unwrap());
        }
        stream.write_all(&[0, 90, 0, 0, 0, 0, 0, 0]).await.unwrap();
        join(stream, address).await;
        let host = text.split(|byte| *byte == 0).nth(1).unwrap().to_vec();
        let port = u16::from_be_bytes([command[2], command[3]]);
        format!("{}:{port}", String::from_utf8(host).unwrap())
    })
    .await;
    let transport = over(&format!("socks4a://{proxy}"));
    transport.send(get("http://files.example/x"), &patient()).await.unwrap();
    assert_eq!(heard.recv().await.unwrap(), "files.example:80");
}

#[tokio::test]
async fn through_a_proxy_only_addresses_written_out_are_checked() {
    let proxy = Canned::start([answer(200, "", "hi")]).await;
    let transport = over(&format!("http://{}", proxy.address));
    assert_eq!(transport.address_checks(), AddressChecks::ExceptThroughProxies);
    let public = patient().with_addresses(AddressPolicy::public_only());
    let error = transport.send(get("http://169.254.169.254/latest"), &public).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Forbidden);
    assert_eq!(proxy.heads().len(), 0);
    // The proxy's own address is the operator's choice, and the proxy resolves the name.
    transport.send(get("http://files.example/"), &public).await.unwrap();
}
