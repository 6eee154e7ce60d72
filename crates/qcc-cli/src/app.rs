//! What every command is handed: the configuration and where to print.

use crate::{
    config::Config,
    output::{Notes, Out},
};

/// One run of the program.
pub(crate) struct App {
    /// The settings in force, and where each came from.
    pub(crate) config: Config,
    /// Standard output: data.
    pub(crate) out: Out,
    /// Standard error: words.
    pub(crate) notes: Notes,
}

impl App {
    pub(crate) fn new(config: Config) -> Self {
        let notes = Notes::new(config.quiet);
        Self { config, out: Out::stdout(), notes }
    }
}
