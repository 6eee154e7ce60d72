//! `qcc serve`: receive the vendor's calls, poll, apply, mend, and say so.

mod admin;
mod calls;
mod counted;
mod daemon;
mod descriptors;
mod health;
mod heartbeat;
mod metrics;
mod own_url;
mod random;
mod renew;
mod secret_key;
mod secret_path;
mod settings;
mod state;
mod stop;
mod systemd;
mod tally;
mod tls;
mod validity;

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    num::NonZeroUsize,
    path::PathBuf,
};

use clap::Args;

use crate::{
    app::App,
    config::{ServeSettings, concurrency},
    exit::{Exit, Usage},
    logging,
};
use daemon::Daemon;
pub(super) use random::random;
pub(super) use settings::heal_after;
use settings::{Settings, file_flag, flag};

#[derive(Debug, Args)]
#[command(
    after_help = "The vendor calls http://LISTEN/callback, as `qcc push set --callback-url` \
                        told it; health and metrics are on the admin address. More settings are in \
                        the table [serve] of qcc.toml: see docs/operations."
)]
pub(crate) struct Serve {
    /// Address for the vendor's callbacks [env: QCC_LISTEN] [default: 127.0.0.1:8090]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Path of the callbacks [env: QCC_CALLBACK_PATH] [default: /callback]
    #[arg(long, value_name = "PATH")]
    callback_path: Option<String>,
    /// Address of /healthz, /readyz, /status and /metrics, or `off` [env: QCC_ADMIN_LISTEN] [default: 127.0.0.1:9090]
    #[arg(long, value_name = "ADDRESS")]
    admin_listen: Option<String>,
    /// The callback URL as the vendor sees it, for the self-probe [env: QCC_PUBLIC_URL]
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// How often to read the order list [env: QCC_POLL_INTERVAL] [default: adapts to the rate of orders]
    #[arg(long, value_name = "TIME")]
    poll_interval: Option<String>,
    /// How many orders are fetched at the same time, 1 to 128 [env: QCC_CONCURRENCY] [default: 32]
    #[arg(long, value_name = "N", value_parser = concurrency)]
    concurrency: Option<NonZeroUsize>,
    /// Certificate chain of the callback listener, PEM; SIGHUP reloads it and the SecretKey
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// Its private key, PEM
    #[arg(long, value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// Log format: text or json
    #[arg(long, value_name = "FORMAT")]
    pub(crate) log_format: Option<logging::Format>,
}

impl Serve {
    pub(crate) async fn run(self, app: &mut App) -> anyhow::Result<Exit> {
        // First of all, while nothing else reads the environment.
        let inherited = systemd::Inherited::take()?;
        descriptors::raise();
        let settings = Settings::of(&self.said().over(app.config.serve.clone()))?;
        app.config.with_concurrency(self.concurrency);
        let daemon = Daemon::wire(app, settings, inherited).await?;
        daemon.run().await
    }

    /// The flags, as a layer of settings.
    fn said(&self) -> ServeSettings {
        ServeSettings {
            listen: flag(&self.listen, "listen"),
            callback_path: flag(&self.callback_path, "callback-path"),
            admin_listen: flag(&self.admin_listen, "admin-listen"),
            public_url: flag(&self.public_url, "public-url"),
            poll_interval: flag(&self.poll_interval, "poll-interval"),
            tls_cert: file_flag(self.tls_cert.as_deref(), "tls-cert"),
            tls_key: file_flag(self.tls_key.as_deref(), "tls-key"),
            ..ServeSettings::default()
        }
    }
}

/// Whether the settings can be what they claim, without acting on them.
///
/// # Errors
/// [`Usage`] where one cannot.
pub(super) fn check(said: &ServeSettings) -> Result<(), Usage> {
    Settings::of(said).map(|_| ())
}

/// Where a daemon with these settings shows its metrics, if it does.
///
/// # Errors
/// [`Usage`] if it is not an address.
pub(super) fn admin(said: &ServeSettings) -> Result<Option<SocketAddr>, Usage> {
    settings::admin(&said.admin_listen)
}

/// Where a daemon with these settings takes calls on this machine, and under which
/// path; `None` where it wants TLS, for its certificate names no such address.
///
/// # Errors
/// [`Usage`] where a setting cannot be what it claims.
pub(super) fn at_home(said: &ServeSettings) -> Result<Option<(SocketAddr, String)>, Usage> {
    let Settings { mut listen, path, tls, .. } = Settings::of(said)?;
    if listen.ip().is_unspecified() {
        listen.set_ip(match listen.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    Ok(tls.is_none().then_some((listen, path)))
}
