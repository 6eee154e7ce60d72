//! An even stream of calls: each is made when it is due, whatever became of the
//! one before, and its answer is timed from when it was due. A receiver that
//! falls behind cannot slow the clock down.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow};

/// What a call is answered with.
const ACCEPTED: &[u8] = "{\"status\":\"200\",\"msg\":\"成功\"}".as_bytes();

/// What came of a stream.
#[derive(Debug, Default)]
pub(super) struct Paced {
    /// The numbers that were answered as durable.
    pub(super) answered: Vec<String>,
    /// Calls with another answer, or none.
    pub(super) failed: u64,
    latencies: Vec<Duration>,
}

impl Paced {
    /// The latency that a share of all calls stays within.
    pub(super) fn percentile(&mut self, share: f64) -> Duration {
        self.latencies.sort();
        let rank = (share * self.latencies.len() as f64) as usize;
        let last = self.latencies.len().saturating_sub(1);
        self.latencies.get(rank.min(last)).copied().unwrap_or_default()
    }

    fn add(&mut self, other: Self) {
        self.answered.extend(other.answered);
        self.failed += other.failed;
        self.latencies.extend(other.latencies);
    }
}

/// Makes `rate` calls a second over `connections` connections, each on its own thread.
pub(super) fn paced(
    address: SocketAddr,
    rate: u32,
    connections: u32,
    length: Duration,
) -> Result<Paced> {
    let begin = Instant::now() + Duration::from_millis(100);
    let callers: Vec<_> = (0..connections)
        .map(|nth| {
            thread::spawn(move || {
                let every = Duration::from_secs(1) * connections / rate;
                let first = begin + Duration::from_secs(1) * nth / rate;
                call(address, nth, first, every, begin + length)
            })
        })
        .collect();
    let mut all = Paced::default();
    for caller in callers {
        all.add(caller.join().map_err(|_| anyhow!("a caller ended early"))?);
    }
    Ok(all)
}

fn call(address: SocketAddr, nth: u32, first: Instant, every: Duration, end: Instant) -> Paced {
    let mut paced = Paced::default();
    let mut connection = None;
    let mut due = first;
    while due < end {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let order_no = format!("DDMON{nth:03}{:06}", paced.latencies.len());
        match exchange(&mut connection, address, &order_no) {
            Ok(true) => paced.answered.push(order_no),
            Ok(false) => paced.failed += 1,
            Err(_) => {
                connection = None;
                paced.failed += 1;
            }
        }
        paced.latencies.push(due.elapsed());
        due += every;
    }
    paced
}

/// One call over a connection that is kept; whether the answer is the right one.
fn exchange(
    connection: &mut Option<BufReader<TcpStream>>,
    address: SocketAddr,
    order_no: &str,
) -> io::Result<bool> {
    let stream = match connection {
        Some(stream) => stream,
        None => {
            let stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(Duration::from_secs(10)))?;
            connection.insert(BufReader::new(stream))
        }
    };
    let request = format!(
        "GET /callback?key=AppKey&orderNo={order_no}\
         &downloadUrl=http%3A%2F%2Fpro-files.qichacha.com%2FDdMonitor%2Fx.zip&unzipPassword=X \
         HTTP/1.1\r\nHost: {address}\r\n\r\n"
    );
    stream.get_mut().write_all(request.as_bytes())?;
    let (mut is_ok, mut length) = (false, 0_u64);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end().to_ascii_lowercase();
        is_ok |= line == "http/1.1 200 ok";
        if let Some(text) = line.strip_prefix("content-length: ") {
            length = text.parse().unwrap_or_default();
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = Vec::new();
    stream.by_ref().take(length).read_to_end(&mut body)?;
    Ok(is_ok && body == ACCEPTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_latency_that_was_measured() {
        let latencies = (1..=1000).map(Duration::from_millis).collect();
        let mut paced = Paced { latencies, ..Paced::default() };
        assert_eq!(paced.percentile(0.5), Duration::from_millis(501));
        assert_eq!(paced.percentile(0.999), Duration::from_millis(1000));
        assert_eq!(Paced::default().percentile(0.5), Duration::ZERO);
    }
}
