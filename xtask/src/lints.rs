//! Clippy over the whole workspace in one pass, its findings counted by crate.
//!
//! One pass, because a crate at a time would build the dependencies anew for
//! each crate's choice of features; `features` is where crates stand alone.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    process::Stdio,
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{run, workspace::Workspace};

/// Lints every crate, all targets, all features; a warning is a fault.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let mut command = run::cargo(&["clippy", "--workspace", "--all-targets", "--all-features"]);
    command.args(["--keep-going", "--message-format=json", "--", "-D", "warnings"]);
    println!("$ cargo clippy --workspace --all-targets --all-features -- -D warnings");
    let mut child = command.stdout(Stdio::piped()).spawn().context("cannot start cargo clippy")?;
    let mut findings: BTreeMap<&str, usize> =
        workspace.members.keys().map(|name| (name.as_str(), 0)).collect();
    let stdout = child.stdout.take().context("cargo clippy has no output")?;
    for line in BufReader::new(stdout).lines() {
        let Some((id, text)) = finding(&line?) else { continue };
        print!("{text}");
        if let Some(package) = workspace.members.values().find(|package| package.id == id) {
            *findings.entry(package.name.as_str()).or_default() += 1;
        }
    }
    let status = child.wait()?;
    for (name, count) in &findings {
        println!("  {name:<14} {count}");
    }
    if !status.success() {
        bail!("clippy ended with {status}");
    }
    Ok(())
}

/// The package and the text of a line that reports something.
fn finding(line: &str) -> Option<(String, String)> {
    let line: Value = serde_json::from_str(line).ok()?;
    (line.get("reason")? == "compiler-message").then_some(())?;
    let text = line.pointer("/message/rendered")?.as_str()?;
    Some((line.get("package_id")?.as_str()?.to_owned(), text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_messages_are_findings() {
        let message = r#"{"reason":"compiler-message","package_id":"p","message":{"rendered":"warning: x\n"}}"#;
        assert_eq!(finding(message), Some(("p".to_owned(), "warning: x\n".to_owned())));
        assert_eq!(finding(r#"{"reason":"build-finished","success":true}"#), None);
        assert_eq!(finding("not json"), None);
    }
}
