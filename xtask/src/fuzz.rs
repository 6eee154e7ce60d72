//! Runs the fuzz targets of `fuzz/`, on stable Rust and without cargo-fuzz.
//!
//! The targets are ordinary programs, instrumented by flags that stable rustc
//! takes, and linked with libFuzzer, which is built from its C++ source. With
//! `--asan` nightly adds the address sanitizer; nothing here is `unsafe`, so
//! that looks at the libraries only.

mod figures;
mod seeds;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};

use crate::{run, workspace::Workspace};
use figures::Figures;

/// One target: its name, the folder of fixtures it starts from, and the longest
/// input worth trying.
struct Target {
    name: &'static str,
    fixtures: &'static str,
    longest: usize,
}

const TARGETS: [Target; 7] = [
    Target { name: "container", fixtures: "archives", longest: 64 * 1024 },
    Target { name: "decode", fixtures: "records", longest: 64 * 1024 },
    Target { name: "records", fixtures: "records", longest: 4096 },
    Target { name: "envelope", fixtures: "answers", longest: 4096 },
    Target { name: "list", fixtures: "answers", longest: 4096 },
    Target { name: "times", fixtures: "answers", longest: 300 },
    // One more than a query may have.
    Target { name: "callback", fixtures: "callbacks", longest: 8193 },
];

/// How long each target runs in `cargo xtask ci`.
const SMOKE_SECONDS: u64 = 8;

/// How long each target runs where nobody said.
const SECONDS: u64 = 60;

const LIMITS: [&str; 3] = ["-timeout=10", "-rss_limit_mb=512", "-malloc_limit_mb=64"];

const COVERAGE: [&str; 7] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "--cfg=fuzzing",
    "-Ccodegen-units=1",
];

/// `cargo xtask fuzz [--seconds N] [--asan] [TARGET…]`
pub(crate) fn run(workspace: &Workspace, arguments: &[&str]) -> Result<()> {
    let plan = Plan::parse(arguments)?;
    ensure!(has_cpp(), "libFuzzer is built by a C++ compiler, and there is none: see CXX");
    for line in plan.perform(workspace)? {
        println!("{line}");
    }
    Ok(())
}

/// Each target for a few seconds; returns the lines worth repeating.
pub(crate) fn smoke(workspace: &Workspace) -> Result<Vec<String>> {
    if !has_cpp() {
        let skipped = "no C++ compiler, so no libFuzzer: the fuzz targets were NOT run";
        println!("  {skipped}");
        return Ok(vec![skipped.to_owned()]);
    }
    let manifest = manifest(workspace);
    let manifest = manifest.to_str().context("the checkout's path is not UTF-8")?;
    run::show(&mut run::cargo(&["fmt", "--manifest-path", manifest, "--check"]))?;
    let mut clippy = run::cargo(&["clippy", "--manifest-path", manifest, "--all-targets"]);
    clippy.arg("--target-dir").arg(target_folder(workspace));
    run::show(clippy.args(["--", "-D", "warnings"]))?;
    Plan { seconds: SMOKE_SECONDS, asan: false, targets: TARGETS.iter().collect() }
        .perform(workspace)
}

/// What to run, and for how long.
struct Plan {
    seconds: u64,
    asan: bool,
    targets: Vec<&'static Target>,
}

