//! The parts put together: transport, client, store, archives, engine.

mod kept;
mod place;
mod slot;

use std::{
    fmt,
    num::NonZeroU32,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use qcc_http::{BaseUrl, Client, DownloadHosts, HttpClient, HyperTransport, Proxies};
use qcc_sync::{Engine, FolderArchives, Parts, Policy, SystemClock, Worker};

pub(crate) use kept::{Replays, existing_archives, replay, tell_strays};
pub(crate) use place::can_be_written;
pub(crate) use qcc_sqlite::SqliteStore;

use crate::{config::Config, exit::Usage};
use slot::Slot;

/// A client for the vendor, as configured.
///
/// # Errors
/// [`Usage`] where a setting is missing or cannot be one.
pub(crate) fn client(config: &Config) -> anyhow::Result<Client> {
    client_over(config, HttpClient::new(api_transport(config)?))
}

/// The same, with calls over another stack.
pub(crate) fn client_over(config: &Config, api: HttpClient) -> anyhow::Result<Client> {
    let credentials = config.credentials()?;
    let hosts = download_hosts(config)?;
    let files = HyperTransport::builder()
        .proxies(proxies(config)?)
        .address_rules(hosts.address_rules())
        .build()?;
    Ok(Client::new(credentials, api)
        .with_files(HttpClient::new(files))
        .with_base_url(base_url(config)?)
        .with_download_hosts(hosts))
}

/// What signed calls go over: the base URL is the operator's word, so every
/// address is fine.
pub(crate) fn api_transport(config: &Config) -> anyhow::Result<HyperTransport> {
    Ok(HyperTransport::builder().proxies(proxies(config)?).build()?)
}

/// A transport that stays on this machine, whatever proxies are set.
pub(crate) fn local_transport() -> anyhow::Result<HttpClient> {
    Ok(HttpClient::new(HyperTransport::builder().build()?))
}

pub(crate) fn base_url(config: &Config) -> Result<BaseUrl, Usage> {
    let setting = &config.base_url;
    let wrong = || Usage::new(format!("{} is no base URL", setting.origin));
    setting.value.parse().map_err(|error| wrong().with_source(error))
}

pub(crate) fn download_hosts(config: &Config) -> Result<DownloadHosts, Usage> {
    let setting = &config.download_hosts;
    let wrong = || Usage::new(format!("{} is no list of hosts", setting.origin));
    setting.value.parse().map_err(|error| wrong().with_source(error))
}

pub(crate) fn proxies(config: &Config) -> Result<Proxies, Usage> {
    Proxies::from_vars(|name| config.vars.value(name).map(str::to_owned))
        .map_err(|error| Usage::new("the proxy cannot be used").with_source(error))
}

/// Where the database lies.
///
/// # Errors
/// [`Usage`] where the setting names none this version can use.
pub(crate) fn store_path(config: &Config) -> Result<PathBuf, Usage> {
    named_store(&config.store.value, &config.store.origin)
}

/// Where the database lies that `origin` names.
///
/// # Errors
/// [`Usage`] where it names none this version can use.
pub(crate) fn named_store(value: &str, origin: impl fmt::Display) -> Result<PathBuf, Usage> {
    match value.split_once(':') {
        Some(("sqlite", path)) if !path.is_empty() => Ok(PathBuf::from(path)),
        Some(("postgres" | "postgresql", _)) => Err(Usage::new(format!(
            "{origin} asks for PostgreSQL, which is not in this version: use sqlite:PATH"
        ))),
        // A database's URL may hold a password, so it is not repeated.
        _ => Err(Usage::new(format!("{origin} is no store: sqlite:PATH is expected"))),
    }
}

/// The store, for commands that only make sense where there is one.
pub(crate) async fn existing_store(config: &Config) -> anyhow::Result<SqliteStore> {
    let path = named_existing(config)?;
    SqliteStore::open_existing(&path).await.with_context(|| cannot_be_used(&path))
}

/// The store, for commands that only read: nothing is made, and nothing is changed
/// where it must not be.
pub(crate) async fn store_to_read(config: &Config) -> anyhow::Result<SqliteStore> {
    let path = named_existing(config)?;
    SqliteStore::open_to_read(&path).await.with_context(|| cannot_be_used(&path))
}

fn named_existing(config: &Config) -> anyhow::Result<PathBuf> {
    let path = store_path(config)?;
    let found = path.metadata();
    // A file without a byte in it was never a database.
    if found.as_ref().is_ok_and(|found| !found.is_file() || found.len() > 0) {
        return Ok(path);
    }
    let shown = path.display();
    let origin = &config.store.origin;
    let what = match found {
        Ok(_) => format!("there is no database in {shown} ({origin}), the file is empty"),
        Err(_) => format!("there is no database {shown} ({origin})"),
    };
    let message = format!(
        "{what}: run `qcc sync` first, `qcc replay` where it was lost and archives are kept, or \
         set QCC_STORE"
    );
    Err(Usage::new(message).into())
}

/// Opens or makes a database.
pub(crate) async fn open(path: &Path) -> anyhow::Result<SqliteStore> {
    place::refuse_without_folder(path, "the database")?;
    SqliteStore::open(path).await.with_context(|| cannot_be_used(path))
}

fn cannot_be_used(path: &Path) -> String {
    format!("the database {} cannot be used", path.display())
}

/// How long a lease lasts unless renewed. Slots make up for a crash at once, so
/// it may be long.
const LEASE: Duration = Duration::from_secs(600);

/// An engine that works alone or beside others, and its store.
#[derive(Debug)]
pub(crate) struct Works {
    pub(crate) engine: Engine<SqliteStore, FolderArchives, SystemClock>,
    pub(crate) store: Arc<SqliteStore>,
    /// What was not there before, for people to read.
    pub(crate) made: Vec<String>,
    /// Held for as long as the engine works.
    _slot: Slot,
}

pub(crate) async fn engine(config: &Config) -> anyhow::Result<Works> {
    let client = client(config)?;
    let (path, folder) = (store_path(config)?, &config.archive_dir.value);
    // Before a database is made in vain.
    place::refuse_no_folder(folder, &config.archive_dir.origin)?;
    let mut made = Vec::new();
    if !path.exists() {
        made.push(format!("new database: {}", path.display()));
    }
    let store = Arc::new(open(&path).await?);
    place::refuse_unmounted(&store, folder).await?;
    if !folder.exists() {
        made.push(format!("new archive folder: {}", folder.display()));
    }
    let archives = FolderArchives::open(folder)
        .with_context(|| format!("the archive folder {} cannot be used", folder.display()))?;
    let slot = Slot::take(folder)?;
    let mut policy = Policy::default();
    if let Some(window) = config.window.as_ref().and_then(|w| NonZeroU32::new(w.value)) {
        policy.window = window;
    }
    let engine = Engine::new(Parts {
        client,
        store: Arc::clone(&store),
        archives: Arc::new(archives),
        clock: SystemClock,
        worker: Worker { name: slot.name(), term: LEASE },
        policy,
    });
    Ok(Works { engine, store, made, _slot: slot })
}

/// Resolves when the process is asked to end.
pub(crate) async fn asked_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
