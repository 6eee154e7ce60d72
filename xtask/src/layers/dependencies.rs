//! Every dependency is there for a stated reason, with chosen features, and is used.

use anyhow::Result;

use crate::{
    report::Report,
    rust_text::names,
    workspace::{Dependency, Package, Workspace},
};

pub(super) fn check(workspace: &Workspace) -> Result<Report> {
    let mut report = Report::default();
    let manifest = workspace.read("Cargo.toml")?;
    let listed = listed(&manifest);
    for (name, line) in &listed {
        if !line.contains("path =") && reason(line).is_none() {
            report.fault(format!("Cargo.toml: {name} does not say why it is here (`# …`)"));
        }
        let used = |package: &Package| package.dependencies.iter().any(|d| d.name == *name);
        if !workspace.members.values().any(used) {
            report.fault(format!("Cargo.toml: no crate uses {name}"));
        }
    }
    for package in workspace.members.values() {
        for dependency in &package.dependencies {
            check_one(workspace, package, dependency, &listed, &mut report)?;
        }
    }
    report.looked_at(listed.len(), "workspace dependencies");
    Ok(report)
}

fn check_one(
    workspace: &Workspace,
    package: &Package,
    dependency: &Dependency,
    listed: &[(&str, &str)],
    report: &mut Report,
) -> Result<()> {
    let (user, name) = (&package.name, &dependency.name);
    if !listed.iter().any(|(listed, _)| listed == name) {
        report.fault(format!("{user}: {name} is not in [workspace.dependencies]"));
    }
    let foreign = workspace.foreign(name);
    if dependency.uses_default_features && foreign.is_some_and(Package::has_defaults) {
        report.fault(format!("{user}: {name} comes with its default features"));
    }
    let in_code = foreign.or_else(|| workspace.members.get(name)).map(Package::library_name);
    if let Some(in_code) = in_code
        && !is_named(workspace, package, &in_code)?
    {
        report.fault(format!("{user}: nothing in it names {name}"));
    }
    Ok(())
}

/// Whether any source of a crate, or its README, which is its documentation,
/// names a library.
fn is_named(workspace: &Workspace, package: &Package, library: &str) -> Result<bool> {
    let folder = package.folder(&workspace.root);
    for ending in [".rs", ".md"] {
        let texts = workspace.tree.texts(&folder, ending)?;
        if texts.iter().any(|(_, text)| names(text, library)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The lines of `[workspace.dependencies]`, by name.
fn listed(manifest: &str) -> Vec<(&str, &str)> {
    let section = manifest.split("[workspace.dependencies]\n").nth(1).unwrap_or_default();
    section
        .lines()
        .take_while(|line| !line.starts_with('['))
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| Some((line.split_once('=')?.0.trim(), line)))
        .collect()
}

/// What stands behind the last `#` outside quotes.
fn reason(line: &str) -> Option<&str> {
    let (before, reason) = line.rsplit_once('#')?;
    let outside = before.matches('"').count() % 2 == 0;
    (outside && reason.trim().len() > 3).then_some(reason.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_stands_behind_the_line() {
        assert_eq!(reason("a = \"1\" # to count"), Some("to count"));
        assert_eq!(reason("a = \"1\""), None);
        assert_eq!(reason("a = \"1 # not\""), None);
        assert_eq!(reason("a = \"1\" #"), None);
    }

    #[test]
    fn only_the_right_section_is_read() {
        let manifest =
            "[package]\nx = 1\n[workspace.dependencies]\n# a = 1\nb = 2\n\n[lints]\nc = 3\n";
        assert_eq!(listed(manifest), [("b", "b = 2")]);
    }
}
