//! Deterministic simulation: our engine, our callback service, our store and a
//! vendor in one process, with virtual time, under a seeded schedule of faults.
//!
//! A seed is a life, and the same seed lives the same life. `cargo xtask simulate`
//! runs this program; docs/reliability.md says what came out.
#![expect(clippy::print_stdout, reason = "printing is what this program is for")]

mod arguments;
mod calls;
mod chance;
mod check;
mod clock;
mod disk;
mod fault;
mod life;
mod logs;
mod mutation;
mod plan;
mod power;
mod process;
mod report;
mod run;
mod shelves;
mod stage;
mod store;
mod window;
mod wire;
mod witness;

use std::process::ExitCode;

use anyhow::Result;

use crate::{
    arguments::{Arguments, HELP, Task},
    mutation::Mutation,
};

fn main() -> ExitCode {
    match Arguments::parse(std::env::args().skip(1)).and_then(|arguments| perform(&arguments)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("error: {error:#}\n\n{HELP}");
            ExitCode::FAILURE
        }
    }
}

/// Does what is asked; whether all is as it must be.
fn perform(arguments: &Arguments) -> Result<bool> {
    match arguments.task {
        Task::Help => print!("{HELP}"),
        Task::Lives => return lives(arguments),
        Task::One(seed) => return one(seed, arguments),
        Task::Mutations => return mutations(arguments),
    }
    Ok(true)
}

fn lives(arguments: &Arguments) -> Result<bool> {
    let lives = run::lives(arguments)?;
    print!("{}", report::table(&lives));
    println!(
        "{} of {} seeds from {} passed, {} of them lived twice with the same digest",
        lives.lived - lives.failed.len() as u64,
        lives.lived,
        arguments.from,
        lives.twice,
    );
    Ok(lives.failed.is_empty())
}

fn one(seed: u64, arguments: &Arguments) -> Result<bool> {
    let outcome = run::one(seed, arguments.store, arguments.mutation, arguments.trace)?;
    outcome.lines.iter().for_each(|line| println!("{line}"));
    outcome.violations.iter().for_each(|violation| println!("! {violation}"));
    println!(
        "seed {seed}: {} violations, digest {:016x}",
        outcome.violations.len(),
        outcome.digest
    );
    Ok(outcome.violations.is_empty())
}

fn mutations(arguments: &Arguments) -> Result<bool> {
    let found = run::mutations(arguments)?;
    println!("| broken on purpose | first seed that fails | found as |");
    println!("|---|---:|---|");
    for (mutation, failed) in Mutation::ALL.iter().zip(&found) {
        let (seed, violation) = match failed {
            Some(failed) => {
                (failed.seed.to_string(), failed.violations.first().cloned().unwrap_or_default())
            }
            None => ("none".to_owned(), format!("nothing within {} seeds", arguments.within)),
        };
        println!("| `{}`: {} | {seed} | {violation} |", mutation.as_str(), mutation.what());
    }
    let missed = found.iter().filter(|failed| failed.is_none()).count();
    println!(
        "{} of {} mutations found within {} seeds",
        found.len() - missed,
        found.len(),
        arguments.within
    );
    Ok(missed == 0)
}
