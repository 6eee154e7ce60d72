//! The command line: names and flags, as `docs/cli.md` documents them.

use std::ffi::OsString;

use clap::Parser;

use crate::{commands::Command, config::GlobalArgs};

/// Receive the QCC Pro risk feed into a database, and never lose a record.
#[derive(Debug, Parser)]
#[command(
    name = "qcc",
    version,
    arg_required_else_help = true,
    after_help = "Exit codes: 0 done · 1 failed (network, disk) · 2 wrong usage or configuration · \
                  3 the vendor refused · 4 the archive was refused · 5 finished, but something \
                  waits or differs."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The arguments, read as they are meant: `qcc help … --help` asks for no more than
/// `qcc help …`, which the parser would refuse.
pub(crate) fn arguments(given: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut given: Vec<OsString> = given.collect();
    if given.get(1).is_some_and(|first| first == "help") {
        given.retain(|argument| argument != "--help" && argument != "-h");
    }
    given
}

/// Which argument is not text, by the flag before it or by its position: the parser
/// does not say.
pub(crate) fn named_without_text(arguments: impl Iterator<Item = OsString>) -> Option<String> {
    let mut flag = None;
    for (at, argument) in arguments.enumerate().skip(1) {
        match argument.to_str() {
            Some(text) if text.starts_with('-') => flag = Some(text.to_owned()),
            Some(_) => flag = None,
            None => {
                let lossy = argument.to_string_lossy();
                let joined = lossy.split_once('=').filter(|_| lossy.starts_with("--"));
                let name = joined.map(|(name, _)| name.to_owned()).or(flag);
                return Some(match name {
                    Some(name) => format!("the value of {name}"),
                    None => format!("argument {at}"),
                });
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_secret_is_a_flag() {
        fn visit(command: &clap::Command) {
            for argument in command.get_arguments() {
                let name = argument.get_id().as_str();
                if !argument.get_action().takes_values() {
                    continue;
                }
                let secret = name.contains("secret") || name == "password" || name == "token";
                assert!(!secret, "{} takes --{name}", command.get_name());
            }
            command.get_subcommands().for_each(visit);
        }
        visit(&Cli::command());
    }
}
