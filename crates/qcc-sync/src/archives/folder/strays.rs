//! What lies in the folder and is none of ours, or cannot be used.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    FolderArchives,
    leftovers::{LABELLING, RECEIVING},
    regular,
};
use crate::{Sha256, archives::Label};

/// So many are named; the others are counted.
const NAMED: usize = 20;

/// What is passed over in an archive folder, since it is no archive and no label.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Strays {
    /// How many.
    pub count: u64,
    /// The first of them, and what is wrong with each.
    pub named: Vec<(PathBuf, String)>,
}

impl Strays {
    fn add(&mut self, path: PathBuf, why: impl ToString) {
        self.count += 1;
        if self.named.len() < NAMED {
            self.named.push((path, why.to_string()));
        }
    }
}

pub(super) fn find(root: &Path) -> io::Result<Strays> {
    let mut strays = Strays::default();
    for path in sorted(root)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if is_shelf(&name) {
            match fs::metadata(&path) {
                Ok(found) if found.is_dir() => shelf(&path, &mut strays)?,
                _ => strays.add(path, "it is not the folder that belongs here"),
            }
        } else if !is_ours(&name) {
            strays.add(path, "it is not named as an archive or a label");
        }
    }
    Ok(strays)
}

fn shelf(folder: &Path, strays: &mut Strays) -> io::Result<()> {
    for path in sorted(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (sha256, kind) = name.split_once('.').unwrap_or((&name, ""));
        let wrong = if sha256.parse::<Sha256>().is_err() {
            Some("it is not named as an archive or a label".to_owned())
        } else if kind == "zip" {
            regular::open(&path).err().map(|error| error.to_string())
        } else if kind.ends_with(".json") {
            match regular::read_label(&path) {
                Ok(text) => Label::from_json(&text).err().map(|error| error.to_string()),
                Err(error) => Some(error.to_string()),
            }
        } else {
            Some("it is not named as an archive or a label".to_owned())
        };
        if let Some(why) = wrong {
            strays.add(path, why);
        }
    }
    Ok(())
}

fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort_unstable();
    Ok(paths)
}

pub(super) fn is_shelf(name: &str) -> bool {
    name.len() == 2 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// What the program itself puts there beside the shelves.
fn is_ours(name: &str) -> bool {
    let is_lock = name.starts_with("worker-") && name.ends_with(".lock");
    is_lock
        || name == FolderArchives::LOST
        || [RECEIVING, LABELLING].iter().any(|prefix| name.starts_with(prefix))
}
