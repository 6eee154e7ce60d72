//! The public API of each crate is the one that `docs/api` lists, and names no type of a
//! crate below 1.0.
//!
//! The listings come from rustdoc's JSON, whose format changes with the compiler. Another
//! compiler than the one of [`COMPILER`] may write a format that cannot be read here.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{
    report::Report,
    run,
    workspace::{Package, Workspace},
};

/// The compiler whose rustdoc writes the format that `public-api` reads.
const COMPILER: &str = "1.95";

const FOLDER: &str = "docs/api";

/// Types and traits of crates below 1.0 that are public on purpose.
const ALLOWED: [(&str, &str, &str); 2] = [
    (
        "qcc-callback",
        "tower_service",
        "`Service` is the interface between HTTP servers and handlers; 0.3 has not changed since 2019",
    ),
    ("qcc-http", "tower_service", "`TowerTransport` sends through such a service"),
];

/// Compares the listings with the code.
pub(crate) fn check(workspace: &Workspace) -> Result<Report> {
    let mut report = Report::default();
    let Some(listings) = listings(workspace)? else {
        report.remark(format!("skipped: the API listings need Rust {COMPILER} and a Unix shell"));
        return Ok(report);
    };
    let young = young(workspace);
    for (package, listing) in &listings {
        let file = format!("{FOLDER}/{}.txt", package.name);
        let kept = fs::read_to_string(workspace.root.join(&file)).unwrap_or_default();
        if let Some(change) = difference(&kept, listing) {
            report.fault(format!("{file}: {change}; `cargo xtask api --fix` rewrites it"));
        }
        for (line, name) in names_of(listing, &young) {
            if !ALLOWED.iter().any(|(user, library, _)| *user == package.name && *library == name) {
                report.fault(format!("{}: `{name}` is below 1.0: {line}", package.name));
            }
        }
        report.looked_at(listing.lines().count(), "public items");
    }
    Ok(report)
}

/// Writes the listings.
pub(crate) fn fix(workspace: &Workspace) -> Result<()> {
    let listings = listings(workspace)?.with_context(|| format!("this needs Rust {COMPILER}"))?;
    fs::create_dir_all(workspace.root.join(FOLDER))?;
    for (package, listing) in listings {
        fs::write(workspace.root.join(format!("{FOLDER}/{}.txt", package.name)), listing)?;
    }
    println!("{FOLDER} lists today's API");
    Ok(())
}

/// Each library with its public items, one a line; `None` where this compiler is another.
fn listings(workspace: &Workspace) -> Result<Option<Vec<(&Package, String)>>> {
    let version = run::output(std::process::Command::new("rustc").arg("--version"))?;
    if !cfg!(unix) || !version.contains(&format!(" {COMPILER}.")) {
        return Ok(None);
    }
    let libraries: Vec<_> = workspace.crates().filter(|package| package.is_library()).collect();
    let mut command = run::cargo(&["doc", "--no-deps", "--lib", "--all-features"]);
    for package in &libraries {
        command.args(["-p", &package.name]);
    }
    command.env("RUSTDOC", rustdoc(&workspace.target)?);
    command.env("RUSTDOCFLAGS", "-Zunstable-options --output-format=json");
    run::show(&mut command)?;
    let listed = libraries.into_iter().map(|package| {
        let json = workspace.target.join("doc").join(package.library_name() + ".json");
        Ok((package, listing(&json)?))
    });
    listed.collect::<Result<_>>().map(Some)
}

/// The public items that a file of rustdoc describes, sorted, with what it re-exports.
fn listing(json: &Path) -> Result<String> {
    let items = public_api::Builder::from_rustdoc_json(json)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .build()?;
    let mut lines: Vec<String> = items.items().map(|item| format!("{item}\n")).collect();
    // A listed re-export does not say which crate its item is from.
    let file: Value = serde_json::from_str(&fs::read_to_string(json)?)?;
    for item in
        file.get("index").and_then(Value::as_object).into_iter().flat_map(|all| all.values())
    {
        let target = item.pointer("/inner/use/id").and_then(Value::as_u64);
        let path = target.and_then(|id| file.get("paths")?.get(id.to_string()));
        let Some(path) = path.filter(|path| path.get("crate_id") != Some(&0.into())) else {
            continue;
        };
        let names = path.get("path").and_then(Value::as_array).into_iter().flatten();
        let names: Vec<_> = names.filter_map(Value::as_str).collect();
        lines.push(format!("pub use {} (re-exported)\n", names.join("::")));
    }
    Ok(lines.concat())
}

/// The first name of a path.
fn first(path: &str) -> &str {
    path.trim_start_matches(':').split("::").next().unwrap_or_default()
}

/// A `rustdoc` that takes unstable options. Only it sees `RUSTC_BOOTSTRAP`: with the
/// variable set, cargo would rebuild every dependency.
fn rustdoc(target: &Path) -> Result<PathBuf> {
    let script = target.join("unstable-rustdoc");
    // A new file would be a new rustdoc, and all would be documented again.
    if !script.exists() {
        fs::write(&script, "#!/bin/sh\nRUSTC_BOOTSTRAP=1 exec rustdoc \"$@\"\n")?;
        run::show(std::process::Command::new("chmod").arg("+x").arg(&script))?;
    }
    Ok(script)
}

/// The library names of all packages below 1.0 that are not ours.
fn young(workspace: &Workspace) -> BTreeSet<String> {
    let young = workspace.foreign.iter().filter(|package| package.is_below_one());
    young.map(Package::library_name).collect()
}

/// The first item that one of the listings lacks.
fn difference(kept: &str, now: &str) -> Option<String> {
    let (kept, now): (BTreeSet<_>, BTreeSet<_>) = (kept.lines().collect(), now.lines().collect());
    let gone = kept.difference(&now).map(|item| format!("gone: {item}"));
    let new = now.difference(&kept).map(|item| format!("new: {item}"));
    gone.chain(new).next()
}

/// The lines that name one of these libraries, and its name.
fn names_of<'a>(listing: &'a str, libraries: &BTreeSet<String>) -> Vec<(&'a str, &'a str)> {
    let words = listing.lines().flat_map(|line| {
        let paths = line.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
        paths.map(move |path| (line, path))
    });
    let named = words.filter(|(line, path)| {
        let is_path = path.contains("::") || line.starts_with("pub use ");
        is_path && libraries.contains(first(path))
    });
    named.map(|(line, path)| (line, first(path))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_of_a_library_below_one_is_found() {
        let young = BTreeSet::from(["young".to_owned()]);
        for line in [
            "pub fn ours::f(u: young::Uri)",
            "pub type ours::X = alloc::vec::Vec<young::a::B>",
            "impl core::convert::From<young::E> for ours::X",
            "pub use young (re-exported)",
            "impl young::Service for ours::X",
        ] {
            assert_eq!(names_of(line, &young).len(), 1, "{line}");
        }
        for line in ["pub fn ours::young(u: older::young::Uri)", "pub fn ours::f(young: u8)"] {
            assert!(names_of(line, &young).is_empty(), "{line}");
        }
    }

    #[test]
    fn the_first_difference_is_shown() {
        assert_eq!(difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(difference("a\nb\n", "a\n"), Some("gone: b".to_owned()));
        assert_eq!(difference("a\n", "a\nb\n"), Some("new: b".to_owned()));
    }
}
