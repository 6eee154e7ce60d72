//! `qcc token`: the two headers of a signed call, for curl.

use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use crate::{app::App, exit::Exit};

#[derive(Debug, Args)]
#[command(after_help = "Example: qcc token | curl -H @- \"https://pro.qcc.com/…?key=$QCC_KEY\"")]
pub(crate) struct Token {
    /// Sign for this instant (Unix seconds) instead of now
    #[arg(long, value_name = "UNIX")]
    at: Option<i64>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl Token {
    pub(crate) fn run(self, app: &mut App) -> anyhow::Result<Exit> {
        let credentials = app.config.credentials()?;
        let signed = credentials.sign(self.at.unwrap_or_else(|| Timestamp::now().as_second()));
        if self.json {
            app.out
                .json(&json!({ "timespan": signed.timespan, "token": signed.token.reveal() }))?;
        } else {
            app.out.line(format_args!("Token: {}", signed.token.reveal()))?;
            app.out.line(format_args!("Timespan: {}", signed.timespan))?;
        }
        app.notes.say(
            "This is a credential: for about five minutes, whoever has it can make any call in \
             your name.",
        );
        Ok(Exit::Done)
    }
}
