//! `qcc archive`: an archive at hand, without account or store.

mod info;
mod input;
mod label;
mod records;

use anyhow::Context;
use clap::{Args, Subcommand};

use crate::{app::App, exit::Exit, output::raw_stdout};
use input::Input;

#[derive(Debug, Subcommand)]
pub(crate) enum Archive {
    /// Authenticate an entry and print its content
    Cat(Cat),
    /// Authenticate the document and print its records as JSON Lines
    Records(records::Records),
    /// List what an archive claims to hold; nothing is decrypted
    Info(info::Info),
}

impl Archive {
    pub(crate) fn run(self, app: &mut App) -> anyhow::Result<Exit> {
        match self {
            Self::Cat(cat) => cat.run(app),
            Self::Records(records) => records.run(app),
            Self::Info(info) => info.run(app),
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Cat {
    #[command(flatten)]
    input: Input,
}

impl Cat {
    fn run(self, app: &mut App) -> anyhow::Result<Exit> {
        let verified = self.input.open(app)?;
        let mut stdout = raw_stdout().context("standard output cannot be used")?;
        // A pipe takes as long as the unpacking: neither waits for the other.
        let mut content = verified.into_reader().ahead().with_context(|| self.input.refused())?;
        content.write_to(&mut stdout).map_err(|error| {
            match qcc_archive::Error::from_io(&error) {
                Some(refused) => anyhow::Error::new(refused.clone())
                    .context(format!("{}; do not use what was printed", self.input.refused())),
                None => anyhow::Error::new(error),
            }
        })?;
        Ok(Exit::Done)
    }
}
