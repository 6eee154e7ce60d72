//! Logs: to standard error, silent unless asked for, and never with a secret.

use std::io::IsTerminal;

use anyhow::Context;
use tracing_subscriber::EnvFilter;

use crate::{config::Config, exit::Usage};

/// Starts logging as `QCC_LOG` says, else as many `-v` were given.
pub(crate) fn start(config: &Config) -> anyhow::Result<()> {
    let filter = match &config.log {
        Some(log) => EnvFilter::try_new(&log.value).map_err(|error| {
            Usage::new(format!("{} is no log filter: try `info` or `qcc_sync=debug`", log.origin))
                .with_source(error)
        })?,
        None => EnvFilter::new(level(config.verbosity)),
    };
    let colours = std::io::stderr().is_terminal() && crate::output::colours_wanted();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colours)
        .try_init()
        .map_err(anyhow::Error::from_boxed)
        .context("starting the log failed")
}

fn level(verbosity: u8) -> &'static str {
    match verbosity {
        0 => "off",
        1 => "info",
        2 => "debug",
        _ => "trace",
    }
}
