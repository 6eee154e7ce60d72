//! The tables of crates in the pages agree with the manifests, and no crate links more
//! packages than its row allows.

use std::fs;

use anyhow::{Context, Result};

use crate::{
    layers::HOUSE,
    marked::Marked,
    report::Report,
    workspace::{Workspace, linked},
};

/// The pages with a table of all crates. The first one repeats their descriptions.
const PAGES: [&str; 3] = ["README.md", "README.zh-CN.md", "docs/architecture.md"];

/// The page with the number of packages that each crate links.
const COUNTS: &str = "docs/architecture.md";

/// Compares the tables with the manifests and with `cargo tree`.
pub(crate) fn check(workspace: &Workspace) -> Result<Report> {
    let mut report = Report::default();
    for file in PAGES {
        let text = workspace.read(file)?;
        check_crates(file, Marked::find(&text, "crates", file)?.inside, workspace, &mut report);
    }
    let text = workspace.read(COUNTS)?;
    let rows = counts(Marked::find(&text, "dependencies", COUNTS)?.inside)?;
    for row in &rows {
        let Row { name, features, limit, shown } = row;
        let now = count(row)?;
        if now > *limit {
            report.fault(format!("{name} {features} links {now} packages; the limit is {limit}"));
        } else if now != *shown {
            report.remark(format!("{name} {features} links {now} packages; {COUNTS} says {shown}"));
        }
    }
    for package in workspace.crates() {
        if !rows.iter().any(|row| row.name == package.name) {
            report.fault(format!("{COUNTS}: no row counts what {} links", package.name));
        }
    }
    report.looked_at(rows.len(), "counts of linked packages");
    Ok(report)
}

/// Writes today's counts into the table, and the descriptions of the manifests into the
/// README; the limits stay.
pub(crate) fn fix(workspace: &Workspace) -> Result<()> {
    let readme = workspace.read("README.md")?;
    let part = Marked::find(&readme, "crates", "README.md")?;
    let head: String = part.inside.split_inclusive('\n').take(2).collect();
    let packages = HOUSE.iter().filter_map(|(name, _)| workspace.members.get(*name));
    let rows = packages.map(|package| {
        let described = package.description.as_deref().unwrap_or_default();
        format!("| [`{name}`](crates/{name}) | {described} |\n", name = package.name)
    });
    fs::write(workspace.root.join("README.md"), part.with(&(head + &rows.collect::<String>())))?;
    let text = workspace.read(COUNTS)?;
    let part = Marked::find(&text, "dependencies", COUNTS)?;
    let mut table = String::new();
    for line in part.inside.lines() {
        match row(line) {
            Some(row) => {
                let Row { name, features, limit, .. } = &row;
                let features =
                    if features.is_empty() { "–".into() } else { format!("`{features}`") };
                table += &format!("| `{name}` | {features} | {limit} | {} |\n", count(&row)?);
            }
            None => table += &format!("{line}\n"),
        }
    }
    fs::write(workspace.root.join(COUNTS), part.with(&table))?;
    println!("README.md and {COUNTS} are up to date");
    Ok(())
}

/// Checks that a page's table lists every crate, lowest first.
fn check_crates(file: &str, table: &str, workspace: &Workspace, report: &mut Report) {
    let rows: Vec<_> = table.lines().filter(|line| line.starts_with("| [`")).collect();
    let crates: Vec<_> =
        HOUSE.iter().filter_map(|(name, _)| workspace.members.get(*name)).collect();
    let matches = rows.len() == crates.len()
        && rows.iter().zip(&crates).all(|(row, package)| {
            let described = package.description.as_deref().unwrap_or_default();
            row.contains(&format!("| [`{}`](", package.name))
                && (file != "README.md" || row.contains(&format!("| {described} |")))
        });
    if !matches {
        let names: Vec<_> = crates.iter().map(|package| package.name.as_str()).collect();
        report.fault(format!(
            "{file}: the table of crates must list {}, in this order; the one in README.md \
             repeats the descriptions of the manifests",
            names.join(", ")
        ));
    }
    report.looked_at(rows.len(), "rows about crates");
}

/// A row of the table of counts: `` | `crate` | `features` | limit | now | ``.
#[derive(Debug, PartialEq)]
struct Row<'a> {
    name: &'a str,
    /// Arguments of cargo; empty for the default features.
    features: &'a str,
    limit: usize,
    shown: usize,
}

fn counts(table: &str) -> Result<Vec<Row<'_>>> {
    let is_row = |line: &&str| line.starts_with("| `");
    let rows = table.lines().filter(is_row);
    rows.map(|line| row(line).with_context(|| format!("{COUNTS}: cannot read `{line}`"))).collect()
}

fn row(line: &str) -> Option<Row<'_>> {
    let mut cells = line.split('|').skip(1).map(str::trim);
    Some(Row {
        name: cells.next()?.strip_prefix('`')?.strip_suffix('`')?,
        features: cells.next()?.trim_matches(['`', '–']),
        limit: cells.next()?.parse().ok()?,
        shown: cells.next()?.parse().ok()?,
    })
}

fn count(row: &Row<'_>) -> Result<usize> {
    let features: Vec<_> = row.features.split_whitespace().collect();
    Ok(linked(row.name, &features)?.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_names_the_crate_its_features_the_limit_and_the_count() {
        let table = "| crate | features | limit | now |\n|---|---|---|---|\n\
                     | `a` | – | 10 | 9 |\n| `b` | `--all-features` | 30 | 29 |\n";
        let expected = [
            Row { name: "a", features: "", limit: 10, shown: 9 },
            Row { name: "b", features: "--all-features", limit: 30, shown: 29 },
        ];
        assert_eq!(counts(table).unwrap(), expected);
        assert!(counts("| `a` | – | many | 9 |\n").is_err());
    }
}
