//! Rules about the text of files: lints stay on, files stay short, and nothing in a
//! file belongs to one machine.
//!
//! Clippy checks what code may call: `clippy.toml` lists the disallowed functions.

use anyhow::Result;

use crate::{report::Report, workspace::Workspace};

const LOOK_TWICE: usize = 500;
const TOO_LONG: usize = 800;

/// Folders with one person's files.
const HOMES: [&str; 4] = ["/home/", "/root/", "/Users/", "C:\\Users\\"];

pub(super) fn check(workspace: &Workspace) -> Result<Report> {
    let mut report = Report::default();
    if !workspace.read("Cargo.toml")?.contains("unsafe_code = \"forbid\"") {
        report.fault("Cargo.toml: [workspace.lints.rust] must forbid unsafe_code");
    }
    for package in workspace.members.values() {
        let manifest = format!("{}Cargo.toml", package.folder(&workspace.root));
        if !workspace.read(&manifest)?.contains("[lints]\nworkspace = true") {
            report.fault(format!("{manifest}: `[lints] workspace = true` is missing"));
        }
    }
    let texts = workspace.tree.texts("", "")?;
    for (file, text) in &texts {
        check_file(file, text, &mut report);
    }
    report.looked_at(texts.len(), "text files");
    Ok(report)
}

fn check_file(file: &str, text: &str, report: &mut Report) {
    if file.ends_with(".rs") {
        match text.lines().count() {
            lines if lines > TOO_LONG => report.fault(format!("{file}: {lines} lines, split it")),
            lines if lines > LOOK_TWICE => report.remark(format!("{file}: {lines} lines")),
            _ => {}
        }
    }
    for (number, line) in (1..).zip(text.lines()) {
        if file.contains("/src/") && line.starts_with("#![allow(") {
            report.fault(format!("{file}:{number}: turns a lint off for a whole crate or module"));
        }
        // This file names what it looks for.
        let home = HOMES.iter().find(|home| begins_a_path(line, home));
        if let Some(home) = home.filter(|_| !file.ends_with("layers/sources.rs")) {
            report.fault(format!("{file}:{number}: `{home}` is a path on one machine"));
        }
    }
}

/// Whether a line has an absolute path that begins so: no longer path or address leads to it.
fn begins_a_path(line: &str, folder: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || ".-_/~}".contains(c);
    let mut found = line.match_indices(folder);
    found.any(|(at, _)| !line.get(..at).is_some_and(|before| before.ends_with(inside)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_text(file: &str, text: &str, faults: usize) {
        let mut report = Report::default();
        check_file(file, text, &mut report);
        assert_eq!(report.faults().len(), faults, "{file}: {:?}", report.faults());
    }

    #[test]
    fn long_files_are_faults() {
        check_text("a.rs", &"\n".repeat(801), 1);
        check_text("b.rs", &"\n".repeat(800), 0);
    }

    #[test]
    fn no_crate_turns_a_lint_off_for_a_whole_file() {
        check_text("crates/a/src/lib.rs", "#![allow(missing_docs)]\n", 1);
        check_text("crates/a/src/lib.rs", "#[allow(missing_docs)]\nfn f() {}\n", 0);
    }

    #[test]
    fn a_path_on_one_machine_is_found_at_its_start_only() {
        check_text("a.md", "see /root/a", 1);
        check_text("a.rs", "\"/home/x\"", 1);
        check_text("a.md", "https://host/root/a", 0);
    }
}
