//! The rules of docs/architecture.md that the compiler does not check.

mod arrows;
mod compilers;
mod manifest;
mod sources;

use anyhow::Result;

pub(crate) use arrows::HOUSE;

use crate::{report::Report, workspace::Workspace};

/// Checks every rule.
pub(crate) fn check(workspace: &Workspace) -> Result<Report> {
    let mut report = arrows::check(workspace)?;
    report.merge(sources::check(workspace)?);
    report.merge(manifest::check(workspace)?);
    report.merge(compilers::check(workspace)?);
    Ok(report)
}
