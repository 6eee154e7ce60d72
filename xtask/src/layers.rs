//! The rules of the house that a compiler does not know (docs/architecture.md).

mod arrows;
mod dependencies;
mod foreign;
mod paths;
mod sources;

use anyhow::Result;

pub(crate) use arrows::HOUSE;

use crate::{lockfile, report::Report, workspace::Workspace};

/// Checks every rule.
pub(crate) fn check(workspace: &Workspace) -> Result<Report> {
    let mut report = arrows::check(workspace)?;
    report.merge(sources::check(workspace)?);
    report.merge(foreign::check(workspace)?);
    report.merge(dependencies::check(workspace)?);
    report.merge(lockfile::check(&workspace.read("Cargo.lock")?)?);
    report.merge(paths::check(workspace)?);
    Ok(report)
}
