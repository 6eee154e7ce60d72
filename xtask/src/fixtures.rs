//! Every fixture is listed with what it proves and how it was made.
//!
//! Each folder of fixtures has a `README.md` with the table
//! `| file | proves | made |`. A row names a file in backticks, by its path
//! from that folder; the rows of a folder also cover the folders below it
//! that have no page of their own. Where tests read the list too, it is a
//! `MANIFEST.tsv` with the columns `file`, `proves` and `made by`, in which a
//! file has a line for each thing it proves.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use crate::{report::Report, workspace::Workspace};

const FOLDER: &str = "fixtures/";
const MANIFEST: &str = "/MANIFEST.tsv";

/// Checks the folders below `fixtures/`.
pub(crate) fn check(workspace: &Workspace) -> Result<Report> {
    let mut pages = BTreeMap::new();
    for ending in ["/README.md", MANIFEST] {
        for file in workspace.tree.files(FOLDER, ending) {
            let page: &mut String = pages.entry(folder_of(file).to_owned()).or_default();
            let text = workspace.read(file)?;
            page.push_str(&if ending == MANIFEST { table_of(&text) } else { text });
        }
    }
    Ok(compare(&workspace.tree.files(FOLDER, "").collect::<Vec<_>>(), &pages))
}

/// Compares the files with the tables of the pages, each known by its folder.
fn compare(files: &[&str], pages: &BTreeMap<String, String>) -> Report {
    let mut report = Report::default();
    let mut listed = BTreeSet::new();
    for (folder, page) in pages {
        for row in rows(page) {
            let [name, proves, made] = row;
            let path = format!("{folder}{name}");
            if proves.is_empty() || made.is_empty() {
                report.fault(format!("{path}: say what it proves and how it was made"));
            }
            if !listed.insert(path.clone()) {
                report.fault(format!("{path} is listed twice"));
            }
        }
    }
    let is_page =
        |file: &str| file.ends_with("README.md") || file.ends_with(MANIFEST) || is_script(file);
    let present: BTreeSet<_> = files.iter().filter(|file| !is_page(file)).copied().collect();
    for file in &present {
        if !listed.contains(*file) {
            let folder = home(file, pages);
            report.fault(format!("{file} is not in the table of {folder}README.md"));
        }
    }
    for path in listed.iter().filter(|path| !files.contains(&path.as_str())) {
        report.fault(format!("{path} is listed and not there"));
    }
    report.looked_at(present.len(), "fixtures");
    report
}

/// Scripts that make fixtures are named in the third column instead.
fn is_script(file: &str) -> bool {
    [".py", ".sh", ".mjs"].iter().any(|ending| file.ends_with(ending))
}

fn folder_of(file: &str) -> &str {
    file.rfind('/').and_then(|at| file.get(..=at)).unwrap_or_default()
}

/// The nearest folder above a file that has a page, or the file's own.
fn home<'a>(file: &'a str, pages: &BTreeMap<String, String>) -> &'a str {
    let own = folder_of(file);
    let mut folder = own;
    while folder.len() > FOLDER.len() {
        if pages.contains_key(folder) {
            return folder;
        }
        folder = folder_of(folder.trim_end_matches('/'));
    }
    own
}

/// A manifest as a table with the first line of each file.
fn table_of(manifest: &str) -> String {
    let mut lines = manifest.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let head = lines.next().unwrap_or_default();
    let column = |name: &str| head.iter().position(|column| *column == name);
    let columns = [column("file"), column("proves"), column("made by")];
    let mut table = String::from("\n| file | proves | made |\n");
    let mut seen = BTreeSet::new();
    for line in lines {
        let cell = |at: Option<usize>| at.and_then(|at| line.get(at)).copied().unwrap_or_default();
        let [file, proves, made] = columns.map(cell);
        if seen.insert(file.to_owned()) {
            table.push_str(&format!("| {file} | {proves} | {made} |\n"));
        }
    }
    table
}

/// The rows of the tables whose head is `| file | proves | made |`.
fn rows(page: &str) -> Vec<[&str; 3]> {
    let mut rows = Vec::new();
    let mut in_table = false;
    for line in page.lines() {
        let Some(cells) = cells(line) else {
            in_table = false;
            continue;
        };
        match cells {
            ["file", "proves", "made"] => in_table = true,
            [first, ..] if first.starts_with("---") || first.starts_with(":-") => {}
            [name, proves, made] if in_table => rows.push([name.trim_matches('`'), proves, made]),
            _ => {}
        }
    }
    rows
}

fn cells(line: &str) -> Option<[&str; 3]> {
    let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    let mut cells = inner.splitn(3, '|').map(str::trim);
    Some([cells.next()?, cells.next()?, cells.next()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_folder(files: &[&str], page: &str, faults: &[&str]) {
        let pages = BTreeMap::from([("fixtures/a/".to_owned(), page.to_owned())]);
        assert_eq!(compare(files, &pages).faults(), faults);
    }

    const PAGE: &str = "# A\n\n| file | proves | made |\n|---|---|---|\n| `x.json` | p | m |\n";

    #[test]
    fn each_file_is_listed_once_and_each_listed_file_is_there() {
        check_folder(&["fixtures/a/README.md", "fixtures/a/x.json"], PAGE, &[]);
        check_folder(
            &["fixtures/a/README.md"],
            PAGE,
            &["fixtures/a/x.json is listed and not there"],
        );
        check_folder(
            &["fixtures/a/x.json", "fixtures/a/deep/y.json"],
            PAGE,
            &["fixtures/a/deep/y.json is not in the table of fixtures/a/README.md"],
        );
        check_folder(
            &["fixtures/a/x.json"],
            &format!("{PAGE}| `x.json` | p | m |\n"),
            &["fixtures/a/x.json is listed twice"],
        );
    }

    #[test]
    fn a_row_says_what_and_how() {
        check_folder(
            &["fixtures/a/x.json"],
            &PAGE.replace("| p |", "| |"),
            &["fixtures/a/x.json: say what it proves and how it was made"],
        );
    }

    #[test]
    fn a_manifest_may_name_a_file_more_than_once() {
        let manifest = "file\tx\tmade by\tproves\na.zip\t1\tm\tp\na.zip\t2\tm\tq\nb.zip\t3\t\tp\n";
        check_folder(
            &["fixtures/a/a.zip", "fixtures/a/b.zip", "fixtures/a/MANIFEST.tsv"],
            &table_of(manifest),
            &["fixtures/a/b.zip: say what it proves and how it was made"],
        );
    }

    #[test]
    fn a_file_without_a_page_is_a_fault() {
        check_folder(
            &["fixtures/a/x.json", "fixtures/b/y"],
            PAGE,
            &["fixtures/b/y is not in the table of fixtures/b/README.md"],
        );
    }
}
