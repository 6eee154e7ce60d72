//! What would be published: each crate is packed as `cargo publish` packs it, has its
//! licences and its README, and passes its own tests outside the checkout.

use std::{fs, process::Command};

use anyhow::{Context, Result, ensure};

use crate::{
    report::Report,
    run,
    workspace::{Package, Workspace},
};

/// Files that each package contains in addition to its code.
const FILES: [&str; 3] = ["LICENSE-APACHE", "LICENSE-MIT", "README.md"];

/// Packs every published crate and looks into the packages.
pub(crate) fn check(workspace: &Workspace) -> Result<Report> {
    let mut report = Report::default();
    let packages: Vec<_> = workspace.crates().collect();
    let mut command = run::cargo(&["package", "--quiet", "--no-verify", "--allow-dirty"]);
    for package in &packages {
        command.args(["-p", &package.name]);
    }
    run::show(&mut command)?;
    let folder = workspace.target.join("packages");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    for package in &packages {
        let name = unpacked(package);
        let archive = workspace.target.join("package").join(format!("{name}.crate"));
        let mut tar = Command::new("tar");
        run::output(tar.arg("-xzf").arg(archive).arg("-C").arg(&folder))?;
        for file in FILES.iter().filter(|file| !folder.join(&name).join(file).is_file()) {
            report.fault(format!("{name}: {file} is missing"));
        }
        for (what, is_there) in [
            ("keywords", !package.keywords.is_empty()),
            ("categories", !package.categories.is_empty()),
            ("a description", package.description.is_some()),
            ("`rust-version`", package.rust_version.is_some()),
        ] {
            if !is_there {
                report.fault(format!("{name}: the manifest lacks {what}"));
            }
        }
    }
    report.looked_at(packages.len(), "packages");
    Ok(report)
}

/// Tests the named packages, or all, each from its unpacked folder. They form a workspace
/// of their own, so that they find one another without a registry.
pub(crate) fn test(workspace: &Workspace, names: &[&str]) -> Result<()> {
    let report = check(workspace)?;
    report.print();
    let manifest = workspace.read("Cargo.toml")?;
    let profiles = manifest.find("\n[profile.").and_then(|at| manifest.get(at..));
    let mut text =
        "[workspace]\nresolver = \"3\"\nmembers = [\"*\"]\n\n[patch.crates-io]\n".to_owned();
    for package in workspace.crates() {
        text += &format!("{} = {{ path = \"{}\" }}\n", package.name, unpacked(package));
    }
    let folder = workspace.target.join("packages");
    fs::write(folder.join("Cargo.toml"), text + profiles.context("no profiles in Cargo.toml")?)?;
    fs::copy(workspace.root.join("Cargo.lock"), folder.join("Cargo.lock"))?;
    let mut failed = Vec::new();
    for package in workspace.crates().filter(|p| names.is_empty() || names.contains(&&*p.name)) {
        let mut command = run::cargo(&["test", "--all-features", "--no-fail-fast", "-p"]);
        command.arg(&package.name).current_dir(&folder);
        // Dependencies that are built already need not be built again.
        if run::show(command.env("CARGO_TARGET_DIR", &workspace.target)).is_err() {
            failed.push(package.name.as_str());
        }
    }
    ensure!(failed.is_empty(), "tests fail outside the checkout: {}", failed.join(", "));
    report.into_result()
}

fn unpacked(package: &Package) -> String {
    format!("{}-{}", package.name, package.version)
}
