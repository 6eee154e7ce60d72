//! Scripts parse: shell by bash, Python by Python, JavaScript by Node.

use std::process::Command;

use anyhow::Result;

use crate::{report::Report, run, workspace::Workspace};

/// One language: how its files are known, and what reads them without running them.
struct Language {
    name: &'static str,
    endings: &'static [&'static str],
    program: &'static str,
    arguments: &'static [&'static str],
}

const PARSE_PYTHON: &str =
    "import ast, sys; [ast.parse(open(f, encoding='utf-8').read(), f) for f in sys.argv[1:]]";

const LANGUAGES: [Language; 3] = [
    Language { name: "shell", endings: &[".sh", ".ci/run"], program: "bash", arguments: &["-n"] },
    Language {
        name: "Python",
        endings: &[".py"],
        program: "python3",
        arguments: &["-c", PARSE_PYTHON],
    },
    Language {
        name: "JavaScript",
        endings: &[".mjs", ".js"],
        program: "node",
        arguments: &["--check"],
    },
];

/// Checks every script of the checkout.
pub(crate) fn check(workspace: &Workspace) -> Result<Report> {
    let mut report = Report::default();
    for language in &LANGUAGES {
        let files: Vec<_> = workspace
            .tree
            .files("", "")
            .filter(|file| language.endings.iter().any(|ending| file.ends_with(ending)))
            .collect();
        if !files.is_empty() && !run::is_there(language.program, &["--version"]) {
            report.remark(format!(
                "{} is not installed: {} {} scripts were not checked",
                language.program,
                files.len(),
                language.name,
            ));
            continue;
        }
        for file in &files {
            let mut command = Command::new(language.program);
            command.current_dir(&workspace.root).args(language.arguments).arg(file);
            if run::output(&mut command).is_err() {
                report.fault(format!("{file} does not parse"));
            }
        }
        if !files.is_empty() {
            report.looked_at(files.len(), language.name);
        }
    }
    Ok(report)
}
