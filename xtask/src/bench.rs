//! How fast and how large: the released program on one simulated order.
//!
//! Whole runs of `qcc`, start and end included, as a user has them. Each is
//! repeated and the fastest counts, since everything else on the machine only
//! ever makes it slower.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

use crate::{memory, run, workspace::Workspace};

/// The most records the simulated order may have, unless told otherwise.
const RECORDS: u32 = 500_000;

/// How often each stage runs.
const ROUNDS: u32 = 3;

/// Measures decode, parse and apply.
pub(crate) fn run(workspace: &Workspace, records: Option<&str>) -> Result<()> {
    let most = match records {
        Some(text) => text.parse().with_context(|| format!("`{text}` is no number of records"))?,
        None => RECORDS,
    };
    run::show(&mut run::cargo(&["build", "--release", "--package", "qcc-cli"]))?;
    let bench = Bench::prepare(workspace, most)?;
    let decode = bench.best(|| bench.on_archive(&["archive", "cat"]))?;
    let parse = bench.best(|| bench.on_archive(&["archive", "records", "--count"]))?;
    let apply = bench.best(|| {
        bench.forget_store();
        bench.qcc(&["sync"])
    })?;
    let (packed, plain) = bench.sizes()?;
    println!(
        "\n{} records, {:.1} MB of JSON in an archive of {:.1} MB; the best of {ROUNDS}\n",
        bench.records,
        megabytes(plain),
        megabytes(packed),
    );
    println!("| stage | command | seconds | records/s | MB of JSON/s | peak MiB |");
    println!("|---|---|---|---|---|---|");
    for (stage, command, run) in [
        ("decode", "qcc archive cat", decode),
        ("decode and parse", "qcc archive records --count", parse),
        ("fetch, decode, parse and apply", "qcc sync", apply),
    ] {
        let seconds = run.took.as_secs_f64();
        println!(
            "| {stage} | `{command}` | {seconds:.2} | {:.0} | {:.0} | {} |",
            f64::from(bench.records) / seconds,
            megabytes(plain) / seconds,
            run.peak.map_or_else(|| "?".to_owned(), |peak| format!("{:.0}", mebibytes(peak))),
        );
    }
    Ok(())
}

/// A vendor at work, and one of its archives at hand.
struct Bench {
    program: PathBuf,
    folder: PathBuf,
    environment: Vec<(String, String)>,
    archive: PathBuf,
    records: u32,
    _vendor: Vendor,
}

impl Bench {
    fn prepare(workspace: &Workspace, most: u32) -> Result<Self> {
        let program = workspace.target.join("release").join("qcc");
        let folder = workspace.target.join("bench");
        fs::create_dir_all(&folder)?;
        let archive = folder.join("order.zip");
        let (vendor, environment) = Vendor::start(&program, most)?;
        let mut bench = Self { program, folder, environment, archive, records: 0, _vendor: vendor };
        let listed = run::output(&mut bench.qcc(&["orders", "list"]))?;
        let order = listed
            .split(|c: char| !c.is_ascii_alphanumeric())
            .find(|word| word.starts_with("DDMON"))
            .context("the simulated vendor lists no order")?;
        let mut fetch = bench.qcc(&["orders", "fetch", order]);
        run::show(
            fetch.arg("--output").arg(&bench.archive).arg("--password-out").arg(bench.password()),
        )?;
        let mut count = bench.on_archive(&["archive", "records", "--count"]);
        bench.records = run::output(&mut count)?
            .split(|c: char| !c.is_ascii_digit() && c != ',')
            .find_map(|word| word.replace(',', "").parse().ok())
            .context("`qcc archive records --count` printed no number")?;
        ensure!(bench.records > 0, "the simulated order is empty");
        Ok(bench)
    }

    fn password(&self) -> PathBuf {
        self.folder.join("password")
    }

    fn store(&self) -> PathBuf {
        self.folder.join("bench.db")
    }

    /// The program, told where vendor, store and password are.
    fn qcc(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).envs(self.environment.iter().cloned());
        command.env("QCC_STORE", format!("sqlite:{}", self.store().display()));
        command.env("QCC_ARCHIVE_DIR", self.folder.join("archives"));
        if let Ok(password) = fs::read_to_string(self.password()) {
            command.env("QCC_ARCHIVE_PASSWORD", password.trim_end());
        }
        command.current_dir(&self.folder);
        command
    }

    /// The same with the archive as the last argument.
    fn on_archive(&self, arguments: &[&str]) -> Command {
        let mut command = self.qcc(arguments);
        command.arg(&self.archive);
        command
    }

    /// Leaves no store, so that the next run applies everything.
    fn forget_store(&self) {
        for ending in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(format!("{}{ending}", self.store().display()));
        }
        let _ = fs::remove_dir_all(self.folder.join("archives"));
    }

    fn sizes(&self) -> Result<(u64, u64)> {
        let packed = fs::metadata(&self.archive)?.len();
        let mut child = self.on_archive(&["archive", "cat"]).stdout(Stdio::piped()).spawn()?;
        let mut content = child.stdout.take().context("the program has no output")?;
        let plain = std::io::copy(&mut content, &mut std::io::sink())?;
        child.wait()?;
        Ok((packed, plain))
    }

    fn best(&self, mut command: impl FnMut() -> Command) -> Result<Measured> {
        let mut best: Option<Measured> = None;
        for _ in 0..ROUNDS {
            let measured = measure(&mut command())?;
            best = Some(match best {
                Some(best) if best.took <= measured.took => best,
                _ => measured,
            });
        }
        best.context("no round was run")
    }
}

/// One run of a program.
#[derive(Clone, Copy)]
struct Measured {
    took: Duration,
    /// Peak resident memory in bytes, where the system tells.
    peak: Option<u64>,
}

fn measure(command: &mut Command) -> Result<Measured> {
    let started = Instant::now();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let mut peak = None;
    loop {
        // The peak only grows, so the last look before the end comes close.
        peak = memory::peak(child.id()).or(peak);
        if let Some(exit) = child.try_wait()? {
            if !exit.success() {
                bail!("{command:?} ended with {exit}");
            }
            return Ok(Measured { took: started.elapsed(), peak });
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// A simulated vendor in a process of its own; ends when dropped.
struct Vendor(Child);

impl Vendor {
    /// Starts it and reads the settings it prints.
    fn start(program: &Path, most: u32) -> Result<(Self, Vec<(String, String)>)> {
        let most = most.to_string();
        let mut child = Command::new(program)
            .args(["sim", "--listen", "127.0.0.1:0", "--orders", "1", "--records", &most])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let output = child.stdout.take().context("the simulated vendor has no output")?;
        let vendor = Self(child);
        let mut environment = Vec::new();
        for line in BufReader::new(output).lines() {
            if let Some((name, value)) = line?.split_once('=') {
                environment.push((name.to_owned(), value.to_owned()));
            }
            if environment.iter().any(|(name, _)| name == "QCC_SECRET_KEY") {
                return Ok((vendor, environment));
            }
        }
        bail!("the simulated vendor ended before it said where it listens")
    }
}

impl Drop for Vendor {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
