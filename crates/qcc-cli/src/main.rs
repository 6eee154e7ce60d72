//! The `qcc` program: parse, wire together, print.
//!
//! Data goes to standard output, words to standard error, and the exit code says
//! how it ended (see `exit.rs`). What a library user would want lies in the
//! libraries, not here.

mod app;
mod cli;
mod commands;
mod config;
mod exit;
mod logging;
mod output;
mod wiring;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, error::ErrorKind};

use crate::{
    app::App,
    cli::Cli,
    commands::Command,
    config::{Config, Vars},
    exit::{Exit, exit_for, explain},
};

fn main() -> ExitCode {
    let cli = match Cli::try_parse_from(cli::arguments(std::env::args_os())) {
        Ok(cli) => cli,
        Err(error) => {
            if error.kind() == ErrorKind::InvalidUtf8
                && let Some(named) = cli::named_without_text(std::env::args_os())
            {
                output::complain(&format!("error: {named} is not UTF-8 text"));
                return Exit::Usage.into();
            }
            // Help and version arrive here too; a closed pipe is not an error.
            let _ = error.print();
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Done };
            return exit.into();
        }
    };
    match run(cli) {
        Ok(exit) => exit.into(),
        Err(error) => {
            let exit = exit_for(&error);
            if exit != Exit::Done {
                output::complain(&explain(&error));
            }
            exit.into()
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<Exit> {
    let vars = Vars::of_process();
    // The doctor tells all that is wrong; everybody else ends at the first.
    let config = match &cli.command {
        Command::Doctor(_) => Config::gather(&cli.global, &vars),
        _ => Config::load(&cli.global, &vars)?,
    };
    // Dropped last, when nobody has anything to log any more.
    let _pending = logging::start(&config, cli.command.logging())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .thread_name("qcc")
        .build()?;
    let mut app = App::new(config, Cli::command);
    let exit = runtime.block_on(commands::run(cli.command, &mut app))?;
    app.out.finish()?;
    // A store or download thread that hangs must not keep a finished program alive.
    runtime.shutdown_background();
    Ok(exit)
}
