//! A log that nobody can write, or nobody reads: the line is lost, and nothing else.
#![cfg(unix)]

use std::{
    fs::{self, File, OpenOptions},
    net::{SocketAddr, TcpListener, TcpStream},
    os::fd::OwnedFd,
    process::{Child, Command, Stdio},
};

use crate::{
    daemon::{get, signal, until},
    support::World,
};

/// An address nobody listens on.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A daemon that says nothing of itself, at known addresses.
struct Mute {
    child: Child,
    callback: SocketAddr,
    admin: SocketAddr,
}

impl Mute {
    /// Starts one: `script` runs the program, with its arguments, as `"$0" "$@"`.
    fn start(world: &World, script: &str, stderr: Stdio) -> Self {
        let (callback, admin) = (free(), free());
        let serve = world.command(&["serve", "--poll-interval", "1s"]);
        let mut command = Command::new("sh");
        command.args(["-c", script]).arg(serve.get_program()).args(serve.get_args());
        command.env_clear().current_dir(world.folder.path());
        command.envs(serve.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("QCC_LISTEN", callback.to_string());
        command.env("QCC_ADMIN_LISTEN", admin.to_string());
        command.env("QCC_LOG", "trace");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr);
        let mut child = command.spawn().unwrap();
        until("it listens", || {
            assert_eq!(child.try_wait().unwrap(), None, "it ended");
            TcpStream::connect(callback).is_ok()
        });
        Self { child, callback, admin }
    }

    fn ends_well(mut self) {
        signal(self.child.id(), "TERM");
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Mute {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn call(world: &World, order_no: &str) -> String {
    let key = world.account.key();
    format!("/callback?key={key}&orderNo={order_no}&downloadUrl=http%3A%2F%2Fx%2Fy&unzipPassword=p")
}

fn full() -> Stdio {
    OpenOptions::new().write(true).open("/dev/full").unwrap().into()
}

/// The end of a pipe that is written to, and the one that is read.
fn pipe() -> (Stdio, File) {
    let (reader, writer) = std::io::pipe().unwrap();
    (OwnedFd::from(writer).into(), OwnedFd::from(reader).into())
}

#[test]
fn a_daemon_whose_log_cannot_be_written_goes_on_receiving() {
    const RUN: &str = "exec \"$0\" \"$@\"";
    for what in ["a full disk", "a reader that is gone", "a reader that stalls", "no log at all"] {
        let world = World::new();
        let mut kept = None;
        let daemon = match what {
            "a full disk" => Mute::start(&world, RUN, full()),
            "no log at all" => Mute::start(&world, "exec \"$0\" \"$@\" 2>&-", Stdio::null()),
            _ => {
                let (writer, reader) = pipe();
                kept = (what == "a reader that stalls").then_some(reader);
                Mute::start(&world, RUN, writer)
            }
        };
        let orders = world.push(3);
        for order_no in &orders {
            let answer = get(daemon.callback, &call(&world, order_no.as_str()));
            assert_eq!(answer.0, 200, "{what}");
        }
        // By then a pipe that nobody reads has been full for long.
        for _ in 0..200 {
            assert_eq!(get(daemon.callback, "/elsewhere").0, 404, "{what}");
        }
        let applied = "qcc_orders{state=\"applied\"} 3";
        until(what, || get(daemon.admin, "/metrics").1.contains(applied));
        daemon.ends_well();
        drop(kept);
        world.assert_true_table();
    }
}

#[test]
fn a_command_whose_log_cannot_be_written_does_its_work() {
    let world = World::new();
    for stderr in [full(), pipe().0] {
        world.push(1);
        let mut command = world.command(&["-vvv", "sync"]);
        assert_eq!(command.stdout(Stdio::null()).stderr(stderr).status().unwrap().code(), Some(0));
    }
    // What is wrong is told by the exit code, too.
    let mut command = world.command(&["-v", "orders", "show", "DDMON1"]);
    let told = command.stdout(Stdio::null()).stderr(full()).status().unwrap();
    assert_eq!(told.code(), Some(3));
    world.assert_true_table();
}

#[test]
fn a_call_is_answered_with_an_error_where_neither_store_nor_log_can_be_written() {
    let world = World::new();
    let toml = "[serve]\nunknown_per_minute = 1000000\nsecret_path = false\n";
    fs::write(world.path("qcc.toml"), toml).unwrap();
    Mute::start(&world, "exec \"$0\" \"$@\"", Stdio::null()).ends_well();
    let entries = fs::read_dir(world.folder.path()).unwrap();
    let longest = entries.map(|entry| entry.unwrap().metadata().unwrap().len()).max().unwrap();
    // No file may become longer than that, as if the disk were full. In blocks of 512 bytes.
    let script =
        format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"", longest.div_ceil(512) + 128);
    let log = File::create(world.path("serve.log")).unwrap();
    let daemon = Mute::start(&world, &script, log.into());
    let mut refused = 0;
    for n in 0..3000 {
        // A connection that is cut has no answer to read.
        match get(daemon.callback, &call(&world, &format!("DDMON{n}"))).0 {
            200 => {}
            503 => refused += 1,
            other => panic!("{other}"),
        }
        if refused == 20 {
            break;
        }
    }
    assert_eq!(refused, 20, "the disk never was full");
    assert_eq!(get(daemon.admin, "/readyz").0, 503);
}
