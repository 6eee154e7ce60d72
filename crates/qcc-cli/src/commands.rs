//! One file per command: its flags, and what it does with them.

pub(crate) mod acknowledge;
pub(crate) mod archive;
pub(crate) mod completions;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod orders;
pub(crate) mod peace;
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

use crate::{app::App, cli::Command, exit::Exit};

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
        Command::Prune(prune) => prune.run(app).await,
        Command::Sim(sim) => sim.run(app).await,
        Command::Token(token) => token.run(app),
        Command::Doctor(doctor) => doctor.run(app).await,
        Command::Completions(completions) => completions.run(app),
    }
}
