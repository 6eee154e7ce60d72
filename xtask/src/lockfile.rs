//! Cargo.lock: one version of each crate, all from crates.io.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};

use crate::report::Report;

/// Crates that may come in more than one version, and why.
const TWICE: &[(&str, &str)] = &[
    ("base64", "wiremock and rcgen ask for two versions; neither is in the binary"),
    ("getrandom", "ring asks for 0.2, everything else for the present one"),
    ("syn", "derive macros move to syn 3 one by one; none of it is in the binary"),
    ("synstructure", "an optional part of rcgen asks for the older one; it is never built"),
    ("windows-sys", "ring asks for 0.52 on Windows, everything else for the present one"),
];

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Checks the text of the lock file.
pub(crate) fn check(lock: &str) -> Result<Report> {
    check_against(lock, TWICE)
}

fn check_against(lock: &str, twice: &[(&str, &str)]) -> Result<Report> {
    let mut report = Report::default();
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in lock.split("[[package]]\n").skip(1) {
        let field = |name: &str| {
            let line =
                package.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "));
            line.map(|value| value.trim_matches('"'))
        };
        let (name, version) = (field("name").unwrap_or("?"), field("version").unwrap_or("?"));
        versions.entry(name).or_default().push(version);
        if let Some(source) = field("source").filter(|source| *source != CRATES_IO) {
            report.fault(format!("Cargo.lock: {name} comes from {source}"));
        }
    }
    ensure!(!versions.is_empty(), "Cargo.lock lists no package");
    for (name, versions) in versions.iter().filter(|(_, versions)| versions.len() > 1) {
        if !twice.iter().any(|(allowed, _)| allowed == name) {
            report.fault(format!("{name} comes as {}: say why in TWICE", versions.join(" and ")));
        }
    }
    for (name, _) in twice {
        if versions.get(name).is_none_or(|versions| versions.len() < 2) {
            report.fault(format!("{name} comes once: take it out of TWICE"));
        }
    }
    report.looked_at(versions.len(), "locked crates");
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, version: &str) -> String {
        format!(
            "[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = \"{CRATES_IO}\"\n"
        )
    }

    #[test]
    fn two_versions_need_a_reason() {
        let lock = package("a", "1.0.0") + &package("a", "2.0.0");
        assert_eq!(check_against(&lock, &[]).unwrap().faults().len(), 1);
        assert!(check_against(&lock, &[("a", "because")]).unwrap().faults().is_empty());
    }

    #[test]
    fn a_reason_that_is_no_longer_needed_goes() {
        let lock = package("a", "1.0.0");
        assert_eq!(check_against(&lock, &[("a", "because")]).unwrap().faults().len(), 1);
    }

    #[test]
    fn another_source_is_a_fault() {
        let lock = package("a", "1.0.0").replace("registry+https://github.com", "git+https://x");
        assert_eq!(check_against(&lock, &[]).unwrap().faults().len(), 1);
    }
}
