//! One file per command: its flags, and what it does with them.

pub(crate) mod acknowledge;
pub(crate) mod archive;
pub(crate) mod backup;
pub(crate) mod completions;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod hold;
pub(crate) mod orders;
pub(crate) mod prune;
pub(crate) mod push;
pub(crate) mod records;
pub(crate) mod replay;
pub(crate) mod retry;
pub(crate) mod serve;
pub(crate) mod sim;
pub(crate) mod snapshot;
pub(crate) mod status;
pub(crate) mod sync;
pub(crate) mod token;
pub(crate) mod verify;

use clap::Subcommand;

use crate::{app::App, exit::Exit, logging::Logging};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run everything once against a simulated vendor on loopback, offline
    Demo(demo::Demo),
    /// Change the vendor's push setting
    #[command(subcommand)]
    Push(push::Push),
    /// List, show, fetch, add and dismiss orders
    #[command(subcommand)]
    Orders(orders::Orders),
    /// Read the order list, then fetch, verify and apply what is due
    Sync(sync::Sync),
    /// Run the daemon: receive callbacks, read the order list, fetch and apply
    Serve(serve::Serve),
    /// Inspect a local archive
    #[command(subcommand)]
    Archive(archive::Archive),
    /// Query and export the records in the store
    Records(records::Records),
    /// Show orders by state, gaps, the daemon, and what to do next
    Status(status::Status),
    /// Retry waiting and quarantined orders now
    Retry(retry::Retry),
    /// Acknowledge records that were set aside, or unreadable lines of the order list
    Acknowledge(acknowledge::Acknowledge),
    /// Check the table against the kept archives and print each difference
    Verify(verify::Verify),
    /// Apply kept archives again, or rebuild the database from them
    Replay(replay::Replay),
    /// Copy the database into a new file while the daemon runs
    Snapshot(snapshot::Snapshot),
    /// Back up database and archives into a folder while the daemon runs
    Backup(backup::Backup),
    /// Restore database and archives from a backup
    Restore(backup::Restore),
    /// Remove old or refused archives and old records, and note what was removed
    Prune(prune::Prune),
    /// Run the simulated vendor as a server
    Sim(sim::Sim),
    /// Print the two headers of a signed call, for curl
    Token(token::Token),
    /// Check configuration, clock, network, store and disk
    Doctor(doctor::Doctor),
    /// Print shell completions
    Completions(completions::Completions),
}

impl Command {
    /// How this command logs.
    pub(crate) fn logging(&self) -> Logging {
        match self {
            Self::Serve(serve) => Logging::Service { format: serve.log_format },
            _ => Logging::Command,
        }
    }
}

/// Runs a command.
pub(crate) async fn run(command: Command, app: &mut App) -> anyhow::Result<Exit> {
    match command {
        Command::Demo(demo) => demo.run(app).await,
        Command::Push(push) => push.run(app).await,
        Command::Orders(orders) => orders.run(app).await,
        Command::Sync(sync) => sync.run(app).await,
        Command::Serve(serve) => serve.run(app).await,
        Command::Archive(archive) => archive.run(app),
        Command::Records(records) => records.run(app).await,
        Command::Status(status) => status.run(app).await,
        Command::Retry(retry) => retry.run(app).await,
        Command::Acknowledge(acknowledge) => acknowledge.run(app).await,
        Command::Verify(verify) => verify.run(app).await,
        Command::Replay(replay) => replay.run(app).await,
        Command::Snapshot(snapshot) => snapshot.run(app).await,
        Command::Backup(backup) => backup.run(app).await,
        Command::Restore(restore) => restore.run(app).await,
        Command::Prune(prune) => prune.run(app).await,
        Command::Sim(sim) => sim.run(app).await,
        Command::Token(token) => token.run(app),
        Command::Doctor(doctor) => doctor.run(app).await,
        Command::Completions(completions) => completions.run(app),
    }
}
