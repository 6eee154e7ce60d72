//! Where a value came from, so that `doctor` and errors can name it.

use std::{fmt, path::PathBuf};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nobody set it.
    Default,
    /// A key of the configuration file.
    File {
        /// Which file.
        path: PathBuf,
        /// Which key.
        key: &'static str,
    },
    /// An environment variable.
    Environment(&'static str),
    /// A flag.
    Flag(&'static str),
}

/// A setting's name at each place it can be set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    /// In `qcc.toml`.
    pub(crate) key: &'static str,
    /// In the environment.
    pub(crate) variable: Option<&'static str>,
    /// On the command line.
    pub(crate) flag: Option<&'static str>,
}

impl Setting {
    pub(crate) const STORE: Self =
        Self { key: "store", variable: Some("QCC_STORE"), flag: Some("store") };
    pub(crate) const ARCHIVE_DIR: Self =
        Self { key: "archive_dir", variable: Some("QCC_ARCHIVE_DIR"), flag: Some("archive-dir") };
    pub(crate) const LISTEN: Self =
        Self { key: "listen", variable: Some("QCC_LISTEN"), flag: Some("listen") };
    pub(crate) const ADMIN_LISTEN: Self = Self {
        key: "admin_listen",
        variable: Some("QCC_ADMIN_LISTEN"),
        flag: Some("admin-listen"),
    };
    pub(crate) const TLS_CERT: Self =
        Self { key: "tls_cert", variable: None, flag: Some("tls-cert") };
    pub(crate) const TLS_KEY: Self = Self { key: "tls_key", variable: None, flag: Some("tls-key") };
}

impl Origin {
    /// How another setting is written at the place this value came from, so that
    /// one message speaks one language.
    pub(crate) fn spelling(&self, setting: Setting) -> String {
        let Setting { key, variable, flag } = setting;
        let as_flag = || flag.map(|name| format!("--{name}"));
        let as_variable = || variable.map(str::to_owned);
        let found = match self {
            Self::Flag(_) => as_flag(),
            Self::Environment(_) => as_variable(),
            Self::File { .. } => None,
            Self::Default => as_variable().or_else(as_flag),
        };
        found.unwrap_or_else(|| format!("`{key}`"))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("the default"),
            Self::File { path, key } => write!(f, "`{key}` in {}", path.display()),
            Self::Environment(name) => write!(f, "{name}"),
            Self::Flag(name) => write!(f, "--{name}"),
        }
    }
}

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sourced<T> {
    pub(crate) value: T,
    pub(crate) origin: Origin,
}

impl<T> Sourced<T> {
    pub(crate) fn default_of(value: T) -> Self {
        Self { value, origin: Origin::Default }
    }
}
