//! Every check in one command, on a developer's machine as in the hosted workflow.

use std::{
    env,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};

use crate::{
    api, demo, examples, features, fixtures, fuzz, guarantees, layers, packages, report::Report,
    run, simulate, tables, tools, workspace::Workspace,
};

/// A step returns the lines worth repeating at the end.
type Closing = Vec<String>;

/// One step: its name, what it does, and the doing.
type Step = (&'static str, &'static str, fn(&Workspace) -> Result<Closing>);

/// Quick checks first. Steps that share what they build follow one another.
const STEPS: &[Step] = &[
    ("format", "every file is formatted", format),
    ("layers", "which crate may use which, and the other rules", |w| report(layers::check(w)?)),
    ("fixtures", "every fixture is listed", |w| report(fixtures::check(w)?)),
    ("tables", "the tables of crates agree with the manifests", |w| report(tables::check(w)?)),
    ("guarantees", "the tests that the pages name exist", |w| report(guarantees::check(w)?)),
    ("packages", "each crate packs, with licences and metadata", |w| report(packages::check(w)?)),
    ("tools", "cargo-deny, typos and others, where they are installed", tools::check),
    ("lints", "clippy, every crate and target, warnings are faults", lints),
    ("docs", "the documentation builds, links and all", docs),
    ("api", "the public API is the listed one, without types below 1.0", |w| {
        report(api::check(w)?)
    }),
    ("tests", "unit and behaviour tests", tests),
    ("doctests", "the examples in the documentation", doctests),
    ("simulate", "thousands of seeded runs under faults", |_| simulate::check()),
    ("demo", "the READMEs show what `qcc demo` prints", |w| report(demo::check(w)?)),
    ("examples", "the commands of the documents run", |w| report(examples::check(w)?)),
    ("fuzz", "each fuzz target for a few seconds, past findings included", fuzz::smoke),
    ("features", "each crate alone, with each feature alone", features::check),
];

/// Prints the steps.
pub(crate) fn list() {
    for (name, what, _) in STEPS {
        println!("{name:<10} {what}");
    }
}

/// Runs the named steps, or all; stops at the first that fails.
pub(crate) fn run(wanted: &[&str]) -> Result<()> {
    if let Some(unknown) = wanted.iter().find(|name| STEPS.iter().all(|(step, ..)| step != *name)) {
        bail!("no step `{unknown}`; `cargo xtask ci --list` names them");
    }
    let workspace = Workspace::load()?;
    env::set_current_dir(&workspace.root)?;
    let steps: Vec<_> =
        STEPS.iter().filter(|(name, ..)| wanted.is_empty() || wanted.contains(name)).collect();
    let mut summary = Summary::default();
    for (number, (name, what, perform)) in (1..).zip(&steps) {
        println!("\n[{number}/{}] {name}: {what}", steps.len());
        let started = Instant::now();
        let outcome = perform(&workspace);
        summary.add(name, started.elapsed(), &outcome);
        match outcome {
            Ok(_) => println!("[{number}/{}] {name}: ok", steps.len()),
            Err(error) => {
                println!("[{number}/{}] {name}: FAILED: {error:#}", steps.len());
                summary.print(steps.len());
                bail!("ci stopped at `{name}`; `cargo xtask ci {name}` repeats this step alone");
            }
        }
    }
    summary.print(steps.len());
    Ok(())
}

#[derive(Default)]
struct Summary {
    rows: Vec<(&'static str, Duration, bool)>,
    closing: Vec<String>,
}

impl Summary {
    fn add(&mut self, name: &'static str, took: Duration, outcome: &Result<Closing>) {
        self.rows.push((name, took, outcome.is_ok()));
        let lines = outcome.iter().flatten();
        self.closing.extend(lines.map(|line| format!("{name}: {line}")));
    }

