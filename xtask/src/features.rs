//! Each crate builds alone: without features, and with each feature alone.
//!
//! In a workspace one crate's features hide what another forgot to ask for.
//! Here each crate is built as somebody else would build it, with warnings as
//! faults, since code that only a feature uses is dead without it.

use anyhow::Result;

use crate::{
    run,
    workspace::{Package, Workspace},
};

/// Lints the library or program of each crate under each choice of features.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    for package in workspace.crates() {
        for choice in choices(package) {
            let mut command = run::cargo(&["clippy", "--quiet", "-p", &package.name]);
            run::show(command.args(choice).args(["--", "-D", "warnings"]))?;
        }
    }
    Ok(())
}

/// The arguments for each choice of features worth building.
fn choices(package: &Package) -> Vec<Vec<String>> {
    let words = |words: &[&str]| words.iter().copied().map(str::to_owned).collect::<Vec<_>>();
    let names: Vec<_> = package.features.keys().filter(|name| *name != "default").collect();
    if names.is_empty() {
        return vec![Vec::new()];
    }
    let alone = names.iter().map(|name| words(&["--no-default-features", "--features", name]));
    let mut choices = vec![words(&["--no-default-features"])];
    choices.extend(alone);
    let only_one_default = package.features.get("default").is_some_and(|on| on.len() == 1);
    if package.has_defaults() && !only_one_default {
        choices.push(Vec::new());
    }
    choices
}
