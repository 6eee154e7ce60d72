//! Seeded lives of the whole receiver under faults: builds the program that lives
//! them, and keeps its tables in docs/reliability.md.

use std::{fs, process::Command};

use anyhow::Result;

use crate::{marked::Marked, run, workspace::Workspace};

const PAGE: &str = "docs/reliability.md";

/// Lives in each run of the checks, by store.
const SEEDS: [(&str, &str); 2] = [("memory", "3000"), ("sqlite", "100")];

/// Lives as the options say.
pub(crate) fn run(workspace: &Workspace, options: &[&str]) -> Result<()> {
    let (ours, theirs): (Vec<&str>, Vec<&str>) =
        options.iter().copied().partition(|option| ["--record", "--release"].contains(option));
    let mut command = program(ours.contains(&"--release"));
    command.args(&theirs);
    if !ours.contains(&"--record") {
        return run::show(&mut command);
    }
    let lines = run::show_and_keep(&mut command, |line| line.starts_with('|'))?;
    let part = match () {
        () if theirs.contains(&"--mutations") => "mutations",
        () if theirs.contains(&"sqlite") => "simulation on sqlite",
        () => "simulation",
    };
    let line = format!("`cargo xtask simulate {}`:", options.join(" "));
    let page = workspace.read(PAGE)?;
    let renewed = Marked::find(&page, part, PAGE)?.with(&inside(&line, &lines));
    fs::write(workspace.root.join(PAGE), renewed)?;
    println!("{PAGE} is up to date now");
    Ok(())
}

/// The seeds of every run of the checks, and what is worth repeating of them.
pub(crate) fn check() -> Result<Vec<String>> {
    let mut lines = Vec::new();
    for (store, seeds) in SEEDS {
        let mut command = program(false);
        command.args(["--store", store, "--seeds", seeds]);
        lines.extend(run::show_and_keep(&mut command, |line| line.contains(" seeds from "))?);
    }
    Ok(lines)
}

fn program(released: bool) -> Command {
    let profile: &[&str] = if released { &["--release"] } else { &[] };
    run::cargo(&[&["run", "--quiet", "-p", "simulation"], profile, &["--"]].concat())
}

/// The text between the marks: the command, then its tables.
fn inside(command: &str, lines: &[String]) -> String {
    let mut text = format!("{command}\n\n");
    for (at, line) in lines.iter().enumerate() {
        let starts = lines.get(at + 1).is_some_and(|next| next.starts_with("|---"));
        if starts && at > 0 {
            text.push('\n');
        }
        text.push_str(line);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_kept_apart() {
        let lines = ["| a |", "|---|", "| 1 |", "| b |", "|---|"].map(str::to_owned);
        let text = inside("x:", &lines);
        assert_eq!(text, "x:\n\n| a |\n|---|\n| 1 |\n\n| b |\n|---|\n");
    }
}
