//! `qcc push`: whether, where and when the vendor calls (6.2.1, 6.2.3).

use clap::{Args, Subcommand};
use jiff::Timestamp;
use qcc_http::{Error, PushEchoed};
use qcc_proto::{CallbackUrl, PushSetting, PushState, PushWindow};
use qcc_sync::AccountExt as _;
use serde_json::json;

use crate::{
    app::App,
    commands::hold::IgnoreHold,
    config::Config,
    exit::{Exit, Usage, causes},
    output::plain,
    wiring::{self, SqliteStore},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Push {
    /// Tell the vendor where to call (6.2.1)
    Set(Set),
    /// Reactivate callbacks after five errors in a row (6.2.3)
    Activate(Activate),
}

#[derive(Debug, Args)]
pub(crate) struct Set {
    /// The callback URL: an absolute http or https URL
    #[arg(long, value_name = "URL", required_unless_present = "disable")]
    callback_url: Option<CallbackUrl>,
    /// The hour at which the two-hour push window begins: 9, 11, 13, 15, 17 or 19 (Shanghai time)
    #[arg(long, value_name = "HOUR")]
    window: Option<PushWindow>,
    /// Disable the push; the vendor requires a URL for this too, by default QCC_PUBLIC_URL
    #[arg(long)]
    disable: bool,
    #[command(flatten)]
    hold: IgnoreHold,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Activate {
    #[command(flatten)]
    hold: IgnoreHold,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl Push {
    pub(crate) async fn run(self, app: &mut App) -> anyhow::Result<Exit> {
        match self {
            Self::Set(set) => set.run(app).await,
            Self::Activate(activate) => activate.run(app).await,
        }
    }
}

impl Set {
    async fn run(self, app: &mut App) -> anyhow::Result<Exit> {
        let client = self.hold.client(app).await?;
        let callback_url = self.callback_url(&app.config)?;
        if !self.disable {
            no_query(&callback_url)?;
            for doubt in doubts(&callback_url) {
                app.notes.say(format_args!("note: {doubt}"));
            }
        }
        let enabled = if self.disable { PushState::Disabled } else { PushState::Enabled };
        let setting = PushSetting::new(callback_url).with_state(enabled).with_window(self.window);
        // One that is disabled is told as it is: no call comes that could be refused, and
        // a daemon that forgot its path would enable the push again.
        let ledger = match self.disable {
            true => Ledger(None),
            false => Ledger::open(app).await?,
        };
        ledger.doubt_path().await?;
        let echo = client.set_push(&setting, Timestamp::now()).await;
        if let Err(Error::EchoDiffers(echoed)) = &echo {
            app.notes.say(format_args!("sent:      {}", setting.callback_url));
            app.notes.say(format_args!("came back: {}", shown(echoed.reveal())));
        }
        let echo = echo?;
        if ledger.forget_path().await? {
            app.notes.say(
                "note: the URL had a secret path, which is gone; a running `qcc serve` with \
                 secret_path tells the vendor another within a minute",
            );
        }
        if self.json {
            app.out.json(&json!({
                "enabled": !self.disable,
                "callback_url": setting.callback_url.as_str(),
                "window": setting.window.map(PushWindow::start_hour),
                "echo": if echo == PushEchoed::Yes { "same" } else { "absent" },
            }))?;
            return Ok(Exit::Done);
        }
        let state = if self.disable { "off" } else { "on" };
        let when = setting.window.map(|window| format!(", {window}")).unwrap_or_default();
        app.out.line(format_args!("push is {state}: {}{when}", setting.callback_url))?;
        if echo != PushEchoed::Yes {
            app.notes.say("note: the vendor did not echo the callback URL, so it is not confirmed");
        }
        Ok(Exit::Done)
    }
}

impl Set {
    /// The URL to send: the vendor requires one even to disable the push (6.2.1).
    fn callback_url(&self, config: &Config) -> Result<CallbackUrl, Usage> {
        if let Some(url) = &self.callback_url {
            return Ok(url.clone());
        }
        let Some(known) = &config.serve.public_url else {
            return Err(Usage::new(
                "the vendor wants the callback URL even to stop the push (6.2.1): name the one it \
                 has by --callback-url, or set QCC_PUBLIC_URL",
            ));
        };
        known.value.parse().map_err(|error| {
            Usage::new(format!("{} is not a callback URL", known.origin)).with_source(error)
        })
    }
}

/// What a stranger sent, on one line that a person can read.
fn shown(text: &str) -> String {
    const LONGEST: usize = 1024;
    let cut: String = text.chars().take(LONGEST).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("{}{more}", plain(&cut))
}

/// What a daemon keeps of its dealings with the vendor, and a person overrides.
struct Ledger(Option<SqliteStore>);

impl Ledger {
    /// If no store was ever made there is none. One that cannot be used keeps
    /// nobody from telling the vendor.
    async fn open(app: &mut App) -> anyhow::Result<Self> {
        if !wiring::store_path(&app.config)?.exists() {
            return Ok(Self(None));
        }
        match wiring::existing_store(&app.config).await {
            Ok(store) => Ok(Self(Some(store))),
            Err(error) => {
                let why = causes(&error).join(": ");
                app.notes.say(format_args!(
                    "note: the push setting in the database was not updated: {why}"
                ));
                Ok(Self(None))
            }
        }
    }

    /// A secret path, which the URL that is set now overrides: the vendor may know
    /// either from here on, and both are accepted.
    async fn doubt_path(&self) -> anyhow::Result<()> {
        if let Some(store) = &self.0
            && let Some(path) = store.secret_path().await?
        {
            store.set_secret_path(Some(&path.doubted())).await?;
        }
        Ok(())
    }

    /// The vendor knows the other; returns whether there was one to forget.
    async fn forget_path(&self) -> anyhow::Result<bool> {
        let Some(store) = &self.0 else { return Ok(false) };
        let known = store.secret_path().await?.is_some();
        if known {
            store.set_secret_path(None).await?;
        }
        Ok(known)
    }
}

/// The vendor appends `?key=…` to the URL (6.2.2), so a second question mark would
/// come of one that has a query, and no receiver could tell where its own begins.
pub(super) fn no_query(url: &CallbackUrl) -> Result<(), Usage> {
    if !url.has_query() {
        return Ok(());
    }
    Err(Usage::new(
        "the callback URL has a query (`?…`), and the vendor appends `?key=…` to it (6.2.2), so \
         its calls could not be read: move the query into the path",
    ))
}

/// What may keep the vendor from calling, or others from not.
pub(super) fn doubts(url: &CallbackUrl) -> Vec<&'static str> {
    let mut doubts = Vec::new();
    if url.is_probably_private() {
        doubts.push("the vendor can hardly reach this host: it looks private");
    }
    if !url.is_https() {
        doubts
            .push("the call will travel unencrypted; it carries link and password of the archive");
    }
    doubts
}

impl Activate {
    async fn run(self, app: &mut App) -> anyhow::Result<Exit> {
        let client = self.hold.client(app).await?;
        client.activate(Timestamp::now()).await?;
        // The vendor counts from nothing again. Where the count cannot be written, the
        // next call that is answered well ends it.
        if let Ledger(Some(store)) = Ledger::open(app).await? {
            store.note_answer_errors(None).await?;
        }
        if self.json {
            app.out.json(&json!({ "activated": true }))?;
        } else {
            app.out.line("activated: the vendor calls again")?;
        }
        Ok(Exit::Done)
    }
}