impl Plan {
    fn parse(arguments: &[&str]) -> Result<Self> {
        let mut plan = Self { seconds: SECONDS, asan: false, targets: Vec::new() };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match *argument {
                "--asan" => plan.asan = true,
                "--seconds" => {
                    let seconds = arguments.next().context("--seconds needs a number")?;
                    plan.seconds =
                        seconds.parse().with_context(|| format!("`{seconds}` is no number"))?;
                }
                name => {
                    let target = TARGETS.iter().find(|target| target.name == name);
                    plan.targets.push(target.with_context(|| {
                        let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
                        format!("no target `{name}`: there are {}", names.join(", "))
                    })?);
                }
            }
        }
        if plan.targets.is_empty() {
            plan.targets = TARGETS.iter().collect();
        }
        Ok(plan)
    }

    /// Builds, runs one after the other, and returns the table of figures.
    fn perform(&self, workspace: &Workspace) -> Result<Vec<String>> {
        let programs = self.build(workspace)?;
        let mut table = vec![figures::HEAD.to_owned(), figures::RULE.to_owned()];
        let mut crashed = Vec::new();
        for target in &self.targets {
            let seeds = seeds::write(workspace, target)?;
            println!("  {}: {seeds} seeds, {} s", target.name, self.seconds);
            let (figures, ok) = self.fuzz(workspace, target, &programs)?;
            table.push(figures.row(target.name, ok));
            if !ok {
                crashed.push(target.name);
            }
        }
        if !crashed.is_empty() {
            table.iter().for_each(|line| println!("{line}"));
            bail!("{}: see fuzz/README.md for what to do with an input", crashed.join(", "));
        }
        Ok(table)
    }

    /// Returns the folder of the built programs.
    fn build(&self, workspace: &Workspace) -> Result<PathBuf> {
        let host = host()?;
        let folder = target_folder(workspace);
        let mut flags = COVERAGE.join(" ");
        let mut command = if self.asan {
            flags += " -Zsanitizer=address";
            let mut command = Command::new("cargo");
            command.arg("+nightly");
            command.args(["build", "--release", "--bins"]);
            command
        } else {
            run::cargo(&["build", "--release", "--bins"])
        };
        let folder = if self.asan { folder.join("asan") } else { folder };
        command.arg("--manifest-path").arg(manifest(workspace));
        // With a target named, build scripts and macros are not instrumented.
        command.args(["--target", &host]).arg("--target-dir").arg(&folder);
        command.env("RUSTFLAGS", flags).env_remove("CARGO_ENCODED_RUSTFLAGS");
        run::show(&mut command)?;
        Ok(folder.join(host).join("release"))
    }

    /// Runs one target; `false` where an input was found that must not be.
    fn fuzz(
        &self,
        workspace: &Workspace,
        target: &Target,
        programs: &Path,
    ) -> Result<(Figures, bool)> {
        let folder = workspace.root.join("fuzz");
        let artifacts = folder.join("artifacts").join(target.name);
        fs::create_dir_all(&artifacts)?;
        let mut command = Command::new(programs.join(target.name));
        // New inputs go to the first folder; all files of both are run first.
        command.arg(folder.join("corpus").join(target.name));
        let regressions = folder.join("regressions").join(target.name);
        if regressions.is_dir() {
            command.arg(regressions);
        }
        if self.seconds == 0 {
            command.arg("-runs=0");
        } else {
            command.arg(format!("-max_total_time={}", self.seconds));
        }
        command.arg(format!("-max_len={}", target.longest)).args(LIMITS);
        let dictionary = folder.join("dictionaries").join(format!("{}.dict", target.name));
        command.arg(format!("-dict={}", dictionary.display()));
        command.arg(format!("-artifact_prefix={}/", artifacts.display()));
        command.arg("-print_final_stats=1").stdout(Stdio::null()).stderr(Stdio::piped());
        let output = command.output().with_context(|| format!("cannot start {}", target.name))?;
        let log = String::from_utf8_lossy(&output.stderr);
        let ok = output.status.success();
        if !ok {
            println!("{log}");
        }
        let figures = Figures::read(&log);
        ensure!(!ok || figures.executions > 0, "{} executed nothing", target.name);
        Ok((figures, ok))
    }
}

fn manifest(workspace: &Workspace) -> PathBuf {
    workspace.root.join("fuzz").join("Cargo.toml")
}

fn target_folder(workspace: &Workspace) -> PathBuf {
    workspace.target.join("fuzz")
}

/// Whether the compiler is there that libFuzzer's build asks for.
fn has_cpp() -> bool {
    let compiler = env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
    run::is_there(&compiler, &["--version"])
}

/// The triple of this machine.
fn host() -> Result<String> {
    let version = run::output(Command::new("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("`rustc -vV` names no host")?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_say_what_to_run_and_for_how_long() {
        let plan = Plan::parse(&["--seconds", "5", "decode", "--asan"]).unwrap();
        let names: Vec<_> = plan.targets.iter().map(|target| target.name).collect();
        assert_eq!((plan.seconds, plan.asan, names), (5, true, vec!["decode"]));
        assert_eq!(Plan::parse(&[]).unwrap().targets.len(), TARGETS.len());
        assert!(Plan::parse(&["other"]).is_err());
        assert!(Plan::parse(&["--seconds", "x"]).is_err());
    }

    #[test]
    fn every_target_is_declared_and_has_its_dictionary() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        assert_eq!(manifest.matches("[[bin]]").count(), TARGETS.len());
        for target in &TARGETS {
            let program = format!("path = \"fuzz_targets/{}.rs\"", target.name);
            assert!(manifest.contains(&program), "{program}");
            assert!(folder.join(format!("dictionaries/{}.dict", target.name)).is_file());
        }
    }
}
