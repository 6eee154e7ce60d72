//! What every command is handed: the configuration and where to print.

use crate::{
    config::Config,
    output::{Notes, Out},
};

/// One run of the program.
pub(crate) struct App {
    /// The settings in force, and where each came from.
    pub(crate) config: Config,
    /// The command line as a whole, for completions.
    pub(crate) command_line: fn() -> clap::Command,
    /// Standard output: data.
    pub(crate) out: Out,
    /// Standard error: words.
    pub(crate) notes: Notes,
}

impl App {
    pub(crate) fn new(config: Config, command_line: fn() -> clap::Command) -> Self {
        let notes = Notes::new(config.quiet, config.verbosity > 0 || config.log.is_some());
        Self { config, command_line, out: Out::stdout(), notes }
    }
}
