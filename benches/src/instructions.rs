//! Instruction counts of reading: a regression shows where time is too noisy.
//!
//! Callgrind counts on a processor of its own, which has AVX2 and AES but no
//! SHA extensions, so the counts are nearly the same on every machine. They
//! depend on the compiler, which the file names.

use std::{collections::BTreeMap, fmt::Write, fs, path::Path, process::Command};

use anyhow::{Context, Result, bail, ensure};

use xtask::run;

use crate::{bench, workspace::Workspace};

const FILE: &str = "benches/instructions.txt";
const RECORDS: u32 = 20_000;

/// Counts that differ by less than this fraction (1/50) are the same.
const TOLERANCE: u64 = 50;

/// What is counted. The last three read the archive, each all that the one
/// before it does.
const STAGES: [&str; 4] = ["parse", "authenticate", "unpack", "records"];

/// Counts, and compares with what is kept.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let kept = read(&workspace.read(FILE)?)?;
    let compiler = compiler()?;
    if kept.compiler != compiler {
        println!("counted with {compiler}; those kept are of {}", kept.compiler);
    }
    let mut worse = Vec::new();
    for (stage, now) in count(workspace)? {
        let before = *kept.counts.get(stage).with_context(|| format!("{FILE} has no `{stage}`"))?;
        let change = (now as f64 / before as f64 - 1.0) * 100.0;
        println!("{stage:12} {now:>13} {change:+6.2} %");
        if now > before + before / TOLERANCE {
            worse.push(stage);
        } else if now < before - before / TOLERANCE {
            println!("  better than what is kept: `cargo measure instructions --fix`");
        }
    }
    ensure!(worse.is_empty(), "more instructions than before: {}", worse.join(", "));
    Ok(())
}

/// Counts, and keeps the counts.
pub(crate) fn fix(workspace: &Workspace) -> Result<()> {
    let mut text = format!("{}\n", compiler()?);
    for (stage, count) in count(workspace)? {
        let _ = writeln!(text, "{stage} {count}");
    }
    print!("{text}");
    Ok(fs::write(workspace.root.join(FILE), text)?)
}

fn count(workspace: &Workspace) -> Result<Vec<(&'static str, u64)>> {
    if !run::is_there("valgrind", &["--version"]) {
        bail!("valgrind is not installed: it counts the instructions");
    }
    bench::build()?;
    let program = workspace.target.join("release/measure");
    let (document, archive) = bench::sample(&workspace.target.join("bench"), RECORDS)?;
    let counted = STAGES.map(|stage| {
        let file = if stage == "parse" { &document } else { &archive };
        callgrind(&program, stage, file).map(|count| (stage, count))
    });
    counted.into_iter().collect()
}

fn callgrind(program: &Path, stage: &str, file: &Path) -> Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args(["bench-stage", stage])
        .arg(file)
        .output()
        .context("cannot start valgrind")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "`{stage}` under callgrind ended with {}: {said}",
        output.status
    );
    collected(&said).with_context(|| format!("callgrind counted nothing of `{stage}`"))
}

fn collected(said: &str) -> Option<u64> {
    let count = said.lines().find_map(|line| line.split_once("Collected : "))?.1;
    count.trim().parse().ok()
}

struct Kept {
    compiler: String,
    counts: BTreeMap<String, u64>,
}

fn read(text: &str) -> Result<Kept> {
    let mut lines = text.lines();
    let compiler = lines.next().with_context(|| format!("{FILE} is empty"))?.to_owned();
    let counts = lines.map(|line| {
        let (stage, count) = line.split_once(' ').with_context(|| format!("{FILE}: {line}"))?;
        Ok((stage.to_owned(), count.parse().with_context(|| format!("{FILE}: {line}"))?))
    });
    Ok(Kept { compiler, counts: counts.collect::<Result<_>>()? })
}

fn compiler() -> Result<String> {
    Ok(run::output(Command::new("rustc").arg("--version"))?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_found_in_what_callgrind_says() {
        let said = "==1== Events    : Ir\n==1== Collected : 1234567\n==1== \n";
        assert_eq!(collected(said), Some(1_234_567));
        assert_eq!(collected("==1== Events : Ir\n"), None);
    }

    #[test]
    fn what_is_kept_is_read_back() {
        let kept = read("rustc 1.95.0\nparse 12\nrecords 34\n").unwrap();
        assert_eq!(kept.compiler, "rustc 1.95.0");
        assert_eq!(kept.counts.into_values().collect::<Vec<_>>(), [12, 34]);
        assert!(read("rustc 1.95.0\nparse\n").is_err());
        assert!(read("").is_err());
    }
}
