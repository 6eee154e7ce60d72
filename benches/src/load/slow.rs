//! Clients that never finish the head of their request, and come back when they
//! are thrown out.

use std::{
    io::Write,
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// What each sends at first; after that a letter a second.
const BEGINNING: &[u8] = b"GET /callback?key=AppKey HTTP/1.1\r\nX-Slow: ";

/// Clients at work until this is dropped.
pub(super) struct Slow {
    stop: Arc<AtomicBool>,
    running: Option<JoinHandle<()>>,
}

impl Slow {
    /// So many of them, each of which has begun its request when this returns.
    pub(super) fn attach(address: SocketAddr, count: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut clients: Vec<Option<TcpStream>> = (0..count).map(|_| begin(address)).collect();
        let running = {
            let stop = Arc::clone(&stop);
            thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    for client in &mut clients {
                        let goes_on = client.as_mut().is_some_and(|c| c.write_all(b"a").is_ok());
                        if !goes_on {
                            *client = begin(address);
                        }
                    }
                    thread::sleep(Duration::from_secs(1));
                }
            })
        };
        Self { stop, running: Some(running) }
    }
}

impl Drop for Slow {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(running) = self.running.take() {
            let _ = running.join();
        }
    }
}

fn begin(address: SocketAddr) -> Option<TcpStream> {
    let mut client = TcpStream::connect_timeout(&address, Duration::from_secs(1)).ok()?;
    client.write_all(BEGINNING).ok()?;
    Some(client)
}
