//! The workspace as cargo and git see it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::{run, tree::Tree};

/// Members that check and measure the project. They are not published.
const TOOLS: &[&str] = &["benches", "simulation", "xtask"];

/// The packages, and the files of the checkout.
#[derive(Debug)]
pub(crate) struct Workspace {
    /// The folder of the root manifest.
    pub(crate) root: PathBuf,
    /// Cargo's target folder.
    pub(crate) target: PathBuf,
    /// The members by name, xtask included.
    pub(crate) members: BTreeMap<String, Package>,
    /// Every package of the graph that is not a member.
    pub(crate) foreign: Vec<Package>,
    /// The tracked and the new files.
    pub(crate) tree: Tree,
}

impl Workspace {
    /// Asks cargo and git.
    pub(crate) fn load() -> Result<Self> {
        let mut command = run::cargo(&["metadata", "--format-version=1", "--all-features"]);
        let metadata: Metadata = serde_json::from_str(&run::output(&mut command)?)
            .context("the output of `cargo metadata` has another shape than expected")?;
        let (members, foreign) = metadata
            .packages
            .into_iter()
            .partition::<Vec<_>, _>(|package| metadata.workspace_members.contains(&package.id));
        Ok(Self {
            tree: Tree::load(&metadata.workspace_root)?,
            root: metadata.workspace_root,
            target: metadata.target_directory,
            members: members.into_iter().map(|package| (package.name.clone(), package)).collect(),
            foreign,
        })
    }

    /// The members that are the published crates.
    pub(crate) fn crates(&self) -> impl Iterator<Item = &Package> {
        self.members.values().filter(|package| !TOOLS.contains(&package.name.as_str()))
    }

    /// A package of the graph by name; the newest where there are several.
    pub(crate) fn foreign(&self, name: &str) -> Option<&Package> {
        self.foreign.iter().rfind(|package| package.name == name)
    }

    /// A package of the graph by name and version.
    pub(crate) fn foreign_version(&self, name: &str, version: &str) -> Option<&Package> {
        self.foreign.iter().find(|package| package.name == name && package.version == version)
    }

    /// A file's text.
    pub(crate) fn read(&self, path: &str) -> Result<String> {
        fs::read_to_string(self.root.join(path)).with_context(|| format!("cannot read {path}"))
    }
}

/// Name and version of every package that is linked when this one is built alone, itself
/// included. `cargo metadata` cannot tell: it turns on the features any member asks for.
pub(crate) fn linked(name: &str, features: &[&str]) -> Result<BTreeSet<(String, String)>> {
    let mut tree = run::cargo(&["tree", "-p", name, "-e", "normal", "--prefix", "none"]);
    let listed = run::output(tree.args(["--format", "{p}"]).args(features))?;
    let words = listed.lines().filter_map(|line| {
        let mut words = line.split(' ');
        Some((words.next()?.to_owned(), words.next()?.strip_prefix('v')?.to_owned()))
    });
    Ok(words.collect())
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_members: Vec<String>,
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

/// A package, as `cargo metadata` has it.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    id: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) description: Option<String>,
    pub(crate) rust_version: Option<String>,
    pub(crate) keywords: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) manifest_path: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) features: BTreeMap<String, Vec<String>>,
    targets: Vec<Target>,
}

impl Package {
    /// The name its library has in code.
    pub(crate) fn library_name(&self) -> String {
        let library = self.targets.iter().find(|target| {
            target.kind.iter().any(|kind| kind.ends_with("lib") || kind == "proc-macro")
        });
        library.map_or_else(|| self.name.clone(), |target| target.name.clone()).replace('-', "_")
    }

    /// Whether others can depend on it.
    pub(crate) fn is_library(&self) -> bool {
        self.targets.iter().any(|target| target.kind.iter().any(|kind| kind.ends_with("lib")))
    }

    /// Whether it has default features that do something.
    pub(crate) fn has_defaults(&self) -> bool {
        self.features.get("default").is_some_and(|names| !names.is_empty())
    }

    /// Whether its version promises no stability.
    pub(crate) fn is_below_one(&self) -> bool {
        self.version.starts_with("0.")
    }

    /// Its folder, relative to the root, with a slash at the end.
    pub(crate) fn folder(&self, root: &Path) -> String {
        let folder = self.manifest_path.parent().unwrap_or(&self.manifest_path);
        format!("{}/", folder.strip_prefix(root).unwrap_or(folder).display())
    }

    /// The dependencies its users get.
    pub(crate) fn normal_dependencies(&self) -> impl Iterator<Item = &Dependency> {
        self.dependencies.iter().filter(|dependency| dependency.kind.is_none())
    }
}

/// A line of a manifest's dependencies.
#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `None`, `dev` or `build`.
    pub(crate) kind: Option<String>,
    pub(crate) uses_default_features: bool,
}

#[derive(Debug, Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}
