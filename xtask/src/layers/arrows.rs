//! Who may use whom, and what nobody below a certain floor may link.

use anyhow::Result;

use crate::{report::Report, run, workspace::Workspace};

/// The crates, from the ground up, and the crates each may use directly.
/// This is the picture in docs/architecture.md; a crate that is not here has
/// no place in the house.
pub(crate) const HOUSE: &[(&str, &[&str])] = &[
    ("qcc-proto", &[]),
    ("qcc-sign", &[]),
    ("qcc-archive", &[]),
    ("qcc-http", &["qcc-proto", "qcc-sign"]),
    ("qcc-sync", &["qcc-proto", "qcc-sign", "qcc-archive", "qcc-http"]),
    ("qcc-callback", &["qcc-proto", "qcc-sign"]),
    ("qcc-sqlite", &["qcc-proto", "qcc-sync"]),
    ("qcc-postgres", &["qcc-proto", "qcc-sync"]),
    ("qcc-sim", &["qcc-proto", "qcc-sign", "qcc-http"]),
    (
        "qcc-cli",
        &[
            "qcc-proto",
            "qcc-sign",
            "qcc-archive",
            "qcc-http",
            "qcc-sync",
            "qcc-callback",
            "qcc-sqlite",
            "qcc-postgres",
            "qcc-sim",
        ],
    ),
];

/// Programs, not libraries: nothing in the house may use them.
const ROOF: &[&str] = &["qcc-cli", "simulation", "xtask"];

const RUNTIMES: &[&str] = &["tokio", "async-std", "smol"];
const HTTP_STACKS: &[&str] =
    &["hyper", "hyper-util", "hyper-rustls", "reqwest", "ureq", "curl", "axum"];
const TLS_STACKS: &[&str] = &["rustls", "native-tls", "openssl", "openssl-sys"];
const DATABASES: &[&str] = &["rusqlite", "libsqlite3-sys", "sqlx", "sqlx-core", "tokio-postgres"];

/// What a crate must not link, not even through others, with any feature on.
const ABSENT: &[(&str, &[&[&str]])] = &[
    ("qcc-proto", &[RUNTIMES, HTTP_STACKS, TLS_STACKS, DATABASES, &["http"]]),
    ("qcc-sign", &[RUNTIMES, HTTP_STACKS, TLS_STACKS, DATABASES, &["http"]]),
    ("qcc-archive", &[RUNTIMES, HTTP_STACKS, TLS_STACKS, DATABASES, &["http", "serde_json"]]),
    ("qcc-sync", &[HTTP_STACKS, TLS_STACKS, DATABASES]),
    ("qcc-callback", &[TLS_STACKS, DATABASES]),
];

pub(super) fn check(workspace: &Workspace) -> Result<Report> {
    let mut report = Report::default();
    for package in workspace.crates() {
        let Some((_, allowed)) = HOUSE.iter().find(|(name, _)| *name == package.name) else {
            report.fault(format!("{} has no place in the house: see HOUSE", package.name));
            continue;
        };
        for dependency in package.normal_dependencies() {
            let name = dependency.name.as_str();
            let ours = workspace.members.contains_key(name);
            if ours && (ROOF.contains(&name) || !allowed.contains(&name)) {
                report.fault(format!("{} must not use {name}", package.name));
            }
        }
    }
    for (name, absent) in ABSENT.iter().filter(|(name, _)| workspace.members.contains_key(*name)) {
        let linked = linked_by(name)?;
        for foreign in absent.iter().copied().flatten() {
            if linked.iter().any(|package| package == foreign) {
                report.fault(format!("{name} must not link {foreign}: `cargo tree -p {name} -e normal --all-features -i {foreign}`"));
            }
        }
    }
    report.looked_at(workspace.crates().count(), "crates");
    Ok(report)
}

/// Every package that ends up beside this one when it is built alone. `cargo
/// metadata` cannot say: it turns on what any member asks for.
fn linked_by(name: &str) -> Result<Vec<String>> {
    let mut tree = run::cargo(&["tree", "-p", name, "-e", "normal", "--all-features"]);
    let listed = run::output(tree.args(["--prefix", "none", "--format", "{p}"]))?;
    Ok(listed.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect())
}
