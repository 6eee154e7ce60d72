//! A blocking stack in a page: HTTP/1.1 over the standard library's sockets.

use std::{
    io::{self, BufRead, BufReader, ErrorKind, Read, Write},
    net::{Shutdown, TcpStream, ToSocketAddrs},
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response};
use qcc_http::{
    AddressChecks, Blocking, BlockingTransport, Cancellation, SendOptions, Transport,
    TransportError, TransportErrorKind as Kind,
};

use crate::support::{get, patient};

/// One connection per exchange; just enough HTTP for the conformance suite.
pub(crate) struct Sockets;

pub(crate) struct WireBody {
    wire: BufReader<TcpStream>,
    framing: Framing,
}

enum Framing {
    Length(u64),
    Chunked(Option<u64>),
    Close,
    Done,
}

impl BlockingTransport for Sockets {
    type Body = WireBody;

    fn send(
        &self,
        request: Request<Bytes>,
        options: &SendOptions,
        cancellation: &Cancellation,
    ) -> Result<Response<WireBody>, TransportError> {
        let not_sent = |kind| TransportError::new(kind);
        let authority = request.uri().authority().ok_or_else(|| not_sent(Kind::Request))?;
        let place = (authority.host(), authority.port_u16().unwrap_or(80));
        let found = place.to_socket_addrs().map_err(|_| not_sent(Kind::Resolve))?;
        let mut found = found
            .filter(std::net::SocketAddr::is_ipv4)
            .map(|found| options.addresses.check(place.0, place.1, found.ip()).map(|()| found));
        let address = found.next().ok_or_else(|| not_sent(Kind::Resolve))??;
        let stream = TcpStream::connect_timeout(&address, options.timeouts.connect)
            .map_err(|error| not_sent(Kind::Connect).with_source(error))?;
        let hook =
            stream.try_clone().map_err(|error| not_sent(Kind::Connect).with_source(error))?;
        cancellation.on_cancel(move || drop(hook.shutdown(Shutdown::Both)));
        exchange(stream, &request, options).map_err(|error| TransportError::from_chain(&error))
    }

    fn address_checks(&self) -> AddressChecks {
        AddressChecks::EveryConnection
    }
}

fn exchange(
    mut stream: TcpStream,
    request: &Request<Bytes>,
    options: &SendOptions,
) -> io::Result<Response<WireBody>> {
    stream.set_read_timeout(Some(options.timeouts.head))?;
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let mut head = format!("{} {target} HTTP/1.1\r\nHost: ", request.method());
    head.push_str(request.uri().authority().map_or("", |authority| authority.as_str()));
    head.push_str("\r\n");
    for (name, value) in request.headers() {
        head.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
    }
    if !request.body().is_empty() {
        head.push_str(&format!("Content-Length: {}\r\n", request.body().len()));
    }
    stream.write_all(head.as_bytes())?;
    stream.write_all(b"\r\n")?;
    stream.write_all(request.body())?;

    let mut wire = BufReader::new(stream);
    let answer = loop {
        let answer = read_head(&mut wire)?;
        if !answer.status().is_informational() {
            break answer;
        }
    };
    wire.get_ref().set_read_timeout(Some(options.timeouts.idle))?;
    let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
    let framing = match (answer.status().as_u16(), header("content-length")) {
        (204 | 304, _) => Framing::Done,
        (_, Some(length)) => Framing::Length(length.parse().map_err(io::Error::other)?),
        _ if header("transfer-encoding").is_some() => Framing::Chunked(None),
        _ => Framing::Close,
    };
    Ok(answer.map(|()| WireBody { wire, framing }))
}

fn read_head(wire: &mut impl BufRead) -> io::Result<Response<()>> {
    let malformed = || io::Error::from(ErrorKind::InvalidData);
    let line = read_line(wire)?;
    let rest = line.strip_prefix("HTTP/1.1 ").ok_or_else(malformed)?;
    let status: u16 = rest.get(..3).and_then(|code| code.parse().ok()).ok_or_else(malformed)?;
    let mut answer = Response::builder().status(status).body(()).map_err(io::Error::other)?;
    loop {
        let line = read_line(wire)?;
        if line.is_empty() {
            return Ok(answer);
        }
        let (name, value) = line.split_once(':').ok_or_else(malformed)?;
        answer.headers_mut().append(
            name.parse::<HeaderName>().map_err(|_| malformed())?,
            HeaderValue::from_str(value.trim()).map_err(|_| malformed())?,
        );
    }
}

