//! The guarantees of the READMEs name tests; those tests exist.
//!
//! The tables stand between `<!-- guarantees -->` and `<!-- /guarantees -->`.
//! Whatever stands in backticks in the last column is the name of a test.

use std::collections::BTreeSet;

use anyhow::Result;

use crate::{marked::Marked, report::Report, workspace::Workspace};

const PAGES: [&str; 2] = ["README.md", "README.zh-CN.md"];

/// Compares the tables with the tests, and with each other.
pub(crate) fn check(workspace: &Workspace) -> Result<Report> {
    let mut report = Report::default();
    let tests = tests(workspace)?;
    let mut by_page = Vec::new();
    for file in PAGES {
        let text = workspace.read(file)?;
        let rows = named(Marked::find(&text, "guarantees", file)?.inside);
        if rows.is_empty() {
            report.fault(format!("{file}: the table of guarantees is empty"));
        }
        for row in &rows {
            if row.is_empty() {
                report.fault(format!("{file}: a guarantee names no test"));
            }
            for name in row.iter().filter(|name| !tests.contains(**name)) {
                report.fault(format!("{file}: there is no test `{name}`"));
            }
        }
        report.looked_at(rows.len(), "guarantees");
        by_page.push(rows.into_iter().map(|row| row.join(" ")).collect::<Vec<_>>());
    }
    if by_page.windows(2).any(|pages| pages.first() != pages.last()) {
        report.fault("the READMEs name different tests in their tables of guarantees");
    }
    Ok(report)
}

/// The tests that each row names.
fn named(table: &str) -> Vec<Vec<&str>> {
    let rows = table.lines().filter(|line| line.starts_with('|')).skip(2);
    rows.map(|row| {
        let last = row.trim_end().trim_end_matches('|').rsplit('|').next().unwrap_or_default();
        last.split('`').skip(1).step_by(2).collect()
    })
    .collect()
}

/// The names of all functions that carry a test attribute, and of those that a
/// `proptest!` holds.
fn tests(workspace: &Workspace) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for (_, text) in workspace.tree.texts("crates/", ".rs")? {
        found.extend(tests_in(&text));
    }
    Ok(found)
}

fn tests_in(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut is_test = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if is_test && let Some((_, after)) = line.split_once("fn ") {
            found.extend(after.split(['(', '<']).next().map(str::to_owned));
            is_test = false;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_in_the_last_column() {
        let table = "| a | b |\n|---|---|\n| x `no` | `one`, `two` |\n| y | none |\n";
        assert_eq!(named(table), [vec!["one", "two"], vec![]]);
    }

    #[test]
    fn only_tests_count() {
        let text = "#[test]\nfn a() {}\nfn b() {}\n#[tokio::test(start_paused = true)]\n#[x]\nasync fn c() {}\n";
        assert_eq!(tests_in(text), ["a", "c"]);
    }
}
