//! The recorded fixtures, and the check that their tables list exactly them.

use std::{collections::BTreeSet, fs, path::PathBuf};

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// One fixture, byte for byte.
#[track_caller]
pub(crate) fn read(name: &str, file: &str) -> Vec<u8> {
    fs::read(folder(name).join(file)).unwrap_or_else(|error| panic!("{name}/{file}: {error}"))
}

/// The files a folder holds, its table and hidden files aside.
fn held(name: &str) -> BTreeSet<String> {
    fs::read_dir(folder(name))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|file| file != "README.md" && !file.starts_with('.'))
        .collect()
}

/// The files a folder's table lists, each row with all three columns filled.
fn listed(name: &str) -> BTreeSet<String> {
    let table = String::from_utf8(read(name, "README.md")).unwrap();
    let mut files = BTreeSet::new();
    for row in table.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 3, "{row}");
        assert!(cells.iter().all(|cell| !cell.is_empty()), "{row}");
        assert!(files.insert(cells[0].trim_matches('`').to_owned()), "listed twice: {row}");
    }
    files
}

/// Fails where folder, table and the tests' own cases differ.
#[track_caller]
pub(crate) fn check_all_used<'a>(name: &str, used: impl IntoIterator<Item = &'a str>) {
    let used: BTreeSet<String> = used.into_iter().map(str::to_owned).collect();
    assert_eq!(held(name), used, "{name}: files held, and files some case reads");
    assert_eq!(held(name), listed(name), "{name}: files held, and files its table lists");
}
