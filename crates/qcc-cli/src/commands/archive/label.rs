//! The label that lies beside a kept archive, as `<sha256>.<order number>.json`,
//! and holds what opens it.

use std::{
    fs::{self, File},
    io::Read,
    path::Path,
};

use zeroize::Zeroizing;

use crate::config::Secret;

/// A label is a few hundred bytes.
const LONGEST: u64 = 64 * 1024;

/// The password beside an archive, where its name says that it was kept.
///
/// All labels of an archive open it, so any will do.
pub(super) fn password(archive: &Path) -> Option<Secret> {
    let name = archive.file_name()?.to_str()?;
    let sha256 = name.strip_suffix(".zip")?;
    let kept = sha256.len() == 64 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
    let folder = archive.parent().filter(|folder| !folder.as_os_str().is_empty());
    let entries = fs::read_dir(folder.unwrap_or(Path::new("."))).ok().filter(|_| kept)?;
    let labels = entries.filter_map(Result::ok).filter(|entry| {
        let name = entry.file_name();
        let name = name.to_str().unwrap_or_default();
        let whose = name.strip_prefix(sha256).and_then(|rest| rest.strip_prefix('.'));
        whose.is_some_and(|whose| whose.ends_with(".json"))
    });
    labels.filter_map(|entry| read(&entry.path())).next()
}

fn read(path: &Path) -> Option<Secret> {
    if !fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let mut text = Zeroizing::new(Vec::new());
    File::open(path).ok()?.take(LONGEST).read_to_end(&mut text).ok()?;
    let label: serde_json::Value = serde_json::from_slice(&text).ok()?;
    label.get("password")?.as_str().map(Secret::new)
}
