//! One layer of settings, and the two that are no file: environment and flags.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    path::PathBuf,
};

use super::{GlobalArgs, Origin, Secret, ServeSettings, Sourced};
use crate::{exit::Usage, output::plain};

/// What one layer says; most of it usually nothing.
#[derive(Debug, Default)]
pub(super) struct Layer {
    pub(super) key: Option<Sourced<String>>,
    pub(super) secret_key: Option<Sourced<Secret>>,
    pub(super) secret_key_file: Option<Sourced<PathBuf>>,
    pub(super) base_url: Option<Sourced<String>>,
    pub(super) download_hosts: Option<Sourced<String>>,
    pub(super) ca_file: Option<Sourced<PathBuf>>,
    pub(super) redirects: Option<Sourced<String>>,
    pub(super) store: Option<Sourced<OsString>>,
    pub(super) archive_dir: Option<Sourced<PathBuf>>,
    pub(super) archive_password: Option<Sourced<Secret>>,
    pub(super) window: Option<Sourced<u32>>,
    pub(super) concurrency: Option<Sourced<String>>,
    pub(super) log: Option<Sourced<String>>,
    pub(super) serve: ServeSettings,
}

impl Layer {
    pub(super) fn of_vars(vars: &Vars) -> Self {
        let text = |name| of_variable(vars, name);
        let path = |name| {
            let value = PathBuf::from(vars.raw(name)?);
            Some(Sourced { value, origin: Origin::Environment(name) })
        };
        let store = vars.raw("QCC_STORE").map(|value| Sourced {
            value: value.to_owned(),
            origin: Origin::Environment("QCC_STORE"),
        });
        let secret = |name| {
            let value = Secret::new(vars.value(name)?);
            Some(Sourced { value, origin: Origin::Environment(name) })
        };
        Self {
            key: text("QCC_KEY"),
            secret_key: secret("QCC_SECRET_KEY"),
            secret_key_file: path("QCC_SECRET_KEY_FILE"),
            base_url: text("QCC_BASE_URL"),
            download_hosts: text("QCC_DOWNLOAD_HOSTS"),
            ca_file: path("QCC_CA_FILE"),
            redirects: text("QCC_REDIRECTS"),
            store,
            archive_dir: path("QCC_ARCHIVE_DIR"),
            archive_password: secret("QCC_ARCHIVE_PASSWORD"),
            window: None,
            concurrency: text("QCC_CONCURRENCY"),
            log: text("QCC_LOG"),
            serve: ServeSettings::of_vars(vars),
        }
    }

    pub(super) fn of_flags(flags: &GlobalArgs) -> Self {
        let text = |value: &Option<String>, name| {
            let value = value.clone()?;
            Some(Sourced { value, origin: Origin::Flag(name) })
        };
        let store =
            flags.store.clone().map(|value| Sourced { value, origin: Origin::Flag("store") });
        let archive_dir = flags
            .archive_dir
            .clone()
            .map(|value| Sourced { value, origin: Origin::Flag("archive-dir") });
        Self {
            key: text(&flags.key, "key"),
            base_url: text(&flags.base_url, "base-url"),
            download_hosts: text(&flags.download_hosts, "download-hosts"),
            store,
            archive_dir,
            ..Self::default()
        }
    }
}

/// A variable's text and its name.
pub(super) fn of_variable(vars: &Vars, name: &'static str) -> Option<Sourced<String>> {
    let value = vars.value(name)?.to_owned();
    Some(Sourced { value, origin: Origin::Environment(name) })
}

/// Names this version reads.
const KNOWN: [&str; 18] = [
    "QCC_CONFIG",
    "QCC_KEY",
    "QCC_SECRET_KEY",
    "QCC_SECRET_KEY_FILE",
    "QCC_BASE_URL",
    "QCC_DOWNLOAD_HOSTS",
    "QCC_CA_FILE",
    "QCC_REDIRECTS",
    "QCC_STORE",
    "QCC_ARCHIVE_DIR",
    "QCC_ARCHIVE_PASSWORD",
    "QCC_LOG",
    "QCC_CONCURRENCY",
    "QCC_LISTEN",
    "QCC_CALLBACK_PATH",
    "QCC_ADMIN_LISTEN",
    "QCC_PUBLIC_URL",
    "QCC_POLL_INTERVAL",
];

/// Those whose value is a path, which may be any bytes the system allows.
const PATHS: [&str; 4] = ["QCC_CONFIG", "QCC_SECRET_KEY_FILE", "QCC_STORE", "QCC_ARCHIVE_DIR"];

/// The proxy variables people set, in either case.
const PROXY: [&str; 8] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
];

/// The usual variables for authorities to trust.
const AUTHORITIES: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// The environment, as far as it concerns this program. `Debug` shows names.
#[derive(Clone, Default)]
pub(crate) struct Vars(BTreeMap<String, OsString>);

impl Vars {
    /// Those of this process.
    pub(crate) fn of_process() -> Self {
        let ours = |name: &str| {
            name.starts_with("QCC_")
                || PROXY.contains(&name)
                || AUTHORITIES.contains(&name)
                || name == "REQUEST_METHOD"
        };
        let named = std::env::vars_os().filter_map(|(name, value)| {
            // A name with foreign bytes is none of ours, but may look like one.
            let name = name.to_string_lossy().into_owned();
            ours(&name).then_some((name, value))
        });
        Self(named.collect())
    }

    /// A variable's text; one that is empty counts as not set.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.raw(name)?.to_str()
    }

    /// A variable's bytes; one that is empty counts as not set.
    pub(super) fn raw(&self, name: &str) -> Option<&OsStr> {
        self.0.get(name).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// The variables that must be text and are not. They would else count as not
    /// set, and a default would take their place.
    pub(super) fn no_text(&self) -> impl Iterator<Item = Usage> + '_ {
        let names = KNOWN.iter().filter(|name| !PATHS.contains(name)).chain(PROXY.iter());
        names
            .filter(|name| self.raw(name).is_some_and(|value| value.to_str().is_none()))
            .map(|name| Usage::new(format!("the value of {name} is not UTF-8 text: set it anew")))
    }

    /// Remarks about variables that look like ours and are not.
    pub(super) fn unknown(&self) -> Vec<String> {
        let ours = self.0.keys().filter(|name| name.starts_with("QCC_"));
        let unknown = ours.filter(|name| !KNOWN.contains(&name.as_str()));
        unknown
            .map(|name| format!("{} is set, but no setting has that name", plain(name)))
            .collect()
    }
}

impl std::fmt::Debug for Vars {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
impl<const N: usize> From<[(&str, &str); N]> for Vars {
    fn from(pairs: [(&str, &str); N]) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect())
    }
}
