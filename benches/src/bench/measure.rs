//! Running programs in turn, and what is known of each afterwards.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::memory;

/// A program to be measured.
pub(super) struct Contender {
    label: String,
    command: Command,
    /// Files and folders that must not be there when it starts.
    fresh: Vec<PathBuf>,
}

impl Contender {
    pub(super) fn new(label: impl Into<String>, command: Command) -> Self {
        Self { label: label.into(), command, fresh: Vec::new() }
    }

    /// Removes a database or a folder before each run.
    pub(super) fn on_fresh(mut self, path: PathBuf) -> Self {
        self.fresh.push(path);
        self
    }

    fn run(&mut self) -> Result<(Duration, Option<u64>)> {
        self.fresh.iter().for_each(|path| remove(path));
        let started = Instant::now();
        let child = self.command.spawn();
        let child = child.with_context(|| format!("cannot start {}", self.label))?;
        let peak = watch(child.id());
        let output = child.wait_with_output()?;
        let took = started.elapsed();
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("{} ended with {}: {}", self.label, output.status, said.trim());
        }
        Ok((took, peak.recv().ok().flatten()))
    }
}

pub(super) fn command(program: impl AsRef<OsStr>, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// A database with what belongs to it, or a folder.
fn remove(path: &Path) {
    let _ = fs::remove_dir_all(path);
    for ending in ["", "-wal", "-shm", "-inbox"] {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        let _ = fs::remove_file(name);
    }
}

/// Looks at a process's peak memory until it is gone. The peak only grows, so
/// the last look comes close.
fn watch(process: u32) -> mpsc::Receiver<Option<u64>> {
    let (send, peak) = mpsc::channel();
    thread::spawn(move || {
        let mut highest = None;
        while let Some(peak) = memory::peak(process) {
            highest = Some(peak);
            thread::sleep(Duration::from_millis(3));
        }
        let _ = send.send(highest);
    });
    peak
}

/// What is known of a contender after all rounds.
pub(super) struct Measured {
    pub(super) label: String,
    /// One for each round, in their order.
    pub(super) rounds: Vec<Duration>,
    /// The highest of all rounds, in bytes, where the system reports it.
    pub(super) peak: Option<u64>,
}

impl Measured {
    pub(super) fn median(&self) -> Duration {
        median(self.rounds.iter().copied()).unwrap_or_default()
    }

    pub(super) fn least(&self) -> Duration {
        self.rounds.iter().copied().min().unwrap_or_default()
    }

    /// The median of the ratios, each of two runs of one round.
    pub(super) fn ratio(&self, peer: &Self) -> Option<f64> {
        let ratios = self.rounds.iter().zip(&peer.rounds);
        let ratios = ratios.map(|(ours, peer)| ours.as_secs_f64() / peer.as_secs_f64());
        median(ratios.map(Ordered)).map(|ratio| ratio.0)
    }
}

#[derive(Clone, Copy, PartialEq)]
struct Ordered(f64);

impl Eq for Ordered {}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// The middle one; of an even number, the upper of the two.
fn median<T: Ord>(values: impl Iterator<Item = T>) -> Option<T> {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    let middle = values.len() / 2;
    values.into_iter().nth(middle)
}

/// Runs all in turn: one round to warm up, then `rounds` that count.
pub(super) fn compete(mut contenders: Vec<Contender>, rounds: usize) -> Result<Vec<Measured>> {
    let mut measured: Vec<Measured> = contenders
        .iter()
        .map(|contender| Measured {
            label: contender.label.clone(),
            rounds: Vec::with_capacity(rounds),
            peak: None,
        })
        .collect();
    for round in 0..=rounds {
        for (contender, measured) in contenders.iter_mut().zip(&mut measured) {
            let (took, peak) = contender.run()?;
            println!("{} {:.3} s", contender.label, took.as_secs_f64());
            measured.peak = measured.peak.max(peak);
            if round > 0 {
                measured.rounds.push(took);
            }
        }
    }
    Ok(measured)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(seconds: &[u64]) -> Measured {
        let rounds = seconds.iter().copied().map(Duration::from_secs).collect();
        Measured { label: String::new(), rounds, peak: None }
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        let (ours, peer) = (measured(&[1, 10, 2]), measured(&[2, 20, 4]));
        assert_eq!(ours.ratio(&peer), Some(0.5));
        assert_eq!((ours.median(), ours.least()), (Duration::from_secs(2), Duration::from_secs(1)));
        assert_eq!(measured(&[]).ratio(&peer), None);
    }

    #[test]
    fn each_contender_runs_once_more_than_its_rounds_count() {
        let folder = std::env::temp_dir().join(format!("qcc-bench-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let lines = folder.join("lines");
        let shell = |script: &str| {
            let mut shell = command("sh", &["-c", script]);
            shell.current_dir(&folder);
            shell
        };
        let contenders = vec![
            Contender::new("one", shell("echo one >> lines")),
            Contender::new("two", shell("echo two >> lines; test ! -e made && touch made"))
                .on_fresh(folder.join("made")),
        ];
        let measured = compete(contenders, 2).unwrap();
        assert_eq!(measured.iter().map(|m| m.rounds.len()).collect::<Vec<_>>(), [2, 2]);
        assert_eq!(fs::read_to_string(lines).unwrap(), "one\ntwo\n".repeat(3));
        fs::remove_dir_all(&folder).unwrap();
        let failing = Contender::new("three", command("sh", &["-c", "echo why >&2; exit 3"]));
        let error = compete(vec![failing], 1).err().unwrap();
        assert!(error.to_string().contains("why"), "{error}");
    }
}
