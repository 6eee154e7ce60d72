//! How many calls a second are durable before they are answered, how late an
//! answer comes, and whether one is ever lost: `wrk` and an even stream of calls
//! against the receiver, next to a handler that only answers.
//!
//! Both are measured in turn within one run, so that what else the machine does
//! strikes both.

mod paced;
mod server;
mod slow;

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

use self::{
    paced::{Paced, paced},
    server::Server,
    slow::Slow,
};
use xtask::{marked::Marked, run};

use crate::workspace::Workspace;

/// The page that shows the table, between `<!-- load -->` and `<!-- /load -->`.
const PAGE: &str = "docs/reliability.md";

/// How often each side is measured; the median counts.
const ROUNDS: u32 = 3;

/// How long `wrk` drives a side each time.
const SPELL: Duration = Duration::from_secs(8);

/// How long the even stream lasts, and how many calls it makes a second.
const STREAM: Duration = Duration::from_secs(15);
const RATE: u32 = 1000;

/// Connections of `wrk` and of the stream.
const CONNECTIONS: u32 = 64;

/// Clients that never finish the head of their request.
const SLOW: usize = 500;

/// Measures and prints.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    println!("\n{}", table(workspace)?);
    Ok(())
}

/// Measures and writes the page.
pub(crate) fn record(workspace: &Workspace) -> Result<()> {
    let page = workspace.root.join(PAGE);
    // Before the minutes, not after them.
    Marked::find(&fs::read_to_string(&page)?, "load", PAGE)?;
    let table = table(workspace)?;
    let text = fs::read_to_string(&page)?;
    fs::write(&page, Marked::find(&text, "load", PAGE)?.with(&table))?;
    println!("\n{table}\n{PAGE} has it now");
    Ok(())
}

fn table(workspace: &Workspace) -> Result<String> {
    ensure!(wrk_is_there(), "`wrk` is not installed");
    let bench = Bench::prepare(workspace)?;
    let sync = bench.sync()?;
    let (mut bare, mut durable) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        bare.push(bench.bare(round)?);
        durable.push(bench.durable(round, 0)?);
    }
    let crowded = bench.durable(ROUNDS, SLOW)?;
    let stream = bench.stream(0)?;
    let crowded_stream = bench.stream(SLOW)?;

    let (bare, durable) = (median(bare)?, median(durable)?);
    let mut text = String::from(
        "| calls | answers/s | p50 ms | p99 ms | p99.9 ms | errors | lost |\n|---|---|---|---|---|---|---|\n",
    );
    let flood = format!("`wrk`, {CONNECTIONS} connections");
    let even = format!("{RATE}/s, evenly");
    for (name, measured) in [
        (format!("{flood}, a bare axum handler"), bare),
        (format!("{flood}, every answer durable"), durable),
        (format!("{flood}, durable, beside {SLOW} slow clients"), crowded),
        (format!("{even}, durable"), stream),
        (format!("{even}, durable, beside {SLOW} slow clients"), crowded_stream),
    ] {
        text.push_str(&measured.row(&name));
    }
    text.push_str(&format!(
        "\nDurable answers reach {:.2} of the bare handler's rate. A write of 4 KiB and its sync took {:.2} ms \
         (median of {SYNCS}) on that disk; the receiver's memory peaked at {:.0} MiB.\n",
        durable.rate / bare.rate,
        sync.as_secs_f64() * 1e3,
        durable.peak.max(crowded.peak) as f64 / f64::from(1 << 20),
    ));
    Ok(text)
}

/// `wrk -v` prints its version and ends with an error.
fn wrk_is_there() -> bool {
    Command::new("wrk").arg("-v").output().is_ok()
}

/// The figures of one run.
#[derive(Debug, Clone, Copy)]
struct Measured {
    rate: f64,
    p50: Duration,
    p99: Duration,
    p999: Duration,
    errors: u64,
    /// Calls answered as durable that the store does not know; `None` where
    /// there is no store.
    lost: Option<u64>,
    peak: u64,
}

impl Measured {
    fn row(&self, name: &str) -> String {
        let ms = |latency: Duration| latency.as_secs_f64() * 1e3;
        format!(
            "| {name} | {:.0} | {:.2} | {:.2} | {:.2} | {} | {} |\n",
            self.rate,
            ms(self.p50),
            ms(self.p99),
            ms(self.p999),
            self.errors,
            self.lost.map_or_else(String::new, |lost| lost.to_string()),
        )
    }
}

/// The run with the median rate; losses and errors are the sums of all runs.
fn median(mut spells: Vec<Measured>) -> Result<Measured> {
    spells.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    let mut middle = *spells.get(spells.len() / 2).context("nothing was measured")?;
    middle.errors = spells.iter().map(|spell| spell.errors).sum();
    middle.lost = middle.lost.map(|_| spells.iter().filter_map(|spell| spell.lost).sum());
    middle.peak = spells.iter().map(|spell| spell.peak).max().unwrap_or_default();
    Ok(middle)
}

/// So many writes are synced to learn what one costs.
const SYNCS: usize = 200;

/// The receiver's program, a folder for its stores, and `wrk`'s script.
struct Bench {
    program: PathBuf,
    folder: PathBuf,
    script: PathBuf,
}

