//! Odd and broken files without a verdict: nothing may panic, hang or grow.

use std::{
    fs::{self, File},
    io::{self, BufRead},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
    time::Duration,
};

use anyhow::Result;
use qcc_archive::{Archive, KeyStrength, Options};

use crate::memory;

/// No file of a few kilobytes takes longer, unless it hangs.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// What the process may grow by over a whole folder.
const GROWTH_LIMIT: u64 = 128 << 20;

/// Tried on every entry: most archives of test suites open with one of them.
const PASSWORDS: [&str; 3] = ["password", "test", ""];

/// Entries of one archive that are tried.
const ENTRIES: usize = 64;

/// Reads every file below a folder; returns how many were not survived.
pub(super) fn all(folder: &Path, name: &str) -> Result<usize> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    let before = memory::peak("self");
    let (mut opened, mut refused, mut failures) = (0, 0, 0);
    for file in &files {
        match survive(file.clone()) {
            Ok(true) => opened += 1,
            Ok(false) => refused += 1,
            Err(what) => {
                failures += 1;
                println!("  DISAGREES {}: {what}", file.display());
            }
        }
    }
    println!("{name}: {} files without a verdict", files.len());
    println!("  {opened} opened, {refused} refused, {failures} not survived");
    match (before, memory::peak("self")) {
        (Some(before), Some(after)) => {
            let growth = after.saturating_sub(before);
            println!("  peak memory grew by {} KiB", growth >> 10);
            if growth > GROWTH_LIMIT {
                println!("  DISAGREES: that is more than {} MiB", GROWTH_LIMIT >> 20);
                failures += 1;
            }
        }
        _ => println!("  peak memory is not measured on this system"),
    }
    Ok(failures)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries: Vec<_> = fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(fs::DirEntry::path);
    for entry in entries {
        let path = entry.path();
        if path.is_dir() { collect(&path, files)? } else { files.push(path) }
    }
    Ok(())
}

/// Reads one file on a thread of its own; `true` where it opened as an archive.
fn survive(file: PathBuf) -> Result<bool, String> {
    let (done, outcome) = mpsc::channel();
    // A thread that hangs is left behind; the run ends soon enough.
    thread::spawn(move || {
        let read = catch_unwind(AssertUnwindSafe(|| read_all(&file)));
        done.send(read.map_err(|_| "it panicked".to_owned()))
    });
    match outcome.recv_timeout(TIME_LIMIT) {
        Ok(Ok(Ok(opened))) => Ok(opened),
        Ok(Ok(Err(error))) => Err(format!("it could not be read: {error}")),
        Ok(Err(panicked)) => Err(panicked),
        Err(_) => Err(format!("it took longer than {} s", TIME_LIMIT.as_secs())),
    }
}

/// Tries every entry with every password, as widely as the options allow.
fn read_all(file: &Path) -> io::Result<bool> {
    let options = Options::default()
        .with_min_strength(KeyStrength::Aes128)
        .with_directory_prefix(true)
        .with_max_content_bytes(64 << 20);
    let Ok(archive) = Archive::open(File::open(file)?, options) else { return Ok(false) };
    for entry in archive.entries().iter().take(ENTRIES) {
        for password in PASSWORDS {
            let Ok(verified) = archive.authenticate(entry.name_bytes(), password.as_bytes()) else {
                continue;
            };
            let mut content = verified.reader();
            while let Ok(piece) = content.fill_buf() {
                let len = piece.len();
                if len == 0 {
                    break;
                }
                content.consume(len);
            }
        }
    }
    Ok(true)
}
