//! `qcc completions`: what a shell needs to complete our commands.

use std::io::Write;

use clap::Args;
use clap_complete::{Shell, generate};

use crate::{app::App, exit::Exit};

#[derive(Debug, Args)]
#[command(
    after_help = "Example: qcc completions bash > ~/.local/share/bash-completion/completions/qcc"
)]
pub(crate) struct Completions {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, app: &mut App) -> anyhow::Result<Exit> {
        // The generator panics where its writer fails, so it writes to memory.
        let mut script = Vec::new();
        generate(self.shell, &mut (app.command_line)(), "qcc", &mut script);
        app.out.write_all(&script)?;
        Ok(Exit::Done)
    }
}
