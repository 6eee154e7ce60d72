//! Logs: to standard error, and never with a secret. Silent unless asked for,
//! except where a command is one that nobody watches.
//!
//! A line that cannot be written is lost, and nothing else: neither a log on a full
//! disk nor a reader that is gone or stalls may keep the work from going on.

mod line;

use std::io::IsTerminal;

use anyhow::Context;
use tracing_subscriber::{EnvFilter, fmt::writer::BoxMakeWriter};

pub(crate) use line::Pending;

use crate::{config::Config, exit::Usage};

/// How log lines are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// What kind of command logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Logging {
    /// One that somebody watches: silent unless asked for.
    Command,
    /// One that runs by itself: `info`, in the background, in a format that a flag may name.
    Service {
        /// What the flag says.
        format: Option<Format>,
    },
}

/// Starts logging as `QCC_LOG` says, else as many `-v` were given, else as the
/// command is used to. What it returns writes the last lines when it is dropped.
pub(crate) fn start(config: &Config, logging: Logging) -> anyhow::Result<Option<Pending>> {
    let serves = logging != Logging::Command;
    let filter = match &config.log {
        Some(log) => EnvFilter::try_new(&log.value).map_err(|error| {
            Usage::new(format!(
                "{} is not a log filter: try `info` or `qcc_sync=debug`",
                log.origin
            ))
            .with_source(error)
        })?,
        None => EnvFilter::new(level(config.verbosity, serves)),
    };
    // Others write each line at once, in its place between what they say.
    let (writer, pending) = match serves {
        true => {
            let (lines, pending) = line::in_background().context("starting the log failed")?;
            (BoxMakeWriter::new(move || lines.clone()), Some(pending))
        }
        false => (BoxMakeWriter::new(|| line::AtOnce), None),
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        // They are told with a macro that panics where nobody listens.
        .log_internal_errors(false)
        .with_writer(writer);
    let started = match format(config, logging)? {
        Format::Json => builder.json().flatten_event(true).with_current_span(false).try_init(),
        Format::Text => {
            let colours = std::io::stderr().is_terminal() && crate::output::colours_wanted();
            builder.with_ansi(colours).try_init()
        }
    };
    started.map_err(anyhow::Error::from_boxed).context("starting the log failed")?;
    Ok(pending)
}

fn format(config: &Config, logging: Logging) -> Result<Format, Usage> {
    match logging {
        Logging::Command => return Ok(Format::Text),
        Logging::Service { format: Some(format) } => return Ok(format),
        Logging::Service { format: None } => {}
    }
    match &config.serve.log_format {
        None => Ok(Format::Text),
        Some(format) => clap::ValueEnum::from_str(&format.value, false)
            .map_err(|_| Usage::new(format!("{} must be text or json", format.origin))),
    }
}

fn level(verbosity: u8, serves: bool) -> &'static str {
    match verbosity {
        0 if serves => "info",
        0 => "off",
        1 => "info",
        2 => "debug",
        _ => "trace",
    }
}
