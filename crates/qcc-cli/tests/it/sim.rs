//! `qcc sim`: a vendor in another process.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Stdio},
};

use crate::support::{Ran, bare, run_in};

/// A simulated vendor as a process, and the variables it printed.
struct Sim {
    child: Child,
    variables: Vec<(String, String)>,
}

impl Sim {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut child = bare(folder)
            .args(["sim", "--listen", "127.0.0.1:0", "--quiet"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().take(4);
        let variables = lines
            .map(|line| line.unwrap().split_once('=').map(|(n, v)| (n.into(), v.into())).unwrap())
            .collect();
        Self { child, variables }
    }

    fn run(&self, folder: &Path, arguments: &[&str]) -> Ran {
        bare(folder).args(arguments).envs(self.variables.clone()).output().unwrap().into()
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
    run_in(folder.path(), &["sim", "--listen", &address]).ends(1).says("nobody can listen on");
}
