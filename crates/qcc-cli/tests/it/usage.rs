//! Help, mistakes on the command line, completions, tokens.

use std::process::Stdio;

use crate::support::{bare, run_in};

#[test]
fn help_and_version_are_data() {
    let folder = tempfile::tempdir().unwrap();
    run_in(folder.path(), &["--help"]).ends(0).prints("Exit codes: 0 done");
    run_in(folder.path(), &["--version"]).ends(0).prints("qcc 0.1.0");
    for command in [
        "demo",
        "push",
        "orders",
        "sync",
        "archive",
        "records",
        "status",
        "retry",
        "verify",
        "replay",
        "snapshot",
        "sim",
        "token",
        "doctor",
        "completions",
    ] {
        run_in(folder.path(), &[command, "--help"]).ends(0).prints("Usage: qcc");
    }
}

#[test]
fn a_mistake_on_the_command_line_is_2_and_says_what_is_expected() {
    let folder = tempfile::tempdir().unwrap();
    let check = |arguments: &[&str], words: &str| {
        let ran = run_in(folder.path(), arguments).ends(2).says(words);
        assert_eq!(ran.out, "", "{arguments:?}");
    };
    check(&[], "Usage:");
    check(&["snyc"], "'sync'");
    check(&["push", "set"], "--callback-url");
    check(&["push", "set", "--callback-url", "risk.example/cb"], "must start with http://");
    check(
        &["push", "set", "--callback-url", "http://h/", "--window", "8"],
        "9, 11, 13, 15, 17 or 19",
    );
    check(&["orders", "show", "../x"], "not an order number");
    check(&["sync", "--patience", "60"], "60 of what?");
    check(&["retry"], "--all");
    check(&["records", "--since", "the other day"], "yyyy-MM-dd");
    check(&["records", "--changed-since", "2022-02-30"], "yyyy-MM-dd");
    check(&["records", "--columns", "name"], "corp_name");
    check(&["records", "--bom"], "add --csv");
    check(&["sim", "--faults", "explode"], "`explode` is no fault");
    check(&["status", "--secret-key", "x"], "unexpected argument");
}

#[test]
fn the_short_help_is_short() {
    let folder = tempfile::tempdir().unwrap();
    for command in [&["-h"][..], &["sync", "-h"], &["orders", "fetch", "-h"]] {
        let ran = run_in(folder.path(), command).ends(0).prints("Usage: qcc");
        assert!(!ran.out.contains("--download-hosts"), "{}", ran.out);
        assert!(ran.out.contains("--help"), "{}", ran.out);
    }
    run_in(folder.path(), &["sync", "--help"]).ends(0).prints("--download-hosts");
    for command in [&["help", "--help"][..], &["help", "-h"]] {
        run_in(folder.path(), command).ends(0).prints("Exit codes: 0 done");
    }
    run_in(folder.path(), &["help", "sync", "--help"]).ends(0).prints("Usage: qcc sync");
}

#[test]
fn every_shell_gets_completions() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ran = run_in(folder.path(), &["completions", shell]).ends(0);
        assert!(ran.out.contains("archive"), "{shell}");
    }
    run_in(folder.path(), &["completions", "cmd"]).ends(2);
}

#[test]
fn a_token_is_two_headers_for_curl() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = bare(folder.path());
        command.env("QCC_KEY", "AppKey").env("QCC_SECRET_KEY", "SecretKey");
        crate::support::Ran::from(command.args(arguments).output().unwrap())
    };
    let ran = run(&["token", "--at", "1654573158"]).ends(0).says("credential");
    assert_eq!(ran.out, "Token: 3FCEA81C7B5658D08E87B33D260B2108\nTimespan: 1654573158\n");
    let ran = run(&["token", "--at", "1654573158", "--json"]).ends(0);
    assert_eq!(ran.json()["token"], "3FCEA81C7B5658D08E87B33D260B2108");
    assert_eq!(ran.json()["timespan"], "1654573158");
    assert_eq!(run(&["-q", "token"]).ends(0).err, "");
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = bare(folder.path())
        .args(["completions", "zsh"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_behind_standard_output_is_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = bare(folder.path()).args(["completions", "bash"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("writing to standard output failed"));
}
