//! `qcc serve` as a process: started, called, asked, stopped, killed.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Child, ChildStderr, Command, Stdio},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::World;

/// A daemon that listens.
pub(crate) struct Daemon {
    child: Child,
    /// Where the vendor's calls arrive.
    pub(crate) callback: SocketAddr,
    /// Where health and metrics are.
    pub(crate) admin: SocketAddr,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

/// Longer than anything here takes, on the busiest machine.
const PATIENCE: Duration = Duration::from_secs(60);

impl Daemon {
    /// Starts one on free ports.
    pub(crate) fn start(world: &World, arguments: &[&str]) -> Self {
        Self::of(Self::command(world, arguments))
    }

    /// The command that [`start`](Self::start) runs.
    pub(crate) fn command(world: &World, arguments: &[&str]) -> Command {
        let mut command = world.command(&["serve"]);
        command.args(arguments);
        command.env("QCC_LISTEN", "127.0.0.1:0").env("QCC_ADMIN_LISTEN", "127.0.0.1:0");
        command
    }

    /// Waits until a command listens.
    pub(crate) fn of(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut log = String::new();
        let line = loop {
            let mut line = String::new();
            assert_ne!(stderr.read_line(&mut line).unwrap(), 0, "it ended: {log}");
            log.push_str(&line);
            if line.contains("listening") {
                break line;
            }
        };
        let log = Arc::new(Mutex::new(log));
        let reader = thread::spawn({
            let log = Arc::clone(&log);
            move || follow(stderr, &log)
        });
        let (callback, admin) = (field(&line, "callback"), field(&line, "admin"));
        Self { child, callback, admin, log, reader: Some(reader) }
    }

    /// What it wrote to standard error so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The URL the vendor calls.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/callback", self.callback)
    }

    /// `GET` on the admin listener.
    pub(crate) fn ask(&self, path: &str) -> (u16, String) {
        get(self.admin, path)
    }

    pub(crate) fn health(&self, path: &str) -> (u16, Value) {
        let (status, body) = self.ask(path);
        (status, serde_json::from_str(&body).expect(&body))
    }

    /// The value of a sample, by its name and labels as they stand on the page.
    #[track_caller]
    pub(crate) fn metric(&self, sample: &str) -> f64 {
        let (status, page) = self.ask("/metrics");
        assert_eq!(status, 200);
        let value = page.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("no {sample} in\n{page}")).parse().unwrap()
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        signal(self.pid(), name);
    }

    /// Asks it to end with a signal; returns its exit code and its log.
    #[track_caller]
    pub(crate) fn stop(mut self, name: &str) -> (Option<i32>, String) {
        self.signal(name);
        let status = self.child.wait().unwrap();
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        let log = self.log();
        (status.code(), log)
    }

    /// Waits for its end; returns its exit code.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            let _ = writeln!(std::io::stderr(), "the daemon's log:\n{}", self.log());
        }
    }
}

fn follow(mut stderr: BufReader<ChildStderr>, log: &Mutex<String>) {
    let mut line = String::new();
    while stderr.read_line(&mut line).is_ok_and(|read| read > 0) {
        log.lock().unwrap().push_str(&line);
        line.clear();
    }
}

/// An address from a log line, as text or JSON.
fn field(line: &str, name: &str) -> SocketAddr {
    let rest = line.split_once(name).expect(line).1;
    let value = rest.trim_start_matches(['=', '"', ':']);
    value.split([' ', '"', '\n']).next().unwrap().parse().expect(line)
}

/// Sends a signal to a process of ours.
pub(crate) fn signal(pid: u32, name: &str) {
    let sent = Command::new("sh").args(["-c", &format!("kill -{name} {pid}")]).status().unwrap();
    assert!(sent.success());
}

/// One `GET` on a connection of its own: HTTP status and body.
pub(crate) fn get(address: SocketAddr, target: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    ask(&mut stream, target);
    answer(stream)
}

/// Sends a request that is the connection's last.
pub(crate) fn ask(stream: &mut impl Write, target: &str) {
    let head = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
}

/// Reads an answer to its end: HTTP status and body.
pub(crate) fn answer(mut stream: impl Read) -> (u16, String) {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").expect(&answer);
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// Looks again and again until it is so.
#[track_caller]
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}
