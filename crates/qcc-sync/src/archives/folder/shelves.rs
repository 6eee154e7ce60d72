//! What lies in the folder, found by looking.

use std::{collections::BTreeMap, fs, io, path::Path};

use super::regular;
use crate::{KeptArchive, Sha256, ShelvedArchive, archives::Label};

/// Archives by name, at most `limit`, behind `after`. A shelf at a time is looked
/// at, so that memory does not grow with the folder.
pub(super) fn list(
    root: &Path,
    after: Option<Sha256>,
    limit: usize,
) -> io::Result<Vec<ShelvedArchive>> {
    let first = after.map_or(0, |sha256| sha256.as_bytes()[0]);
    let mut found = Vec::new();
    for shelf in first..=u8::MAX {
        let folder = root.join(format!("{shelf:02x}"));
        for (sha256, files) in on_shelf(&folder)? {
            if found.len() >= limit {
                return Ok(found);
            }
            if after.is_none_or(|after| sha256 > after) {
                found.push(files.read(sha256, &folder));
            }
        }
    }
    Ok(found)
}

/// The files of one archive.
#[derive(Default)]
struct Files {
    size: Option<u64>,
    labels: Vec<String>,
}

fn on_shelf(folder: &Path) -> io::Result<BTreeMap<Sha256, Files>> {
    let mut shelf: BTreeMap<Sha256, Files> = BTreeMap::new();
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        // Something that is no folder in its place holds no archive.
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(shelf);
        }
        Err(e) => return Err(e),
    };
    for entry in entries {
        let entry = entry?;
        // What is not named as ours is none of ours.
        let Ok(name) = entry.file_name().into_string() else { continue };
        let Some((sha256, kind)) = name.split_once('.') else { continue };
        let Ok(sha256) = sha256.parse() else { continue };
        if kind == "zip" {
            // It may be gone by now, and what is no regular file is no archive.
            if let Ok(found) = entry.metadata()
                && found.is_file()
            {
                shelf.entry(sha256).or_default().size = Some(found.len());
            }
        } else if kind.ends_with(".json") {
            shelf.entry(sha256).or_default().labels.push(name);
        }
    }
    Ok(shelf)
}

impl Files {
    fn read(mut self, sha256: Sha256, folder: &Path) -> ShelvedArchive {
        self.labels.sort_unstable();
        let (mut labels, mut unreadable, mut said) = (Vec::new(), 0, 0);
        for name in &self.labels {
            let path = folder.join(name);
            let error = match regular::read_label(&path) {
                Ok(text) => match Label::from_json(&text) {
                    Ok((label, size)) => {
                        said = size;
                        labels.push(label);
                        continue;
                    }
                    Err(error) => error.to_string(),
                },
                Err(error) => error.to_string(),
            };
            tracing::warn!(file = %path.display(), error, "label skipped");
            unreadable += 1;
        }
        let archive = KeptArchive { sha256, size: self.size.unwrap_or(said) };
        ShelvedArchive { archive, labels, unreadable }
    }
}
