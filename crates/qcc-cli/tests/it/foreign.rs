//! A vendor by another hand: Python, the manual, and archives by other tools.

use std::{
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use tempfile::TempDir;

use crate::support::{Ran, bare};

const KEY: &str = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";
const SECRET: &str = "FEDCBA98765432100123456789ABCDEF";

struct Foreign {
    folder: TempDir,
    vendor: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    port: u16,
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/vendor")
}

impl Foreign {
    fn start(dialect: &str, fault: &str) -> Self {
        let mut vendor = Command::new("python3")
            .arg(fixtures().join("vendor.py"))
            .args([KEY, SECRET, dialect, fault])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is needed for this test");
        let stdin = vendor.stdin.take();
        let mut stdout = BufReader::new(vendor.stdout.take().unwrap());
        let mut port = String::new();
        stdout.read_line(&mut port).unwrap();
        let port = port.trim().parse().expect("the vendor prints its port");
        Self { folder: tempfile::tempdir().unwrap(), vendor, stdin, stdout, port }
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = bare(self.folder.path());
        command.args(arguments).env("QCC_KEY", KEY).env("QCC_SECRET_KEY", SECRET);
        command.env("QCC_BASE_URL", format!("http://127.0.0.1:{}", self.port));
        command.env("QCC_DOWNLOAD_HOSTS", format!("127.0.0.1:{}", self.port));
        command.output().unwrap().into()
    }

    #[track_caller]
    fn assert_table(&self) {
        let fields = [
            "id",
            "corp_key_no",
            "corp_name",
            "monitor_content",
            "monitor_level",
            "monitor_type",
            "score",
            "change_date",
            "push_date",
            "order_no",
            "position",
        ];
        let row = |row: serde_json::Value| {
            fields
                .map(|field| match row.get(field).expect(field) {
                    serde_json::Value::String(text) => text.clone(),
                    other => other.to_string(),
                })
                .join("\t")
        };
        let ran = self.run(&["records", "--json"]).ends(0);
        let mut table: Vec<String> = ran.lines().into_iter().map(row).collect();
        table.sort();
        let expected = std::fs::read_to_string(fixtures().join("table.tsv")).unwrap();
        let expected: Vec<&str> = expected.lines().collect();
        assert_eq!(table, expected);
    }

    /// Ends the vendor, which says whether it ever saw the secret.
    #[track_caller]
    fn assert_clean(mut self) {
        drop(self.stdin.take());
        let mut word = String::new();
        self.stdout.read_to_string(&mut word).unwrap();
        assert_eq!(word.trim(), "clean", "the secret left");
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let _ = self.vendor.kill();
        let _ = self.vendor.wait();
    }
}

#[track_caller]
fn check(dialect: &str, fault: &str) {
    let foreign = Foreign::start(dialect, fault);
    foreign.run(&["sync", "--patience", "10m"]).ends(0);
    foreign.assert_table();
    foreign.run(&["status"]).ends(0).prints("Nothing to do");
    foreign.assert_clean();
}

macro_rules! vendors {
    ($($name:ident: $dialect:literal, $fault:literal;)*) => {
        $(#[test] fn $name() { check($dialect, $fault); })*
    };
}

vendors! {
    a_foreign_vendor_is_served: "string", "none";
    a_foreign_status_may_be_a_number: "int", "none";
    a_foreign_answer_may_be_in_capitals: "upper", "none";
    a_foreign_answer_may_be_flat: "flat", "none";
    a_foreign_answer_may_begin_with_a_bom: "bom", "none";
    a_foreign_gateways_page_is_outlived: "string", "html-502";
    a_foreign_reset_is_outlived: "int", "reset";
    a_foreign_order_in_preparation_is_awaited: "string", "not-ready";
    a_foreign_unknown_error_is_outlived: "string", "unknown-error";
    a_foreign_link_that_expired_is_asked_for_anew: "string", "expired-link";
    a_foreign_download_that_breaks_off_is_finished: "string", "truncated";
    a_foreign_bit_flipped_on_the_way_is_fetched_again: "string", "corrupt-once";
    a_foreign_page_instead_of_an_archive_is_fetched_again: "string", "page-instead";
}

#[test]
fn a_foreign_archive_that_stays_corrupt_ends_with_5_and_the_truth() {
    let foreign = Foreign::start("string", "corrupt-five-times");
    foreign.run(&["sync", "--patience", "1s"]).ends(5);
    foreign.run(&["status"]).ends(5).prints("archive_damaged");
    for _ in 0..4 {
        foreign.run(&["retry", "--all"]).ends(0);
        foreign.run(&["sync", "--patience", "1s"]);
    }
    foreign.run(&["retry", "--all"]);
    foreign.run(&["sync"]).ends(0);
    foreign.assert_table();
    foreign.assert_clean();
}
