//! The tables, printed and kept in docs/performance.md.

use std::{fmt::Write, fs};

use anyhow::Result;

use super::{Data, Measured};
use xtask::{marked::Marked, run};

use crate::workspace::Workspace;

const FILE: &str = "docs/performance.md";
const PART: &str = "bench";

/// What one run found out, as Markdown.
pub(super) struct Page {
    about: String,
    rows: String,
    memory: String,
    notes: String,
}

/// A line of the first table.
pub(super) struct Row<'a> {
    what: &'static str,
    measured: &'a Measured,
    /// Whose time this one is a share of.
    peer: Option<&'a Measured>,
    /// The share that is aimed at.
    reach: Option<f64>,
}

impl<'a> Row<'a> {
    pub(super) fn new(what: &'static str, measured: &'a Measured) -> Self {
        Self { what, measured, peer: None, reach: None }
    }

    pub(super) fn against(self, peer: Option<&'a Measured>) -> Self {
        Self { peer, ..self }
    }

    pub(super) fn reach(self, share: f64) -> Self {
        Self { reach: Some(share), ..self }
    }
}

impl Page {
    pub(super) fn new(data: &Data) -> Self {
        let packer = data.zipper.unwrap_or("the `zip` crate");
        let about = format!(
            "{} records, {:.0} MB of JSON, {:.0} MB as an archive by {packer}. On {} of {}, with {}.",
            grouped(data.records),
            data.unpacked as f64 / 1e6,
            data.packed as f64 / 1e6,
            cores(),
            processor(),
            compiler(),
        );
        let rows = "| what | by | median | best | × one inflate stream | of the peer's time | reach |\n\
                    |---|---|---|---|---|---|---|\n";
        let memory = "| peak memory of | MiB | reach |\n|---|---|---|\n";
        Self { about, rows: rows.into(), memory: memory.into(), notes: String::new() }
    }

    /// Adds a line; `limit` is one inflate stream alone.
    pub(super) fn row(&mut self, row: &Row<'_>, limit: &Measured) {
        let Row { what, measured, peer, reach } = row;
        let or_dash = |value: Option<String>| value.unwrap_or_else(|| "–".into());
        let share = peer.and_then(|peer| Some((peer, measured.ratio(peer)?)));
        let share = share.map(|(peer, share)| match reach {
            Some(_) => format!("**{share:.2}** of {}", peer.label),
            None => format!("{share:.2} of {}", peer.label),
        });
        let _ = writeln!(
            self.rows,
            "| {what} | {} | {:.3} s | {:.3} s | {} | {} | {} |",
            measured.label,
            measured.median().as_secs_f64(),
            measured.least().as_secs_f64(),
            multiple(measured.median().as_secs_f64() / limit.median().as_secs_f64()),
            or_dash(share),
            or_dash(reach.map(|reach| format!("≤ {reach}"))),
        );
    }

    /// Adds a line about memory; `reach` in MiB.
    pub(super) fn memory(&mut self, what: &str, measured: &Measured, reach: Option<u32>) {
        let peak = measured.peak.map_or_else(
            || "unknown to this system".into(),
            |peak| format!("{:.0}", peak as f64 / f64::from(1 << 20)),
        );
        let reach = reach.map_or_else(|| "–".into(), |reach| format!("≤ {reach}"));
        let _ = writeln!(self.memory, "| {what}: {} | {peak} | {reach} |", measured.label);
    }

    /// Says what is missing.
    pub(super) fn note(&mut self, note: &str) {
        let _ = writeln!(self.notes, "\n{note}");
    }

    pub(super) fn print(&self) {
        println!("\n{self}");
    }

    /// Writes the tables into their page.
    pub(super) fn keep(&self, workspace: &Workspace) -> Result<()> {
        let text = workspace.read(FILE)?;
        let text = Marked::find(&text, PART, FILE)?.with(&self.to_string());
        fs::write(workspace.root.join(FILE), text)?;
        println!("kept in {FILE}");
        Ok(())
    }
}

impl std::fmt::Display for Page {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { about, rows, memory, notes } = self;
        write!(f, "{about}\n\n{rows}\n{memory}{notes}")
    }
}

/// Far from the limit, a fraction says nothing.
fn multiple(times: f64) -> String {
    if times < 10.0 { format!("{times:.1}") } else { format!("{times:.0}") }
}

fn grouped(number: u32) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn cores() -> String {
    match std::thread::available_parallelism() {
        Ok(cores) if cores.get() == 1 => "one core".into(),
        Ok(cores) => format!("{cores} cores"),
        Err(_) => "some cores".into(),
    }
}

fn processor() -> String {
    let known = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = known.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or_else(|| "an unknown processor".into(), |(_, name)| name.trim().into())
}

fn compiler() -> String {
    let said = run::output(std::process::Command::new("rustc").arg("--version"));
    let said = said.unwrap_or_else(|_| "an unknown compiler".into());
    said.split(" (").next().unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn measured(label: &str, millis: u64) -> Measured {
        let rounds = vec![Duration::from_millis(millis)];
        Measured { label: label.into(), rounds, peak: Some(7 << 20) }
    }

    #[test]
    fn a_row_shows_its_share_and_its_distance_from_the_limit() {
        let mut page = Page {
            about: "about".into(),
            rows: String::new(),
            memory: String::new(),
            notes: String::new(),
        };
        let (ours, peer, limit) = (measured("us", 300), measured("them", 600), measured("", 200));
        page.row(&Row::new("cat", &ours).against(Some(&peer)).reach(0.6), &limit);
        page.row(&Row::new("cat", &peer), &limit);
        page.memory("cat", &ours, Some(32));
        page.note("nothing else");
        assert_eq!(
            page.to_string(),
            "about\n\n\
             | cat | us | 0.300 s | 0.300 s | 1.5 | **0.50** of them | ≤ 0.6 |\n\
             | cat | them | 0.600 s | 0.600 s | 3.0 | – | – |\n\
             \n| cat: us | 7 | ≤ 32 |\n\nnothing else\n"
        );
    }

    #[test]
    fn numbers_are_grouped_by_threes() {
        for (number, text) in [(7, "7"), (1000, "1,000"), (1_000_000, "1,000,000")] {
            assert_eq!(grouped(number), text);
        }
    }
}
