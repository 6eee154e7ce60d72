//! Every dependency has a stated reason and chosen features.
//!
//! `cargo-deny` and `cargo-machete` check the rest: unused dependencies, duplicate
//! versions, licences and sources.

use anyhow::Result;

use crate::{
    report::Report,
    workspace::{Package, Workspace},
};

pub(super) fn check(workspace: &Workspace) -> Result<Report> {
    let mut report = Report::default();
    let manifest = workspace.read("Cargo.toml")?;
    let listed = listed(&manifest);
    for (name, line) in &listed {
        if !line.contains("path =") && !has_reason(line) {
            report
                .fault(format!("Cargo.toml: {name} has no reason at the end of its line (`# …`)"));
        }
    }
    for package in workspace.members.values() {
        for dependency in &package.dependencies {
            let (user, name) = (&package.name, &dependency.name);
            let foreign = workspace.foreign(name);
            if foreign.is_some() && !listed.iter().any(|(listed, _)| listed == name) {
                report.fault(format!("{user}: {name} is not in [workspace.dependencies]"));
            }
            if dependency.uses_default_features && foreign.is_some_and(Package::has_defaults) {
                report.fault(format!("{user}: {name} has its default features on"));
            }
        }
    }
    report.looked_at(listed.len(), "workspace dependencies");
    Ok(report)
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

/// Whether a comment follows the value.
fn has_reason(line: &str) -> bool {
    line.rsplit_once('#').is_some_and(|(before, reason)| {
        before.matches('"').count().is_multiple_of(2) && reason.trim().len() > 3
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_a_comment_after_the_value() {
        assert!(has_reason("a = \"1\" # to count"));
        for line in ["a = \"1\"", "a = \"1 # not\"", "a = \"1\" #"] {
            assert!(!has_reason(line), "{line}");
        }
    }

    #[test]
    fn only_the_right_section_is_read() {
        let manifest =
            "[package]\nx = 1\n[workspace.dependencies]\n# a = 1\nb = 2\n\n[lints]\nc = 3\n";
        assert_eq!(listed(manifest), [("b", "b = 2")]);
    }
}
