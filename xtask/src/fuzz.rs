//! The fuzz targets for a few seconds each. `fuzz/run.sh` builds and runs them.

use std::{env, process::Command};

use anyhow::Result;

use crate::{run, workspace::Workspace};

/// How long each target runs in `cargo xtask ci`, in seconds.
const SMOKE_SECONDS: &str = "8";

/// `cargo xtask fuzz [--seconds N] [--asan] [TARGET…]`; returns the table of figures.
pub(crate) fn run(workspace: &Workspace, arguments: &[&str]) -> Result<Vec<String>> {
    let mut command = Command::new("bash");
    command.arg(workspace.root.join("fuzz/run.sh")).args(arguments);
    command.env("CARGO_TARGET_DIR", &workspace.target);
    run::show_and_keep(&mut command, |line| line.starts_with('|'))
}

/// Lints the targets and runs each; returns the lines worth repeating.
pub(crate) fn smoke(workspace: &Workspace) -> Result<Vec<String>> {
    let compiler = env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
    if !run::is_there(&compiler, &["--version"]) {
        let skipped = "skipped: there is no C++ compiler for libFuzzer; no fuzz target was run";
        println!("  {skipped}");
        return Ok(vec![skipped.to_owned()]);
    }
    let folder = workspace.root.join("fuzz");
    run::show(run::cargo(&["fmt", "--all", "--check"]).current_dir(&folder))?;
    let mut clippy = run::cargo(&["clippy", "--workspace", "--all-targets", "--target-dir"]);
    clippy.current_dir(&folder).arg(workspace.target.join("fuzz"));
    run::show(clippy.args(["--", "-D", "warnings"]))?;
    run(workspace, &["--seconds", SMOKE_SECONDS])
}
