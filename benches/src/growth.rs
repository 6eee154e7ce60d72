//! Whether a record takes longer to apply as the table grows. Runs the program `growth`
//! and writes its figures to `docs/performance.md`.

use std::{
    fmt::Write as _,
    fs,
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    str::FromStr,
};

use anyhow::{Context, Result, ensure};

use xtask::{marked::Marked, run};

use crate::{memory, workspace::Workspace};

const PAGE: &str = "docs/performance.md";

/// The records the table is filled to, unless told otherwise.
const TO: &str = "10000000";

/// How many records the archives hold that are applied at each size.
const ARCHIVES: [u64; 3] = [10_000, 100_000, 1_000_000];

/// The ratio is to this size: below it the whole table lies in memory.
const BASE: u64 = 100_000;

/// Measures, and writes the page.
pub(crate) fn run(workspace: &Workspace, to: Option<&str>) -> Result<()> {
    let build = ["build", "--release", "--package", "benches", "--bin", "growth"];
    run::show(&mut run::cargo(&build))?;
    let folder = workspace.target.join("growth");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    let mut command = Command::new(workspace.target.join("release/growth"));
    command.arg(&folder).arg(to.unwrap_or(TO)).args(ARCHIVES.map(|archive| archive.to_string()));
    let measured = measure(&mut command);
    fs::remove_dir_all(&folder)?;
    let table = table(&measured?)?;
    println!("{table}");
    let page = workspace.root.join(PAGE);
    let text = fs::read_to_string(&page)?;
    fs::write(&page, Marked::find(&text, "growth", PAGE)?.with(&table))?;
    Ok(())
}

/// One archive applied.
#[derive(Debug, Clone, Copy)]
struct Applied {
    /// Records in the table before.
    before: u64,
    /// Records of the archive.
    archive: u64,
    /// How many in ten of them were in the table already.
    known: u64,
    seconds: f64,
    /// Bytes of the store's files after it.
    bytes: u64,
    /// The most memory the process had held until then, in bytes.
    peak: Option<u64>,
}

impl Applied {
    /// What makes two archives comparable.
    fn shape(&self) -> (u64, u64) {
        (self.archive, self.known)
    }
}

fn measure(command: &mut Command) -> Result<Vec<Applied>> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    let output = child.stdout.take().context("the measurement has no output")?;
    let mut measured = Vec::new();
    for line in BufReader::new(output).lines() {
        let line = line?;
        println!("{line}");
        measured.push(Applied { peak: memory::peak(child.id()), ..line.parse()? });
    }
    let exit = child.wait()?;
    ensure!(exit.success(), "the measurement ended with {exit}");
    Ok(measured)
}

impl FromStr for Applied {
    type Err = anyhow::Error;

    fn from_str(line: &str) -> Result<Self> {
        let mut words = line.split_whitespace();
        let mut next = || words.next().with_context(|| format!("`{line}` breaks off"));
        Ok(Self {
            before: next()?.parse()?,
            archive: next()?.parse()?,
            known: next()?.parse()?,
            seconds: next()?.parse()?,
            bytes: next()?.parse()?,
            peak: None,
        })
    }
}

fn table(measured: &[Applied]) -> Result<String> {
    let mut table = String::from(
        "\n| records in the table | records of the archive | known before | µs per record | against 100 k | \
         peak MiB | store MiB |\n|---|---|---|---|---|---|---|\n",
    );
    for applied in measured {
        let base = measured
            .iter()
            .find(|base| base.shape() == applied.shape() && base.before >= BASE)
            .map_or_else(String::new, |base| format!("{:.2}", each(applied) / each(base)));
        writeln!(
            table,
            "| {} | {} | {} % | {:.2} | {base} | {} | {} |",
            grouped(applied.before),
            grouped(applied.archive),
            applied.known * 10,
            each(applied),
            applied.peak.map_or_else(|| "?".to_owned(), |peak| (peak >> 20).to_string()),
            applied.bytes >> 20,
        )?;
    }
    table.push('\n');
    Ok(table)
}

/// Microseconds for one record.
fn each(applied: &Applied) -> f64 {
    applied.seconds * 1e6 / applied.archive as f64
}

/// Digits in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_becomes_a_row_with_its_ratio() {
        let lines = [
            "10000 1000 0 0.001 1048576",
            "120000 1000 3 0.009 0",
            "130000 1000 0 0.002 0",
            "9000000 1000 0 0.003 0",
        ];
        let measured: Vec<Applied> = lines.map(|line| line.parse().unwrap()).into();
        let table = table(&measured).unwrap();
        assert!(table.contains("| 10,000 | 1,000 | 0 % | 1.00 | 0.50 | ? | 1 |\n"), "{table}");
        assert!(table.contains("| 9,000,000 | 1,000 | 0 % | 3.00 | 1.50 | ? | 0 |\n"), "{table}");
        assert!("12 13 0 0.1".parse::<Applied>().is_err());
    }
}
