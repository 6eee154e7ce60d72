//! Every example of the READMEs and of `docs` works: its commands run, and print what the page
//! shows.
//!
//! The blocks marked `sh` or `console` of one page run in one shell, in a folder of their own,
//! with a simulated vendor at `QCC_BASE_URL`. In a `console` block the lines after `$ ` are
//! commands, and what follows each is what it prints; times, order numbers, hashes and durations
//! may differ, and `…` matches any text. A comment before a block may say more:
//!
//! ```text
//! <!-- not run: needs systemd -->      the block is left out, and why
//! <!-- setup: qcc sync -->             what has to be done first and is not worth showing
//! ```

mod compare;
mod page;
mod shell;

use std::{fs, process::Command, thread};

use anyhow::{Context, Result};

use self::{
    compare::difference,
    page::{Example, Page},
    shell::{Outcome, Stage},
};
use crate::{report::Report, run, workspace::Workspace};

/// Runs what the pages show and compares.
pub(crate) fn check(workspace: &Workspace) -> Result<Report> {
    let mut report = Report::default();
    let mut commands = 0;
    for (page, outcomes) in played(workspace)? {
        for fault in &page.faults {
            report.fault(format!("{}: {fault}", page.file));
        }
        commands += page.examples.len();
        for (example, outcome) in page.examples.iter().zip(&outcomes) {
            if let Some(fault) = fault(&page, example, outcome) {
                report.fault(fault);
            }
        }
        for (line, reason) in &page.left_out {
            report.remark(format!("{}:{line} is not run: {reason}", page.file));
        }
    }
    report.looked_at(commands, "commands of the documents");
    Ok(report)
}

/// Runs what the pages show, and writes into each page that differs what was printed now.
pub(crate) fn fix(workspace: &Workspace) -> Result<()> {
    for (page, outcomes) in played(workspace)? {
        let differ = |(example, outcome): (&Example, &Outcome)| {
            outcome.status == Some(0) && differs(&page, example, outcome).is_some()
        };
        if !page.examples.iter().zip(&outcomes).any(differ) {
            continue;
        }
        let mut text = page.text.clone();
        for (example, outcome) in page.examples.iter().zip(&outcomes).rev() {
            let shown = page.shown(example);
            // A text with `…` was written by hand, and stays.
            if outcome.status == Some(0) && !shown.is_empty() && !shown.contains('…') {
                text.replace_range(example.shown.clone(), &outcome.printed);
            }
        }
        fs::write(workspace.root.join(&page.file), text)?;
        println!("{} shows this run now", page.file);
    }
    Ok(())
}

/// The pages, and the outcome of each command.
fn played(workspace: &Workspace) -> Result<Vec<(Page, Vec<Outcome>)>> {
    run::show(&mut run::cargo(&["build", "--workspace", "--all-features", "--bins"]))?;
    anyhow::ensure!(
        run::is_there("bash", &["--version"]) && run::is_there("curl", &["--version"]),
        "the examples need bash and curl"
    );
    let (root, programs) = (workspace.target.join("examples"), workspace.target.join("debug"));
    if root.exists() {
        fs::remove_dir_all(&root).context("the folder of the last run cannot be removed")?;
    }
    let pages = pages(workspace)?;
    let played: Vec<Result<Vec<Outcome>>> = thread::scope(|scope| {
        let runs: Vec<_> = pages
            .iter()
            .map(|page| {
                let stage = Stage::new(&root, &programs, &page.file);
                scope.spawn(move || stage?.play(&page.examples))
            })
            .collect();
        let ended = |run: thread::ScopedJoinHandle<'_, _>| {
            run.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a page's thread ended early")))
        };
        runs.into_iter().map(ended).collect()
    });
    pages.into_iter().zip(played).map(|(page, outcomes)| Ok((page, outcomes?))).collect()
}

fn pages(workspace: &Workspace) -> Result<Vec<Page>> {
    let here = |file: &str| !file.contains('/') && file.starts_with("README");
    let files = workspace.tree.texts("", ".md")?;
    let files = files.into_iter().filter(|(file, _)| here(file) || file.starts_with("docs/"));
    Ok(files.map(|(file, text)| Page::read(file, text)).collect())
}

fn fault(page: &Page, example: &Example, outcome: &Outcome) -> Option<String> {
    let Page { file, .. } = page;
    let Example { line, command, .. } = example;
    let problem = match outcome.status {
        None => format!("did not end within {} s", shell::PATIENCE.as_secs()),
        Some(0) => {
            let (shown, printed) = differs(page, example, outcome)?;
            format!(
                "prints something else now (`cargo xtask examples --fix`)\n    the page has: {shown}\n    \
                 it printed:   {printed}"
            )
        }
        Some(status) => format!("ends with {status}"),
    };
    let mut fault = format!("{file}:{line}: `{command}` {problem}");
    if outcome.status != Some(0) {
        let last: Vec<_> = outcome.printed.lines().rev().take(LAST_LINES).collect();
        for line in last.iter().rev() {
            fault.push_str("\n    | ");
            fault.extend(line.chars().take(200));
        }
    }
    Some(fault)
}

/// How much of a failed command's output is worth repeating.
const LAST_LINES: usize = 12;

fn differs(page: &Page, example: &Example, outcome: &Outcome) -> Option<(String, String)> {
    let shown = page.shown(example);
    if shown.is_empty() { None } else { difference(shown, &outcome.printed) }
}

/// A command without this process's environment.
fn clean(name: &str) -> Command {
    let mut command = Command::new(name);
    command.env_clear();
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: Option<i32>, printed: &str, expected: Option<&str>) {
        let page = Page::read("p.md", "```console\n$ qcc status\nexit 5\n```\n".to_owned());
        let example = page.examples.first().unwrap();
        let outcome = Outcome { status, printed: printed.to_owned() };
        let fault = fault(&page, example, &outcome);
        assert_eq!(fault.is_some(), expected.is_some(), "{fault:?}");
        let (fault, expected) = (fault.unwrap_or_default(), expected.unwrap_or_default());
        assert!(fault.contains(expected), "{fault}");
    }

    #[test]
    fn a_command_that_fails_hangs_or_prints_something_else_is_a_fault() {
        check(Some(0), "exit 5\n", None);
        check(Some(0), "exit 0\n", Some("it printed:   exit 0"));
        check(Some(127), "systemctl: command not found\n", Some("| systemctl: command not found"));
        check(None, "", Some("p.md:2: `qcc status` did not end within"));
    }
}
