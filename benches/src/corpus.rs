//! Reads archives that other programs wrote, and compares the result with their manifests.
//!
//! A corpus is a folder with a `MANIFEST.tsv`, or a folder of such folders.
//! The first line names the columns; `path`, `entry`, `password` and `expected`
//! must be among them, and `content_size`, `content_sha256`, `records` and
//! `upsert_digest` are used where they are. A folder without a manifest holds
//! no verdicts: its files only have to be survived.

mod decode;
mod manifest;
mod survive;
mod verdict;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use decode::decode;
use manifest::Row;
use verdict::{Expectation, Verdict, judge};

const MANIFEST: &str = "MANIFEST.tsv";

/// Reads every archive of a corpus; an error where any disagrees.
pub(crate) fn run(corpus: &Path) -> Result<()> {
    let mut disagreements = 0;
    for folder in folders(corpus)? {
        let name = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy();
        if folder.join(MANIFEST).is_file() {
            disagreements += compare(&folder, &name)?;
        } else {
            disagreements += survive::all(&folder, &name)?;
        }
    }
    match disagreements {
        0 => Ok(()),
        many => bail!("{many} disagreements"),
    }
}

/// The corpus itself where it has a manifest, else the folders in it.
fn folders(corpus: &Path) -> Result<Vec<PathBuf>> {
    if corpus.join(MANIFEST).is_file() {
        return Ok(vec![corpus.to_owned()]);
    }
    let entries =
        fs::read_dir(corpus).with_context(|| format!("no folder {}", corpus.display()))?;
    let mut folders: Vec<_> =
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_dir()).collect();
    folders.sort();
    let is_corpus = folders.iter().any(|folder| folder.join(MANIFEST).is_file());
    Ok(if is_corpus { folders } else { vec![corpus.to_owned()] })
}

/// Counts by what was expected.
#[derive(Default)]
struct Tally {
    rows: usize,
    agreed: usize,
    released: usize,
}

/// Compares a folder with its manifest; returns how many rows disagree.
fn compare(folder: &Path, name: &str) -> Result<usize> {
    let rows = manifest::read(&folder.join(MANIFEST))?;
    let mut tallies: BTreeMap<Expectation, Tally> = BTreeMap::new();
    println!("{name}: {} rows", rows.len());
    for row in &rows {
        let outcome = decode(folder, row);
        let expectation = Expectation::of_row(row);
        let tally = tallies.entry(expectation).or_default();
        tally.rows += 1;
        tally.released += usize::from(outcome.released_then_refused());
        match judge(expectation, row, &outcome) {
            Verdict::Agrees => tally.agreed += 1,
            Verdict::Differs(why) => disagree(row, &outcome.to_string(), &why),
        }
    }
    let mut differing = 0;
    for (expectation, tally) in &tallies {
        differing += tally.rows - tally.agreed;
        println!(
            "  {:<22} {:>4} agree, {:>3} disagree, {:>3} refused only after plaintext was released",
            expectation.to_string(),
            tally.agreed,
            tally.rows - tally.agreed,
            tally.released,
        );
    }
    Ok(differing)
}

fn disagree(row: &Row, outcome: &str, why: &str) {
    println!("  DISAGREES {} [{}]: {why}", row.path, row.entry);
    println!("    expected: {}", row.expected);
    if !row.what.is_empty() {
        println!("    what:     {}", row.what);
    }
    println!("    ours:     {outcome}");
}
