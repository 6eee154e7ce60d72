//! Nothing in a tracked file belongs to one machine: no home folders, no path
//! that leaves the checkout, no registry but the public one.

use std::path::{Component, Path, PathBuf};

use anyhow::Result;

use crate::{report::Report, rust_text::line_of, workspace::Workspace};

/// Folders that hold somebody's own files.
const HOMES: &[&str] = &["/home/", "/root/", "/Users/", "C:\\Users\\"];

/// Where many check out, so that the name says nothing.
const COMMON: &[&str] = &["/", "/tmp", "/home", "/root", "/src", "/app", "/usr/src"];

/// Files about building in which a registry could be set.
const REGISTRY_WORDS: &[&str] = &["[source.", "replace-with", "registry =", "[registries"];

pub(super) fn check(workspace: &Workspace) -> Result<Report> {
    let mut report = Report::default();
    let own = own_folders(&workspace.root);
    for (file, text) in workspace.tree.texts("", "")? {
        // This very file and the lock file name what is looked for.
        if ["Cargo.lock", "xtask/src/layers/paths.rs"].contains(&file) {
            continue;
        }
        for needle in HOMES.iter().copied().map(str::to_owned).chain(own.iter().cloned()) {
            for at in path_starts(&text, &needle) {
                let line = line_of(&text, at);
                report.fault(format!("{file}:{line}: `{needle}` is a path of one machine"));
            }
        }
        if file.ends_with("Cargo.toml") || file.starts_with(".cargo/") {
            for needle in REGISTRY_WORDS.iter().filter(|needle| text.contains(**needle)) {
                report.fault(format!("{file}: `{needle}` names another registry"));
            }
        }
        if file.ends_with(".md") {
            check_links(workspace, file, &text, &mut report);
        }
    }
    Ok(report)
}

/// Where a text names an absolute path that begins so: what stands before must
/// not be part of a longer path or address.
fn path_starts(text: &str, needle: &str) -> Vec<usize> {
    let inside = |c: char| c.is_alphanumeric() || ".-_/~}".contains(c);
    text.match_indices(needle)
        .map(|(at, _)| at)
        .filter(|at| !text.get(..*at).is_some_and(|before| before.ends_with(inside)))
        .collect()
}

/// This checkout's folder and the folder it lies in, where these names are telling.
fn own_folders(root: &Path) -> Vec<String> {
    root.ancestors()
        .take(2)
        .filter_map(|folder| folder.to_str())
        .filter(|folder| !COMMON.contains(folder))
        .map(|folder| format!("{folder}/"))
        .collect()
}

/// Every relative link of a page leads to something in the checkout.
fn check_links(workspace: &Workspace, file: &str, text: &str, report: &mut Report) {
    for (at, target) in links(text) {
        let path = target.split('#').next().unwrap_or_default();
        if path.is_empty() || target.contains("://") || target.starts_with("mailto:") {
            continue;
        }
        let folder = Path::new(file).parent().unwrap_or_else(|| Path::new(""));
        let leads_somewhere =
            inside(&folder.join(path)).is_some_and(|inside| workspace.root.join(inside).exists());
        if !leads_somewhere {
            let line = line_of(text, at);
            report.fault(format!("{file}:{line}: the link `{target}` leads nowhere"));
        }
    }
}

/// The targets of `[text](target)`, outside code blocks.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let (mut start, mut in_code) = (0, false);
    for line in text.split_inclusive('\n') {
        in_code ^= line.trim_start().starts_with("```");
        if !in_code {
            for (at, _) in line.match_indices("](") {
                let target = line.get(at + 2..).and_then(|rest| rest.split(')').next());
                found.extend(target.map(|target| (start + at, target)));
            }
        }
        start += line.len();
    }
    found
}

/// A path without `.` and `..`, or `None` where it leaves the checkout.
fn inside(path: &Path) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => plain.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop().then_some(())?;
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found_at_their_start_only() {
        assert_eq!(path_starts("see /root/a", "/root/"), [4]);
        assert_eq!(path_starts("\"/root/a\"", "/root/"), [1]);
        assert!(path_starts("https://host/root/a", "/root/").is_empty());
    }

    #[test]
    fn links_are_read_outside_code() {
        let text = "a [b](c.md)\n```\n[d](e)\n```\n[f](g#h)\n";
        let targets: Vec<_> = links(text).into_iter().map(|(_, target)| target).collect();
        assert_eq!(targets, ["c.md", "g#h"]);
    }

    #[test]
    fn a_path_may_not_leave_the_checkout() {
        assert_eq!(inside(Path::new("docs/../README.md")), Some("README.md".into()));
        assert_eq!(inside(Path::new("docs/../../x")), None);
        assert_eq!(inside(Path::new("/etc")), None);
    }

    #[test]
    fn common_folders_give_nothing_away() {
        assert_eq!(own_folders(Path::new("/tmp/x")), ["/tmp/x/"]);
        assert_eq!(own_folders(Path::new("/a/b")), ["/a/b/", "/a/"]);
    }
}
