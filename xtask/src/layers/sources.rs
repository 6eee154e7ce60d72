//! Rules about the source of each crate: no hidden input, no unsafe, no endless file.

use anyhow::Result;

use crate::{
    report::Report,
    rust_text::{is_test_file, line_of, product_code},
    workspace::Workspace,
};

/// What reads the environment; only the program may.
const READS_ENVIRONMENT: &[&str] =
    &["std::env", "env::var", "env::vars", "Matcher::from_env", "Matcher::from_system"];

/// What would turn a rule of the house off for a whole crate or module.
const OPTS_OUT: &[&str] = &[
    "#![allow(unsafe_code",
    "#![allow(clippy::all",
    "#![allow(warnings",
    "#![allow(missing_docs",
    "#![allow(clippy::unwrap_used",
    "#![allow(clippy::expect_used",
    "#![allow(clippy::panic",
    "#![allow(clippy::indexing_slicing",
];

const LOOK_TWICE: usize = 500;
const TOO_LONG: usize = 800;

pub(super) fn check(workspace: &Workspace) -> Result<Report> {
    let mut report = Report::default();
    check_lints(workspace, &mut report)?;
    let sources = workspace.tree.texts("", ".rs")?;
    for (file, text) in &sources {
        check_length(file, text, &mut report);
        check_inputs(file, text, &mut report);
    }
    report.looked_at(sources.len(), "source files");
    Ok(report)
}

fn check_lints(workspace: &Workspace, report: &mut Report) -> Result<()> {
    if !workspace.read("Cargo.toml")?.contains("unsafe_code = \"forbid\"") {
        report.fault("Cargo.toml: [workspace.lints.rust] must forbid unsafe_code");
    }
    for package in workspace.members.values() {
        let manifest = format!("{}Cargo.toml", package.folder(&workspace.root));
        if !workspace.read(&manifest)?.contains("[lints]\nworkspace = true") {
            report.fault(format!("{manifest}: `[lints] workspace = true` is missing"));
        }
    }
    Ok(())
}

fn check_length(file: &str, text: &str, report: &mut Report) {
    match text.lines().count() {
        lines if lines > TOO_LONG => report.fault(format!("{file}: {lines} lines, split it")),
        lines if lines > LOOK_TWICE => report.remark(format!("{file}: {lines} lines")),
        _ => {}
    }
}

fn check_inputs(file: &str, text: &str, report: &mut Report) {
    if !file.starts_with("crates/") || is_test_file(file) {
        return;
    }
    for needle in OPTS_OUT {
        if text.contains(needle) {
            report.fault(format!("{file}: `{needle})]` turns a rule of the house off"));
        }
    }
    let code = product_code(text);
    if !file.starts_with("crates/qcc-cli/") {
        for needle in READS_ENVIRONMENT {
            for (at, _) in code.match_indices(needle) {
                let line = line_of(&code, at);
                report.fault(format!("{file}:{line}: only qcc-cli reads the environment"));
            }
        }
    }
    // The path stands in a literal, which the code no longer shows.
    for (number, (raw, kept)) in text.lines().zip(code.lines()).enumerate() {
        if raw.contains("fixtures/") && !kept.trim().is_empty() {
            report.fault(format!("{file}:{}: fixtures are for tests only", number + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_file(file: &str, text: &str, faults: usize) {
        let mut report = Report::default();
        check_inputs(file, text, &mut report);
        assert_eq!(report.faults().len(), faults, "{file}: {:?}", report.faults());
    }

    #[test]
    fn only_the_program_reads_the_environment() {
        let reads = "fn f() { std::env::args(); }\n";
        check_file("crates/qcc-http/src/lib.rs", reads, 1);
        check_file("crates/qcc-cli/src/main.rs", reads, 0);
        check_file("crates/qcc-http/tests/it/main.rs", reads, 0);
        check_file("crates/qcc-http/src/lib.rs", "// std::env\n", 0);
    }

    #[test]
    fn fixtures_are_for_tests_only() {
        let uses = "const F: &str = include_str!(\"../../fixtures/a\");\n";
        check_file("crates/qcc-sim/src/lib.rs", uses, 1);
        let in_tests = format!("#[cfg(test)]\nmod tests {{\n    {uses}}}\n");
        check_file("crates/qcc-sim/src/lib.rs", &in_tests, 0);
        check_file("crates/qcc-sim/tests/it/main.rs", uses, 0);
    }

    #[test]
    fn long_files_are_faults() {
        let mut report = Report::default();
        check_length("a.rs", &"\n".repeat(801), &mut report);
        check_length("b.rs", &"\n".repeat(800), &mut report);
        assert_eq!(report.faults(), ["a.rs: 801 lines, split it"]);
    }
}
