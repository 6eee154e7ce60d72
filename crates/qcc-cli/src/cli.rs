//! The command line: names and flags, as `docs/cli.md` documents them.

use std::ffi::OsString;

use clap::{Parser, Subcommand};

use crate::{commands, config::GlobalArgs};

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

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// See it work in seconds: the vendor simulated on loopback, end to end, offline
    Demo(commands::demo::Demo),
    /// The vendor's push setting
    #[command(subcommand)]
    Push(commands::push::Push),
    /// The vendor's orders: list, show, fetch
    #[command(subcommand)]
    Orders(commands::orders::Orders),
    /// List, fetch, verify and apply until nothing is due
    Sync(commands::sync::Sync),
    /// Receive the vendor's calls, poll, apply and mend, until told to stop
    Serve(commands::serve::Serve),
    /// Look into an archive at hand
    #[command(subcommand)]
    Archive(commands::archive::Archive),
    /// Query and export the records in the store
    Records(commands::records::Records),
    /// Orders by state, gaps, window pressure, and what to do next
    Status(commands::status::Status),
    /// Make waiting and quarantined orders due now
    Retry(commands::retry::Retry),
    /// Say that records set aside, or unreadable lines of the list, have been seen
    Acknowledge(commands::acknowledge::Acknowledge),
    /// Prove the table against the kept archives, or print each difference
    Verify(commands::verify::Verify),
    /// Apply kept archives again, or rebuild the store from them alone
    Replay(commands::replay::Replay),
    /// Copy the database as it is now into a new file, beside a running daemon
    Snapshot(commands::snapshot::Snapshot),
    /// Remove old or refused archives and old records, so that the proof knows of it
    Prune(commands::prune::Prune),
    /// Run the simulated vendor as a server
    Sim(commands::sim::Sim),
    /// Print the two headers of a signed call, for curl
    Token(commands::token::Token),
    /// Check configuration, clock, network, store and disk
    Doctor(commands::doctor::Doctor),
    /// Print the completions of a shell
    Completions(commands::completions::Completions),
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

/// Which argument is no text, by the flag before it or by its place: the parser
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