impl Bench {
    fn prepare(workspace: &Workspace) -> Result<Self> {
        let build = ["build", "--release", "--package", "benches", "--bin", "receiver"];
        run::show(&mut run::cargo(&build))?;
        let folder = workspace.target.join("load");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder)?;
        Ok(Self {
            program: workspace.target.join("release/receiver"),
            folder,
            script: workspace.root.join("benches/peers/callbacks.lua"),
        })
    }

    fn bare(&self, round: u32) -> Result<Measured> {
        let server = Server::start(Command::new(&self.program).arg("bare"))?;
        let (measured, _) = self.wrk(&server, round)?;
        Ok(measured)
    }

    fn durable(&self, round: u32, slow: usize) -> Result<Measured> {
        let store = self.folder.join(format!("round-{round}.db"));
        let server = Server::start(Command::new(&self.program).arg("durable").arg(&store))?;
        let slow = Slow::attach(server.address, slow);
        let (mut measured, answered) = self.wrk(&server, round)?;
        measured.peak = server.peak();
        drop(slow);
        // Killed, not asked to end: what was answered is on the disk or lost.
        drop(server);
        let counted = run::output(Command::new(&self.program).arg("count").arg(&store))?;
        let known: u64 = counted.trim().parse().context("no count of orders")?;
        measured.lost = Some(answered.saturating_sub(known));
        forget(&store);
        Ok(measured)
    }

    fn stream(&self, slow: usize) -> Result<Measured> {
        let store = self.folder.join("stream.db");
        let server = Server::start(Command::new(&self.program).arg("durable").arg(&store))?;
        let slow = Slow::attach(server.address, slow);
        let mut streamed = paced(server.address, RATE, CONNECTIONS, STREAM)?;
        let peak = server.peak();
        drop(slow);
        drop(server);
        let lost = self.missing(&store, &streamed)?;
        forget(&store);
        Ok(Measured {
            rate: streamed.answered.len() as f64 / STREAM.as_secs_f64(),
            p50: streamed.percentile(0.5),
            p99: streamed.percentile(0.99),
            p999: streamed.percentile(0.999),
            errors: streamed.failed,
            lost: Some(lost),
            peak,
        })
    }

    /// How many answered calls the store does not know, by their numbers.
    fn missing(&self, store: &Path, streamed: &Paced) -> Result<u64> {
        let list = self.folder.join("answered.txt");
        fs::write(&list, streamed.answered.join("\n"))?;
        let mut command = Command::new(&self.program);
        command.arg("missing").arg(store).stdin(fs::File::open(&list)?);
        Ok(run::output(&mut command)?.lines().count() as u64)
    }

    /// Drives a server with `wrk`; what was measured, and how many calls were answered.
    fn wrk(&self, server: &Server, round: u32) -> Result<(Measured, u64)> {
        let mut wrk = Command::new("wrk");
        wrk.args(["--threads", "2", "--connections", &CONNECTIONS.to_string()]);
        wrk.args(["--duration", &format!("{}s", SPELL.as_secs())])
            .arg("--script")
            .arg(&self.script);
        wrk.arg(format!("http://{}", server.address)).arg("--").arg(round.to_string());
        let output = run::output(&mut wrk)?;
        let line = output.lines().find_map(|line| line.strip_prefix("measured "));
        let line = line.with_context(|| format!("`wrk` printed no figures: {output}"))?;
        let figures: Vec<u64> = line.split(' ').map(str::parse).collect::<Result<_, _>>()?;
        let &[requests, micros, errors, p50, p99, p999] = figures.as_slice() else {
            bail!("`wrk` printed other figures: {line}");
        };
        let measured = Measured {
            rate: requests as f64 / Duration::from_micros(micros).as_secs_f64(),
            p50: Duration::from_micros(p50),
            p99: Duration::from_micros(p99),
            p999: Duration::from_micros(p999),
            errors,
            lost: None,
            peak: 0,
        };
        println!("{:.0} answers/s, p99 {:.2} ms", measured.rate, p99 as f64 / 1e3);
        Ok((measured, requests.saturating_sub(errors)))
    }

    /// What a synced write costs on this disk, in the middle of many.
    fn sync(&self) -> Result<Duration> {
        let path = self.folder.join("sync");
        let mut file = fs::File::create(&path)?;
        let mut took = Vec::with_capacity(SYNCS);
        for _ in 0..SYNCS {
            let begun = Instant::now();
            file.write_all(&[0; 4096])?;
            file.sync_data()?;
            took.push(begun.elapsed());
        }
        took.sort();
        fs::remove_file(&path)?;
        took.get(SYNCS / 2).copied().context("nothing was synced")
    }
}

/// Leaves nothing of a store.
fn forget(store: &Path) {
    for ending in ["", "-wal", "-shm", "-inbox", "-inbox-wal", "-inbox-shm"] {
        let _ = fs::remove_file(format!("{}{ending}", store.display()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spell(rate: f64, errors: u64, lost: Option<u64>) -> Measured {
        let at = Duration::from_millis(1);
        Measured { rate, p50: at, p99: at, p999: at, errors, lost, peak: 0 }
    }

    #[test]
    fn the_middle_counts_and_no_loss_is_hidden() {
        let spells = [spell(3.0, 1, Some(0)), spell(1.0, 0, Some(2)), spell(2.0, 4, Some(0))];
        let middle = median(spells.to_vec()).unwrap();
        assert_eq!((middle.rate, middle.errors, middle.lost), (2.0, 5, Some(2)));
        assert_eq!(median(vec![spell(1.0, 0, None)]).unwrap().lost, None);
    }
}
