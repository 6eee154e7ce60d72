//! TLS against an authority made here.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use qcc_http::{
    HyperTransport, InvalidTls, Roots, Timeouts, Transport, TransportErrorKind as Kind,
};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use crate::support::{answer, chain, get, patient, read_head, within};

/// Signs certificates for the servers of a test.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    der: Vec<u8>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let own = params.self_signed(&key).unwrap();
        let (pem, der) = (own.pem(), own.der().to_vec());
        Self { issuer: Issuer::new(params, key), pem, der }
    }

    pub(crate) fn roots(&self) -> Roots {
        Roots::pem(self.pem.as_bytes()).unwrap()
    }

    fn server_config(&self, name: &str) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![CertificateDer::from(certificate.der().to_vec())],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap()
    }
}

pub(crate) struct TlsServer {
    pub(crate) address: SocketAddr,
}

/// Answers each request with its own head.
pub(crate) async fn tls_server(authority: &Authority, name: &str) -> TlsServer {
    serve(authority, name, |head| answer(200, "", head)).await
}

/// Answers each request with this body.
pub(crate) async fn tls_server_saying(
    authority: &Authority,
    name: &str,
    body: Vec<u8>,
) -> TlsServer {
    serve(authority, name, move |_| answer(200, "", &body)).await
}

/// Answers each request with these bytes.
pub(crate) async fn tls_server_answering(
    authority: &Authority,
    name: &str,
    bytes: Vec<u8>,
) -> TlsServer {
    serve(authority, name, move |_| bytes.clone()).await
}

async fn serve(
    authority: &Authority,
    name: &str,
    reply: impl Fn(String) -> Vec<u8> + Send + 'static,
) -> TlsServer {
    let acceptor = TlsAcceptor::from(Arc::new(authority.server_config(name)));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // A client that trusts nobody hangs up.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let head = read_head(&mut stream).await;
            let _ = stream.write_all(&reply(head)).await;
            let _ = stream.shutdown().await;
        }
    });
    TlsServer { address }
}

fn trusting(roots: Roots) -> HyperTransport {
    HyperTransport::builder().roots(roots).build().unwrap()
}

#[tokio::test]
async fn a_trusted_server_is_talked_to() {
    let authority = Authority::new();
    let server = tls_server(&authority, "localhost").await;
    let url = format!("https://localhost:{}/a?b=%2B", server.address.port());
    let answered = trusting(authority.roots()).send(get(&url), &patient()).await.unwrap();
    let body = answered.into_body().read_within(1000).await.unwrap().unwrap();
    assert!(body.starts_with(b"GET /a?b=%2B HTTP/1.1\r\n"));
}

#[tokio::test]
async fn who_is_not_trusted_gets_nothing() {
    let authority = Authority::new();
    let server = tls_server(&authority, "localhost").await;
    let port = server.address.port();
    for (roots, host, words) in [
        (Roots::bundled(), "localhost", "no authority that is trusted here has signed"),
        (Roots::bundled(), "localhost", "UnknownIssuer"),
        (Authority::new().roots(), "localhost", "certificate"),
        (authority.roots(), "127.0.0.1", "certificate not valid for name"),
        (authority.roots(), "127.0.0.1", "its certificate is for another name"),
    ] {
        let url = format!("https://{host}:{port}/?Signature=D0%2BS");
        let error = trusting(roots).send(get(&url), &patient()).await.expect_err(words);
        assert_eq!(error.kind(), Kind::Tls, "{error:?}");
        let text = chain(&error);
        assert!(text.contains(words) && !text.contains("D0%2B"), "{text}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_told_from_a_bad_certificate() {
    for (greeting, kind) in [("HTTP/1.1 400 Bad Request\r\n\r\n", Kind::Tls), ("", Kind::Connect)] {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("https://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            // Read first, or the close would be a reset that overtakes the greeting.
            stream.read_u8().await.unwrap();
            stream.write_all(greeting.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
            while stream.read_u8().await.is_ok() {}
        });
        let error = trusting(Roots::bundled()).send(get(&url), &patient()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error:?}");
        if kind == Kind::Tls {
            assert!(chain(&error).contains("what it sent is not TLS"), "{}", chain(&error));
        }
    }
}

#[tokio::test]
async fn a_handshake_that_never_ends_counts_as_connecting() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let options = within(Timeouts::new().with_connect(Duration::from_millis(200)));
    let error = trusting(Roots::bundled()).send(get(&url), &options).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Connect);
    assert!(chain(&error).contains("not connected after 200ms"), "{}", chain(&error));
}

#[tokio::test]
async fn a_file_of_authorities_may_be_pem_or_der() {
    let authority = Authority::new();
    let server = tls_server(&authority, "localhost").await;
    let url = format!("https://localhost:{}/", server.address.port());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca");
    let bundle = format!("# our own\r\n{}{}", Authority::new().pem, authority.pem);
    for bytes in [authority.pem.as_bytes(), &authority.der, bundle.as_bytes()] {
        fs::write(&path, bytes).unwrap();
        for roots in [Roots::file(&path), Roots::folder(folder.path())] {
            let transport = trusting(roots.unwrap().and(Roots::bundled()));
            transport.send(get(&url), &patient()).await.unwrap();
        }
    }
    // What lies beside it in a folder does not matter.
    fs::write(folder.path().join("README"), "no certificate").unwrap();
    fs::create_dir(folder.path().join("more")).unwrap();
    trusting(Roots::folder(folder.path()).unwrap()).send(get(&url), &patient()).await.unwrap();
}

#[test]
fn a_file_without_authorities_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("company.pem");
    let named = |roots: Result<Roots, InvalidTls>, why: &str| {
        let text = roots.expect_err(why).to_string();
        assert!(text.contains(folder.path().to_str().unwrap()) && text.contains(why), "{text}");
    };
    named(Roots::file(&path), "cannot be read");
    named(Roots::folder(&path), "cannot be read");
    named(Roots::file(folder.path()), "not a regular file");
    named(Roots::folder(folder.path()), "no file in it is a certificate");
    let key = KeyPair::generate().unwrap().serialize_pem();
    for (bytes, why) in [
        (&b""[..], "neither PEM nor DER"),
        (b"hello", "neither PEM nor DER"),
        (key.as_bytes(), "holds no certificate"),
        (b"0\x03abc", "no usable certificate"),
        (b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", "PEM text is broken"),
        (b"-----BEGIN CERTIFICATE-----\nMAAA\n-----END CERTIFICATE-----\n", "no usable"),
    ] {
        fs::write(&path, bytes).unwrap();
        named(Roots::file(&path), why);
    }
}
