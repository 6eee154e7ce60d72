//! A server that follows a script, byte by byte.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::expect::{KEPT, Verdict};

/// A connection that is released is closed well within this time.
const SOON: Duration = Duration::from_secs(5);

/// What the server does once it has read a request's head.
#[derive(Clone)]
pub(super) enum Part {
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Continues when told to, see [`Server::go_on`].
    Await,
    /// Waits this long.
    Pause(Duration),
    /// Waits until the other side closes.
    Stall,
    /// Sends this byte again and again, with a pause, until the other side closes.
    Drip(u8, Duration),
    /// Closes so that the other side sees a reset.
    Reset,
}

/// A plain script: sends this, then closes.
pub(super) fn reply(bytes: impl AsRef<[u8]>) -> Vec<Part> {
    vec![Part::Send(bytes.as_ref().to_vec())]
}

/// A server on a loopback port of its own, until it is dropped.
pub(super) struct Server {
    address: SocketAddr,
    heads: mpsc::UnboundedReceiver<String>,
    closed: mpsc::UnboundedReceiver<()>,
    gate: Arc<Semaphore>,
    task: JoinHandle<()>,
}

struct Actor {
    script: Vec<Part>,
    heads: mpsc::UnboundedSender<String>,
    closed: mpsc::UnboundedSender<()>,
    gate: Arc<Semaphore>,
}

impl Server {
    /// Every connection is served by the same script.
    pub(super) async fn start(script: Vec<Part>) -> Result<Self, String> {
        let bound = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await;
        let listener = bound.map_err(|error| format!("cannot listen on loopback: {error}"))?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let (heads_in, heads) = mpsc::unbounded_channel();
        let (closed_in, closed) = mpsc::unbounded_channel();
        let gate = Arc::new(Semaphore::new(0));
        let actor =
            Arc::new(Actor { script, heads: heads_in, closed: closed_in, gate: Arc::clone(&gate) });
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let actor = Arc::clone(&actor);
                tokio::spawn(async move { drop(actor.perform(stream).await) });
            }
        });
        Ok(Self { address, heads, closed, gate, task })
    }

    /// The absolute URL of a path.
    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The next request head that came in.
    pub(super) async fn head(&mut self) -> Result<String, String> {
        self.heads.recv().await.ok_or_else(|| "the server is gone".to_owned())
    }

    /// How many more request heads came in by now.
    pub(super) fn further_heads(&mut self) -> usize {
        std::iter::from_fn(|| self.heads.try_recv().ok()).count()
    }

    /// Lets one [`Part::Await`] pass.
    pub(super) fn go_on(&self) {
        self.gate.add_permits(1);
    }

    /// Resolves when the other side closed a connection that stalls.
    pub(super) async fn peer_closed(&mut self) -> Verdict {
        match timeout(SOON, self.closed.recv()).await {
            Ok(Some(())) => KEPT,
            Ok(None) => Err("the server is gone".to_owned()),
            Err(_) => Err(format!("the connection is still open after {SOON:?}")),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Actor {
    async fn perform(&self, mut stream: TcpStream) -> io::Result<()> {
        let head = read_head(&mut stream).await?;
        let _ = self.heads.send(head);
        for part in &self.script {
            match part {
                Part::Send(bytes) => {
                    stream.write_all(bytes).await?;
                    stream.flush().await?;
                }
                Part::Await => {
                    let permit = self.gate.acquire().await.map_err(io::Error::other)?;
                    permit.forget();
                }
                Part::Pause(time) => sleep(*time).await,
                Part::Stall => {
                    let mut rest = [0; 1024];
                    while matches!(stream.read(&mut rest).await, Ok(n) if n > 0) {}
                    let _ = self.closed.send(());
                }
                Part::Drip(byte, pause) => {
                    let mut rest = [0; 1024];
                    // Whatever else is read does not matter; an end or an error does.
                    while match timeout(*pause, stream.read(&mut rest)).await {
                        Err(_) => stream.write_all(&[*byte]).await.is_ok(),
                        Ok(read) => matches!(read, Ok(n) if n > 0),
                    } {}
                    let _ = self.closed.send(());
                }
                Part::Reset => stream.set_zero_linger()?,
            }
        }
        Ok(())
    }
}

/// The request up to the empty line, and the body after it where one is announced.
async fn read_head(stream: &mut TcpStream) -> io::Result<String> {
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&seen);
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && body.len() >= body_length(head)
        {
            return Ok(text.into_owned());
        }
        match stream.read(&mut buffer).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => seen.extend_from_slice(buffer.get(..n).unwrap_or_default()),
        }
    }
}

fn body_length(head: &str) -> usize {
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    length.unwrap_or(0)
}