    fn print(&self, steps: usize) {
        println!("\nstep         seconds");
        for (name, took, ok) in &self.rows {
            let verdict = if *ok { "ok" } else { "FAILED" };
            println!("{name:<10} {:>9.1}  {verdict}", took.as_secs_f64());
        }
        let total: Duration = self.rows.iter().map(|(_, took, _)| *took).sum();
        let passed = self.rows.iter().filter(|(_, _, ok)| *ok).count();
        println!("{:<10} {:>9.1}  {passed} of {steps} steps", "total", total.as_secs_f64());
        for line in &self.closing {
            println!("{line}");
        }
    }
}

/// What a report skipped is worth repeating at the end.
fn report(report: Report) -> Result<Closing> {
    report.print();
    let skipped = report.skipped();
    report.into_result()?;
    Ok(skipped)
}

fn silent(outcome: Result<()>) -> Result<Closing> {
    outcome.map(|()| Closing::new())
}

fn format(_: &Workspace) -> Result<Closing> {
    silent(run::show(&mut run::cargo(&["fmt", "--all", "--check"])))
}

fn lints(_: &Workspace) -> Result<Closing> {
    let mut command = run::cargo(&["clippy", "--workspace", "--all-targets", "--all-features"]);
    silent(run::show(command.args(["--", "-D", "warnings"])))
}

fn docs(_: &Workspace) -> Result<Closing> {
    let mut command = run::cargo(&["doc", "--no-deps", "--workspace", "--all-features"]);
    silent(run::show(command.env("RUSTDOCFLAGS", "-D warnings")))
}

fn tests(_: &Workspace) -> Result<Closing> {
    let nextest = run::is_there("cargo", &["nextest", "--version"]);
    println!("runner: {}", if nextest { "cargo nextest" } else { "cargo test (no nextest here)" });
    let mut command = if nextest {
        run::cargo(&["nextest", "run", "--workspace", "--all-features", "--no-fail-fast"])
    } else {
        run::cargo(&["test", "--workspace", "--all-features", "--tests", "--no-fail-fast"])
    };
    run_tests(&mut command)
}

fn doctests(_: &Workspace) -> Result<Closing> {
    run_tests(&mut run::cargo(&["test", "--doc", "--workspace", "--all-features"]))
}

/// Runs tests and keeps the closing lines of the runner.
fn run_tests(command: &mut std::process::Command) -> Result<Closing> {
    let lines = run::show_and_keep(command, |line| {
        line.starts_with("Summary [") || line.starts_with("test result:")
    })?;
    Ok(closing(lines))
}

/// nextest prints one sum; `cargo test` prints one for each binary.
fn closing(lines: Vec<String>) -> Closing {
    let results: Vec<_> =
        lines.iter().filter_map(|line| line.strip_prefix("test result:")).collect();
    if results.is_empty() {
        return lines;
    }
    let count = |what: &str| -> u64 {
        let numbers = results
            .iter()
            .flat_map(|line| line.split(['.', ';']))
            .filter_map(|part| part.trim().strip_suffix(what)?.trim().parse::<u64>().ok());
        numbers.sum()
    };
    let (passed, failed, ignored) = (count("passed"), count("failed"), count("ignored"));
    let binaries = results.len();
    vec![format!("{passed} passed; {failed} failed; {ignored} ignored; in {binaries} binaries")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_many_binaries_are_summed() {
        let line = "test result: ok. 3 passed; 1 failed; 0 ignored; 0 measured; 2 filtered out";
        let lines = vec![line.to_owned(), line.to_owned()];
        assert_eq!(closing(lines), ["6 passed; 2 failed; 0 ignored; in 2 binaries"]);
    }

    #[test]
    fn a_runner_that_sums_up_is_quoted() {
        let line = "Summary [ 1.0s] 7 tests run: 7 passed, 0 skipped".to_owned();
        assert_eq!(closing(vec![line.clone()]), [line]);
    }

    #[test]
    fn step_names_are_unique() {
        let mut names: Vec<_> = STEPS.iter().map(|(name, ..)| name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), STEPS.len());
    }
}