fn read_line(wire: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    wire.read_line(&mut line)?;
    let whole = line.strip_suffix("\r\n").ok_or(ErrorKind::UnexpectedEof)?;
    Ok(whole.to_owned())
}

impl Read for WireBody {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match &mut self.framing {
                Framing::Done => return Ok(0),
                Framing::Close => return self.wire.read(buffer),
                Framing::Length(0) => self.framing = Framing::Done,
                Framing::Chunked(None) => {
                    let line = read_line(&mut self.wire)?;
                    let size = line.split(';').next().unwrap_or_default();
                    let size = u64::from_str_radix(size, 16)
                        .map_err(|_| io::Error::from(ErrorKind::InvalidData))?;
                    self.framing = Framing::Chunked(Some(size));
                    if size == 0 {
                        while !read_line(&mut self.wire)?.is_empty() {}
                        self.framing = Framing::Done;
                    }
                }
                Framing::Chunked(Some(0)) => {
                    read_line(&mut self.wire)?;
                    self.framing = Framing::Chunked(None);
                }
                Framing::Length(left) | Framing::Chunked(Some(left)) => {
                    let most = buffer.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    let n = self.wire.read(&mut buffer[..most])?;
                    if n == 0 {
                        return Err(ErrorKind::UnexpectedEof.into());
                    }
                    *left -= n as u64;
                    return Ok(n);
                }
            }
        }
    }
}

/// Answers, and then fails in the ways a thread can.
struct Failing(fn() -> io::Result<usize>);

struct FailingBody(fn() -> io::Result<usize>);

impl BlockingTransport for Failing {
    type Body = FailingBody;

    fn send(
        &self,
        _: Request<Bytes>,
        _: &SendOptions,
        _: &Cancellation,
    ) -> Result<Response<FailingBody>, TransportError> {
        Ok(Response::new(FailingBody(self.0)))
    }

    fn address_checks(&self) -> AddressChecks {
        AddressChecks::None
    }
}

impl Read for FailingBody {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        (self.0)()
    }
}

#[track_caller]
fn ends_with(kind: Kind, read: fn() -> io::Result<usize>) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let ended = runtime.block_on(async {
        let transport = Blocking::new(Failing(read));
        let answer = transport.send(get("http://host.example/"), &patient()).await.unwrap();
        answer.into_body().read_within(10).await
    });
    let error = ended.expect_err("a body that fails");
    assert_eq!(error.kind(), kind);
}

#[test]
fn a_failing_reader_is_an_error_of_its_kind() {
    ends_with(Kind::Timeout, || Err(ErrorKind::TimedOut.into()));
    ends_with(Kind::Timeout, || Err(ErrorKind::WouldBlock.into()));
    ends_with(Kind::Broken, || Err(ErrorKind::ConnectionReset.into()));
    ends_with(Kind::Protocol, || Err(ErrorKind::InvalidData.into()));
    ends_with(Kind::Tls, || Err(io::Error::other(TransportError::new(Kind::Tls))));
}

#[test]
fn a_thread_that_dies_does_not_look_like_a_whole_body() {
    ends_with(Kind::Broken, || panic!("on purpose: the thread of this exchange dies"));
}

#[test]
fn a_hook_runs_only_when_cancelled() {
    let cancellation = Cancellation::default();
    assert!(!cancellation.is_cancelled());
    let (sender, receiver) = std::sync::mpsc::channel();
    cancellation.on_cancel(move || sender.send("dropped").unwrap());
    drop(cancellation);
    // Nobody cancelled: the hook is dropped unrun, and with it its sender.
    assert!(receiver.recv().is_err());
}
