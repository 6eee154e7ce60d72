//! Measurements: time, memory and instructions of the program and its parts, and
//! collections of archives with known content.
#![expect(clippy::print_stdout, reason = "printing is what this program is for")]

mod bench;
mod corpus;
mod growth;
mod instructions;
mod load;
mod memory;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::workspace::Workspace;

const HELP: &str = "\
cargo measure TASK

  bench [RECORDS]       time and peak memory next to the peers; with a million records (the
                        default) the table in docs/performance.md is rewritten
  instructions [--fix]  instructions of each stage of reading, compared with the counts kept
                        in benches/instructions.txt; needs valgrind
  growth [--to RECORDS] time per applied record as the table grows; rewrites its table in
                        docs/performance.md
  load [--record]       callbacks per second, each durable before its answer; needs wrk;
                        --record rewrites the table in docs/reliability.md
  corpus DIR            reads archives written by other programs and compares the result with
                        their manifests
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
        ["bench"] => bench::run(&Workspace::find()?, None)?,
        ["bench", records] => bench::run(&Workspace::find()?, Some(records))?,
        ["bench-stage", stage, file] => bench::stage(stage, file)?,
        ["instructions"] => instructions::check(&Workspace::find()?)?,
        ["instructions", "--fix"] => instructions::fix(&Workspace::find()?)?,
        ["growth"] => growth::run(&Workspace::find()?, None)?,
        ["growth", "--to", records] => growth::run(&Workspace::find()?, Some(records))?,
        ["load"] => load::run(&Workspace::find()?)?,
        ["load", "--record"] => load::record(&Workspace::find()?)?,
        ["corpus", folder] => corpus::run(folder.as_ref())?,
        other => bail!("there is no task `{}`\n\n{HELP}", other.join(" ")),
    }
    Ok(())
}
