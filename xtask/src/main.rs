//! The project's own tasks: one command that checks everything, and the parts it is made of.
#![expect(clippy::print_stdout, reason = "printing is what this program is for")]

mod bench;
mod ci;
mod corpus;
mod crates_table;
mod demo;
mod examples;
mod features;
mod fixtures;
mod flips;
mod fuzz;
mod growth;
mod guarantees;
mod instructions;
mod layers;
mod lints;
mod load;
mod lockfile;
mod marked;
mod memory;
mod report;
mod run;
mod rust_text;
mod scripts;
mod simulate;
mod soak;
mod tree;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::{report::Report, workspace::Workspace};

const HELP: &str = "\
cargo xtask TASK

  ci [STEP…]            every check, in order, up to the first failure; or only the named steps
  ci --list             the steps of `ci`
  layers                who may use whom, and the other rules of docs/architecture.md
  fixtures              every file under fixtures/ is listed with what it proves
  features              each crate alone, with each of its features alone
  crates-table [--fix]  the crate tables of the READMEs agree with the manifests
  guarantees            the tests that the pages name exist
  readme-demo [--fix]   the READMEs show what `qcc demo` prints
  examples [--fix]      the commands of the READMEs and of docs run, and print what the pages show
  scripts               shell, Python and Node scripts parse
  growth [--to RECORDS] time per applied record as the table grows, into docs/performance.md
  load [--record]       callbacks a second, each durable before its answer; needs wrk
  bench [RECORDS]       time and peak memory beside the peers; a million records go to docs/performance.md
  instructions [--fix]  instructions of each stage of reading, compared with those kept
  corpus DIR            archives of other hands, read and compared with their manifests
  flips FILE --password P [--entry E]
                        every single-bit flip and every beginning of one archive
  fuzz [--seconds N] [--asan] [TARGET…]
                        the fuzz targets, or some of them; 60 s each, unless told otherwise
  soak [--kills N [--seed N]]
                        kill the daemon 700 times, or N, and compare its table; writes docs/reliability.md
  simulate [OPTIONS]    seeded lives of the whole receiver under faults; `simulate --help` tells more
  help                  this text
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
        ["features"] => features::check(&Workspace::load()?)?,
        ["crates-table"] => finish(crates_table::check(&Workspace::load()?)?)?,
        ["crates-table", "--fix"] => crates_table::fix(&Workspace::load()?)?,
        ["guarantees"] => finish(guarantees::check(&Workspace::load()?)?)?,
        ["readme-demo"] => finish(demo::check(&Workspace::load()?)?)?,
        ["readme-demo", "--fix"] => demo::fix(&Workspace::load()?)?,
        ["examples"] => finish(examples::check(&Workspace::load()?)?)?,
        ["examples", "--fix"] => examples::fix(&Workspace::load()?)?,
        ["bench"] => bench::run(&Workspace::load()?, None)?,
        ["bench", records] => bench::run(&Workspace::load()?, Some(records))?,
        ["load"] => load::run(&Workspace::load()?)?,
        ["load", "--record"] => load::record(&Workspace::load()?)?,
        ["bench-stage", stage, file] => bench::stage(stage, file)?,
        ["instructions"] => instructions::check(&Workspace::load()?)?,
        ["instructions", "--fix"] => instructions::fix(&Workspace::load()?)?,
        ["growth"] => growth::run(&Workspace::load()?, None)?,
        ["growth", "--to", records] => growth::run(&Workspace::load()?, Some(records))?,
        ["corpus", folder] => corpus::run(folder.as_ref())?,
        ["flips", file, "--password", password] => flips::run(file.as_ref(), password, None)?,
        ["flips", file, "--password", password, "--entry", entry] => {
            flips::run(file.as_ref(), password, Some(entry))?;
        }
        ["fuzz", arguments @ ..] => fuzz::run(&Workspace::load()?, arguments)?,
        ["soak", arguments @ ..] => soak::run(&Workspace::load()?, arguments)?,
        ["simulate", options @ ..] => simulate::run(&Workspace::load()?, options)?,
        ["scripts"] => finish(scripts::check(&Workspace::load()?)?)?,
        other => bail!("no task `{}`\n\n{HELP}", other.join(" ")),
    }
    Ok(())
}

fn finish(report: Report) -> Result<()> {
    report.print();
    report.into_result()
}
