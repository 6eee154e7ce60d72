//! The project's own tasks: one command that runs every check, and each check alone.
#![expect(clippy::print_stdout, reason = "printing is what this program is for")]

mod api;
mod ci;
mod demo;
mod examples;
mod features;
mod fixtures;
mod fuzz;
mod guarantees;
mod layers;
mod packages;
mod report;
mod simulate;
mod soak;
mod tables;
mod tools;
mod tree;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};
use xtask::{marked, run};

use crate::{report::Report, workspace::Workspace};

const HELP: &str = "\
cargo xtask TASK

  ci [STEP…]            every check, in order, up to the first failure; or only the named steps
  ci --list             the steps of `ci`
  layers                which crate may use which, and the other rules of docs/architecture.md
  fixtures              every file under fixtures/ is listed with what it proves
  features              each crate alone, with each of its features alone
  tables [--fix]        the tables of crates agree with the manifests and the counts
  guarantees            the tests that the pages name exist
  tools                 cargo-deny, typos and others, where they are installed
  api [--fix]           the public API of each crate is the one listed in docs/api
  packages              each crate packs, with its licences and metadata
  packages --test [CRATE…]
                        the tests pass in the unpacked packages
  readme-demo [--fix]   the READMEs show what `qcc demo` prints
  examples [--fix]      the commands of the READMEs and of docs run, and print what the pages show
  fuzz [--seconds N] [--asan] [TARGET…]
                        the fuzz targets, or some of them; 60 s each by default
  soak [--kills N [--seed N]]
                        kills the daemon 700 times, or N, and compares its table; writes
                        docs/reliability.md
  simulate [OPTIONS]    seeded runs of the whole receiver under faults; see `simulate --help`
  help                  this text

Measurements are in `cargo measure`.
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match perform(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform(arguments: &[&str]) -> Result<()> {
    match arguments {
        [] | ["help" | "--help" | "-h"] => print!("{HELP}"),
        ["ci", "--list"] => ci::list(),
        ["ci", steps @ ..] => ci::run(steps)?,
        ["layers"] => finish(layers::check(&Workspace::load()?)?)?,
        ["fixtures"] => finish(fixtures::check(&Workspace::load()?)?)?,
        ["features"] => drop(features::check(&Workspace::load()?)?),
        ["tables"] => finish(tables::check(&Workspace::load()?)?)?,
        ["tables", "--fix"] => tables::fix(&Workspace::load()?)?,
        ["tools"] => drop(tools::check(&Workspace::load()?)?),
        ["api"] => finish(api::check(&Workspace::load()?)?)?,
        ["api", "--fix"] => api::fix(&Workspace::load()?)?,
        ["packages"] => finish(packages::check(&Workspace::load()?)?)?,
        ["packages", "--test", names @ ..] => packages::test(&Workspace::load()?, names)?,
        ["guarantees"] => finish(guarantees::check(&Workspace::load()?)?)?,
        ["readme-demo"] => finish(demo::check(&Workspace::load()?)?)?,
        ["readme-demo", "--fix"] => demo::fix(&Workspace::load()?)?,
        ["examples"] => finish(examples::check(&Workspace::load()?)?)?,
        ["examples", "--fix"] => examples::fix(&Workspace::load()?)?,
        ["fuzz", arguments @ ..] => drop(fuzz::run(&Workspace::load()?, arguments)?),
        ["soak", arguments @ ..] => soak::run(&Workspace::load()?, arguments)?,
        ["simulate", options @ ..] => simulate::run(&Workspace::load()?, options)?,
        other => bail!("there is no task `{}`\n\n{HELP}", other.join(" ")),
    }
    Ok(())
}

fn finish(report: Report) -> Result<()> {
    report.print();
    report.into_result()
}
