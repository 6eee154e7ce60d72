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
    /// See it work in seconds: the vendor simulated on loopback, end to end, offline
    Demo(demo::Demo),
    /// The vendor's push setting
    #[command(subcommand)]
    Push(push::Push),
    /// The vendor's orders: list, show, fetch
    #[command(subcommand)]
    Orders(orders::Orders),
    /// List, fetch, verify and apply until nothing is due
    Sync(sync::Sync),
    /// Receive the vendor's calls, poll, apply and mend, until told to stop
    Serve(serve::Serve),
    /// Look into an archive at hand
    #[command(subcommand)]
    Archive(archive::Archive),
    /// Query and export the records in the store
    Records(records::Records),
    /// Orders by state, gaps, window pressure, and what to do next
    Status(status::Status),
    /// Make waiting and quarantined orders due now
    Retry(retry::Retry),
    /// Say that records set aside, or unreadable lines of the list, have been seen
    Acknowledge(acknowledge::Acknowledge),
    /// Prove the table against the kept archives, or print each difference
    Verify(verify::Verify),
    /// Apply kept archives again, or rebuild the store from them alone
    Replay(replay::Replay),
    /// Copy the database as it is now into a new file, beside a running daemon
    Snapshot(snapshot::Snapshot),
    /// Copy database and archives into a folder, beside a running daemon
    Backup(backup::Backup),
    /// Make a backup the store again
    Restore(backup::Restore),
    /// Remove old or refused archives and old records, so that the proof knows of it
    Prune(prune::Prune),
    /// Run the simulated vendor as a server
    Sim(sim::Sim),
    /// Print the two headers of a signed call, for curl
    Token(token::Token),
    /// Check configuration, clock, network, store and disk
    Doctor(doctor::Doctor),
    /// Print the completions of a shell
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
