//! The READMEs show what `qcc demo` prints.
//!
//! Compared by shape: numbers, times and column widths differ from run to run.

use std::{fs, process::Command};

use anyhow::Result;

use crate::{marked::Marked, report::Report, run, workspace::Workspace};

const PAGES: [&str; 2] = ["README.md", "README.zh-CN.md"];

/// Runs the demo and compares.
pub(crate) fn check(workspace: &Workspace) -> Result<Report> {
    let mut report = Report::default();
    let shown = block(&demo(workspace)?);
    for file in PAGES {
        let text = workspace.read(file)?;
        let part = Marked::find(&text, "demo", file)?;
        if let Some((theirs, ours)) = difference(part.inside, &shown) {
            report.fault(format!(
                "{file}: the demo's output looks different now (`cargo xtask readme-demo --fix`)\n    \
                 the page has: {theirs}\n    the demo has: {ours}"
            ));
        }
    }
    report.looked_at(shown.lines().count(), "lines of the demo");
    Ok(report)
}

/// Runs the demo and pastes what it prints.
pub(crate) fn fix(workspace: &Workspace) -> Result<()> {
    let shown = block(&demo(workspace)?);
    for file in PAGES {
        let text = workspace.read(file)?;
        let renewed = Marked::find(&text, "demo", file)?.with(&shown);
        fs::write(workspace.root.join(file), renewed)?;
        println!("{file} shows this run now");
    }
    Ok(())
}

/// What the demo writes to standard output. Built the way the tests are, so
/// that nothing is built twice.
fn demo(workspace: &Workspace) -> Result<String> {
    run::show(&mut run::cargo(&["build", "--workspace", "--all-features", "--bins"]))?;
    let program = workspace.target.join("debug").join("qcc");
    println!("$ qcc demo");
    run::output(Command::new(program).arg("demo"))
}

fn block(output: &str) -> String {
    format!("```text\n{}\n```\n", output.trim_end())
}

/// The first lines whose shapes differ.
fn difference(theirs: &str, ours: &str) -> Option<(String, String)> {
    let shapes = |text: &str| text.lines().map(shape).collect::<Vec<_>>();
    let (theirs, ours) = (shapes(theirs), shapes(ours));
    let lines = theirs.len().max(ours.len());
    let line = |of: &[String], at: usize| of.get(at).cloned().unwrap_or_else(|| "(nothing)".into());
    (0..lines).map(|at| (line(&theirs, at), line(&ours, at))).find(|(a, b)| a != b)
}

/// A line without what may differ between two runs: each word that holds a
/// digit, and the demo's folder, counts as one number, spaces and rules as one of their kind.
fn shape(line: &str) -> String {
    let words = line.split_whitespace().map(|word| match word {
        // The folder's name is random, with digits or without.
        word if word.contains("qcc-demo-") => "#",
        word if word.contains(|c: char| c.is_ascii_digit()) => "#",
        word if word.chars().all(|c| "-─═━".contains(c)) => "─",
        // The unit of a duration follows its size.
        "ns" | "µs" | "ms" | "s" => "s",
        word => word,
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_widths_make_no_difference() {
        assert_eq!(difference("took 1.5 s\n──", "took  820 ms\n────"), None);
    }

    #[test]
    fn other_words_and_missing_lines_do() {
        let pair = |a: &str, b: &str| Some((a.to_owned(), b.to_owned()));
        assert_eq!(difference("stored 5", "lost 5"), pair("stored #", "lost #"));
        assert_eq!(difference("a", "a\nb"), pair("(nothing)", "b"));
    }
}
