//! The parts put together: transport, client, store, archives, engine.

mod kept;
mod place;
mod slot;

use std::{
    ffi::OsStr,
    fmt,
    num::NonZeroU32,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context;
use qcc_http::{
    AnyTransport, BaseUrl, Client, DownloadPolicy, HyperTransport, Proxies, RedirectPolicy, Roots,
    Transport,
};
use qcc_sign::Credentials;
use qcc_sync::{Engine, FolderArchives, Parts, Policy, SystemClock, Worker};

pub(crate) use kept::{Replays, existing_archives, replay, tell_strays};
pub(crate) use place::{can_be_written, refuse_unmounted};
pub(crate) use qcc_sqlite::SqliteStore;

use crate::{
    config::{self, Config, Setting},
    exit::Usage,
};
pub(crate) use slot::Running;
use slot::{LEASE, Slot};

/// A client for the vendor, as configured.
///
/// # Errors
/// [`Usage`] where a setting is missing or cannot be one.
pub(crate) fn client(config: &Config) -> anyhow::Result<Client> {
    client_over(config, api_transport(config)?)
}

/// The same over another transport.
pub(crate) fn client_over(
    config: &Config,
    transport: impl Transport + 'static,
) -> anyhow::Result<Client> {
    client_of(config, config.credentials()?, transport)
}

fn client_of(
    config: &Config,
    credentials: Credentials,
    transport: impl Transport + 'static,
) -> anyhow::Result<Client> {
    Ok(Client::with_transport(credentials, transport)
        .with_base_url(base_url(config)?)
        .with_redirects(redirects(config)?)
        .with_downloads(download_hosts(config)?))
}

/// What calls and downloads go over.
pub(crate) fn api_transport(config: &Config) -> anyhow::Result<HyperTransport> {
    let builder = HyperTransport::builder().roots(roots(config)?).proxies(proxies(config)?);
    Ok(builder.build()?)
}

/// A transport that stays on this machine, whatever proxies are set.
pub(crate) fn local_transport() -> anyhow::Result<AnyTransport> {
    Ok(AnyTransport::new(HyperTransport::builder().build()?))
}

pub(crate) fn base_url(config: &Config) -> Result<BaseUrl, Usage> {
    let setting = &config.base_url;
    let wrong = || Usage::new(format!("{} is not a base URL", setting.origin));
    setting.value.parse().map_err(|error| wrong().with_source(error))
}

/// Where downloads may come from.
pub(crate) fn download_hosts(config: &Config) -> Result<DownloadPolicy, Usage> {
    let setting = &config.download_hosts;
    let wrong = || Usage::new(format!("{} is not a list of hosts", setting.origin));
    setting.value.parse().map_err(|error| wrong().with_source(error))
}

pub(crate) fn proxies(config: &Config) -> Result<Proxies, Usage> {
    Proxies::from_vars(|name| config.vars.value(name).map(str::to_owned))
        .map_err(|error| Usage::new("the proxy cannot be used").with_source(error))
}

/// Which redirects are followed.
pub(crate) fn redirects(config: &Config) -> Result<RedirectPolicy, Usage> {
    let Some(setting) = &config.redirects else { return Ok(RedirectPolicy::default()) };
    match setting.value.as_str() {
        "never" => Ok(RedirectPolicy::Never),
        "https" => Ok(RedirectPolicy::ToHttps),
        _ => {
            let origin = &setting.origin;
            Err(Usage::new(format!("{origin} must be `never` or `https` (to the same host)")))
        }
    }
}

/// Whom to trust for TLS: Mozilla's authorities, the machine's or those the usual
/// variables name in their place, and the company's own.
///
/// # Errors
/// [`Usage`] where a file that is named cannot be read or holds no certificate:
/// without it every call would fail with a worse message.
pub(crate) fn roots(config: &Config) -> Result<Roots, Usage> {
    let wrong = |name: &dyn fmt::Display, error| {
        Usage::new(format!("{name} cannot be used")).with_source(error)
    };
    let named = |name: &str| config.vars.value(name).map(str::to_owned);
    let mut roots = Roots::bundled();
    match (named("SSL_CERT_FILE"), named("SSL_CERT_DIR")) {
        (None, None) => roots = roots.and(Roots::platform()),
        (file, folders) => {
            if let Some(file) = file {
                let read = Roots::file(Path::new(&file));
                roots = roots.and(read.map_err(|error| wrong(&"SSL_CERT_FILE", error))?);
            }
            for folder in std::env::split_paths(&folders.unwrap_or_default()) {
                let read = Roots::folder(&folder);
                roots = roots.and(read.map_err(|error| wrong(&"SSL_CERT_DIR", error))?);
            }
        }
    }
    if let Some(setting) = &config.ca_file {
        let read = Roots::file(&setting.value);
        roots = roots.and(read.map_err(|error| wrong(&setting.origin, error))?);
    }
    Ok(roots)
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
pub(crate) fn named_store(
    value: impl AsRef<OsStr>,
    origin: impl fmt::Display,
) -> Result<PathBuf, Usage> {
    config::store_path(value.as_ref()).map_err(|fault| {
        Usage::new(format!("{origin} does not name a database")).with_source(fault)
    })
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
         name another by {}",
        origin.spelling(Setting::STORE)
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

/// An engine that works alone or beside others, and its store.
#[derive(Debug)]
pub(crate) struct Works {
    pub(crate) engine: Engine,
    pub(crate) store: Arc<SqliteStore>,
    /// The engine's client, and the credentials it began with.
    pub(crate) client: Client,
    pub(crate) credentials: Credentials,
    /// What the engine is called among the workers of the store.
    pub(crate) worker: String,
    /// What was not there before, for people to read.
    pub(crate) made: Vec<String>,
    /// Held for as long as the engine works.
    slot: Slot,
    archive_dir: PathBuf,
}

impl Works {
    /// Writes down that this process runs until it is stopped.
    pub(crate) fn announce(&self, command: &str) {
        self.slot.announce(command);
    }

    /// Writes down that it still runs, and looks which others do.
    pub(crate) fn others(&self) -> Vec<Running> {
        self.slot.touch();
        let mut running = slot::running(&self.archive_dir);
        running.retain(|other| other.worker != self.worker);
        running
    }
}

/// The processes that work on the configured archive folder until they are stopped.
pub(crate) fn running(config: &Config) -> Vec<Running> {
    slot::running(&config.archive_dir.value)
}

pub(crate) async fn engine(config: &Config) -> anyhow::Result<Works> {
    let credentials = config.credentials()?;
    let client = client_of(config, credentials.clone(), api_transport(config)?)?;
    let (path, folder) = (store_path(config)?, &config.archive_dir.value);
    // Before a database is created for nothing.
    check_folder_of(config, &path)?;
    place::refuse_no_folder(folder, &config.archive_dir.origin)?;
    let mut made = Vec::new();
    if !path.exists() {
        made.push(format!("new database: {}", path.display()));
    }
    let store = Arc::new(open(&path).await?);
    refuse_unmounted(&store, folder).await?;
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
    if let Some(concurrency) = &config.concurrency {
        policy.concurrent_orders = concurrency.value;
    }
    let engine = Engine::new(Parts {
        client: client.clone(),
        store: store.clone(),
        archives: Arc::new(archives),
        clock: Arc::new(SystemClock),
        worker: Worker { name: slot.name(), term: LEASE },
        policy,
    });
    Ok(Works {
        engine,
        store,
        client,
        credentials,
        worker: slot.name(),
        made,
        slot,
        archive_dir: folder.clone(),
    })
}

/// Whether the configured archive folder is one, or could be made.
pub(crate) fn refuse_no_archive_folder(config: &Config) -> Result<(), Usage> {
    place::refuse_no_folder(&config.archive_dir.value, &config.archive_dir.origin)
}

/// Whether a worker on the configured archive folder has certainly ended: nobody holds its
/// slot. False where that cannot be seen from here.
pub(crate) fn is_gone(config: &Config, worker: &str) -> bool {
    slot::is_free(&config.archive_dir.value, worker)
}

/// Whether the folder of a database that is still to make can be one.
fn check_folder_of(config: &Config, path: &Path) -> Result<(), Usage> {
    let Some(file) = path.parent().and_then(in_the_way) else { return Ok(()) };
    let origin = &config.store.origin;
    Err(Usage::new(format!(
        "the database {} ({origin}) cannot be made: {} is a file",
        path.display(),
        file.display()
    )))
}

/// The file that is in the way of a folder.
fn in_the_way(folder: &Path) -> Option<&Path> {
    folder.ancestors().find(|above| above.exists()).filter(|above| !above.is_dir())
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
