//! Each crate builds alone: without features, and with each feature alone.
//!
//! In a workspace, one crate's features hide what another forgot to ask for. Only the
//! library or program is built, not its tests, so this is also where the functions that
//! `clippy.toml` disallows are looked for: tests may read a clock.

use std::{path::Path, process::Command};

use anyhow::Result;

use crate::{
    run,
    workspace::{Package, Workspace},
};

const FAULTS: [&str; 5] = ["--", "-D", "warnings", "-D", "clippy::disallowed_methods"];

/// Crates that also build where there is no operating system, and how.
const BARE: [(&str, &[&str]); 4] = [
    ("qcc-sign", &[]),
    ("qcc-proto", &[]),
    ("qcc-archive", &[]),
    ("qcc-http", &["--no-default-features"]),
];
const WASM: &str = "wasm32-unknown-unknown";

/// Lints each crate under each choice of features; returns what was skipped.
pub(crate) fn check(workspace: &Workspace) -> Result<Vec<String>> {
    for package in workspace.crates() {
        for choice in choices(package) {
            let mut command = run::cargo(&["clippy", "--quiet", "-p", &package.name]);
            run::show(command.args(choice).args(FAULTS))?;
        }
    }
    let mut library = Command::new("rustc");
    let library = run::output(library.args(["--print", "target-libdir", "--target", WASM]))?;
    if !Path::new(library.trim()).exists() {
        let skipped = format!("skipped: the target {WASM} is not installed");
        println!("  {skipped}");
        return Ok(vec![skipped]);
    }
    for (name, features) in BARE {
        let mut command = run::cargo(&["check", "--quiet", "-p", name, "--target", WASM]);
        run::show(command.args(features))?;
    }
    Ok(Vec::new())
}

/// The arguments for each choice of features: none, each alone, and the default.
fn choices(package: &Package) -> Vec<Vec<String>> {
    let names = package.features.keys().filter(|name| *name != "default");
    let none = vec!["--no-default-features".to_owned()];
    let alone = names.map(|name| [none.clone(), vec!["--features".into(), name.clone()]].concat());
    let mut choices: Vec<_> = [none.clone()].into_iter().chain(alone).collect();
    if package.has_defaults() {
        choices.push(Vec::new());
    }
    choices
}
