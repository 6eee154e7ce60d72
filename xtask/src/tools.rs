//! Checks that well-known tools do: each runs where it is installed, and is named where it
//! is not. The hosted workflow installs them all.

use std::process::Command;

use anyhow::{Result, bail};

use crate::{run, workspace::Workspace};

/// A tool, its arguments, and the endings of the files it is given; without endings it
/// finds its files itself.
type Tool = (&'static str, &'static [&'static str], &'static [&'static str]);

const PARSE_PYTHON: &str =
    "import ast, sys; [ast.parse(open(f, encoding='utf-8').read(), f) for f in sys.argv[1:]]";

const SHELL: &[&str] = &[".sh", ".ci/run", "/postinst", "/prerm", "/postrm"];

const TOOLS: &[Tool] = &[
    // Duplicate versions, unused and unwanted dependencies, licences, registries. Advisories
    // need a network; the hosted workflow asks for them.
    ("cargo-deny", &["check", "bans", "licenses", "sources"], &[]),
    ("cargo-machete", &["--with-metadata"], &[]),
    ("typos", &[], &[]),
    ("lychee", &["--offline", "--no-progress", "--include-fragments"], &[".md"]),
    ("bash", &["-n"], SHELL),
    ("shellcheck", &["--severity=warning"], SHELL),
    ("python3", &["-c", PARSE_PYTHON], &[".py"]),
    ("node", &["--check"], &[".mjs", ".js"]),
    ("promtool", &["test", "rules", "docs/operations/alerts.test.yml"], &[]),
];

/// Runs each tool; returns a line for each that is not installed.
pub(crate) fn check(workspace: &Workspace) -> Result<Vec<String>> {
    let (mut missing, mut failed) = (Vec::new(), Vec::new());
    for (program, arguments, endings) in TOOLS {
        if !run::is_there(program, &["--version"]) {
            missing.push(format!("skipped: {program} is not installed"));
            continue;
        }
        let files = workspace.tree.files("", "");
        let files: Vec<_> =
            files.filter(|file| endings.iter().any(|ending| file.ends_with(ending))).collect();
        println!("$ {program} {} ({} files)", arguments.join(" "), files.len());
        // `node --check` takes one file at a time.
        let size = if *program == "node" { 1 } else { usize::MAX };
        let batches: Vec<_> =
            if endings.is_empty() { vec![[].as_slice()] } else { files.chunks(size).collect() };
        for files in batches {
            let mut command = Command::new(program);
            command.current_dir(&workspace.root).args(*arguments).args(files);
            if !command.status()?.success() {
                failed.push(*program);
            }
        }
    }
    missing.iter().for_each(|line| println!("  {line}"));
    if !failed.is_empty() {
        bail!("{} found faults", failed.join(", "));
    }
    Ok(missing)
}
