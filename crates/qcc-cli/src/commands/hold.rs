//! A hold on all calls, heeded by commands that call the vendor once.
//!
//! The vendor asked for silence, of every program that bears the account's key.
//! A store that is there knows of it, whoever made it.

use clap::Args;
use jiff::Timestamp;
use qcc_http::Client;
use qcc_sync::{AccountExt as _, Hold};

use crate::{
    app::App,
    config::Config,
    exit::{Resting, causes},
    wiring,
};

#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct IgnoreHold {
    /// Call the vendor even though calls are paused
    #[arg(long)]
    ignore_hold: bool,
}

impl IgnoreHold {
    /// A client for one call, unless calls are paused.
    ///
    /// # Errors
    /// [`Resting`] where they do, and whatever keeps a client from being made.
    pub(crate) async fn client(self, app: &App) -> anyhow::Result<Client> {
        let client = wiring::client(&app.config)?;
        match self.hold(&app.config, Timestamp::now()).await {
            Ok(None) => Ok(client),
            Ok(Some(resting)) => Err(resting.into()),
            Err(error) => {
                let why = causes(&error).join(": ");
                app.notes.say(format_args!("note: cannot tell whether calls are paused: {why}"));
                Ok(client)
            }
        }
    }

    /// The hold that forbids a call now. One that waits for a person does not: it is
    /// a person who runs this.
    pub(crate) async fn hold(
        self,
        config: &Config,
        now: Timestamp,
    ) -> anyhow::Result<Option<Resting>> {
        if self.ignore_hold || !wiring::store_path(config)?.exists() {
            return Ok(None);
        }
        let hold = wiring::existing_store(config).await?.hold().await?;
        Ok(hold.and_then(|Hold { until, reason, .. }| {
            let until = until.filter(|until| now < *until)?;
            Some(Resting::new(until, &reason))
        }))
    }
}
