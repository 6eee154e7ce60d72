//! The tests exist that the pages name: in the guarantees of the READMEs, in the
//! protocol's table of accepted and refused input, and in the table of situations.
//!
//! The tables are between `<!-- guarantees -->` and `<!-- /guarantees -->`, and all
//! those of `docs/field.md`. A word in backticks in the last column is the name of a
//! test; the path of its module or its file may precede it.

use std::collections::BTreeSet;

use anyhow::Result;

use crate::{marked::Marked, report::Report, workspace::Workspace};

/// Pages that say the same in two languages, and so name the same tests.
const TRANSLATED: [&str; 2] = ["README.md", "README.zh-CN.md"];

const PROTOCOL: &str = "docs/protocol.md";

const FIELD: &str = "docs/field.md";

/// Compares the tables with the tests, and the READMEs with each other.
pub(crate) fn check(workspace: &Workspace) -> Result<Report> {
    let mut report = Report::default();
    let tests = tests(workspace)?;
    let mut by_page = Vec::new();
    for file in [TRANSLATED.as_slice(), &[PROTOCOL]].concat() {
        let text = workspace.read(file)?;
        let rows = named(Marked::find(&text, "guarantees", file)?.inside);
        if rows.is_empty() {
            report.fault(format!("{file}: the table of guarantees is empty"));
        }
        compare(file, &rows, &tests, &mut report);
        by_page.push(rows.into_iter().map(|row| row.join(" ")).collect::<Vec<_>>());
    }
    let readmes = by_page.get(..TRANSLATED.len()).unwrap_or_default();
    if readmes.windows(2).any(|pages| pages.first() != pages.last()) {
        report.fault("the READMEs name different tests in their tables of guarantees");
    }
    compare(FIELD, &named(&workspace.read(FIELD)?), &tests, &mut report);
    Ok(report)
}

fn compare(file: &str, rows: &[Vec<&str>], tests: &BTreeSet<String>, report: &mut Report) {
    for row in rows {
        if row.is_empty() {
            report.fault(format!("{file}: a row names no test"));
        }
        for name in row.iter().filter(|name| !tests.contains(**name)) {
            report.fault(format!("{file}: there is no test `{name}`"));
        }
    }
    report.looked_at(rows.len(), "rows that name tests");
}

/// The tests that each row names. Heads, the rules below them and rows that are a
/// heading name none; nor does the file that a test is in.
fn named(page: &str) -> Vec<Vec<&str>> {
    let lines: Vec<&str> = page.lines().collect();
    let is_row = |line: &&str| line.starts_with('|');
    let is_rule = |line: &str| line.starts_with("|---") || line.starts_with("| ---");
    let is_head = |at: usize| lines.get(at + 1).is_some_and(|next| is_rule(next));
    let rows = lines.iter().enumerate().filter(|(at, line)| {
        is_row(line) && !is_rule(line) && !is_head(*at) && !line.starts_with("| **")
    });
    rows.map(|(_, row)| {
        let last = row.trim_end().trim_end_matches('|').rsplit('|').next().unwrap_or_default();
        let words = last.split('`').skip(1).step_by(2).flat_map(str::split_whitespace);
        let names = words.filter(|word| !word.ends_with(".rs"));
        names.map(|word| word.rsplit("::").next().unwrap_or(word)).collect()
    })
    .collect()
}

/// The names of all functions that carry a test attribute, and of those that a
/// `proptest!` holds.
fn tests(workspace: &Workspace) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for folder in ["benches/", "crates/", "xtask/", "simulation/"] {
        for (path, text) in workspace.tree.texts(folder, ".rs")? {
            found.extend(tests_in(&text));
            if path.contains("/src/conformance/") {
                found.extend(checks_in(&text));
            }
        }
    }
    Ok(found)
}

/// The checks of a conformance suite, which a test of each store runs.
fn checks_in(text: &str) -> Vec<String> {
    let names = text.lines().filter_map(|line| {
        line.strip_prefix("pub async fn ").or_else(|| line.strip_prefix("pub(super) async fn "))
    });
    names.filter_map(|after| after.split(['(', '<']).next().map(str::to_owned)).collect()
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
        let page = "text\n\n| a | b |\n|---|---|\n\n## More\n\n| a | b |\n|---|---|\n| **part** | |\n\
                    | x | `qcc_proto::time::one` |\n| y | `tests/it/a.rs`, `two` and `c/d.rs three` |\n";
        assert_eq!(named(page), [vec!["one"], vec!["two", "three"]]);
    }

    #[test]
    fn only_tests_count() {
        let text = "#[test]\nfn a() {}\nfn b() {}\n#[tokio::test(start_paused = true)]\n#[x]\nasync fn c() {}\n";
        assert_eq!(tests_in(text), ["a", "c"]);
    }
}
