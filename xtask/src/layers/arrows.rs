//! Which crate may use which, and which libraries a crate must not link.

use anyhow::Result;

use crate::{
    report::Report,
    workspace::{Workspace, linked},
};

/// The crates, lowest first, and the crates each may use directly. This is the
/// picture in docs/architecture.md; every crate of the workspace is listed here.
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

/// Programs: no crate may use them.
const ROOF: &[&str] = &["qcc-cli", "simulation", "benches", "xtask"];

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
            report.fault(format!(
                "{} is not listed: add it to HOUSE in xtask/src/layers/arrows.rs",
                package.name
            ));
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
        let linked = linked(name, &["--all-features"])?;
        for foreign in absent.iter().copied().flatten() {
            if linked.iter().any(|(package, _)| package == foreign) {
                report.fault(format!("{name} must not link {foreign}: `cargo tree -p {name} -e normal --all-features -i {foreign}`"));
            }
        }
    }
    report.looked_at(workspace.crates().count(), "crates");
    Ok(report)
}
