//! The crate tables of the pages, kept equal to the manifests.
//!
//! A table stands between `<!-- crates -->` and `<!-- /crates -->`, one row
//! for each crate, from the ground up. The English README repeats the
//! manifest's description; the other two pages say it in words of their own,
//! and only the names and their order are compared.

use std::{collections::BTreeMap, fs};

use anyhow::Result;

use crate::{layers::HOUSE, marked::Marked, report::Report, workspace::Workspace};

const TO_WRITE: &str = "TO BE WRITTEN";

/// A page with a crate table.
struct Page {
    file: &'static str,
    /// What leads from the page to the crates' folders.
    to_root: &'static str,
    repeats_description: bool,
}

const PAGES: [Page; 3] = [
    Page { file: "README.md", to_root: "", repeats_description: true },
    Page { file: "README.zh-CN.md", to_root: "", repeats_description: false },
    Page { file: "docs/architecture.md", to_root: "../", repeats_description: false },
];

/// Compares the pages with the manifests.
pub(crate) fn check(workspace: &Workspace) -> Result<Report> {
    let mut report = Report::default();
    let crates = crates(workspace);
    for page in &PAGES {
        let text = workspace.read(page.file)?;
        if renewed(&text, page, &crates)? != text {
            report.fault(format!(
                "{}: its crate table is out of date; `cargo xtask crates-table --fix`",
                page.file
            ));
        }
        if text.contains(TO_WRITE) {
            report.fault(format!("{}: a description is still to be written", page.file));
        }
    }
    report.looked_at(PAGES.len(), "pages with a crate table");
    Ok(report)
}

/// Brings the pages up to date.
pub(crate) fn fix(workspace: &Workspace) -> Result<()> {
    let crates = crates(workspace);
    for page in &PAGES {
        let text = workspace.read(page.file)?;
        let renewed = renewed(&text, page, &crates)?;
        if renewed != text {
            fs::write(workspace.root.join(page.file), renewed)?;
            println!("{} is up to date now", page.file);
        }
    }
    Ok(())
}

/// Names and descriptions, from the ground up.
fn crates(workspace: &Workspace) -> Vec<(&str, &str)> {
    HOUSE
        .iter()
        .filter_map(|(name, _)| workspace.members.get(*name))
        .map(|package| (package.name.as_str(), package.description.as_deref().unwrap_or_default()))
        .collect()
}

/// The page with its table as it should be. What a page says of a crate in its
/// own words stays.
fn renewed(text: &str, page: &Page, crates: &[(&str, &str)]) -> Result<String> {
    let table = Marked::find(text, "crates", page.file)?;
    let mut head = String::new();
    let mut said = BTreeMap::new();
    for line in table.inside.lines() {
        match name_and_rest(line) {
            Some((name, rest)) => {
                said.insert(name, rest);
            }
            None => {
                head.push_str(line);
                head.push('\n');
            }
        }
    }
    let mut renewed = head;
    for (name, description) in crates {
        let own = said.get(name).copied();
        let fresh = format!(" {} |", if page.repeats_description { description } else { TO_WRITE });
        let rest = own.filter(|_| !page.repeats_description).unwrap_or(&fresh);
        renewed.push_str(&format!("| [`{name}`]({}crates/{name}) |{rest}\n", page.to_root));
    }
    Ok(table.with(&renewed))
}

/// Splits ``| [`name`](…) | rest``.
fn name_and_rest(line: &str) -> Option<(&str, &str)> {
    let (name, rest) = line.strip_prefix("| [`")?.split_once("`](")?;
    let (_, rest) = rest.split_once(") |")?;
    Some((name, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENGLISH: Page = Page { file: "README.md", to_root: "", repeats_description: true };
    const CHINESE: Page = Page { file: "README.zh-CN.md", to_root: "", repeats_description: false };

    fn page(rows: &str) -> String {
        format!("x\n<!-- crates -->\n| crate | is |\n|---|---|\n{rows}<!-- /crates -->\ny\n")
    }

    #[test]
    fn the_english_table_follows_the_manifests() {
        let text = page("| [`b`](crates/b) | old |\n| [`c`](crates/c) | gone |\n");
        let expected = page("| [`a`](crates/a) | new |\n| [`b`](crates/b) | B |\n");
        assert_eq!(renewed(&text, &ENGLISH, &[("a", "new"), ("b", "B")]).unwrap(), expected);
    }

    #[test]
    fn the_other_tables_keep_their_own_words() {
        let text = page("| [`b`](crates/b) | 乙 |\n");
        let expected = page("| [`a`](crates/a) | TO BE WRITTEN |\n| [`b`](crates/b) | 乙 |\n");
        assert_eq!(renewed(&text, &CHINESE, &[("a", "A"), ("b", "B")]).unwrap(), expected);
    }

    #[test]
    fn a_page_without_a_table_is_an_error() {
        assert!(renewed("x", &ENGLISH, &[]).is_err());
    }
}
