//! `qcc sim`: a vendor in another process.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use crate::{
    daemon::{Daemon, until},
    support::{Ran, bare, run_in},
};

/// A simulated vendor as a process, and the variables it printed.
struct Sim {
    child: Child,
    variables: Vec<(String, String)>,
}

impl Sim {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = bare(folder);
        command.args(["sim", "--listen", "127.0.0.1:0", "--quiet"]).args(arguments);
        Self::of(&mut command)
    }

    fn of(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().take(4);
        let variables = lines
            .map(|line| line.unwrap().split_once('=').map(|(n, v)| (n.into(), v.into())).unwrap())
            .collect();
        Self { child, variables }
    }

    fn command(&self, folder: &Path, arguments: &[&str]) -> Command {
        let mut command = bare(folder);
        command.args(arguments).envs(self.variables.clone());
        command
    }

    fn run(&self, folder: &Path, arguments: &[&str]) -> Ran {
        self.command(folder, arguments).output().unwrap().into()
    }

    /// A daemon that never reads the list by itself after its start.
    fn serve(&self, folder: &Path) -> Daemon {
        let mut command = self.command(folder, &["serve", "--poll-interval", "10m"]);
        command.env("QCC_LISTEN", "127.0.0.1:0").env("QCC_ADMIN_LISTEN", "127.0.0.1:0");
        Daemon::of(command)
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_printed_variables_are_all_a_client_needs() {
    let folder = tempfile::tempdir().unwrap();
    let sim = Sim::start(folder.path(), &["--orders", "4", "--truth", "truth.jsonl"]);
    sim.run(folder.path(), &["sync"]).ends(0).prints("4 applied");
    let records = sim.run(folder.path(), &["records", "--json"]).ends(0);
    let truth = fs::read_to_string(folder.path().join("truth.jsonl")).unwrap();
    assert!(!truth.is_empty());
    let parse = |text: &str| -> Vec<serde_json::Value> {
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    assert_eq!(parse(&records.out), parse(&truth));
}

#[test]
fn faults_are_listed_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let ran = run_in(folder.path(), &["sim", "--list-faults"]).ends(0).prints("http-502-html");
    assert!(ran.out.lines().count() >= 14);
}

#[test]
fn an_address_that_is_taken_is_1() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    run_in(folder.path(), &["sim", "--listen", &address]).ends(1).says("cannot listen on");
}

#[test]
fn the_url_that_push_set_named_is_called_until_the_push_is_disabled() {
    let folder = tempfile::tempdir().unwrap();
    let sim = Sim::start(folder.path(), &["--orders", "3", "--every", "1s"]);
    let daemon = sim.serve(folder.path());
    let new = r#"qcc_callbacks_total{result="new"}"#;
    until("the first list", || daemon.metric("qcc_orders_applied_total") >= 3.0);
    assert_eq!(daemon.metric(new), 0.0, "nobody told the vendor where to call");

    sim.run(folder.path(), &["push", "set", "--callback-url", &daemon.url()]).ends(0);
    until("two calls", || daemon.metric(new) >= 2.0);
    let disable = ["push", "set", "--disable", "--callback-url", &daemon.url()];
    sim.run(folder.path(), &disable).ends(0);
    let calls = daemon.metric(new);
    let newest = || {
        let listed = sim.run(folder.path(), &["orders", "list", "--json"]).ends(0).lines();
        listed[0].clone()
    };
    for _ in 0..2 {
        let before = newest();
        until("another order", || newest() != before);
    }
    assert!(daemon.metric(new) <= calls + 1.0, "a call was made after the push was disabled");
}

#[test]
fn a_callback_url_of_ones_own_wins_over_the_one_that_push_set_names() {
    let folder = tempfile::tempdir().unwrap();
    let own = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/own", own.local_addr().unwrap());
    let sim = Sim::start(folder.path(), &["--every", "1s", "--callback-url", &url]);
    sim.run(folder.path(), &["push", "set", "--callback-url", "http://127.0.0.1:1/x"]).ends(0);
    let (stream, _) = own.accept().unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    assert!(line.starts_with("GET /own?key="), "{line}");
}

#[test]
fn five_errors_in_a_row_end_the_calls_until_the_vendor_is_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let deaf = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/callback", deaf.local_addr().unwrap());
    let called = std::thread::spawn(move || {
        let mut orders = Vec::new();
        for stream in deaf.incoming() {
            let mut line = String::new();
            BufReader::new(stream.unwrap()).read_line(&mut line).unwrap();
            let order = line.split("orderNo=").nth(1).unwrap().split('&').next().unwrap();
            orders.push(order.to_owned());
            if orders.len() == 6 {
                break;
            }
        }
        orders
    });
    let log = fs::File::create(folder.path().join("sim.log")).unwrap();
    let mut command = bare(folder.path());
    command.args(["sim", "--listen", "127.0.0.1:0", "--every", "300ms"]);
    let sim = Sim::of(command.stderr(log));
    sim.run(folder.path(), &["push", "set", "--callback-url", &url]).ends(0);
    let log = || fs::read_to_string(folder.path().join("sim.log")).unwrap();
    until("the vendor is silent", || log().contains("the vendor stops calling"));
    let failed = || log().lines().filter(|line| line.contains(" Callback ")).count();
    assert_eq!(failed(), 5, "{}", log());
    let listed = || sim.run(folder.path(), &["orders", "list", "--json"]).ends(0).lines();
    let newest = listed()[0].clone();
    until("an order more", || listed()[0] != newest);
    assert_eq!(failed(), 5, "a silent vendor calls about no order");

    sim.run(folder.path(), &["push", "activate"]).ends(0);
    let mut orders = called.join().unwrap();
    orders.sort();
    orders.dedup();
    assert_eq!(orders.len(), 6, "each order is called about once");
}
