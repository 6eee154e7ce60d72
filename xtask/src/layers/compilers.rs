//! The `rust-version` of each crate is at least that of every crate it links.
//!
//! Clippy's `incompatible_msrv` compares it with the standard library's items. The
//! hosted workflow builds each crate with the compiler that it declares.

use anyhow::Result;

use crate::{
    report::Report,
    workspace::{Workspace, linked},
};

/// The oldest compiler that knows edition 2024.
const EDITION: (u32, u32) = (1, 85);

pub(super) fn check(workspace: &Workspace) -> Result<Report> {
    let mut report = Report::default();
    for package in workspace.crates() {
        let declared = version(package.rust_version.as_deref());
        let mut needed = (EDITION, "edition 2024".to_owned());
        for (name, number) in linked(&package.name, &["--all-features"])? {
            if let Some(foreign) = workspace.foreign_version(&name, &number) {
                let candidate = (version(foreign.rust_version.as_deref()), name);
                needed = needed.max(candidate);
            }
        }
        let ((major, minor), by) = needed;
        if declared < (major, minor) {
            let name = &package.name;
            report.fault(format!("{name}: rust-version must be {major}.{minor}, for {by}"));
        }
        if declared > (major, minor) {
            let name = &package.name;
            report.remark(format!("{name}: its dependencies need only {major}.{minor}, for {by}"));
        }
    }
    report.looked_at(workspace.crates().count(), "declared compilers");
    Ok(report)
}

/// `1.88` or `1.88.0` as numbers; zero where nothing is declared.
fn version(text: Option<&str>) -> (u32, u32) {
    let mut numbers = text.unwrap_or_default().split('.').map(|part| part.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert_eq!(version(Some("1.88.0")), (1, 88));
        assert!(version(Some("1.100")) > version(Some("1.99")));
        assert_eq!(version(None), (0, 0));
    }
}
